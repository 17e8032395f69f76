"""What goes wrong says so: a clear page in the reader's language, what was typed still there, nothing changed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import event
from werkzeug.test import TestResponse

from app import clock
from app.accounts import tokens
from app.accounts.actor import SYSTEM
from app.db import Base, close_read_session, session, transaction
from app.inbox import service as inbox
from tests.factories import PASSWORD, Desk

LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
TYPED = {"title": "摄像头夜里黑屏", "description": "每天晚上八点以后画面全黑", "customer_name": "赵文礼"}


@dataclass
class Visit:
    """Somebody at the desk in one language; `case` and `item` are there to go wrong with."""

    app: Flask
    desk: Desk
    client: FlaskClient
    language: str
    case: str
    item: int

    def ask(self, method: str, address: str, **options: Any) -> TestResponse:
        """Send a request in the visitor's language."""
        headers = {"Accept-Language": LANGUAGES[self.language], **options.pop("headers", {})}
        return self.client.open(address, method=method, headers=headers, **options)

    def sign_in(self, username: str) -> None:
        """Sign in, without a token: the test of the token switches its check on afterwards."""
        answer = self.ask("POST", "/login", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 303

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """Every row of every table is as before."""
        before = self.rows()
        yield
        assert self.rows() == before

    def rows(self) -> dict[str, list[Any]]:
        """Return what is in the database."""
        with self.app.app_context():
            close_read_session()
            found = {
                table.name: sorted(map(repr, session().execute(sa.select(table)).all()))
                for table in Base.metadata.sorted_tables
            }
            close_read_session()
        return found


@pytest.fixture(params=LANGUAGES)
def visit(request: pytest.FixtureRequest, app: Flask, client: FlaskClient) -> Iterator[Visit]:
    """An agent in a centre with one case, once in Chinese and once in English."""
    with app.app_context():
        desk = Desk(app)
        case = desk.receive(title="终端频繁离线")
        found = Visit(app, desk, client, request.param, case.row.number, case.item("register").id)
        close_read_session()
    found.sign_in("agent")
    yield found
    with app.app_context():
        desk.close()


def check_page(answer: TestResponse, status: int, language: str, *words: str) -> str:
    """The answer is a whole page of that status, in the language, and says these words; returns its text."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "text/html"
    tree = html.fromstring(answer.text)
    assert tree.get("lang") == {"zh": "zh-CN", "en": "en"}[language]
    heading = tree.xpath("//h1")[0].text_content()
    is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in heading.replace("何雨桐", ""))
    assert is_chinese == (language == "zh"), heading
    assert "Traceback" not in answer.text
    text = tree.text_content() + " ".join(tree.xpath("//@value"))
    for one in words:
        assert one in text, f"{one!r} is not on the page"
    return text


def test_a_form_that_does_not_fit_comes_back_filled(visit: Visit):
    visit.ask("POST", f"/inbox/{visit.item}/claim")
    with visit.nothing_changes():
        answer = visit.ask("POST", f"/inbox/{visit.item}/complete", data=TYPED)
    said = {"zh": "还有 1 处没填好，内容都已保留。", "en": "One field still needs an answer."}[visit.language]
    check_page(answer, 422, visit.language, said, *TYPED.values())


def test_a_call_that_does_not_fit_comes_back_filled(visit: Visit):
    with visit.nothing_changes():
        answer = visit.ask("POST", "/cases/new", data={**TYPED, "customer_phone": "12", "severity": "normal"})
    check_page(answer, 422, visit.language, "12", *TYPED.values())


def test_a_report_that_does_not_fit_comes_back_filled(visit: Visit):
    with visit.nothing_changes():
        answer = visit.ask("POST", "/report", data={"description": TYPED["description"], "name": "秦玉兰"})
    check_page(answer, 422, visit.language, TYPED["description"], "秦玉兰")


def test_a_case_of_somebody_else_is_not_there(visit: Visit):
    visit.sign_in("repairpoint")
    with visit.nothing_changes():
        for method, address in (
            ("GET", f"/cases/{visit.case}"),
            ("POST", f"/cases/{visit.case}/comments"),
            ("POST", f"/cases/{visit.case}/information"),
            ("GET", f"/inbox/{visit.item}"),
            ("POST", f"/inbox/{visit.item}/claim"),
            ("POST", f"/inbox/{visit.item}/complete"),
        ):
            answer = visit.ask(method, address, data={"body": "不该写上的话"} if method == "POST" else None)
            text = check_page(answer, 404, visit.language)
            assert "终端频繁离线" not in text, address


def test_what_a_role_may_not_do_is_refused(visit: Visit):
    with visit.nothing_changes():
        for address in ("/admin/users", "/procedures/incidents", "/admin/outbox"):
            check_page(visit.ask("GET", address), 403, visit.language)


def test_who_sends_a_task_that_a_colleague_has_done_reads_who_and_keeps_the_answers(visit: Visit):
    with visit.app.app_context():
        with transaction():
            colleague = visit.desk.actor("agent2")
            inbox.complete(visit.item, {**TYPED, "severity": "high"}, actor=colleague, now=clock.now())
        close_read_session()
    mine = {**TYPED, "title": "画面黑，已报两次", "severity": "low", "revision": "0"}
    with visit.nothing_changes():
        answer = visit.ask("POST", f"/inbox/{visit.item}/complete", data=mine)
    name = {"zh": "何雨桐", "en": "He Yutong"}[visit.language]
    check_page(answer, 409, visit.language, name, "画面黑，已报两次", TYPED["title"])


def test_a_page_that_is_older_than_the_task_is_refused_and_keeps_the_answers(visit: Visit):
    visit.ask("POST", f"/inbox/{visit.item}/claim")
    with visit.nothing_changes():
        stale = {**TYPED, "severity": "low", "revision": "41"}
        answer = visit.ask("POST", f"/inbox/{visit.item}/complete", data=stale)
    check_page(answer, 409, visit.language, *TYPED.values())


def test_a_form_without_its_token_is_not_taken_and_can_be_sent_again(visit: Visit):
    visit.app.config["WTF_CSRF_ENABLED"] = True
    with visit.nothing_changes():
        for address in (f"/inbox/{visit.item}/complete", "/cases/new", "/report"):
            answer = visit.ask("POST", address, data=TYPED)
            check_page(answer, 400, visit.language, *TYPED.values())
            assert 'name="csrf_token" value="' in answer.text


@contextmanager
def dead_database(app: Flask) -> Iterator[None]:
    """Nobody can connect any more, and those who were are cut off."""
    database = app.extensions["db_engine"]

    def refuse(dialect: sa.Dialect, *_rest: object) -> None:
        raise dialect.loaded_dbapi.OperationalError("the server is away")  # type: ignore[attr-defined]

    event.listen(database, "do_connect", refuse)
    database.dispose()
    try:
        yield
    finally:
        event.remove(database, "do_connect", refuse)


def test_without_a_database_the_page_says_so_and_keeps_what_was_typed(visit: Visit):
    with visit.nothing_changes():
        with dead_database(visit.app):
            pages = [
                visit.ask("GET", address)
                for address in ("/inbox", f"/cases/{visit.case}", "/track/K26-10001")
            ]
            sent = [
                visit.ask("POST", address, data=TYPED)
                for address in (f"/inbox/{visit.item}/complete", "/cases/new")
            ]
            health = visit.ask("GET", "/healthz"), visit.ask("GET", "/readyz")
            script = visit.ask("GET", "/api/v1/cases", headers={"Authorization": "Bearer sd_x"})
        assert visit.ask("GET", "/inbox").status_code == 200  # and all is well once it is back
    for answer in (*pages, *sent):
        check_page(answer, 503, visit.language)
        assert answer.headers["Retry-After"]
    for answer in sent:
        check_page(answer, 503, visit.language, *TYPED.values())
    assert [one.status_code for one in health] == [200, 503]
    assert (script.status_code, script.mimetype) == (503, "application/problem+json")


def test_an_unknown_number_or_address_is_not_found(visit: Visit):
    addresses = ("/cases/K26-99999", "/cases/K26-99999999999999999999", "/cases/%00", "/inbox/999999", "/nowhere",
                 "/inbox/99999999999999999999", "/customers/999999", "/customers/99999999999999999999",
                 "/track/K26-99999", "/files/999999", "/files/99999999999999999999")  # fmt: skip
    with visit.nothing_changes():
        for address in addresses:
            answer = visit.ask("GET", address)
            assert answer.status_code == 404, (address, answer.status_code)
            check_page(answer, 404, visit.language)


def test_letters_and_numbers_that_no_database_takes_are_refused(visit: Visit):
    with visit.nothing_changes():
        for address in ("/cases?q=%00", "/inbox?q=%00", "/customers?q=%00", "/customers/lookup?q=%00abc"):
            assert visit.ask("GET", address).status_code in (200, 400), address
        # Nor numbers that no column holds.
        large = {"verb": "claim", "item": "9" * 20, "customer_id": "9" * 20}
        for address in ("/inbox/bulk", "/cases/new"):
            check_page(visit.ask("POST", address, data=large), 400, visit.language)
        odd = {**TYPED, "title": "黑屏\0", "customer_phone": "13900000262", "severity": "normal"}
    assert visit.ask("POST", "/cases/new", data=odd).status_code in (303, 400, 422)


def test_an_upload_that_is_too_large_is_refused(visit: Visit):
    visit.app.config["MAX_CONTENT_LENGTH"] = 10_000
    with visit.nothing_changes():
        for address in ("/cases/new", f"/inbox/{visit.item}/attach", "/report"):
            large = {"description": TYPED["description"], "files": (io.BytesIO(b"0" * 20_000), "photo.jpg")}
            answer = visit.ask("POST", address, data=large)
            check_page(answer, 413, visit.language)


def test_a_script_that_sends_nonsense_gets_a_problem(visit: Visit):
    with visit.app.app_context():
        agent = visit.desk.actor("supervisor")
        with transaction():
            token = tokens.create(agent.id or 0, "test", actor=SYSTEM, now=clock.now())
        close_read_session()
    scripts = {"Authorization": f"Bearer {token}"}
    visit.ask("GET", "/api/v1/cases", headers=scripts)  # the token's last use is noted now
    broken = {"data": '{"title": ', "content_type": "application/json"}
    calls: list[tuple[str, str, dict[str, Any], int]] = [
        ("POST", "/api/v1/cases", broken, 400),
        ("POST", f"/api/v1/work-items/{visit.item}/complete", broken, 400),
        ("POST", "/api/v1/cases", {"json": {"title": "x"}}, 422),
        ("POST", "/api/v1/cases", {"json": []}, 422),
        ("POST", f"/api/v1/work-items/{visit.item}/complete", {"json": {"values": {}}}, 403),
        ("POST", f"/api/v1/work-items/{visit.item}/assign", {"json": {}}, 422),
        ("GET", "/api/v1/work-items/999999", {}, 404),
        ("GET", "/api/v1/cases/K26-99999", {}, 404),
        ("GET", "/api/v1/work-items/99999999999999999999", {}, 404),
        ("GET", "/api/v1/cases?q=%00&cursor=nonsense", {}, 422),
        ("GET", "/api/v1/nowhere", {}, 404),
        ("DELETE", "/api/v1/cases", {}, 405),
    ]
    with visit.nothing_changes():
        for method, address, options, status in calls:
            answer = visit.ask(method, address, headers=scripts, **options)
            assert answer.status_code == status, (address, options, answer.text)
            assert answer.mimetype == "application/problem+json", address
            assert answer.json is not None and answer.json["status"] == status
            chinese = any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["title"])
            assert chinese == (visit.language == "zh"), answer.json

"""What people are told: the bell, the list, and mail that leaves once."""

from __future__ import annotations

import email
import smtplib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from app import clock, settings_store
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.notifications import (
    KINDS,
    deliver_due,
    digests,
    mail,
    notify,
    outbox,
    queries,
    queue_mail,
    without_mail,
)
from app.notifications.kinds import words
from app.notifications.tables import Notification, Outbox
from tests.conftest import FrozenClock
from tests.support.database import Counted
from tests.support.people import make_centre, make_person, person_id, sign_in
from tests.support.smtp import mail_server

CountStatements = Callable[[], AbstractContextManager[Counted]]
PARAMS = {
    "number": "K26-10418",
    "title": "远程升级后黑屏",
    "item": "分析原因",
    "person": "周敏",
    "words": "请优先。",
}


@pytest.fixture
def centre(app: Flask, frozen_clock: FrozenClock) -> Flask:
    """An organisation where the agent reads mail in Chinese and the quality department in English."""
    make_centre(app)
    with app.app_context():
        make_person("quality", "quality", email="quality@example.com", locale="en")
        with transaction():
            has_mail = sa.update(Person).where(Person.username == "agent").values(email="agent@example.com")
            session().execute(has_mail)
            # Each for itself, at any hour: the tests of digests have a file of their own.
            for key, value in (
                ("digest_minutes", 0),
                ("quiet_days_off", False),
                ("quiet_hours", ["00:00", "00:00"]),
            ):
                settings_store.put(f"notifications.{key}", value, actor_id=None, now=clock.now())
    return app


def tell(*usernames: str, kind: str = "handed_over", url: str = "/cases/K26-10418", **more: Any) -> int:
    params = {**PARAMS, "due": (clock.now() - timedelta(hours=1)).isoformat()}
    with transaction():
        told = notify([person_id(name) for name in usernames], kind, params, url, clock.now(), **more)
    digests.collect(clock.now())
    return told


def outbox_rows() -> list[Outbox]:
    close_read_session()
    return list(session().scalars(sa.select(Outbox).order_by(Outbox.id)))


def mails(app: Flask) -> list[EmailMessage]:
    folder: Path = app.config["SETTINGS"].var_dir / "mail"
    files = sorted(folder.glob("*.eml"))
    parsed = [email.message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return cast(list[EmailMessage], parsed)


def plain(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


# ---------------------------------------------------------------- telling


def test_telling_many_costs_two_statements(centre: Flask, count_statements: CountStatements) -> None:
    with centre.app_context():
        ids = [make_person(f"p{number}", "agent", email=f"p{number}@example.com") for number in range(30)]
        tell("agent")  # the centre's hours and settings are at hand from now on
        with count_statements() as counted, transaction():
            assert notify([*ids, *ids, None], "comment", PARAMS, "/cases/1", clock.now()) == 30
        assert len(counted) == 2, counted
        assert digests.collect(clock.now()) == 30
        assert len(outbox_rows()) == 31


def test_mail_goes_only_to_those_who_want_it_and_have_an_address(centre: Flask) -> None:
    with centre.app_context():
        make_person("silent", "agent", email="silent@example.com")
        gone = make_person("gone", "agent", email="gone@example.com")
        with transaction():
            no_mail = sa.update(Person).where(Person.username == "silent").values(mail_notifications=False)
            session().execute(no_mail)
            session().execute(sa.update(Person).where(Person.id == gone).values(disabled=True))
        assert tell("agent", "supervisor", "silent", "gone") == 3
        assert [row.recipient for row in outbox_rows()] == ["agent@example.com"]
        tell("agent", mail=False)
        with without_mail():
            tell("agent")
            with transaction():
                assert not queue_mail(
                    "a@b.c", "customer_received", {}, "", locale="zh", key="k", now=clock.now()
                )
        assert len(outbox_rows()) == 1


def test_a_mail_to_a_customer_is_queued_once_for_its_key(centre: Flask) -> None:
    def queue() -> bool:
        with transaction():
            return queue_mail(
                "wang@example.com",
                "customer_received",
                {**PARAMS, "code": "7H2K"},
                "/track",
                locale="zh",
                key="case:1:received",
                now=clock.now(),
            )

    with centre.app_context():
        assert [queue(), queue()] == [True, False]


def test_an_unknown_kind_is_refused_when_told(centre: Flask) -> None:
    with centre.app_context(), pytest.raises(ValueError, match="nonsense"):
        tell("agent", kind="nonsense")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.sqlite_only  # words are made without the database
def test_every_kind_reads_well_with_all_params_and_with_none(
    app_context: Flask, kind: str, locale: str
) -> None:
    with force_locale(locale):
        due = {"due": "2026-03-02T09:00:00+00:00", "at": "2026-03-02T09:00:00+00:00"}
        full = dict.fromkeys(("code", "subject", "made", "refused", "rounds", "element"), "x")
        said = words(kind, {**PARAMS, **due, **full})
        bare = words(kind, {})
    for text in (said.title, said.body, bare.title, bare.body):
        assert "%(" not in text and "  " not in text and "。。" not in text
    assert said.title and said.action


def test_an_instant_is_said_in_the_centres_zone_and_the_readers_way(app_context: Flask) -> None:
    params = {**PARAMS, "due": "2026-10-08T07:05:00+00:00"}
    with force_locale("zh"):
        assert "10-08 15:05" in words("overdue", params).body
    with force_locale("en"):
        assert "8 Oct 15:05" in words("overdue", params).body


# ---------------------------------------------------------------- the bell and the list


def test_the_bell_counts_what_is_unread(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    assert client.get("/notifications/bell").text.strip() == ""
    with centre.app_context():
        tell("agent"), tell("agent"), tell("supervisor")
    assert ">2<" in client.get("/notifications/bell").text


def test_the_bell_costs_two_statements(
    centre: Flask, client: FlaskClient, count_statements: CountStatements
) -> None:
    sign_in(client, "agent")
    client.get("/notifications/bell")
    with count_statements() as counted:
        client.get("/notifications/bell")
    assert len(counted) <= 2, counted


def test_opening_one_marks_it_read_and_goes_to_its_page(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    with centre.app_context():
        tell("agent")
        first = session().scalars(sa.select(Notification.id)).one()
    opened = client.post(f"/notifications/{first}/open")
    assert (opened.status_code, opened.headers["Location"]) == (303, "/cases/K26-10418")
    assert client.get("/notifications/bell").text.strip() == ""
    assert client.get("/notifications?show=unread").text.count('class="notif') == 0


def test_somebody_elses_notification_does_not_exist(centre: Flask, client: FlaskClient) -> None:
    with centre.app_context():
        tell("supervisor")
        first = session().scalars(sa.select(Notification.id)).one()
    sign_in(client, "agent")
    assert client.post(f"/notifications/{first}/open").status_code == 404
    assert client.post(f"/notifications/{first}/read").status_code == 404


def test_a_notification_never_leads_to_another_site(centre: Flask, client: FlaskClient) -> None:
    with centre.app_context():
        tell("agent", url="//evil.example/x")
        first = session().scalars(sa.select(Notification.id)).one()
    sign_in(client, "agent")
    assert client.post(f"/notifications/{first}/open").headers["Location"] == "/"


def test_the_list_pages_by_key_and_marks_all_read(centre: Flask, client: FlaskClient) -> None:
    with centre.app_context():
        for _ in range(queries.PAGE + 2):
            tell("agent", mail=False)
        me = person_id("agent")
        page = queries.list_for(me)
        rest = queries.list_for(me, before=page.before)
        assert (len(page.lines), len(rest.lines), rest.before) == (queries.PAGE, 2, None)
        assert page.lines[0].id > page.lines[-1].id > rest.lines[0].id
    sign_in(client, "agent")
    first = client.get("/notifications")
    assert f"before={page.before}" in first.text
    more = client.get(f"/notifications?before={page.before}", headers={"HX-Request": "true"})
    assert "<html" not in more.text and more.text.count("<form") == 2
    assert client.post("/notifications/read-all").status_code == 303
    with centre.app_context():
        assert queries.unread_count(me) == 0


# ---------------------------------------------------------------- mail


def test_without_smtp_a_mail_is_a_readable_file_in_the_readers_language(centre: Flask) -> None:
    with centre.app_context():
        tell("agent", "quality")
        assert deliver_due(clock.now(), "w1", 10) == 2
        zh, en = mails(centre)
        assert (zh["To"], zh["Subject"]) == ("agent@example.com", "周敏转派给您：分析原因")
        assert (en["To"], en["Content-Language"]) == ("quality@example.com", "en")
        assert en["Subject"].startswith("周敏 handed you: ")
        assert "http://127.0.0.1:8000/cases/K26-10418" in plain(zh)
        assert {row.status for row in outbox_rows()} == {"sent"}
    raw = sorted((centre.config["SETTINGS"].var_dir / "mail").glob("*.eml"))[0].read_text("utf-8")
    assert "周敏转派给您" in raw.split("\n\n")[0], "the subject can be read in the file itself"


def test_words_of_a_customer_cannot_become_html_or_headers(centre: Flask) -> None:
    with centre.app_context():
        with transaction():
            nasty = {"subject": "a\r\nBcc: x@evil.example", "words": "<script>alert(1)</script>"}
            notify([person_id("agent")], "message", nasty, "", clock.now())
        digests.collect(clock.now())
        assert deliver_due(clock.now(), "w1", 10) == 1
        (message,) = mails(centre)
        html = message.get_body(("html",))
        assert message["Bcc"] is None and html is not None and "<script>" not in html.get_content()


def test_two_senders_at_once_send_each_mail_once(centre: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    together = threading.Barrier(2)

    def slow(one: mail.Mail, _committed: object) -> None:
        sent.append(one.id)

    monkeypatch.setattr(mail, "send", slow)
    with centre.app_context():
        for _ in range(20):
            tell("agent")
        close_read_session()
    now, counts = clock.now(), []

    def work(name: str) -> None:
        with centre.app_context():
            together.wait(10)
            counts.append(deliver_due(now, name, 50))

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(counts) == 20 and sorted(sent) == sorted(set(sent)) and len(sent) == 20


def test_a_killed_senders_mail_is_taken_over_when_its_lease_ends(
    centre: Flask, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """As SIGKILL: nothing after it runs."""

    def die(_one: mail.Mail, _committed: object) -> None:
        raise Killed

    with centre.app_context():
        tell("agent")
        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(mail, "send", die)
            deliver_due(clock.now(), "w1", 10)
        assert deliver_due(clock.now(), "w2", 10) == 0, "it is still leased"
        assert deliver_due(frozen_clock.move(outbox.LEASE + timedelta(seconds=1)), "w2", 10) == 1
        assert deliver_due(frozen_clock.move(timedelta(hours=1)), "w2", 10) == 0


def test_a_late_sender_does_not_overwrite_who_took_over(
    centre: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    with centre.app_context():
        tell("agent")
        now = clock.now()

        def taken_over_meanwhile(_one: mail.Mail, _committed: object) -> None:
            with monkeypatch.context() as patched:
                patched.setattr(mail, "send", lambda _one, _committed: None)
                assert deliver_due(now + outbox.LEASE + timedelta(seconds=1), "w2", 1) == 1
            raise OSError("the connection broke")

        with monkeypatch.context() as patched:
            patched.setattr(mail, "send", taken_over_meanwhile)
            assert deliver_due(now, "w1", 1) == 0
        assert [(row.status, row.last_error) for row in outbox_rows()] == [("sent", None)]


def test_a_mail_that_cannot_leave_is_tried_again_later_and_given_up_visibly(
    centre: Flask, client: FlaskClient, frozen_clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_one: mail.Mail, _committed: object) -> None:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

    with centre.app_context():
        tell("agent")
        with monkeypatch.context() as patched:
            patched.setattr(mail, "send", refuse)
            for wait in outbox.WAITS:
                assert deliver_due(clock.now(), "w1", 10) == 0
                assert outbox_rows()[0].next_attempt_at == clock.now() + wait
                assert deliver_due(frozen_clock.move(wait - timedelta(seconds=1)), "w1", 10) == 0
                frozen_clock.move(timedelta(seconds=1))
            deliver_due(clock.now(), "w1", 10)
        (row,) = outbox_rows()
        assert (row.status, row.attempts) == ("failed", outbox.MOST_ATTEMPTS)
        close_read_session()
    sign_in(client, "admin")
    page = client.get("/admin/outbox")
    assert "Connection unexpectedly closed" in page.text and "agent@example.com" not in page.text
    assert client.post(f"/admin/outbox/{row.id}/retry").status_code == 303
    with centre.app_context():
        assert deliver_due(clock.now(), "w1", 10) == 1
    sign_in(client, "agent")


def test_outgoing_mail_is_for_operators(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    assert client.get("/admin/outbox").status_code == client.post("/admin/outbox/retry").status_code == 403


def test_a_second_copy_has_the_same_message_id(centre: Flask) -> None:
    one = mail.Mail(7, "notification:7", "a@example.com", {"kind": "message", "params": PARAMS}, clock.now())
    with centre.app_context():
        first, second = (mail.compose(one, policy.SMTP) for _ in range(2))
        other = mail.compose(replace(one, key="notification:8"), policy.SMTP)
    assert first["Message-ID"] == second["Message-ID"] != other["Message-ID"]


def test_mail_leaves_by_smtp_where_it_is_set(centre: Flask) -> None:
    with mail_server(login=True) as box, centre.app_context():
        centre.config["SETTINGS"] = replace(centre.config["SETTINGS"], smtp_url=box.url)
        tell("agent")
        assert deliver_due(clock.now(), "w1", 10) == 1
        assert [(row.status, row.last_error) for row in outbox_rows()] == [("sent", None)]
    (sent,) = box.messages
    assert (sent["To"], box.logins) == ("agent@example.com", [("desk", "p@ss")])


def test_a_mail_whose_sender_was_killed_while_handing_it_over_is_held_for_a_person(centre: Flask) -> None:
    with centre.app_context():
        tell("agent")

        def die(one: mail.Mail, committed: Callable[[], None]) -> None:
            committed()
            raise KeyboardInterrupt  # as near to a kill as one process gets

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mail, "send", die)
            with pytest.raises(KeyboardInterrupt):
                deliver_due(clock.now(), "w1", 10)
        assert [row.status for row in outbox_rows()] == ["sending"]
        later = clock.now() + outbox.LEASE + timedelta(seconds=1)
        assert deliver_due(later, "w2", 10) == 0
        (row,) = outbox_rows()
        assert (row.status, row.last_error) == ("failed", outbox.UNSURE)


def test_a_mail_whose_sender_was_killed_before_that_is_sent_by_the_next(centre: Flask) -> None:
    with centre.app_context():
        tell("agent")

        def die(_one: mail.Mail, _committed: object) -> None:
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(mail, "send", die)
            with pytest.raises(KeyboardInterrupt):
                deliver_due(clock.now(), "w1", 10)
        assert deliver_due(clock.now() + outbox.LEASE + timedelta(seconds=1), "w2", 10) == 1


def test_a_server_that_refuses_an_address_does_not_bring_it_into_the_log(
    centre: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with mail_server() as box, centre.app_context():
        box.refused.add("agent@example.com")
        centre.config["SETTINGS"] = replace(centre.config["SETTINGS"], smtp_url=box.url)
        tell("agent")
        deliver_due(clock.now(), "w1", 1)
        (row,) = outbox_rows()
    assert "550" in (row.last_error or "") and "agent@example.com" not in (row.last_error or "")
    assert "550" in caplog.text and "agent@example.com" not in caplog.text

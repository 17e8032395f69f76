"""Signing in and out, passwords, sessions, tokens and the commands for accounts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.accounts import passwords, service, tokens
from app.accounts.actor import SYSTEM
from app.accounts.tables import ApiToken, Person
from app.db import session, transaction
from app.errors import Invalid, TooMany
from tests.conftest import FrozenClock
from tests.support.database import Counted
from tests.support.people import GOOD, make_centre, person_id, sign_in

CountStatements = Callable[[], AbstractContextManager[Counted]]


@pytest.fixture
def centre(app: Flask, frozen_clock: FrozenClock) -> Flask:
    """An organisation with an administrator, a supervisor and an agent."""
    return make_centre(app)


def test_signing_in_leads_where_one_wanted_to_go(centre: Flask, client: FlaskClient) -> None:
    asked = client.get("/settings?tab=2")
    assert asked.status_code == 302 and asked.headers["Location"] == "/login?next=/settings?tab%3D2"
    done = client.post("/login", data={"username": " Agent ", "password": GOOD, "next": "/settings?tab=2"})
    assert (done.status_code, done.headers["Location"]) == (303, "/settings?tab=2")
    assert client.get("/settings").status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:1",
        "/login",
    ],
)
def test_signing_in_never_leads_to_another_site(centre: Flask, client: FlaskClient, bad: str) -> None:
    done = client.post("/login", data={"username": "agent", "password": GOOD, "next": bad})
    assert done.headers["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(centre: Flask, client: FlaskClient) -> None:
    answers = []
    for username in ("agent", "nobody"):
        response = client.post("/login", data={"username": username, "password": "wrong"})
        assert response.status_code == 422
        answers.append(response.text.replace(username, "…"))
    assert answers[0] == answers[1]


def test_an_account_is_locked_after_failures_and_opens_again_in_time(
    centre: Flask, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    assert [sign_in(client, "agent", "wrong") for _ in range(5)] == [422, 422, 422, 422, 429]
    assert sign_in(client, "agent") == 429, "the right password does not help while it is locked"
    frozen_clock.move(timedelta(minutes=14))
    assert sign_in(client, "agent") == 429
    frozen_clock.move(timedelta(minutes=2))
    assert sign_in(client, "agent", "wrong") == 422, "the count starts again"
    assert sign_in(client, "agent") == 303


def test_guesses_that_arrive_together_are_counted_one_by_one(
    centre: Flask, frozen_clock: FrozenClock
) -> None:
    outcomes: list[str] = []

    def guess(now: object = clock.now()) -> None:
        with centre.app_context():
            try:
                service.authenticate("agent", "wrong", now=now)  # type: ignore[arg-type]
            except (Invalid, TooMany) as error:
                outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["Invalid"] * 4 + ["TooMany"] * 8
    with centre.app_context():
        assert session().scalar(sa.select(Person.failed_logins).where(Person.username == "agent")) == 5


def test_a_disabled_account_cannot_sign_in_and_its_sessions_end(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    with centre.app_context(), transaction():
        service.disable(person_id("agent"), actor=SYSTEM, now=clock.now())
    assert client.get("/settings").status_code == 302
    assert sign_in(client, "agent") == 422


def test_signing_out_everywhere_ends_the_other_browser_too(centre: Flask, client: FlaskClient) -> None:
    other = centre.test_client()
    assert sign_in(client, "agent") == sign_in(other, "agent") == 303
    assert other.get("/settings").status_code == 200
    assert client.post("/settings/sign-out-everywhere").headers["Location"] == "/login"
    assert other.get("/settings").status_code == client.get("/settings").status_code == 302


def test_signing_out_ends_this_browser_only(centre: Flask, client: FlaskClient) -> None:
    other = centre.test_client()
    sign_in(client, "agent"), sign_in(other, "agent")
    client.post("/logout")
    assert (client.get("/settings").status_code, other.get("/settings").status_code) == (302, 200)


def test_changing_the_password_keeps_this_session_and_ends_the_others(
    centre: Flask, client: FlaskClient
) -> None:
    other = centre.test_client()
    sign_in(client, "agent"), sign_in(other, "agent")
    new = {"new_password": "another long one", "again": "another long one"}
    wrong = client.post("/settings/password", data={"old_password": "no", **new})
    assert wrong.status_code == 422 and 'id="e-old_password"' in wrong.text
    short = client.post(
        "/settings/password", data={"old_password": GOOD, "new_password": "short", "again": "short"}
    )
    assert short.status_code == 422 and 'id="e-new_password"' in short.text
    assert client.post("/settings/password", data={"old_password": GOOD, **new}).status_code == 303
    assert (client.get("/settings").status_code, other.get("/settings").status_code) == (200, 302)
    assert sign_in(other, "agent") == 422 and sign_in(other, "agent", "another long one") == 303


def test_a_one_time_password_must_be_changed_before_anything_else(centre: Flask, client: FlaskClient) -> None:
    with centre.app_context(), transaction():
        given = service.reset_password(person_id("agent"), actor=SYSTEM, now=clock.now())
    assert sign_in(client, "agent", given) == 303
    sent = client.get("/settings")
    assert sent.status_code == 302 and sent.headers["Location"].startswith("/settings/password?next=")
    form = {"old_password": given, "new_password": given, "again": given, "next": "/settings"}
    assert client.post("/settings/password", data=form).status_code == 422
    form |= {"new_password": GOOD, "again": GOOD}
    assert client.post("/settings/password", data=form).headers["Location"] == "/settings"
    assert client.get("/settings").status_code == 200


def test_a_fragment_of_a_signed_out_page_sends_the_whole_page_to_sign_in(
    centre: Flask, client: FlaskClient
) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/notifications?show=unread"}
    answer = client.get("/notifications?before=3", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/login?next=/notifications?show%3Dunread"
    assert client.get("/notifications/bell", headers=headers).status_code == 204


def test_what_posts_do_not_include_is_forbidden(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    assert client.get("/admin/users").status_code == 403
    assert client.post("/admin/users/1/disable").status_code == 403


def test_demo_accounts_are_offered_and_work_in_demo_mode_only(centre: Flask, client: FlaskClient) -> None:
    assert client.post("/login/demo", data={"username": "agent"}).status_code == 404
    assert "/login/demo" not in client.get("/login").text


def test_preferences_are_kept_and_used(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    chosen = {"locale": "en", "theme": "dark", "density": "compact"}
    assert client.post("/settings/preferences", data=chosen).status_code == 303
    page = client.get("/settings").text
    assert '<html lang="en" data-theme="dark" data-density="compact">' in page
    with centre.app_context():
        person = session().get(Person, person_id("agent"))
        assert person is not None and not person.single_keys and not person.mail_notifications


# ---------------------------------------------------------------- tokens and commands


def test_a_token_acts_for_its_person_until_revoked_and_only_its_digest_is_kept(centre: Flask) -> None:
    with centre.app_context():
        with transaction():
            token = tokens.create(person_id("agent"), "script", actor=SYSTEM, now=clock.now())
        acting = tokens.actor_for_token(token)
        assert acting is not None and acting.username == "agent" and acting.may("case.create")
        assert tokens.actor_for_token(token + "x") is None and tokens.actor_for_token("") is None
        row = session().scalars(sa.select(ApiToken)).one()
        assert token not in json.dumps([row.digest, row.label]) and len(row.digest) == 64
        with transaction():
            assert tokens.revoke(row.id, person_id("agent"), actor=SYSTEM, now=clock.now())
        assert tokens.actor_for_token(token) is None


def test_tokens_of_a_disabled_account_end(centre: Flask) -> None:
    with centre.app_context():
        with transaction():
            token = tokens.create(person_id("agent"), "", actor=SYSTEM, now=clock.now())
        with transaction():
            service.disable(person_id("agent"), actor=SYSTEM, now=clock.now())
        with transaction():
            service.enable(person_id("agent"), actor=SYSTEM, now=clock.now())
        assert tokens.actor_for_token(token) is None


def test_the_command_for_tokens_prints_the_token_and_nothing_else(centre: Flask) -> None:
    result = centre.test_cli_runner().invoke(args=["tokens", "create", "agent"])
    assert result.exit_code == 0
    with centre.app_context():
        acting = tokens.actor_for_token(result.output.removesuffix("\n"))
    assert acting is not None and acting.username == "agent"
    missing = centre.test_cli_runner().invoke(args=["tokens", "create", "nobody"])
    assert missing.exit_code == 1 and "Traceback" not in missing.output


def test_the_commands_make_list_and_disable_accounts_on_an_empty_database(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    made = run(args=["users", "create", "li", "--name", "李娜", "--role", "客服助理", "--role", "callback"])
    assert made.exit_code == 0 and "one-time password: " in made.output
    assert run(args=["users", "create", "li"]).exit_code == 1
    assert run(args=["users", "create", "x2", "--role", "nothing"]).exit_code == 1
    assert run(args=["users", "create", "wang", "--role", "admin", "--password", GOOD]).exit_code == 0
    assert run(args=["users", "disable", "li"]).exit_code == 0
    last = run(args=["users", "disable", "wang"])
    assert last.exit_code == 1, "the last administrator stays"
    listed = {row["username"]: row for row in json.loads(run(args=["users", "list", "--json"]).output)}
    assert listed["li"] == {
        "username": "li",
        "name": "李娜",
        "posts": ["agent", "callback"],
        "disabled": True,
        "locked": False,
    }
    assert not listed["wang"]["disabled"]


def test_the_demos_password_opens_nothing_outside_demo_mode(centre: Flask, client: FlaskClient) -> None:
    with centre.app_context(), transaction():
        # As a database that was a demo's once has it.
        person = session().get_one(Person, person_id("admin"))
        person.password_hash = passwords.hash_password("demo")
    assert sign_in(client, "admin", "demo") == 422
    centre.config["SETTINGS"] = replace(centre.config["SETTINGS"], demo=True)
    assert sign_in(client, "admin", "demo") == 303


def test_no_password_comes_back_onto_a_page(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "agent")
    centre.config["WTF_CSRF_ENABLED"] = True
    typed = {
        "old_password": "old secret words",
        "new_password": "new secret words",
        "again": "new secret words",
    }
    refused = client.post("/settings/password", data=typed)
    assert refused.status_code == 400 and "secret words" not in refused.text

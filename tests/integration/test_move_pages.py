"""The page for moving an instance by hand: what it shows, what it refuses, what it leaves in the history."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from app.db import close_read_session, session
from app.engine.tables import Event, Instance, WorkItem
from tests.factories import Desk
from tests.integration.case_pages import signed_in


@pytest.fixture
def instance_id(app):
    with app.app_context():
        desk = Desk(app)
        found = desk.receive().instance.id
        close_read_session()
    yield found
    with app.app_context():
        desk.close()


@pytest.fixture
def sign_in(app, instance_id):
    return lambda username, language="zh": signed_in(app, username, language)


def _token(page: str) -> str:
    return re.search(r'name="token" value="([^"]+)"', page)[1]


def _open(app, instance_id):
    with app.app_context():
        rows = session().scalars(
            sa.select(WorkItem.element).where(
                WorkItem.instance_id == instance_id, WorkItem.status.in_(("open", "claimed"))
            )
        )
        found = sorted(rows)
        close_read_session()
    return found


def test_a_move_is_shown_first_and_done_with_a_reason(app, sign_in, instance_id):
    client = sign_in("operator", "en")
    address = f"/procedures/instances/{instance_id}/move"
    page = client.get(address).text
    before = _open(app, instance_id)
    targets = re.findall(r'<option value="(\w+)"', page)
    assert before == ["register"]
    target = next(one for one in targets if one == "analyse")
    given = {"token": _token(page), "target": target, "do": "try"}
    lacking = client.post(address, data=given)
    assert (lacking.status_code, "“severity” has no value here" in lacking.text) == (409, True)
    given["values"] = '{"klass": "service", "severity": "normal"}'
    shown = client.post(address, data=given)
    assert shown.status_code == 200
    assert "Closes: " in shown.text and "Opens: " in shown.text
    assert _open(app, instance_id) == before
    refused = client.post(address, data={**given, "do": "move"})
    assert refused.status_code == 422
    assert "Say why" in refused.text and "&#34;klass&#34;" in refused.text  # what was typed is still there
    done = client.post(address, data={**given, "do": "move", "reason": "the customer came in"})
    assert done.status_code == 303
    assert _open(app, instance_id) == [target]
    with app.app_context():
        event = session().scalar(
            sa.select(Event).where(Event.instance_id == instance_id, Event.kind == "instance.token_moved")
        )
        case = session().get_one(Instance, instance_id).business_key
        close_read_session()
    assert event.actor_name and event.data["reason"] == "the customer came in"
    assert "the customer came in" in sign_in("supervisor", "en").get(f"/cases/{case}").text


def test_bad_values_and_a_stale_page_are_told_and_change_nothing(app, sign_in, instance_id):
    client = sign_in("operator", "en")
    address = f"/procedures/instances/{instance_id}/move"
    token = _token(client.get(address).text)
    before = _open(app, instance_id)
    for given, status, words in (
        ({"token": token, "target": "analyse", "values": "{oops"}, 422, "{oops"),
        ({"token": token, "target": "analyse", "values": "[1]"}, 422, "Write names"),
        ({"token": token}, 422, "Choose the step"),
        ({}, 422, "Choose where"),
        ({"token": token, "target": "nothing"}, 409, "There is no step nothing"),
        ({"token": token.replace("/", "x/"), "target": "analyse"}, 409, "It does not wait"),
    ):
        answer = client.post(address, data={**given, "do": "move", "reason": "r"})
        assert (answer.status_code, words in answer.text) == (status, True), (given, answer.text[:2000])
    assert _open(app, instance_id) == before


def test_only_operators_may(sign_in, instance_id):
    assert sign_in("agent").get(f"/procedures/instances/{instance_id}/move").status_code == 403

"""One thing done to many instances: shown first, each kept or refused by itself, with why."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, Incident, Instance, WorkItem
from app.errors import StepFailed
from tests.factories import Desk
from tests.integration.case_pages import signed_in


@pytest.fixture
def ids(app):
    with app.app_context():
        desk = Desk(app)
        found = [desk.receive(title=f"终端离线 {n}").instance.id for n in range(3)]
        close_read_session()
    yield found
    with app.app_context():
        desk.close()


@pytest.fixture
def operator(app, ids):
    return signed_in(app, "operator", "en")


def statuses(app, ids):
    with app.app_context():
        rows = session().scalars(sa.select(Instance).where(Instance.id.in_(ids)).order_by(Instance.id))
        found = [row.status for row in rows]
        close_read_session()
    return found


def test_a_selection_is_looked_at_first_and_then_suspended_and_resumed(app, operator, ids):
    listed = operator.get("/procedures/instances").text
    for one in ids:
        assert f'name="instance" value="{one}"' in listed
    looked = operator.post("/procedures/instances/bulk", data={"verb": "suspend", "instance": ids})
    assert looked.status_code == 200
    assert "It is possible for 3 instances." in looked.text
    assert statuses(app, ids) == ["running"] * 3
    bare = operator.post("/procedures/instances/bulk/do", data={"verb": "suspend", "instance": ids})
    assert (bare.status_code, "Say why" in bare.text) == (422, True)
    assert statuses(app, ids) == ["running"] * 3
    given = {"verb": "suspend", "instance": ids[:2], "reason": "recall announced"}
    done = operator.post("/procedures/instances/bulk/do", data=given)
    assert "Done: 2 instances." in done.text
    assert statuses(app, ids) == ["suspended", "suspended", "running"]
    with app.app_context():
        events = session().scalars(sa.select(Event).where(Event.kind == "instance.suspended")).all()
        assert [(one.data["reason"], one.actor_name != "") for one in events] == [
            ("recall announced", True)
        ] * 2
        close_read_session()
    mixed = operator.post("/procedures/instances/bulk", data={"verb": "resume", "instance": ids}).text
    assert "It is possible for 2 instances." in mixed and "This instance is not suspended." in mixed
    assert re.findall(r'type="hidden" name="instance" value="(\d+)"', mixed) == [str(one) for one in ids[:2]]
    operator.post("/procedures/instances/bulk/do", data={"verb": "resume", "instance": ids})
    assert statuses(app, ids) == ["running"] * 3


def test_cancelling_ends_each_with_its_reason_and_a_second_click_says_they_have_ended(app, operator, ids):
    given = {"verb": "cancel", "instance": ids, "reason": "entered twice"}
    assert "Done: 3 instances." in operator.post("/procedures/instances/bulk/do", data=given).text
    assert statuses(app, ids) == ["cancelled"] * 3
    again = operator.post("/procedures/instances/bulk/do", data=given).text
    assert "3 could not be done" in again and "This instance has ended." in again


def test_what_failed_is_retried_and_what_did_not_is_said(app, operator, ids):
    with app.app_context(), transaction():
        error = StepFailed("x", instance_id=ids[0], element="register", detail="busy")
        engine.record_incident(error, now=clock.now(), stop=True)
    looked = operator.post("/procedures/instances/bulk", data={"verb": "retry", "instance": ids}).text
    assert "It is possible for one instance." in looked and "Nothing failed in it." in looked
    assert statuses(app, ids)[0] == "failed"
    operator.post("/procedures/instances/bulk/do", data={"verb": "retry", "instance": ids[:1]})
    assert statuses(app, ids) == ["running"] * 3
    with app.app_context():
        assert session().scalar(sa.select(Incident.resolved_at)) is not None
        close_read_session()


def test_nothing_ticked_too_much_or_an_unknown_verb_is_refused(app, operator, ids):
    for given in (
        {"verb": "cancel"},
        {"verb": "burn", "instance": ids},
        {"verb": "cancel", "instance": [*range(1, 102)]},
    ):
        for address in ("/procedures/instances/bulk", "/procedures/instances/bulk/do"):
            answer = operator.post(address, data={**given, "reason": "r"}, follow_redirects=True)
            assert "Choose what" in answer.text or "Tick one to 100" in answer.text
    assert statuses(app, ids) == ["running"] * 3


def test_only_operators_may(app, ids):
    agent = signed_in(app, "agent")
    assert (
        agent.post("/procedures/instances/bulk", data={"verb": "cancel", "instance": ids}).status_code == 403
    )
    assert (
        agent.post("/procedures/instances/bulk/do", data={"verb": "cancel", "instance": ids}).status_code
        == 403
    )


def open_steps(app, ids):
    with app.app_context():
        rows = session().execute(
            sa.select(WorkItem.instance_id, WorkItem.element)
            .where(WorkItem.instance_id.in_(ids), WorkItem.status.in_(("open", "claimed")))
            .order_by(WorkItem.instance_id)
        )
        found = [row.element for row in rows]
        close_read_session()
    return found


def test_a_selection_is_moved_by_hand_where_it_waits_and_the_others_stay(app, operator, ids):
    given = {"verb": "move", "instance": ids}
    first = operator.post("/procedures/instances/bulk", data=given).text
    assert "Choose the way first." in first and "3 instances" in first
    assert 'value="register/analyse"' in first and "Do it to" not in first
    bare = operator.post("/procedures/instances/bulk", data={**given, "route": "", "values": "[1]"})
    assert bare.status_code == 422
    assert "Choose from where to where." in bare.text and "Write names with their values" in bare.text
    # Without what the step would have said nothing can go on from there, and nothing is done.
    given |= {"route": "register/analyse"}
    lacking = operator.post("/procedures/instances/bulk", data=given).text
    assert "It is possible for none of them" in lacking and "“severity” has no value here" in lacking
    given["values"] = '{"klass": "service", "severity": "normal"}'
    with app.app_context(), transaction():
        engine.suspend(ids[2], "held", actor=SYSTEM, now=clock.now())
    looked = operator.post("/procedures/instances/bulk", data=given).text
    assert "It is possible for 2 instances." in looked
    assert open_steps(app, ids) == ["register"] * 3
    done = operator.post("/procedures/instances/bulk/do", data={**given, "reason": "told us by phone"}).text
    assert "Done: 2 instances." in done
    steps = open_steps(app, ids)
    assert len(steps) == 3 and steps[2] == "register" and "register" not in steps[:2]
    with app.app_context():
        events = session().scalars(sa.select(Event).where(Event.kind == "instance.token_moved")).all()
        assert [one.data["reason"] for one in events] == ["told us by phone"] * 2
        assert session().scalars(sa.select(Incident)).all() == []
        close_read_session()

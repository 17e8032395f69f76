"""Whatever goes wrong in a step: nothing of it is kept, somebody hears of it, and it can be tried again."""

import pytest

from app import engine
from app.accounts.actor import SYSTEM
from app.db import transaction
from app.errors import NotFound, Refused, StepFailed


def test_a_step_that_fails_leaves_everything_as_it_was(desk):
    desk.run("service", number="bug")
    with desk.as_it_was(), pytest.raises(StepFailed) as failed:
        desk.complete("prepare")
    assert failed.value.instance_id == desk.instance
    assert failed.value.element == "send"
    assert "bug" in failed.value.detail


def test_the_same_item_can_be_completed_after_the_cause_is_mended(desk):
    desk.run("service", number="bug")
    with pytest.raises(StepFailed):
        desk.complete("prepare")
    desk.complete("prepare", number=7)
    assert desk.data("thanks")["result"] == {"sent_to": 7, "element": "send"}


def test_a_process_that_never_waits_is_stopped_by_the_budget(desk):
    desk.run("runaway", go_on=True)
    with desk.as_it_was(), pytest.raises(StepFailed) as failed:
        desk.complete("go")
    assert "1000" in failed.value.detail
    desk.complete("go", go_on=False)
    assert desk.row().status == "completed"


def test_a_failure_that_the_diagram_handles_takes_its_own_way(desk):
    desk.run("service", number="busy")
    desk.complete("prepare")
    assert desk.open() == ["by_hand"]
    desk.complete("by_hand")
    assert desk.row().status == "completed"


def test_an_error_of_the_application_inside_a_step_stays_itself(desk):
    def refuse(_ctx, _item):
        raise Refused("not now")

    desk.run("rounds", dissatisfied=False)
    engine.on("work_item_opened", refuse)
    try:
        with desk.as_it_was(), pytest.raises(Refused, match="not now"):
            desk.complete("ask")
    finally:
        engine.off("work_item_opened", refuse)


def test_a_condition_that_cannot_be_evaluated_fails_the_step_and_can_be_retried(desk):
    desk.deploy("rounds", change=lambda xml: xml.replace(">dissatisfied<", ">dissatisfied &gt; 0<"))
    desk.start("rounds", dissatisfied="perhaps")
    desk.complete("ask")
    with desk.as_it_was(), pytest.raises(StepFailed) as failed:
        desk.complete("answer")
    assert failed.value.element == "again"
    desk.complete("answer", dissatisfied=0)
    assert desk.row().status == "completed"


def test_an_incident_is_seen_counted_and_retried(desk):
    desk.deploy("reminders", change=lambda xml: xml.replace("reminded = True", "reminded = 1 // switch"))
    desk.start("reminders", switch=0)

    def fail(stop):
        with pytest.raises(StepFailed) as failed:
            desk.wake(days=1)
        with transaction():
            return engine.record_incident(failed.value, now=desk.now, stop=stop)

    assert fail(False).attempts == 1
    incident = fail(True)
    assert (incident.attempts, incident.element) == (2, "remind")
    assert desk.row().status == "failed"
    assert engine.next_due() is None
    assert [(timer.attempts, timer.held) for timer in desk.timers()] == [(2, True), (0, True)]
    assert desk.wake() == 0
    assert [one.id for one in engine.open_incidents()] == [incident.id]

    with pytest.raises(StepFailed), transaction():
        engine.retry_incident(incident.id, actor=SYSTEM, now=desk.now)
    with desk.as_it_was(), pytest.raises(StepFailed):
        desk.complete("work")


def test_a_retried_incident_is_resolved(desk):
    desk.deploy("reminders", change=lambda xml: xml.replace("reminded = True", "reminded = 1 // switch"))
    desk.start("reminders", switch=0)
    with pytest.raises(StepFailed) as failed:
        desk.wake(days=1)
    with transaction():
        incident = engine.record_incident(failed.value, now=desk.now, stop=True)
    mend(desk, switch=1)
    with transaction():
        engine.retry_incident(incident.id, actor=SYSTEM, now=desk.now)
    assert desk.row().status == "running"
    assert engine.open_incidents() == []
    with pytest.raises(Refused), transaction():
        engine.retry_incident(incident.id, actor=SYSTEM, now=desk.now)
    with pytest.raises(NotFound), transaction():
        engine.retry_incident(99, actor=SYSTEM, now=desk.now)


def mend(desk, **values):
    """Change process data as an operator's tool would."""
    import json

    import sqlalchemy as sa

    from app.db import session
    from app.engine.tables import Instance

    state = desk.state()
    root = state["workflow"]["tasks"][state["workflow"]["root"]]
    root["data"].update(values)
    for task in state["workflow"]["tasks"].values():
        for name in values:
            task["delta"].get("updates", {}).pop(name, None)
    with transaction():
        session().execute(
            sa.update(Instance).where(Instance.id == desk.instance).values(state=json.dumps(state))
        )


def test_an_instance_that_would_wait_for_nothing_is_refused_not_lost(desk):
    """A join waits for a branch that nobody took: the library would leave the case open for ever, unseen."""
    desk.run("stuck", both=False)
    desk.complete("choose")
    with desk.as_it_was(), pytest.raises(StepFailed) as failed:
        desk.complete("left")
    assert "join" in failed.value.detail
    desk.start("stuck", both=True)
    for element in ("choose", "right", "left"):
        desk.complete(element)
    assert desk.row().status == "completed"

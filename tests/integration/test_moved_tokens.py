"""Skipping a step and taking an instance back to one: every move that is offered ends well, others are refused.

One database: what is tried is the engine's own work.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import engine
from app.db import close_read_session, transaction
from app.errors import Conflict, Refused, StepFailed
from tests.integration.test_migration_matrix import BODIES, WORK, deploy, diagram
from tests.support.engine_files import flow, lane, process, user_task
from tests.support.procedures import Procedures

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def desk(app_context):
    return Procedures()


def standing(desk: Procedures, position: str) -> None:
    deploy(desk, diagram(position, "insert_after"))
    desk.start("p", known=False)
    desk.complete("before")


def tokens(desk: Procedures) -> dict[str, engine.Token]:
    found = {one.place.element: one for one in engine.tokens(desk.instance, desk.now)}
    close_read_session()
    return found


def move(desk: Procedures, source: str, target: str, **more) -> engine.TokenMove:
    with transaction():
        return engine.move_token(
            desk.instance, source, target, reason="tried", actor=desk.actor, now=desk.now, **more
        )


@pytest.mark.parametrize("at", ["before", "inside"])
@pytest.mark.parametrize("position", BODIES)
def test_every_move_that_is_offered_leads_on_to_the_end(desk, position, at):
    deploy(desk, diagram(position, "insert_after"))
    begin(desk, at)
    offered = [(name, one.element) for name, token in tokens(desk).items() for one in token.targets]
    # Of two ways beside each other neither is left; from before the fork one goes past both.
    assert bool(offered) is not ((position, at) == ("parallel", "inside"))
    for source, target in offered:
        begin(desk, at)
        moved = move(desk, source, target)
        assert moved.target
        if target in ("before", "added"):
            assert desk.open() == [target]
        to_the_end(desk)


def begin(desk: Procedures, at: str) -> None:
    desk.start("p", known=False)
    if at == "inside":
        desk.complete("before")


def to_the_end(desk: Procedures) -> None:
    for _round in range(8):
        if desk.row().status == "completed":
            return
        if desk.items():
            desk.complete(desk.items()[0].element)
        else:
            desk.send("reply", instance_id=desk.instance)
    raise AssertionError(f"it does not end: {desk.open()}")


def test_skipping_closes_the_task_with_its_timer_and_opens_the_next(desk):
    standing(desk, "timer")
    moved = move(desk, "stay", "added")
    assert (moved.closed, moved.opened, moved.ends) == (("stay",), ("added",), False)
    assert desk.open() == ["added"]
    assert [one.status for one in desk.timers("cancelled")] == ["cancelled"]
    assert not desk.timers()
    assert [one.status for one in desk.items("stay", every=True)] == ["cancelled"]
    event = desk.events("instance.token_moved")[0]
    assert (event.element, event.data["to"], event.data["reason"]) == ("stay", "added", "tried")
    assert desk.states()["stay"] == "cancelled"


def test_taking_back_opens_the_step_for_another_round_with_its_timer_anew(desk):
    standing(desk, "timer")
    desk.now = desk.now.replace(minute=30)
    move(desk, "stay", "before")
    assert desk.open() == ["before"]
    assert [one.round for one in desk.items("before")] == [2]
    desk.complete("before")
    timer = desk.timers()[0]
    assert (timer.element, timer.due_at) == ("late", desk.now + timedelta(days=1))
    assert desk.item("stay").round == 2
    to_the_end(desk)


def test_values_set_on_the_way_are_what_later_steps_decide_by(desk):
    deploy(desk, diagram("task", "gateway"))
    desk.start("p")
    desk.complete("before")
    assert "known" not in tokens(desk)["stay"].data
    move(desk, "stay", "before", values={"known": True})
    desk.complete("before")
    desk.complete("stay")
    assert desk.open() == ["added"]
    assert desk.events("instance.token_moved")[0].data["values"] == ["known"]  # names, never what they hold


def test_a_trial_says_what_would_happen_and_changes_nothing(desk):
    standing(desk, "timer")
    with desk.as_it_was(), transaction():
        said = engine.move_token(desk.instance, "stay", "end", dry_run=True, actor=desk.actor, now=desk.now)
    assert said.ends and said.closed == ("stay",) and not said.opened


def test_a_token_is_not_moved_onto_a_way_beside_its_own(desk):
    standing(desk, "parallel")
    found = tokens(desk)
    assert {one.element for one in found["left"].targets} == set()
    with desk.as_it_was():
        for target in ("right", "before", "added", "join", "nothing"):
            with pytest.raises(Refused):
                move(desk, "left", target)


def test_a_step_with_nobody_at_it_any_more_is_not_moved_from(desk):
    standing(desk, "task")
    desk.complete("stay")
    with desk.as_it_was(), pytest.raises(Conflict):
        move(desk, "stay", "before")


def test_one_that_stands_still_or_has_ended_is_left_alone(desk):
    standing(desk, "task")
    with transaction():
        engine.suspend(desk.instance, "wait", actor=desk.actor, now=desk.now)
    with desk.as_it_was(), pytest.raises(Refused):
        move(desk, "stay", "before")
    with transaction():
        engine.cancel(desk.instance, "over", actor=desk.actor, now=desk.now)
    assert tokens(desk) == {}
    with desk.as_it_was(), pytest.raises(Refused):
        move(desk, "stay", "before")


def test_a_step_whose_way_on_lacks_a_value_is_refused_with_what_lacks(desk):
    body = (
        lane("first", "second", "third")
        + '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>'
        + user_task("first")
        + user_task("second")
        + user_task("third")
        + '<bpmn:scriptTask id="sum"><bpmn:script>total = amount + 1</bpmn:script></bpmn:scriptTask>'
        + flow("start", "first")
        + flow("first", "sum")
        + flow("sum", "second")
        + flow("second", "third")
        + flow("third", "end")
    )
    deploy(desk, process(body))
    desk.start("p")
    with desk.as_it_was(), pytest.raises(StepFailed) as failed:
        move(desk, "first", "sum")
    assert "amount" in failed.value.detail
    move(desk, "first", "sum", values={"amount": 2})
    assert desk.open() == ["second"]
    assert desk.data("second")["total"] == 3


def test_what_a_repeated_step_has_open_goes_with_it(desk):
    standing(desk, "many")
    assert len(desk.items()) == len(WORK["many"])
    moved = move(desk, "stay", "added")
    assert len(moved.closed) == 3
    assert desk.open() == ["added"]
    to_the_end(desk)


def test_inside_a_called_step_only_its_own_steps_are_offered(desk):
    standing(desk, "sub")
    found = tokens(desk)
    assert {one.element for one in found["inside"].targets} == {"out"}
    assert {one.element for one in found["stay"].targets} == {"before", "added", "end"}
    move(desk, "stay", "before")
    assert desk.open() == ["before"]
    to_the_end(desk)

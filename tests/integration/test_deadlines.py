"""Deadlines know how they came about, stand still while we wait for the customer, and move for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from app import calendar, clock
from app.cases import waiting
from app.db import close_read_session, session, transaction
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import Event, Timer
from app.errors import Forbidden, Invalid, Refused


def deadlines(case, **which) -> list[Deadline]:
    """Return the deadlines of a case, oldest first."""
    close_read_session()
    query = sa.select(Deadline).where(Deadline.case_id == case.id).filter_by(**which)
    return list(session().scalars(query.order_by(Deadline.id)))


def one(case, **which) -> Deadline:
    (found,) = deadlines(case, **which)
    return found


def timers(case, *statuses) -> list[Timer]:
    """Return the timers of the case's procedure that stand so, by due time."""
    instance_id = case.instance.id
    query = sa.select(Timer).where(Timer.instance_id == instance_id, Timer.status.in_(statuses))
    return list(session().scalars(query.order_by(Timer.due_at)))


def wait(desk, case, awaited="现场照片", by="agent"):
    with transaction():
        waiting.wait_for_customer(case.id, awaited, actor=desk.actor(by), now=clock.now())


def go_on(desk, case, by="agent"):
    with transaction():
        waiting.stop_waiting(case.id, actor=desk.actor(by), now=clock.now())


def moved(case, cause) -> list[dict]:
    close_read_session()
    query = sa.select(Event.data).where(Event.stream == f"case:{case.id}", Event.kind == "deadline.moved")
    return [data for data in session().scalars(query.order_by(Event.id)) if data["cause"] == cause]


# ---------------------------------------------------------------- how a deadline comes about


def test_the_deadline_of_a_step_says_which_row_of_which_table_allowed_how_much(desk):
    case = desk.receive()
    case.do("register", severity="high")
    found = one(case, kind="step", status="running")
    assert found.name == "信息汇总分析"
    assert found.due_at == case.item("analyse").due_at
    said = found.reckoning
    assert (said["allowed"], said["then"]) == ("PT2H", "PT1H")
    assert (said["decision"]["id"], said["decision"]["row"]) == ("allowance", 3)
    assert said["decision"]["inputs"] == {"step": "analyse", "severity": "high"}
    assert said["decision"]["fixed"] == {"step": "analyse", "klass": ""}
    assert said["calendar"] == calendar.current().key
    assert said["version"] == calendar.current().version
    assert [rung["target"] for rung in said["rungs"]] == ["assignee", "supervisor", "manager"]
    waits = timers(case, "waiting")
    assert [timer.due_at for timer in waits] == [found.due_at]


def test_a_deadline_done_in_time_is_met_and_one_done_late_is_missed(desk):
    case = desk.receive().analyse("platform")
    desk.pass_time(timedelta(days=3))
    case.do("judge")
    assert [found.status for found in deadlines(case, kind="step")] == ["met", "met", "missed", "running"]


def test_a_deadline_in_a_year_without_published_holidays_is_marked(desk):
    desk.at(datetime(2030, 1, 7, 9, 0, tzinfo=calendar.current().zone))
    case = desk.receive()
    assert case.item("register").provisional
    assert one(case, kind="step").provisional


def test_a_case_has_deadlines_of_its_own_that_end_with_what_they_promise(desk):
    case = desk.receive()
    kinds = {found.kind: found for found in deadlines(case) if found.kind != "step"}
    assert set(kinds) == {"first_response", "resolution", "round"}
    case.do("register")
    assert one(case, kind="first_response").status == "met"
    case.do("analyse", **{"class": "platform"})
    case.do("judge")
    assert one(case, kind="resolution").status == "running"
    case.do("resolve")
    assert case.status == "resolved"
    assert one(case, kind="resolution").status == "met"
    assert one(case, kind="round").status == "met"


def test_a_dissatisfied_customer_takes_the_resolution_up_again_and_begins_a_round(desk):
    case = desk.receive().analyse("platform")
    for element in ("judge", "refer", "solve"):
        case.do(element, **({"can_solve": False} if element == "judge" else {}))
    before, resolved_at = one(case, kind="resolution"), clock.now()
    assert before.status == "met"
    case.call("dissatisfied")
    after = one(case, kind="resolution")
    assert after.status == "running"
    lost = calendar.working_time_between(resolved_at, clock.now())
    assert lost > timedelta(0)
    assert calendar.add_working_time(before.due_at, lost) == after.due_at
    assert [found.status for found in deadlines(case, kind="round")] == ["met", "running"]
    assert moved(case, "reopened")[0]["kind"] == "resolution"


def test_the_ladder_of_a_whole_case_tells_its_people_once_and_leaves_evidence(desk):
    case = desk.receive()
    due = one(case, kind="first_response").due_at
    desk.pass_time(due - clock.now() - timedelta(minutes=1))
    assert not [timer for timer in timers(case, "fired") if timer.kind == "case"]
    desk.pass_time(timedelta(minutes=2))
    (fired,) = [timer for timer in timers(case, "fired") if timer.kind == "case"]
    assert (fired.element, fired.due_at, fired.lateness_seconds) == ("first_response", due, 0)
    kinds = session().scalars(sa.select(Event.kind).where(Event.stream == f"case:{case.id}"))
    assert list(kinds).count("deadline.passed") == 1


# ---------------------------------------------------------------- waiting for the customer


def test_three_days_of_waiting_move_the_deadline_by_exactly_the_working_time_lost(desk):
    case = desk.receive().analyse("platform")
    desk.pass_time(timedelta(hours=1))
    before = case.item("judge").due_at
    began = clock.now()
    wait(desk, case)
    item = case.item("judge")
    assert (item.due_at, item.paused_at, case.status) == (None, began, "waiting")
    assert {timer.status for timer in timers(case, "waiting", "paused")} == {"paused"}
    assert desk.pass_time(timedelta(days=3)) == 0
    assert case.item("judge").escalation_level == 0
    go_on(desk, case)
    lost = calendar.working_time_between(began, clock.now())
    assert lost == timedelta(hours=24)
    item = case.item("judge")
    assert item.due_at == calendar.add_working_time(before, lost)
    assert (item.paused_at, case.status) == (None, "open")
    assert item.due_at in [timer.due_at for timer in timers(case, "waiting")]
    said = {move["name"]: move for move in moved(case, "resumed")}
    assert (said["判断能否解决"]["before"], said["判断能否解决"]["after"]) == (
        before.isoformat(),
        item.due_at.isoformat(),
    )
    pause = session().scalars(sa.select(Pause)).one()
    assert (pause.started_at, pause.ended_at, pause.awaited) == (began, clock.now(), "现场照片")


def test_after_the_wait_the_ladder_is_climbed_from_the_new_deadline(desk):
    case = desk.receive().analyse("platform")
    wait(desk, case)
    desk.pass_time(timedelta(days=2))
    go_on(desk, case)
    due = case.item("judge").due_at
    desk.pass_time(due - clock.now() - timedelta(seconds=1))
    assert case.item("judge").escalation_level == 0
    desk.pass_time(timedelta(seconds=1))
    assert case.item("judge").escalation_level == 1


def test_a_wait_after_the_deadline_holds_the_rest_of_the_ladder(desk):
    case = desk.receive().analyse("platform")
    due = case.item("judge").due_at
    desk.pass_time(due - clock.now())
    assert case.item("judge").escalation_level == 1
    wait(desk, case)
    desk.pass_time(timedelta(days=2))
    assert case.item("judge").escalation_level == 1
    go_on(desk, case)
    assert case.item("judge").due_at == due
    desk.pass_time(timedelta(days=1))
    assert case.item("judge").escalation_level > 1


def test_a_step_done_while_waiting_ends_the_wait_and_is_in_time(desk):
    case = desk.receive().analyse("platform")
    wait(desk, case)
    desk.pass_time(timedelta(days=3))
    case.do("judge", can_solve=False)
    assert case.row.paused_at is None
    assert case.status == "open"
    assert [found.status for found in deadlines(case, kind="step")] == ["met", "met", "met", "running"]
    assert case.item("refer").due_at > clock.now()


def test_a_wait_without_an_answer_ends_by_itself(desk):
    case = desk.receive().analyse("platform")
    wait(desk, case)
    until = session().scalars(sa.select(Pause.until_at)).one()
    desk.pass_time(until - clock.now() - timedelta(seconds=1))
    assert case.row.paused_at is not None
    desk.pass_time(timedelta(seconds=2))
    assert case.row.paused_at is None
    assert case.item("judge").due_at > clock.now()


def test_nobody_waits_twice_or_for_nothing_or_for_a_case_that_has_ended(desk):
    case = desk.receive().analyse("platform")
    with pytest.raises(Invalid):
        wait(desk, case, awaited="  ")
    with pytest.raises(Forbidden):
        wait(desk, case, by="designer")
    wait(desk, case)
    with pytest.raises(Refused):
        wait(desk, case)
    case.withdraw()
    assert {found.status for found in deadlines(case)} <= {"met", "cancelled"}
    with pytest.raises(Refused):
        wait(desk, case)


# ---------------------------------------------------------------- classified anew


def test_a_case_classified_anew_gets_other_deadlines_and_says_why(desk):
    case = desk.receive().analyse("platform", severity="normal")
    before = case.item("judge").due_at
    with transaction():
        count = waiting.classify(case.id, None, "critical", actor=desk.actor("supervisor"), now=clock.now())
    assert count == 3  # the step, the resolution and the round; the first response has come
    after = case.item("judge")
    assert after.due_at < before
    assert after.severity == "critical"
    assert one(case, kind="step", status="running").reckoning["allowed"] == "PT1H"
    assert after.due_at in [timer.due_at for timer in timers(case, "waiting")]
    assert len(moved(case, "reclassified")) >= 3
    # What comes later is allowed what the new severity allows.
    case.do("judge", can_solve=False)
    assert one(case, kind="step", status="running").reckoning["allowed"] == "PT1H"


def test_the_process_goes_on_where_it_was_when_a_case_is_classified_anew(desk):
    case = desk.receive().analyse("platform", severity="normal")
    with transaction():
        waiting.classify(case.id, None, "low", actor=desk.actor("supervisor"), now=clock.now())
    case.do("judge")
    case.do("resolve")
    case.do("archive")
    assert case.status == "closed"

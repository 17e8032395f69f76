"""The escalation ladder of the diagrams: the assignee, the 客户主管, the 售后经理."""

from datetime import timedelta

import sqlalchemy as sa

from app.db import session
from app.engine.tables import Timer
from app.notifications.tables import Notification


def told(desk, since=0):
    """Return who was told of an overdue task, in order, by user name."""
    names = {
        desk.actor(name).id: name
        for name in ("agent", "agent2", "supervisor", "manager", "platform", "technician")
    }
    # The deadlines of the whole case have ladders of their own; these are the steps'.
    query = sa.select(Notification.person_id).where(
        Notification.kind.like("%overdue%") | Notification.kind.like("%escalat%"),
        Notification.url.like("/inbox/%"),
    )
    return [names.get(one, "?") for one in session().scalars(query.order_by(Notification.id))][since:]


def test_a_late_step_reminds_the_assignee_then_the_supervisor_then_the_manager(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer", department="platform")
    item = case.item("solve")
    desk.pass_time(item.due_at - item.created_at - timedelta(minutes=1))
    assert case.item("solve").escalation_level == 0
    desk.pass_time(timedelta(minutes=2))
    assert case.item("solve").escalation_level == 1
    desk.pass_time(timedelta(days=14))
    assert case.item("solve").escalation_level == 3
    heard = [name for name in told(desk) if name in ("platform", "supervisor", "manager")]
    assert heard == ["platform", "supervisor", "manager"]
    case.do("solve")
    assert case.row.escalation_level == 0


def test_a_step_done_in_time_is_not_escalated(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=True)
    case.do("resolve")
    before = told(desk)
    case.do("archive")
    desk.pass_time(timedelta(days=30))
    assert told(desk) == before


def test_a_scheduler_that_slept_fires_every_level_late_but_once(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    desk.jump(timedelta(days=30))
    assert case.item("solve").escalation_level == 3
    # Before session(): a case reads in a session of its own.
    instance_id = case.instance.id
    late = session().scalars(
        sa.select(Timer.lateness_seconds).where(Timer.status == "fired", Timer.instance_id == instance_id)
    )
    assert all(seconds > 0 for seconds in late)
    assert desk.jump(timedelta(hours=1)) == 0


def test_an_overdue_step_can_still_be_completed_and_its_escalation_is_not_lost(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    item = case.item("solve")
    desk.at(item.due_at + timedelta(hours=1))
    case.do("solve")
    fired = session().scalar(
        sa.select(sa.func.count())
        .select_from(Timer)
        .where(Timer.element == "solve_late", Timer.status == "fired")
    )
    assert fired >= 1
    assert case.status == "resolved"

"""Timers fire when they are due, once each, whoever comes first and however late."""

from datetime import datetime, timedelta

import pytest

from app import clock, engine
from app.db import transaction
from tests.support.database import counting


def test_a_timer_fires_at_its_instant_not_after_it(desk):
    desk.run("rounds", dissatisfied=False)
    assert desk.wake(hours=7, minutes=59, seconds=59) == 0
    assert desk.wake(seconds=1) == 1


def test_a_second_worker_finds_nothing_left_to_fire(desk):
    desk.run("rounds", dissatisfied=False)
    assert desk.wake(hours=9) == 1
    with desk.as_it_was():
        assert desk.wake() == 0


def test_a_late_ladder_fires_each_level_that_is_due(desk):
    desk.run("rounds", dissatisfied=False)
    assert desk.wake(hours=13) == 2
    assert desk.item("ask").escalation_level == 2
    assert [event.data["told"] for event in desk.events("work_item.escalated")] == ["assignee", "supervisor"]
    assert desk.wake(days=5) == 1
    assert desk.item("ask").escalation_level == 3
    assert [timer.lateness_seconds for timer in desk.timers("fired")][:2] == [5 * 3600, 3600]
    assert not desk.timers()
    assert desk.wake(days=30) == 0
    desk.complete("ask")
    assert desk.open() == ["answer"]


def test_an_endless_reminder_that_was_late_fires_once(desk):
    desk.run("reminders")
    assert desk.wake(days=5) == 1
    assert [timer.due_at for timer in desk.timers() if timer.element == "daily"] == [
        desk.now + timedelta(days=1)
    ]


def test_what_a_timer_released_runs_in_the_same_step(desk):
    desk.run("reminders")
    desk.wake(days=30)
    assert desk.open() == ["escalated"]
    assert desk.states()["deadline"] == "done"


def test_an_interrupting_deadline_closes_the_item_and_its_other_timers(desk):
    desk.run("reminders")
    desk.wake(days=30)
    assert [item.status for item in desk.items("work", every=True)] == ["cancelled"]
    assert not desk.timers()
    desk.complete("escalated")
    assert desk.row().status == "completed"


def test_completing_a_step_cancels_its_timers(desk):
    desk.run("rounds", dissatisfied=False)
    desk.complete("ask")
    assert [timer.element for timer in desk.timers("cancelled")] == ["late_ask"]
    assert [timer.element for timer in desk.timers()] == ["late_answer"]


def test_a_gateway_that_waits_for_a_message_or_a_time_names_its_timer(desk):
    desk.run("reply", business_key="K1")
    (timer,) = desk.timers()
    assert (timer.element, timer.due_at) == ("silence", desk.now + timedelta(days=3))
    desk.wake(days=3)
    assert desk.open() == ["call_again"]
    assert not desk.messages()


def test_a_timer_reads_the_clock_that_is_given_not_the_machines(desk):
    desk.run("rounds", dissatisfied=False)
    with clock.at(desk.now + timedelta(days=700)):
        assert desk.wake() == 0
    assert desk.timers()[0].due_at == desk.now + timedelta(hours=8)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("P1D", 24),
        ('"PT2H"', 2),
        ("now() + hours(3)", 3),
        ("2026-03-02T12:00", 2),  # no zone: the centre's own, eight hours before UTC
        ("2026-03-02T04:00Z", 2),
    ],
)
def test_a_duration_or_date_may_be_written_bare_or_as_an_expression(desk, text, hours):
    tag = "timeDate" if text.startswith("2026") or "now" in text else "timeDuration"
    desk.deploy(
        "reminders",
        change=lambda xml: xml.replace("timeDuration>P30D<", f"{tag}>{text}<").replace(
            "timeDuration>", f"{tag}>"
        ),
    )
    desk.start("reminders")
    (deadline,) = [timer for timer in desk.timers() if timer.element == "deadline"]
    assert deadline.due_at == desk.now + timedelta(hours=hours)


def test_a_timer_without_a_time_fails_the_step_of_whoever_comes_there(desk):
    from app.errors import StepFailed

    desk.deploy("reminders", change=lambda xml: xml.replace("P30D", 'setting("nobody.set.this")'))
    with pytest.raises(StepFailed) as failed:
        desk.start("reminders")
    assert failed.value.element == "deadline"
    assert "没有时间" in failed.value.detail


def test_due_instances_come_longest_due_first_and_suspended_ones_not_at_all(desk):
    first = desk.run("rounds", dissatisfied=False)
    desk.now += timedelta(hours=1)
    second = desk.start("rounds", dissatisfied=False)
    third = desk.start("rounds", dissatisfied=False)
    with transaction():
        engine.suspend(third, "投诉核实中", actor=desk.actor, now=desk.now)
    desk.now += timedelta(hours=10)
    assert due(desk.now) == [first, second]
    assert due(desk.now, limit=1) == [first]
    assert due(desk.now, without=[first]) == [second]
    assert engine.next_due() == datetime(2026, 3, 2, 10, 0, tzinfo=desk.now.tzinfo)


def due(now, *, limit=100, without=()):
    with transaction():
        return [instance.id for instance in engine.lock_due(now, limit, without=without)]


def test_several_instances_take_their_steps_together(desk):
    instances = [desk.run("rounds", dissatisfied=False) for _ in range(3)]
    desk.now += timedelta(hours=9)
    with transaction():
        fired = engine.wake_locked(engine.lock_due(desk.now, 10), desk.now, "tester")
    assert fired == dict.fromkeys(instances, 1)
    for instance in instances:
        desk.instance = instance
        assert [(timer.worker, timer.attempts) for timer in desk.timers("fired")] == [("tester", 1)]
        assert desk.item("ask").escalation_level == 1
        assert list(engine.broken_links(f"instance:{instance}")) == []
        # Each has its own next timer and goes on by itself.
        desk.complete("ask")
        assert desk.open() == ["answer"]


def test_a_batch_costs_the_same_statements_however_many_instances_move(desk, app):
    def statements(count):
        for _ in range(count):
            desk.run("short_wait")
        desk.now += timedelta(hours=9)
        with counting(app.extensions["db_engine"]) as counted, transaction():
            assert len(engine.wake_locked(engine.lock_due(desk.now, 100), desk.now, "tester")) == count
        return len(counted)

    assert statements(1) == statements(7)


def test_what_fell_due_while_suspended_happens_on_resuming(desk):
    instance = desk.run("rounds", business_key="K1", dissatisfied=False)
    with transaction():
        engine.suspend(instance, "等厂家答复", actor=desk.actor, now=desk.now)
    assert desk.wake(hours=9) == 0
    with transaction():
        engine.resume(instance, actor=desk.actor, now=desk.now)
    assert desk.item("ask").escalation_level == 1
    assert desk.row().status == "running"

"""When a customer may be called, and how calls are shared out."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.agenda.rules import Open, fullness, may_call, share_out, urgency
from app.calendar import Calendar
from app.callbacks.rules import within_hours

ZONE = ZoneInfo("Asia/Shanghai")
WORK = ((time(8, 30), time(12)), (time(13, 30), time(18)))
QUIET = (time(20), time(9))
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


@pytest.fixture
def weekdays() -> Calendar:
    return Calendar.weekly(ZONE, dict.fromkeys(range(1, 6), WORK))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


# Monday 2 March 2026, nine o'clock: the centre is open and the night's quiet hours are over.
NINE = local("2026-03-02T09:00")


def test_who_says_nothing_is_called_when_we_would(weekdays: Calendar):
    assert within_hours(weekdays, NINE, QUIET, []).at == NINE


@pytest.mark.parametrize(
    ("days", "begins", "ends", "expected"),
    [
        (EVERY_DAY, "10:00", "23:59", "2026-03-02T10:00"),
        (EVERY_DAY, "00:00", "12:00", "2026-03-02T09:00"),
        ([3], "14:00", "15:00", "2026-03-04T14:00"),
        (EVERY_DAY, "12:30", "14:00", "2026-03-02T13:30"),
        ([1], "08:00", "09:05", "2026-03-02T09:00"),
    ],
    ids=["not before ten", "before noon", "on Wednesdays", "over lunch", "a short span is better than none"],
)
def test_the_customers_hours_within_ours_decide(weekdays, days, begins, ends, expected):
    hours = [{"days": days, "from": begins, "until": ends}]
    found = within_hours(weekdays, NINE, QUIET, hours)
    assert found.at == local(expected)
    assert found.moved == (None if found.at == NINE else "hours")


def test_a_customer_who_is_free_after_work_is_called_then_on_a_working_day(weekdays: Calendar):
    friday = local("2026-03-06T17:00")
    hours = [{"days": EVERY_DAY, "from": "20:30", "until": "21:00"}]
    assert within_hours(weekdays, friday, QUIET, hours).at == local("2026-03-06T20:30")
    found = within_hours(weekdays, local("2026-03-06T20:55"), QUIET, hours)
    assert (found.at, found.moved) == (local("2026-03-09T20:30"), "outside")


def test_a_customer_who_is_free_on_sundays_alone_is_called_on_sunday(weekdays: Calendar):
    found = within_hours(weekdays, NINE, QUIET, [{"days": [7], "from": "10:00", "until": "11:00"}])
    assert (found.at, found.moved) == (local("2026-03-08T10:00"), "outside")


def test_quiet_hours_at_midday_are_kept(weekdays: Calendar):
    hours = [{"days": EVERY_DAY, "from": "11:00", "until": "18:00"}]
    found = within_hours(weekdays, NINE, (time(10), time(14)), hours)
    assert found.at == local("2026-03-02T14:00")


def test_several_spans_are_tried_in_the_order_of_time(weekdays: Calendar):
    hours = [
        {"days": [2], "from": "16:00", "until": "17:00"},
        {"days": [1], "from": "15:00", "until": "16:00"},
    ]
    assert within_hours(weekdays, NINE, QUIET, hours).at == local("2026-03-02T15:00")


def test_who_handled_the_case_calls_only_where_nobody_else_could():
    assert not may_call(1, 1, [1, 2])
    assert may_call(2, 1, [1, 2])
    assert may_call(1, 1, [1])
    assert not may_call(3, None, [1, 2])


def test_calls_go_to_whoever_has_most_room_left():
    calls = [Open(n, NINE + timedelta(minutes=n)) for n in range(4)]
    shared = share_out(calls, {1: 3, 2: 1, 3: 3}, room=5)
    assert shared.given == {0: 2, 1: 2, 2: 1, 3: 2}
    assert shared.left == {}


def test_sharing_out_respects_who_handled_the_case_and_who_is_full():
    calls = [Open(1, NINE, excluded_id=1), Open(2, NINE, excluded_id=2), Open(3, NINE)]
    shared = share_out(calls, {1: 4, 2: 3}, room=5)
    assert shared.given == {1: 2, 2: 1, 3: 2}
    assert share_out(calls, {1: 5, 2: 5}, room=5).left == {1: "room", 2: "room", 3: "room"}
    assert share_out(calls, {}, room=5).left == {1: "nobody", 2: "nobody", 3: "nobody"}


def test_a_call_is_late_a_quarter_of_an_hour_after_its_time():
    assert urgency(NINE, None, NINE + timedelta(minutes=15)) == "soon"
    assert urgency(NINE, None, NINE + timedelta(minutes=16)) == "overdue"
    assert urgency(NINE, None, NINE - timedelta(minutes=31)) == "ontime"
    assert urgency(NINE, "satisfied", NINE + timedelta(days=1)) == "done"


@pytest.mark.parametrize(("calls", "said"), [(0, ""), (21, ""), (22, "nearly"), (24, "full"), (30, "full")])
def test_a_day_says_that_it_fills_up(calls: int, said: str):
    assert fullness(calls, 24) == said

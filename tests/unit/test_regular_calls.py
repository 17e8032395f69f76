"""Whom a schedule of regular calls would call, on which day and at which time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.agenda.regular_rules import Person, Rules, chosen, is_day, months_between, preview, reason, times
from app.calendar import Calendar
from app.calendar.rules import Day

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
WORK = ((time(8, 30), time(18)),)


@pytest.fixture
def weekdays() -> Calendar:
    return Calendar.weekly(ZONE, dict.fromkeys(range(1, 6), WORK), {date(2026, 3, 7): Day("调休", WORK)})


def schedule(**changes: Any) -> Rules:
    given: dict[str, Any] = {
        "idle_days": 30, "weekdays": [1, 2, 3, 4, 5], "working_days": True, "from_time": "09:00",
        "until_time": "17:00", "most_a_day": 2, "active_from": MONDAY,
    }  # fmt: skip
    return Rules(**given | changes)


def person(number: int, idle: int = 100, **changes: Any) -> Person:
    last = datetime.combine(MONDAY, time(12), ZONE) - timedelta(days=idle)
    return Person(number, f"客户 {number}", last, **changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"opted_out": True}, "opted_out"),
        ({"has_phone": False}, "no_phone"),
        ({"open_case": True}, "open_case"),
        ({"planned": True}, "planned"),
        ({"idle": 29}, "recent"),
        ({"idle": 30}, ""),
    ],
)
def test_who_is_left_out_and_why(weekdays, changes, expected):
    assert reason(schedule(), person(1, **changes), MONDAY, weekdays) == expected


def test_criteria_of_class_and_age_of_what_they_own(weekdays):
    fits = person(1, klass="device", fitted=date(2025, 3, 2))
    assert reason(schedule(klass="device", asset_months=12), fits, MONDAY, weekdays) == ""
    assert reason(schedule(klass="platform"), fits, MONDAY, weekdays) == "class"
    assert reason(schedule(asset_months=13), fits, MONDAY, weekdays) == "asset"
    assert reason(schedule(asset_months=1), person(1), MONDAY, weekdays) == "asset"


def test_those_longest_without_contact_come_first_and_no_more_than_the_cap(weekdays):
    people = [person(1, 40), person(2, 90), person(3, 60), person(4, 5)]
    assert [one.id for one in chosen(schedule(), people, MONDAY, weekdays)] == [2, 3]


def test_four_weeks_call_each_customer_once_and_those_who_become_idle_later(weekdays):
    people = [person(n, 100 - n) for n in range(3)] + [person(9, 25), person(8, 1), person(7, opted_out=True)]
    found = preview(schedule(), people, MONDAY, weekdays)
    called = {one.id: day for day, some in found.days for one in some}
    assert called == {0: MONDAY, 1: MONDAY, 2: MONDAY + timedelta(1), 9: date(2026, 3, 7)}
    assert found.total == 4
    assert dict(found.left_out) == {"opted_out": 1, "recent": 1}


def test_what_the_cap_pushes_beyond_the_four_weeks_is_counted(weekdays):
    people = [person(n) for n in range(60)]
    found = preview(schedule(), people, MONDAY, weekdays)
    # Twenty working days and a make-up day, two calls each.
    assert (found.total, found.waiting, dict(found.left_out)) == (42, 18, {})


def test_a_make_up_day_counts_and_a_day_off_does_not(weekdays):
    assert is_day(schedule(), date(2026, 3, 7), weekdays)
    assert not is_day(schedule(), date(2026, 3, 8), weekdays)
    assert is_day(schedule(weekdays=[7], working_days=False), date(2026, 3, 8), weekdays)
    assert not is_day(schedule(weekdays=[1]), date(2026, 3, 3), weekdays)
    assert not is_day(schedule(active_until=date(2026, 3, 3)), date(2026, 3, 4), weekdays)
    assert not is_day(schedule(active_from=date(2026, 3, 3)), MONDAY, weekdays)


def test_calls_are_spread_over_the_window_and_never_lie_in_the_past(weekdays):
    early = datetime(2026, 3, 1, 22, tzinfo=UTC)
    found = times(schedule(), 4, MONDAY, weekdays, early)
    assert [at.astimezone(ZONE).strftime("%H:%M") for at in found] == ["09:00", "11:00", "13:00", "15:00"]
    noon = datetime(2026, 3, 2, 13, tzinfo=ZONE)
    assert [at.astimezone(ZONE).hour for at in times(schedule(), 2, MONDAY, weekdays, noon)] == [13, 15]
    night = datetime(2026, 3, 2, 22, tzinfo=ZONE)
    assert times(schedule(), 2, MONDAY, weekdays, night) == [night, night]


@pytest.mark.parametrize(("start", "months"), [("2026-02-02", 1), ("2026-02-03", 0), ("2025-03-02", 12)])
def test_months_are_whole(start: str, months: int):
    assert months_between(date.fromisoformat(start), MONDAY) == months

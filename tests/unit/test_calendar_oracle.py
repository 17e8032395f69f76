"""Working time against an oracle that looks at every single minute: 20,000 cases, any zone, any shift."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.calendar.rules import (
    Calendar,
    CalendarExhausted,
    Day,
    add_working_time,
    subtract_working_time,
    working_time_between,
)

MINUTE = timedelta(minutes=1)
# Each around a change of the clock where the zone has one; Lord Howe moves by half an hour.
PLACES = [
    ("Asia/Shanghai", date(2026, 9, 25)),
    ("Europe/Berlin", date(2026, 3, 24)),
    ("Europe/Berlin", date(2026, 10, 20)),
    ("America/New_York", date(2026, 3, 4)),
    ("America/New_York", date(2026, 10, 28)),
    ("Australia/Lord_Howe", date(2026, 4, 1)),
    ("Australia/Lord_Howe", date(2026, 9, 30)),
    ("America/Sao_Paulo", date(2018, 10, 30)),  # midnight itself is left out
    ("Asia/Kolkata", date(2026, 12, 28)),
    ("Pacific/Auckland", date(2026, 9, 23)),
    ("Africa/Casablanca", date(2026, 2, 12)),
]
WINDOW = 12  # days
EXAMPLES, CASES = 100, 200  # 20,000 cases of three questions each


class Oracle:
    """Knows for each minute of a window whether the centre is open, by looking at what its clock shows."""

    def __init__(self, calendar: Calendar, first: date) -> None:
        self.begin = datetime.combine(first - timedelta(days=2), time(0), UTC)
        self.open = bytearray((WINDOW + 4) * 24 * 60)
        for ahead in range(-3, WINDOW + 4):
            day = first + timedelta(days=ahead)
            for opens, closes in calendar.spans(day):
                night = timedelta(days=0 if closes > opens else 1)
                begins = first_shown(calendar.zone.key, datetime.combine(day, opens))
                ends = first_shown(calendar.zone.key, datetime.combine(day + night, closes))
                for minute in range(self._minute(begins), self._minute(ends)):
                    if 0 <= minute < len(self.open):
                        self.open[minute] = 1
        self.passed = [0, *accumulate(self.open)]

    def worked(self, instant: datetime) -> int:
        """Return the open seconds from the window's beginning to an instant."""
        seconds = int((instant - self.begin).total_seconds())
        minute, rest = divmod(seconds, 60)
        return 60 * self.passed[minute] + (rest if self.open[minute] else 0)

    def between(self, start: datetime, end: datetime) -> int:
        return max(self.worked(end) - self.worked(start), 0)

    def add(self, start: datetime, seconds: int) -> datetime | None:
        """Return the first instant from `start` on at which so many open seconds have passed."""
        if seconds == 0:
            minute = self._minute(start)
            if self.open[minute]:
                return start
            later = self.open.find(1, minute)
            return None if later < 0 else self.begin + later * MINUTE
        target = self.worked(start) + seconds
        minute = bisect_left(self.passed, -(-target // 60)) - 1
        if minute >= len(self.open):
            return None
        return self.begin + timedelta(minutes=minute, seconds=target - 60 * self.passed[minute])

    def subtract(self, end: datetime, seconds: int) -> datetime | None:
        """Return the last instant up to `end` from which so many open seconds pass until then."""
        target = self.worked(end) - seconds
        if target < 0:
            return None
        for minute in range(self._minute(end), -1, -1):
            if self.open[minute] and 60 * self.passed[minute] <= target:
                at = self.begin + timedelta(minutes=minute, seconds=target - 60 * self.passed[minute])
                return min(at, end, self.begin + (minute + 1) * MINUTE)
        return None

    def _minute(self, instant: datetime) -> int:
        return int((instant - self.begin) // MINUTE)


@lru_cache(maxsize=100_000)
def first_shown(zone: str, wall: datetime) -> datetime:
    """Return the first minute, UTC, in which the clock of a zone shows `wall` or later."""
    place = ZoneInfo(zone)
    instant = wall.replace(tzinfo=UTC) - timedelta(hours=15)
    # In steps of an hour while it is far off; then minute by minute.
    while (instant + timedelta(hours=3)).astimezone(place).replace(tzinfo=None) < wall:
        instant += timedelta(hours=1)
    while instant.astimezone(place).replace(tzinfo=None) < wall:
        instant += MINUTE
    return instant


@st.composite
def spans_of_a_day(draw: st.DrawFn) -> tuple[tuple[time, time], ...]:
    kind = draw(st.sampled_from(("office", "closed", "whole", "night", "free", "free")))
    if kind == "closed":
        return ()
    if kind == "office":
        return ((time(9), time(12)), (time(13), time(18)))
    if kind == "whole":
        return ((time(0), time(0)),)
    if kind == "night":
        return (
            (time(draw(st.integers(18, 23)), draw(st.sampled_from((0, 30)))), time(draw(st.integers(1, 9)))),
        )
    marks = sorted(draw(st.sets(st.integers(0, 24 * 12 - 1), min_size=2, max_size=6)))
    clocks = [time(mark // 12, mark % 12 * 5) for mark in marks[: len(marks) // 2 * 2]]
    return tuple(zip(clocks[::2], clocks[1::2], strict=True))


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, date]:
    zone, first = draw(st.sampled_from(PLACES))
    week = {day: draw(spans_of_a_day()) for day in range(1, 8)}
    later = {day: draw(spans_of_a_day()) for day in range(1, 8)}
    weeks: tuple = ((None, week),)
    if draw(st.booleans()):
        weeks += ((first + timedelta(days=draw(st.integers(0, WINDOW))), later),)
    ahead = draw(st.sets(st.integers(-1, WINDOW), max_size=4))
    days = {first + timedelta(days=one): Day("x", draw(spans_of_a_day())) for one in sorted(ahead)}
    return Calendar(ZoneInfo(zone), weeks, days), first


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=calendars(), seed=st.integers(0, 2**32))
def test_adding_subtracting_and_measuring_agree_with_a_look_at_every_minute(made, seed):
    calendar, first = made
    chance = Random(seed)
    oracle = Oracle(calendar, first)
    begin = datetime.combine(first, time(0), UTC)
    for _case in range(CASES):
        start = begin + timedelta(seconds=chance.randrange(WINDOW * 86400))
        # Often exactly on a minute, where spans begin and end.
        start = start.replace(second=0) if chance.random() < 0.5 else start
        end = begin + timedelta(seconds=chance.randrange(WINDOW * 86400))
        seconds = chance.choice((0, 1, 60, chance.randrange(4 * 3600), chance.randrange(40 * 3600)))
        length = timedelta(seconds=seconds)
        assert working_time_between(calendar, start, end) == timedelta(seconds=oracle.between(start, end))
        added, expected = answer(add_working_time, calendar, start, length), oracle.add(start, seconds)
        if expected is not None:
            assert added == expected, (start, seconds)
        taken, expected = (
            answer(subtract_working_time, calendar, start, length),
            oracle.subtract(start, seconds),
        )
        if expected is not None:
            assert taken == expected, (start, seconds)


def answer(function, calendar: Calendar, instant: datetime, length: timedelta) -> datetime | None:
    try:
        return function(calendar, instant, length).at
    except CalendarExhausted:
        return None


@settings(max_examples=60, deadline=None)
@given(
    made=calendars(), start=st.integers(0, 10**6), seconds=st.integers(1, 200_000), cut=st.integers(0, 10**6)
)
def test_what_is_added_is_measured_again_and_pauses_only_ever_put_off(made, start, seconds, cut):
    calendar, first = made
    begins = datetime.combine(first, time(0), UTC) + timedelta(seconds=start)
    length = timedelta(seconds=seconds)
    due = answer(add_working_time, calendar, begins, length)
    if due is None:
        return
    assert working_time_between(calendar, begins, due) == length
    stops = begins + timedelta(seconds=cut % 100_000)
    paused = calendar.without([(stops, stops + timedelta(hours=7))])
    later = answer(add_working_time, paused, begins, length)
    assert later is None or later >= due
    if later is not None:
        assert working_time_between(paused, begins, later) == length

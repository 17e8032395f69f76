"""When a customer may be called, over plain values: no database, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from app.calendar.rules import Calendar, Period, Span

# Working hours and a customer's are looked at for so many days before theirs win over ours.
HORIZON_DAYS = 14
# A call that begins so shortly before the customer's hours end would not be over in time.
ROOM = timedelta(minutes=10)
CONNECTED = ("satisfied", "dissatisfied")
# What a regular call's decision and question set are looked up by, since it has no class of case.
REGULAR = "regular"


@dataclass(frozen=True)
class CallTime:
    """When to call. moved: why it is not when was asked for, as `Callback.moved`; None when it is."""

    at: datetime
    moved: str | None = None


def within_hours(
    calendar: Calendar, start: datetime, quiet: Span, hours: Sequence[Mapping[str, Any]]
) -> CallTime:
    """Return the first instant from `start` on (a time at which we call) that the customer allows too.

    hours: as `Customer.call_hours`; empty: whenever.
    Within two weeks the centre must be open, the quiet hours over, and the customer's hours on. Where these
    never meet the customer's hours win: first on days the centre works, then on any day.
    """
    if not hours:
        return CallTime(start)
    first = start.astimezone(calendar.zone).date()
    days = [first + timedelta(days=ahead) for ahead in range(HORIZON_DAYS)]
    allowed = {day: _spans_of(calendar, day, hours) for day in days}
    both = (
        part
        for day in days
        for part in _intersect(_without_quiet(calendar, day, quiet, calendar.periods(day)), allowed[day])
    )
    if (found := _first(both, start)) is not None:
        return CallTime(found, "hours" if found > start else None)
    for wanted in (lambda day: bool(calendar.spans(day)), lambda _day: True):
        if (
            found := _first((part for day in days if wanted(day) for part in allowed[day]), start)
        ) is not None:
            return CallTime(found, "outside")
    return CallTime(start)


def _first(periods: Iterable[Period], start: datetime) -> datetime | None:
    """Return the first instant from `start` on that leaves room for a call in its period."""
    for opens, closes in periods:
        room = min(ROOM, closes - opens)
        at = max(opens, start)
        if at + room <= closes and closes > opens:
            return at
    return None


def _spans_of(calendar: Calendar, day: date, hours: Sequence[Mapping[str, Any]]) -> list[Period]:
    found = [
        (
            _instant(calendar, day, time.fromisoformat(one["from"])),
            _instant(calendar, day, _end(one["until"])),
        )
        for one in hours
        if day.isoweekday() in one["days"]
    ]
    return sorted(found)


def _end(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)


def _without_quiet(calendar: Calendar, day: date, quiet: Span, periods: Iterable[Period]) -> list[Period]:
    begins, ends = quiet
    if begins == ends:
        return list(periods)
    # What is left of the day: between the quiet hours of the night, or before and after those of a break.
    free = [(ends, begins)] if begins > ends else [(time.min, begins), (ends, time.max)]
    spans = [(_instant(calendar, day, one), _instant(calendar, day, other)) for one, other in free]
    return [part for period in periods for part in _intersect([period], spans)]


def _intersect(ones: Iterable[Period], others: Sequence[Period]) -> list[Period]:
    return [
        (max(one[0], other[0]), min(one[1], other[1]))
        for one in ones
        for other in others
        if max(one[0], other[0]) < min(one[1], other[1])
    ]


def _instant(calendar: Calendar, day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, calendar.zone).astimezone(UTC)

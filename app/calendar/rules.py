"""Working time over plain values: no database, no clock, no framework.

A day is a tuple of spans of local wall-clock time; a period is a pair of aware UTC instants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[time, time]
Period = tuple[datetime, datetime]

# Ten years of closed days means the calendar itself is wrong, not that the answer lies further on.
HORIZON_DAYS = 3660

_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


class CalendarExhausted(Exception):
    """The calendar never opens long enough to hold the time asked for."""


@dataclass(frozen=True)
class Day:
    """A day unlike its weekday: closed when `spans` is empty, a make-up working day 调休 otherwise."""

    name: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Calendar:
    """When the centre is open.

    week:        ISO weekday 1..7 → spans of local time, in order, not overlapping.
    days:        exceptions by local date; they win over `week`.
    known_until: the last local date whose exceptions are known.
    """

    zone: ZoneInfo
    week: Mapping[int, tuple[Span, ...]]
    days: Mapping[date, Day] = field(default_factory=dict)
    known_until: date = date.max
    version: int = 0
    key: str = "centre"
    pauses: tuple[Period, ...] = ()

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the opening spans of a local date."""
        exception = self.days.get(day)
        return exception.spans if exception is not None else self.week.get(day.isoweekday(), ())

    def periods(self, day: date) -> tuple[Period, ...]:
        """Return the spans of a local date as UTC pairs, so that a clock change cannot stretch an hour."""
        whole = ((self._utc(day, opens), self._utc(day, closes)) for opens, closes in self.spans(day))
        return tuple(part for period in whole for part in _outside(period, self.pauses))

    def without(self, pauses: Sequence[Period]) -> Calendar:
        """Return this calendar with the times of `pauses` (UTC pairs) taken out of its opening hours."""
        return replace(self, pauses=tuple(sorted(pauses)))

    def periods_from(self, start: datetime) -> Iterator[Period]:
        """Yield what is left of each opening period from `start` on, for at most ten years."""
        first = start.astimezone(self.zone).date()
        for ahead in range(HORIZON_DAYS):
            for opens, closes in self.periods(first + timedelta(days=ahead)):
                if closes > start:
                    yield max(opens, start), closes

    def is_open(self, instant: datetime) -> bool:
        """Tell whether the centre is open at this instant."""
        day = instant.astimezone(self.zone).date()
        return any(opens <= instant < closes for opens, closes in self.periods(day))

    def is_make_up_day(self, day: date) -> bool:
        """Tell whether this local date is a weekend day on which the centre works 调休."""
        return day in self.days and bool(self.days[day].spans) and not self.week.get(day.isoweekday())

    def _utc(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self.zone).astimezone(UTC)


def _outside(period: Period, pauses: Sequence[Period]) -> Iterator[Period]:
    """Yield what is left of a period outside of pauses, which are in order."""
    opens, closes = period
    for begins, ends in pauses:
        if ends <= opens or begins >= closes:
            continue
        if begins > opens:
            yield opens, begins
        opens = max(opens, ends)
    if opens < closes:
        yield opens, closes


@dataclass(frozen=True)
class Reckoned:
    """An instant, and whether it rests on days whose holidays are not known yet."""

    at: datetime
    beyond_known: bool


def parse_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration of weeks, days, hours, minutes, seconds, e.g. "PT8H" or "P1DT2H".

    Raises ValueError for anything else, months and years included: they have no fixed length.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = {name: int(value) for name, value in match.groupdict().items() if value} if match else {}
    if not parts:
        raise ValueError(f"not a duration: {text!r}")
    return timedelta(**parts)


def add_working_time(calendar: Calendar, start: datetime, allowance: timedelta) -> Reckoned:
    """Return the instant when `allowance` of opening time has passed since `start`.

    start:     aware, any zone; the result is UTC.
    allowance: opening time, not clock time; zero gives the next instant at which the centre is open.
    Raises CalendarExhausted when the calendar ends first.
    """
    left = allowance
    for opens, closes in calendar.periods_from(start):
        if opens + left <= closes:
            return _reckoned(calendar, opens + left)
        left -= closes - opens
    raise CalendarExhausted(f"{allowance} from {start}")


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Return the opening time from `start` to `end`, aware; zero when end is not later."""
    total = timedelta(0)
    for opens, closes in calendar.periods_from(start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def working_day(calendar: Calendar, start: datetime, count: int) -> Reckoned:
    """Return the opening instant of the `count`-th working day after `start`'s local date.

    0 is `start` itself, or the next opening.

    Raises CalendarExhausted when the calendar ends first.
    """
    day = start.astimezone(calendar.zone).date()
    if count == 0:
        return add_working_time(calendar, start, timedelta(0))
    for _ in range(HORIZON_DAYS):
        day += timedelta(days=1)
        if calendar.spans(day):
            count -= 1
            if count == 0:
                return _reckoned(calendar, calendar.periods(day)[0][0])
    raise CalendarExhausted(f"{count} working days from {start}")


def outside_quiet_hours(calendar: Calendar, start: datetime, quiet: Span) -> Reckoned:
    """Return the first instant from `start` on at which the centre is open and no quiet hours are.

    quiet: from when until when nobody is called, local; over midnight when it ends before it begins, none
        when both are equal.
    Raises CalendarExhausted when all opening time is quiet.
    """
    begins, ends = quiet
    moment = start
    for _ in range(HORIZON_DAYS):
        moment = add_working_time(calendar, moment, timedelta(0)).at
        local = moment.astimezone(calendar.zone)
        evening = begins > ends and local.time() >= begins
        if not (evening or begins <= local.time() < ends or local.time() < ends < begins):
            return _reckoned(calendar, moment)
        day = local.date() + timedelta(days=1 if evening else 0)
        moment = datetime.combine(day, ends, calendar.zone).astimezone(UTC)
    raise CalendarExhausted(f"outside {begins} to {ends} from {start}")


def next_change(calendar: Calendar, instant: datetime) -> datetime | None:
    """Return when the centre next opens or closes; None when it never does."""
    for opens, closes in calendar.periods_from(instant):
        return closes if opens <= instant else opens
    return None


def _reckoned(calendar: Calendar, instant: datetime) -> Reckoned:
    at = instant.astimezone(UTC)
    return Reckoned(at, at.astimezone(calendar.zone).date() > calendar.known_until)

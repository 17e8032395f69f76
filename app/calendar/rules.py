"""Working time over plain values: no database, no clock, no framework. Exact to the second.

A span is a pair of local wall-clock times of one day; one that does not end after it begins runs over
midnight (22:00 to 06:00) and belongs to the day it begins on; 00:00 to 00:00 is the whole day. A period is a
pair of aware UTC instants. Where the clock changes, a span begins and ends when the clock first shows its
time or a later one: an hour left out is not worked, one that comes twice inside a span is worked twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[time, time]
Week = Mapping[int, tuple[Span, ...]]
Period = tuple[datetime, datetime]

# Ten years of closed days means the calendar itself is wrong, not that the answer lies further on.
HORIZON_DAYS = 3660
DAY = timedelta(days=1)

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

    weeks:       (first local date, ISO weekday 1..7 → spans of local time) in order of the dates, the first
                 None: a week holds from its date until the next one's.
    days:        exceptions by local date; they replace the day.
    known_until: the last local date whose exceptions are known.
    key, name, version: of the calendar that staff edit; 0 for one that nobody has saved.
    pauses:      UTC pairs in order that do not count (`without`).
    """

    zone: ZoneInfo
    weeks: tuple[tuple[date | None, Week], ...]
    days: Mapping[date, Day] = field(default_factory=dict)
    known_until: date = date.max
    version: int = 0
    key: str = "centre"
    name: str = ""
    pauses: tuple[Period, ...] = ()
    # What was worked out once; a copy by `replace` begins with an empty one.
    _periods: dict[date, tuple[Period, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def weekly(
        cls, zone: ZoneInfo, week: Week, days: Mapping[date, Day] | None = None, **more: object
    ) -> Calendar:
        """Return a calendar whose week is the same at all times."""
        return cls(zone, ((None, week),), days or {}, **more)  # type: ignore[arg-type]

    def week_of(self, day: date) -> Week:
        """Return the week that holds on a local date."""
        found: Week = {}
        for since, week in self.weeks:
            if since is None or since <= day:
                found = week
        return found

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the opening spans of a local date."""
        exception = self.days.get(day)
        return exception.spans if exception is not None else self.week_of(day).get(day.isoweekday(), ())

    def periods(self, day: date) -> tuple[Period, ...]:
        """Return the spans that begin on a local date as UTC pairs, in order, none of them counted twice.

        What runs over from the night before is the day before's.
        """
        found = self._periods.get(day)
        if found is None:
            before = max((ends for _begins, ends in self._whole(day - DAY)), default=None)
            merged: list[Period] = []
            for begins, ends in self._whole(day):
                begins = max(begins, before) if before is not None else begins
                if merged and begins < merged[-1][1]:
                    begins = merged[-1][1]
                if begins < ends:
                    merged.append((begins, ends))
            found = tuple(part for period in merged for part in _outside(period, self.pauses))
            self._periods[day] = found
        return found

    def without(self, pauses: Sequence[Period]) -> Calendar:
        """Return this calendar with the times of `pauses` (UTC pairs) taken out of its opening hours."""
        return replace(self, pauses=tuple(sorted(pauses)))

    def periods_from(self, start: datetime) -> Iterator[Period]:
        """Yield what is left of each opening period from `start` on, for at most ten years."""
        # From the day before: its night shift may still be on.
        first = start.astimezone(self.zone).date() - DAY
        for ahead in range(HORIZON_DAYS):
            for opens, closes in self.periods(first + timedelta(days=ahead)):
                if closes > start:
                    yield max(opens, start), closes

    def periods_until(self, end: datetime) -> Iterator[Period]:
        """Yield what lies before `end` of each opening period, the latest first, for at most ten years."""
        last = end.astimezone(self.zone).date()
        for back in range(HORIZON_DAYS):
            for opens, closes in reversed(self.periods(last - timedelta(days=back))):
                if opens <= end:
                    yield opens, min(closes, end)

    def is_open(self, instant: datetime) -> bool:
        """Tell whether the centre is open at this instant."""
        day = instant.astimezone(self.zone).date()
        near = (*self.periods(day - DAY), *self.periods(day))
        return any(opens <= instant < closes for opens, closes in near)

    def is_make_up_day(self, day: date) -> bool:
        """Tell whether this local date is a day off in its week on which the centre works 调休."""
        worked = day in self.days and bool(self.days[day].spans)
        return worked and not self.week_of(day).get(day.isoweekday())

    def _whole(self, day: date) -> list[Period]:
        return sorted(
            (self._instant(day, opens), self._instant(day if closes > opens else day + DAY, closes))
            for opens, closes in self.spans(day)
        )

    def _instant(self, day: date, moment: time) -> datetime:
        """Return when the clock of the zone first shows this time or, where it jumps over it, a later one."""
        wall = datetime.combine(day, moment, self.zone)
        instant = wall.astimezone(UTC)
        if instant.astimezone(self.zone).replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None, fold=0):
            return instant
        # Left out: `instant` reckons as before the change, `fold=1` as after it; the change lies between.
        early = wall.replace(fold=1).astimezone(UTC)
        after = instant.astimezone(self.zone).utcoffset()
        while instant - early > timedelta(seconds=1):
            middle = early + timedelta(seconds=int((instant - early).total_seconds()) // 2)
            if middle.astimezone(self.zone).utcoffset() == after:
                instant = middle
            else:
                early = middle
        return instant


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


def subtract_working_time(calendar: Calendar, end: datetime, allowance: timedelta) -> Reckoned:
    """Return the last instant from which `allowance` of opening time leads to `end`.

    Zero gives the last instant, not after `end`, at which the centre was open or just closed.
    Raises CalendarExhausted when the calendar begins later.
    """
    left = allowance
    for opens, closes in calendar.periods_until(end):
        if closes - left >= opens:
            return _reckoned(calendar, closes - left)
        left -= closes - opens
    raise CalendarExhausted(f"{allowance} before {end}")


def next_opening(calendar: Calendar, instant: datetime) -> Reckoned:
    """Return `instant` where the centre is open then, else when it opens next."""
    return add_working_time(calendar, instant, timedelta(0))


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
        if calendar.periods(day):
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
    """Return when the centre next opens or closes; None when it does not within ten years."""
    closing: datetime | None = None
    for opens, closes in calendar.periods_from(instant):
        if closing is None and opens > instant:
            return opens
        if closing is not None and opens > closing:
            return closing
        # Midnight between two whole days is no change.
        closing = closes
        if closing - instant > timedelta(days=HORIZON_DAYS - 7):
            return None
    return closing


def _reckoned(calendar: Calendar, instant: datetime) -> Reckoned:
    at = instant.astimezone(UTC)
    return Reckoned(at, at.astimezone(calendar.zone).date() > calendar.known_until)

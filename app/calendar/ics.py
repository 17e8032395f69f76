"""Holidays and make-up working days of an iCalendar file, as authorities and phones publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import rrulestr
from icalendar import Calendar
from icalendar.error import BrokenCalendarProperty

from app.calendar.rules import Day, Span

MOST_BYTES = 2_000_000
MOST_DAYS = 2_000
# Nobody closes for longer in one go; a longer event is somebody's own, or nonsense.
LONGEST = timedelta(days=62)
ENCODINGS = ("utf-8-sig", "utf-16", "gb18030")
# How published calendars say that a day off is worked: 补班, （班）, 调休上班, "make-up working day".
_WORKED = re.compile(r"补班|上班|[（(]班[）)]|班$|make-?up|working day|workday", re.IGNORECASE)
_DENIED = re.compile(r"不上班|[值加]班|non-?working day|not a working day", re.IGNORECASE)
# What makes a yearly rule a day a year; hours, minutes and seconds would make it thousands of instants.
_OF_DAYS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYMONTH", "BYMONTHDAY", "BYDAY")
_MARKS = re.compile(r"[（(\[【]\s*[休班]\s*[）)\]】]|\s*第\d+天.*$|\s*Day \d+.*$")


class NoCalendar(ValueError):
    """The file is none that can be read, or has nothing in it."""


def read(given: bytes, year: int, hours: tuple[Span, ...]) -> dict[date, Day]:
    """Return the days of a year that a file names: closed, or open as `hours` where they are worked.

    An event over several days is each of them (its end is not one of them); a yearly one comes in its year.
    Raises NoCalendar for what is no iCalendar, is too large, or has no day in it at all.
    """
    if len(given) > MOST_BYTES:
        raise NoCalendar("large")
    found: dict[date, Day] = {}
    events = 0
    for event in _events(given):
        events += 1
        name = _MARKS.sub("", str(event.get("SUMMARY", ""))).strip()[:60]
        # The title alone: a holiday's description often names its make-up days.
        worked = _WORKED.search(_DENIED.sub("", str(event.get("SUMMARY", "")))) is not None
        try:
            days = list(_days(event, year))
        except (BrokenCalendarProperty, ValueError, TypeError, AttributeError, OverflowError):
            continue  # a damaged event says no day; the others count
        for day in days:
            # A day that is worked after all says more than the holiday around it.
            if worked or day not in found:
                found[day] = Day(name, hours if worked else ())
            if len(found) > MOST_DAYS:
                raise NoCalendar("large")
    if not events:
        raise NoCalendar("empty")
    return found


def _events(given: bytes) -> Iterator[Any]:
    text = _text(given)
    if "BEGIN:VCALENDAR" not in text.upper():
        raise NoCalendar("none")
    try:
        calendars = Calendar.from_ical(text, multiple=True)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise NoCalendar("broken") from error
    for calendar in calendars:
        for event in calendar.walk("VEVENT"):
            if event.get("DTSTART") is not None and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield event


def _text(given: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            text = given.decode(encoding)
        except UnicodeError:
            continue
        if "BEGIN" in text.upper():
            return text
    raise NoCalendar("none")


def _days(event: Any, year: int) -> Iterator[date]:
    first = _day(event.get("DTSTART"))
    if first is None:
        return
    length = _last(event, first) - first
    if not timedelta(0) <= length <= LONGEST:
        return
    left_out = set(_exceptions(event))
    for begins in _beginnings(event, first, year, length):
        for ahead in range(length.days + 1):
            day = begins + timedelta(days=ahead)
            if day.year == year and begins not in left_out:
                yield day


def _last(event: Any, first: date) -> date:
    """Return the last day of an event, which ends with the midnight after it."""
    if event.get("DTEND") is not None:
        end = _day(event.get("DTEND"))
        return max(first, end - timedelta(days=1)) if end is not None else first - timedelta(days=1)
    if event.get("DURATION") is not None:
        return first + max(event.get("DURATION").dt - timedelta(days=1), timedelta(0))
    return first


def _beginnings(event: Any, first: date, year: int, length: timedelta) -> list[date]:
    rule = event.get("RRULE")
    if rule is None:
        return [first]
    if rule.get("FREQ") != ["YEARLY"]:
        return []  # what comes every week is somebody's routine
    parts = (part for part in rule.to_ical().decode().split(";") if part.partition("=")[0] in _OF_DAYS)
    # Days are compared, so that all of them are midnights of one zone.
    text = re.sub(r"UNTIL=(\d{8})(T\d{6}Z?)?", r"UNTIL=\1T000000Z", ";".join(parts))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    after = datetime(year, 1, 1, tzinfo=UTC) - length
    before = datetime(year, 12, 31, tzinfo=UTC)
    return [one.date() for one in rrulestr(text, dtstart=start).between(after, before, inc=True)]


def _exceptions(event: Any) -> Iterator[date]:
    found = event.get("EXDATE")
    for listed in found if isinstance(found, list) else [found] if found is not None else []:
        yield from (day for one in listed.dts if (day := _day(one)) is not None)


def _day(field: Any) -> date | None:
    """Return the day of a whole day; None for an instant within one: a meeting closes nothing."""
    value = getattr(field, "dt", None)
    if isinstance(value, datetime):
        return value.date() if value.time() == time.min else None
    return value if isinstance(value, date) else None

"""Working time: when the centre is open, and when so many working hours have passed."""

from app.calendar import rules
from app.calendar.rules import Calendar, CalendarExhausted, next_change, parse_duration
from app.calendar.store import (
    add_working_time,
    call_time,
    current,
    for_work,
    get,
    get_version,
    working_day,
    working_time_between,
)

__all__ = [
    "Calendar",
    "CalendarExhausted",
    "add_working_time",
    "call_time",
    "current",
    "for_work",
    "get",
    "get_version",
    "next_change",
    "parse_duration",
    "rules",
    "working_day",
    "working_time_between",
]

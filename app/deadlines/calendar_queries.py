"""What the calendar pages show."""

from __future__ import annotations

from calendar import Calendar as Grid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from app.accounts import organisation
from app.accounts.queries import shown_name
from app.accounts.roles import ROLES
from app.accounts.tables import Person
from app.calendar import content, store
from app.calendar.content import Difference
from app.calendar.rules import Calendar, Span
from app.calendar.tables import CalendarVersion, WorkCalendar
from app.db import session

VERSIONS = 30
# Of the procedures that the desk comes with.
CLASSES = ("platform", "device", "other")


@dataclass(frozen=True)
class Cell:
    """One day of the year view. kind: working | weekend | holiday | make_up | changed."""

    day: date
    kind: str
    name: str
    hours: str
    provisional: bool


@dataclass(frozen=True)
class Version:
    """One version of a calendar with what it changed."""

    number: int
    at: datetime
    by: str
    comment: str
    changes: list[Difference]


def uses() -> dict[str, list[tuple[str, str]]]:
    """Return key → [(kind, subject)] of what each calendar counts for."""
    found: dict[str, list[tuple[str, str]]] = {}
    for (kind, subject), key in store.book().assigned.items():
        found.setdefault(key, []).append((kind, subject))
    known = store.book()
    if not any(kind == "default" for kind, _subject in known.assigned):
        found.setdefault(store.DEFAULT, []).append(("default", ""))
    return {key: sorted(pairs) for key, pairs in found.items()}


def choices() -> list[tuple[str, str]]:
    """Return what a calendar can count for, as (kind, subject): everybody else, roles, classes, units."""
    units = sorted(organisation.current().units)
    return [
        ("default", ""),
        *(("role", role.key) for role in ROLES),
        *(("class", klass) for klass in CLASSES),
        *(("unit", unit) for unit in units),
    ]


def known_use(kind: str, subject: str) -> bool:
    """Tell whether a calendar can count for this."""
    return (kind, subject) in choices()


def groups(week: Mapping[int, tuple[Span, ...]]) -> list[tuple[int, int, str]]:
    """Return (first weekday, last weekday, hours) of a week, days alike together."""
    found: list[tuple[int, int, str]] = []
    for day in range(1, 8):
        text = content.hours_text(week.get(day, ()))
        if found and found[-1][2] == text:
            found[-1] = (found[-1][0], day, text)
        else:
            found.append((day, day, text))
    return found


def year(calendar: Calendar, number: int) -> list[list[list[Cell | None]]]:
    """Return the twelve months of a year as weeks of seven days, Monday first; None outside the month."""
    grid = Grid()
    return [
        [
            [_cell(calendar, day) if day.month == month else None for day in week]
            for week in grid.monthdatescalendar(number, month)
        ]
        for month in range(1, 13)
    ]


def versions(key: str) -> list[Version]:
    """Return the latest versions of a calendar, newest first; one statement."""
    rows = session().execute(
        sa.select(CalendarVersion, WorkCalendar.name, shown_name())
        .join(WorkCalendar, WorkCalendar.id == CalendarVersion.calendar_id)
        .outerjoin(Person, Person.id == CalendarVersion.created_by_id)
        .where(WorkCalendar.key == key)
        .order_by(CalendarVersion.number.desc())
        .limit(VERSIONS + 1)
    )
    read = [
        (row, content.read(row.content, key=key, name=name, version=row.number), by or "")
        for row, name, by in rows
    ]
    return [
        Version(
            row.number,
            row.created_at,
            by,
            row.comment,
            content.differences(read[place + 1][1], made) if place + 1 < len(read) else [],
        )
        for place, (row, made, by) in enumerate(read[:VERSIONS])
    ]


def _cell(calendar: Calendar, day: date) -> Cell:
    exception = calendar.days.get(day)
    spans = calendar.spans(day)
    if exception is None:
        kind = "working" if spans else "weekend"
    elif not spans:
        kind = "holiday"
    else:
        kind = "make_up" if calendar.is_make_up_day(day) else "changed"
    return Cell(
        day, kind, exception.name if exception else "", content.hours_text(spans), day > calendar.known_until
    )

"""The calendars as they count now, kept in memory; before there are any, the official Chinese one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

import sqlalchemy as sa
from flask import current_app

from app import settings_store
from app.calendar import content, official, rules
from app.calendar.tables import CalendarAssignment, CalendarVersion, WorkCalendar
from app.clock import now
from app.db import session
from app.revised import Revised

REVISION = "calendar.revision"
DEFAULT = "centre"
NAME = "客服中心"
# From the most to the least particular.
KINDS = ("unit", "role", "class", "default")


@dataclass(frozen=True)
class Book:
    """All calendars of one moment. assigned: (kind, subject) → key."""

    calendars: Mapping[str, rules.Calendar]
    assigned: Mapping[tuple[str, str], str]
    versions: dict[tuple[str, int], rules.Calendar] = field(default_factory=dict)

    def default(self) -> rules.Calendar:
        """Return the calendar of whatever has none of its own."""
        return self.calendars[self.assigned.get(("default", ""), DEFAULT)]


def book() -> Book:
    """Return the calendars: at most five seconds old, never older than this process's own last change."""
    return _book.get()


def changed(*, actor_id: int | None, now: datetime) -> None:
    """Note, within the transaction of a change, that the calendars are others from its commit on."""
    _book.changed(actor_id=actor_id, now=now)


def current() -> rules.Calendar:
    """Return the centre's own calendar."""
    return book().default()


def get(key: str) -> rules.Calendar:
    """Return a calendar as it counts now; the centre's own for a key that is gone."""
    known = book()
    return known.calendars.get(key) or known.default()


def get_version(key: str, number: int) -> rules.Calendar:
    """Return one version of a calendar; versions never change, so each is read once. Else as it is now."""
    known = book()
    now_there = known.calendars.get(key)
    if now_there is not None and now_there.version == number:
        return now_there
    if (key, number) not in known.versions:
        row = (
            session()
            .execute(
                sa.select(CalendarVersion.content, WorkCalendar.name)
                .join(WorkCalendar, WorkCalendar.id == CalendarVersion.calendar_id)
                .where(WorkCalendar.key == key, CalendarVersion.number == number)
            )
            .first()
        )
        if row is None:
            return get(key)
        known.versions[key, number] = content.read(row.content, key=key, name=row.name, version=number)
    return known.versions[key, number]


def for_work(
    *,
    role: str | None = None,
    klass: str | None = None,
    candidate: str | None = None,
    known: Book | None = None,
) -> rules.Calendar:
    """Return the calendar that counts for this work: its unit's, else its role's, its class's, the centre's.

    candidate: a role's key, or "role:unit"; a department is a role. known: instead of the book that counts.
    """
    known = known or book()
    named, _colon, unit = (candidate or "").partition(":")
    wanted = {"unit": unit, "role": named or role or "", "class": klass or ""}
    for kind in KINDS[:-1]:
        key = known.assigned.get((kind, wanted[kind]), "") if wanted[kind] else ""
        if key in known.calendars:
            return known.calendars[key]
    return known.default()


def _load() -> Book:
    rows = session().execute(
        sa.select(WorkCalendar.key, WorkCalendar.name, WorkCalendar.version, CalendarVersion.content).join(
            CalendarVersion,
            sa.and_(
                CalendarVersion.calendar_id == WorkCalendar.id,
                CalendarVersion.number == WorkCalendar.version,
            ),
        )
    )
    found = {
        row.key: content.read(row.content, key=row.key, name=row.name, version=row.version) for row in rows
    }
    if DEFAULT not in found:
        zone: str = current_app.config["SETTINGS"].centre_timezone
        found[DEFAULT] = official.around(zone, now().year)
    assigned = session().execute(
        sa.select(CalendarAssignment.kind, CalendarAssignment.subject, WorkCalendar.key).join(
            WorkCalendar, WorkCalendar.id == CalendarAssignment.calendar_id
        )
    )
    return Book(found, {(row.kind, row.subject): row.key for row in assigned})


_book = Revised(REVISION, _load)


# ---------------------------------------------------------------- by the centre's own calendar


def add_working_time(start: datetime, allowance: timedelta) -> datetime:
    """Return when `allowance` of the centre's working time has passed since `start`, UTC."""
    return rules.add_working_time(current(), start, allowance).at


def working_day(start: datetime, count: int) -> datetime:
    """Return the opening instant of the `count`-th working day after `start`, UTC."""
    return rules.working_day(current(), start, count).at


def call_time(start: datetime) -> datetime:
    """Return when a customer may be called, from `start` on: in working time, outside quiet hours; UTC."""
    begins, ends = settings_store.get("callbacks.quiet_hours")
    quiet = (time.fromisoformat(begins), time.fromisoformat(ends))
    return rules.outside_quiet_hours(current(), start, quiet).at


def working_time_between(start: datetime, end: datetime) -> timedelta:
    """Return the centre's working time from `start` to `end`."""
    return rules.working_time_between(current(), start, end)

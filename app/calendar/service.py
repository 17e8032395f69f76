"""Change calendars: a version more, another calendar, another assignment. Callers move the deadlines."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from app.calendar import content, official, rules, store
from app.calendar.tables import CalendarAssignment, CalendarVersion, WorkCalendar
from app.db import for_update, session
from app.errors import Conflict, FieldError, Invalid, NotFound, Refused

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def ensure_default(*, actor_id: int | None, now: datetime) -> WorkCalendar:
    """Return the centre's calendar's row, made of the official year where there is none yet."""
    found = _row(store.DEFAULT)
    if found is not None:
        return found
    zone: str = current_app.config["SETTINGS"].centre_timezone
    made = _make(store.DEFAULT, store.NAME, content.write(official.around(zone, now.year)), actor_id, now)
    session().add(CalendarAssignment(kind="default", subject="", calendar_id=made.id))
    session().flush()
    return made


def save(
    key: str,
    given: Mapping[str, Any],
    *,
    comment: str,
    based_on: int,
    actor_id: int | None,
    now: datetime,
) -> rules.Calendar:
    """Make a calendar's next version and return it; the same content makes none.

    based_on: the version that was edited. Raises Conflict when there is a newer one, Invalid, NotFound.
    """
    if key == store.DEFAULT:
        ensure_default(actor_id=actor_id, now=now)
    row = session().scalar(
        for_update(sa.select(WorkCalendar).where(WorkCalendar.key == key)).execution_options(
            populate_existing=True
        )
    )
    if row is None:
        raise NotFound(_("There is no such calendar."))
    if based_on not in (row.version, 0 if row.version == 1 else row.version):
        raise Conflict(_("Somebody else has saved version %(n)s of this calendar meanwhile.", n=row.version))
    made = checked(given, key=key, name=row.name, version=row.version + 1)
    if not content.differences(store.get(key), made):
        return store.get(key)
    row.version += 1
    session().add(
        CalendarVersion(
            calendar_id=row.id,
            number=row.version,
            content=content.write(made),
            comment=comment.strip()[:200],
            created_at=now,
            created_by_id=actor_id,
        )
    )
    session().flush()
    store.changed(actor_id=actor_id, now=now)
    return made


def create(
    key: str, name: str, given: Mapping[str, Any], *, actor_id: int | None, now: datetime
) -> rules.Calendar:
    """Make another calendar. Raises Invalid, Refused when there is one of this key."""
    errors = []
    if not _KEY.fullmatch(key):
        errors.append(FieldError("key", _("Use small letters, digits, - and _, at most 40.")))
    if not name.strip():
        errors.append(FieldError("name", _("A name is needed.")))
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    ensure_default(actor_id=actor_id, now=now)
    if _row(key) is not None:
        raise Refused(_("There is a calendar “%(key)s” already.", key=key))
    made = checked(given, key=key, name=name.strip()[:60], version=1)
    _make(key, made.name, content.write(made), actor_id, now)
    return made


def assign(kind: str, subject: str, key: str | None, *, actor_id: int | None, now: datetime) -> None:
    """Let a calendar count for a role, class or unit; None takes the assignment away.

    Deadlines that run are the caller's to move. Raises NotFound, Refused.
    """
    if kind not in store.KINDS or (kind == "default") != (subject == ""):
        raise Refused(_("A calendar cannot be assigned to that."))
    ensure_default(actor_id=actor_id, now=now)
    found = session().scalar(
        sa.select(CalendarAssignment).where(
            CalendarAssignment.kind == kind, CalendarAssignment.subject == subject
        )
    )
    if key is None:
        if kind == "default":
            raise Refused(_("The centre needs a calendar."))
        if found is not None:
            session().delete(found)
    else:
        row = _row(key)
        if row is None:
            raise NotFound(_("There is no such calendar."))
        if found is None:
            session().add(CalendarAssignment(kind=kind, subject=subject, calendar_id=row.id))
        else:
            found.calendar_id = row.id
    session().flush()
    store.changed(actor_id=actor_id, now=now)


def checked(given: Mapping[str, Any], *, key: str, name: str, version: int) -> rules.Calendar:
    """Return the calendar that content says. Raises Invalid with every field that is wrong."""
    try:
        return content.read(given, key=key, name=name, version=version)
    except content.BadContent as bad:
        raise Invalid(
            _("Some fields do not fit."), [FieldError(path, words) for path, words in bad.errors]
        ) from bad


def _row(key: str) -> WorkCalendar | None:
    return session().scalar(sa.select(WorkCalendar).where(WorkCalendar.key == key))


def _make(key: str, name: str, given: dict[str, Any], actor_id: int | None, now: datetime) -> WorkCalendar:
    made = WorkCalendar(key=key, name=name, version=1)
    session().add(made)
    session().flush()
    session().add(
        CalendarVersion(
            calendar_id=made.id, number=1, content=given, comment="", created_at=now, created_by_id=actor_id
        )
    )
    session().flush()
    store.changed(actor_id=actor_id, now=now)
    return made

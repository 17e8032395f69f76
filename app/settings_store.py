"""Numbers and choices that the centre's own staff edit: never constants in code."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, JSONText, session

# What a fresh centre starts with; `flask settings set` changes them.
DEFAULTS: dict[str, Any] = {
    "cases.reopen_days": 30,
    "callbacks.quiet_hours": ["20:00", "09:00"],
    # How many calls one person makes a day; the agenda shows the room left by it.
    "callbacks.per_person": 12,
    # So many minutes lie between the calls planned for one person; 0: they may be planned for one moment.
    "callbacks.slot_minutes": 15,
    # Mails to staff wait from … until …, and all of a day on which the centre is closed; urgent ones do not.
    "notifications.quiet_hours": ["20:00", "08:00"],
    "notifications.quiet_days_off": True,
    # Whoever was sent a mail gets what comes within so many minutes in one more.
    "notifications.digest_minutes": 10,
    # Whether a second person has to agree before a procedure is published from the browser or over REST.
    "procedures.second_person": False,
    "accounts.lockout_failures": 5,
    "accounts.lockout_minutes": 15,
    "work.due_soon_hours": 4,
    # So many working days we wait for a customer's answer before the clocks go on by themselves.
    "deadlines.longest_wait_days": 5,
    # The public pages: what one visitor may send, and how often they may mistype a tracking code.
    "public.reports_per_hour": 10,
    "public.track_failures_per_hour": 10,
    "centre.phone": "",
}
KEPT_SECONDS = 5.0


class Setting(Base):
    """One value by its dotted key."""

    __tablename__ = "setting"

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(JSONText)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None]


def get(key: str) -> Any:
    """Return the value of `key`, its default, or None; read from the database at most every five seconds."""
    values = _values()
    return values[key] if key in values else DEFAULTS.get(key)


def put(key: str, value: Any, *, actor_id: int | None, now: datetime) -> None:
    """Set `key`; other processes see it within five seconds."""
    session().merge(Setting(key=key, value=value, changed_at=now, changed_by_id=actor_id))
    current_app.extensions.pop("setting_values", None)


def _values() -> dict[str, Any]:
    kept = current_app.extensions.get("setting_values")
    if kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
        rows = session().execute(sa.select(Setting.key, Setting.value)).all()
        kept = (time.monotonic(), {row.key: row.value for row in rows})
        current_app.extensions["setting_values"] = kept
    values: dict[str, Any] = kept[1]
    return values

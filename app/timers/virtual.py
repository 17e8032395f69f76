"""The demo's clock: an offset in the settings that every process follows."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app

from app import clock, settings_store
from app.db import session

KEY = "demo.clock_offset_seconds"


def follow() -> None:
    """Set this process's clock to the demo's; outside demo mode there is nothing to follow."""
    if not current_app.config["SETTINGS"].demo:
        return
    seconds = session().scalar(
        sa.select(settings_store.Setting.value).where(settings_store.Setting.key == KEY)
    )
    clock.set_offset(timedelta(seconds=seconds or 0))


def move(by: timedelta, *, actor_id: int | None, now: datetime) -> None:
    """Move the demo's clock forward; the caller's transaction carries it to the other processes."""
    moved = clock.offset() + by
    settings_store.put(KEY, moved.total_seconds(), actor_id=actor_id, now=now)
    clock.set_offset(moved)

"""What every request reads and hardly anybody changes: kept in memory, read anew when its revision changes.

The revision is a setting that changes with it, so that a change is seen elsewhere within five seconds, and at
once where it was made.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import settings_store
from app.db import session
from app.settings_store import Setting

T = TypeVar("T")


class Revised(Generic[T]):
    """One such thing. key: of the setting with its revision. load: reads it from the database."""

    def __init__(self, key: str, load: Callable[[], T]) -> None:
        self.key = key
        self._load = load
        self._name = f"kept:{key}"

    def get(self) -> T:
        """Return it: at most five seconds old, and never older than this process's own last change."""
        if session().info.get(self._name):
            return self._load()  # changed in this very transaction: others must not see it yet
        # Asked first, so that whoever loads has the settings at hand as well.
        revision = settings_store.get(self.key)
        kept = current_app.extensions.get(self._name)
        if kept is None or kept[0] != revision:
            # Read before the rows: should they be newer, they are read once more.
            newest = session().scalar(sa.select(Setting.value).where(Setting.key == self.key))
            kept = (newest, self._load())
            current_app.extensions[self._name] = kept
        return cast(T, kept[1])

    def changed(self, *, actor_id: int | None, now: datetime) -> None:
        """Note, within the transaction of a change, that it is another from the commit on."""
        open_session, extensions = session(), current_app.extensions
        settings_store.put(self.key, secrets.token_hex(8), actor_id=actor_id, now=now)
        if open_session.info.get(self._name):
            return
        open_session.info[self._name] = True

        def forget(_session: Session) -> None:
            open_session.info.pop(self._name, None)
            extensions.pop(self._name, None)
            extensions.pop("setting_values", None)

        for moment in ("after_commit", "after_rollback"):
            event.listen(open_session, moment, cast(Any, forget), once=True)

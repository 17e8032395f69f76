"""The policy as it counts now, kept in memory; before anybody changed it, the one that the desk comes with.

Every process keeps it; a change is seen within five seconds elsewhere, at once where it was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import settings_store
from app.db import session
from app.escalation import rules
from app.escalation.rules import Policy
from app.escalation.tables import EscalationPolicy

REVISION = "escalation.revision"
KEPT = "escalation_policy"


@dataclass(frozen=True)
class _Kept:
    """A policy and the state of the database that it was read in."""

    revision: Any
    policy: Policy


def current() -> Policy:
    """Return the policy: at most five seconds old, never older than this process's own last change."""
    if session().info.get(KEPT):
        return _load().policy  # changed in this very transaction: others must not see it yet
    kept: _Kept | None = current_app.extensions.get(KEPT)
    if kept is None or kept.revision != settings_store.get(REVISION):
        kept = _load()
        current_app.extensions[KEPT] = kept
    return kept.policy


def changed(number: int, *, actor_id: int | None, at: datetime) -> None:
    """Note, within the transaction of a change, that the policy is another from its commit on."""
    open_session, extensions = session(), current_app.extensions
    settings_store.put(REVISION, number, actor_id=actor_id, now=at)
    if open_session.info.get(KEPT):
        return
    open_session.info[KEPT] = True

    def forget(_session: Session) -> None:
        open_session.info.pop(KEPT, None)
        extensions.pop(KEPT, None)
        extensions.pop("setting_values", None)

    for moment in ("after_commit", "after_rollback"):
        event.listen(open_session, moment, forget, once=True)


def get_version(number: int) -> Policy | None:
    """Return one version of the policy, 0 for the one that the desk comes with; None if there is none."""
    if number == 0:
        return rules.DEFAULT
    row = session().get(EscalationPolicy, number)
    return rules.read(row.content, row.number) if row is not None else None


def _load() -> _Kept:
    revision = session().scalar(
        sa.select(settings_store.Setting.value).where(settings_store.Setting.key == REVISION)
    )
    newest = sa.select(EscalationPolicy).order_by(EscalationPolicy.number.desc()).limit(1)
    row = session().scalar(newest)
    return _Kept(revision, rules.read(row.content, row.number) if row is not None else rules.DEFAULT)

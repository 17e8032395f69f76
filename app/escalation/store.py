"""The policy as it counts now; before anybody changed it, the one that the desk comes with."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app.db import session
from app.escalation import rules
from app.escalation.rules import Policy
from app.escalation.tables import EscalationPolicy
from app.revised import Revised

REVISION = "escalation.revision"


def current() -> Policy:
    """Return the policy: at most five seconds old, never older than this process's own last change."""
    return _policy.get()


def changed(*, actor_id: int | None, now: datetime) -> None:
    """Note, within the transaction of a change, that the policy is another from its commit on."""
    _policy.changed(actor_id=actor_id, now=now)


def get_version(number: int) -> Policy | None:
    """Return one version of the policy, 0 for the one that the desk comes with; None if there is none."""
    if number == 0:
        return rules.DEFAULT
    row = session().get(EscalationPolicy, number)
    return rules.read(row.content, row.number) if row is not None else None


def _load() -> Policy:
    newest = sa.select(EscalationPolicy).order_by(EscalationPolicy.number.desc()).limit(1)
    row = session().scalar(newest)
    return rules.read(row.content, row.number) if row is not None else rules.DEFAULT


_policy = Revised(REVISION, _load)

"""What nobody needs any more is thrown away once a day, a little at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app

from app.accounts.tables import IdempotencyKey
from app.db import Base, session, transaction
from app.engine.tables import WorkItem
from app.jobs.heartbeat import forget_silent

EVERY = timedelta(days=1)
# A client that sends a request again does so within minutes; a month is generous.
KEYS_KEPT = timedelta(days=30)
# Whoever was second at a task finds what they typed for a week.
DRAFTS_KEPT = timedelta(days=7)
# At most so many drafts a day, so that the day's first tick never keeps the timers waiting.
MOST_DRAFTS = 500
_WORK_ITEM = "work_item:"


def daily(now: datetime) -> bool:
    """Throw away what is old, unless this process did so within a day; opens its own transaction."""
    last: datetime | None = current_app.extensions.get("upkeep_done")
    if last is not None and last <= now < last + EVERY:
        return False
    with transaction():
        forget_keys(now)
        forget_drafts(now)
        forget_silent()
    current_app.extensions["upkeep_done"] = now
    return True


def forget_keys(now: datetime) -> None:
    """Forget the answers kept for Idempotency-Keys of more than `KEYS_KEPT` ago."""
    session().execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEYS_KEPT))


def forget_drafts(now: datetime) -> None:
    """Forget drafts of tasks that are over, saved more than `DRAFTS_KEPT` ago."""
    # The inbox, whose table it is, stands beside us.
    draft = Base.metadata.tables["draft"]
    # Only what begins so ends in a number: no other row may reach the cast.
    number = sa.case(
        (
            draft.c.subject.startswith(_WORK_ITEM),
            sa.cast(sa.func.substr(draft.c.subject, len(_WORK_ITEM) + 1), sa.Integer),
        )
    )
    over = (
        sa.select(draft.c.person_id, draft.c.subject)
        .join(WorkItem, WorkItem.id == number)
        .where(draft.c.saved_at < now - DRAFTS_KEPT, WorkItem.status.in_(("done", "cancelled")))
        .limit(MOST_DRAFTS)
    )
    session().execute(
        sa.delete(draft).where(sa.tuple_(draft.c.person_id, draft.c.subject).in_(over.subquery().select()))
    )

"""What is due, and who fires it: the questions of the scheduler."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from app.db import for_update, session
from app.engine.tables import Instance, Timer

# Written out, not bound: a partial index serves only a statement that says what it holds.
CAN_FIRE = sa.text("timer.status = 'waiting' AND NOT timer.held")


def next_due() -> datetime | None:
    """Return when the next timer of a running instance falls due; None if nothing waits."""
    return session().scalar(sa.select(Timer.due_at).where(CAN_FIRE).order_by(Timer.due_at).limit(1))


def lock_due(now: datetime, limit: int, *, without: Collection[int] = ()) -> list[Instance]:
    """Lock the running instances whose timers are due, longest due first, and return them.

    limit:   of timers; an instance may have several.
    without: instances to pass over.
    What another transaction holds is passed over, too: it does what is due itself, or leaves it for the next
    sweep. On PostgreSQL a locked row is read as it is now, but its timer may have been fired meanwhile: only
    the instance's state tells.
    """
    due = (
        sa.select(Instance)
        .join(Timer, Timer.instance_id == Instance.id)
        .where(CAN_FIRE, Timer.due_at <= now, Instance.status == "running")
        .order_by(Timer.due_at, Timer.id)
        .limit(limit)
    )
    if without:
        due = due.where(Instance.id.not_in(without))
    rows = session().scalars(
        for_update(due, skip_locked=True, of=Instance).execution_options(populate_existing=True)
    )
    return list(dict.fromkeys(rows))


def hold(instance_id: int, held: bool) -> None:
    """Keep the timers of an instance out of the scheduler's sight, or let them be seen again."""
    session().execute(
        sa.update(Timer)
        .where(Timer.instance_id == instance_id, Timer.status.in_(("waiting", "paused")))
        .values(held=held)
        .execution_options(synchronize_session=False)
    )

"""What is due, and who fires it: the questions of the scheduler."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from app.db import session
from app.engine.tables import Instance, Timer


def due(now: datetime, limit: int = 100) -> list[int]:
    """Return the running instances with a timer due, longest due first."""
    statement = (
        sa.select(Timer.instance_id)
        .join(Instance, Instance.id == Timer.instance_id)
        .where(Timer.status == "waiting", Timer.due_at <= now, Instance.status == "running")
        .group_by(Timer.instance_id)
        .order_by(sa.func.min(Timer.due_at))
        .limit(limit)
    )
    return list(session().scalars(statement))


def next_due() -> datetime | None:
    """Return when the next timer of a running instance can be claimed; None if nothing waits.

    A timer that somebody holds (or that failed, which leaves it held) counts from the end of its lease: who
    waits for this instant must not come back at once.
    """
    waiting = (
        sa.select(Timer.due_at, Timer.lease_until)
        .join(Instance, Instance.id == Timer.instance_id)
        .where(Timer.status == "waiting", Instance.status == "running")
    )
    free = (
        session().execute(waiting.where(Timer.lease_until.is_(None)).order_by(Timer.due_at).limit(1)).first()
    )
    held = (
        session()
        .execute(waiting.where(Timer.lease_until.is_not(None)).order_by(Timer.lease_until).limit(1))
        .first()
    )
    instants = [free.due_at] if free else []
    if held:
        instants.append(max(held.due_at, held.lease_until))
    return min(instants, default=None)


def claim_due(
    worker: str, now: datetime, limit: int = 50, lease: timedelta = timedelta(minutes=5)
) -> list[int]:
    """Claim due timers for a worker and return their instances, longest due first.

    What another worker holds is passed over until its lease ends; a killed one's work is taken over then.
    The claim only spares two workers the same work: that a timer fires once is up to `wake`.
    """
    free = Timer.lease_until.is_(None) | (Timer.lease_until <= now)
    rows = (
        session()
        .execute(
            sa.select(Timer.id, Timer.instance_id)
            .join(Instance, Instance.id == Timer.instance_id)
            .where(Timer.status == "waiting", Timer.due_at <= now, Instance.status == "running", free)
            .order_by(Timer.due_at, Timer.id)
            .limit(limit)
            .with_for_update(of=Timer, skip_locked=True)
        )
        .all()
    )
    if rows:
        session().execute(
            sa.update(Timer)
            .where(Timer.id.in_([row.id for row in rows]))
            .values(worker=worker, lease_until=now + lease)
            .execution_options(synchronize_session=False)
        )
    return list(dict.fromkeys(row.instance_id for row in rows))


def release(worker: str, instance_id: int) -> None:
    """Give back what a worker claimed and will not do."""
    session().execute(
        sa.update(Timer)
        .where(Timer.instance_id == instance_id, Timer.status == "waiting", Timer.worker == worker)
        .values(lease_until=None)
        .execution_options(synchronize_session=False)
    )

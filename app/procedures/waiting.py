"""Where the instances of a version wait: one statement, whatever their number."""

from __future__ import annotations

import sqlalchemy as sa

from app.db import session
from app.engine.tables import Instance, Timer, WorkItem

# (process id, element id) → instances that wait there
Waiting = dict[tuple[str, str], int]


def waiting_at(version: int) -> Waiting:
    """Return how many instances of a version wait at which element: for people, or for a time."""
    people = (
        sa.select(WorkItem.process_id, WorkItem.element, WorkItem.instance_id)
        .join(Instance, Instance.id == WorkItem.instance_id)
        .where(Instance.version_id == version, WorkItem.status.in_(("open", "claimed")))
    )
    times = (
        sa.select(Timer.process_id, Timer.element, Timer.instance_id)
        .join(Instance, Instance.id == Timer.instance_id)
        .where(Instance.version_id == version, Timer.kind == "catch", Timer.status.in_(("waiting", "paused")))
    )
    both = sa.union_all(people, times).subquery()
    counted = sa.func.count(both.c.instance_id.distinct()).label("n")
    query = sa.select(both.c.process_id, both.c.element, counted).group_by(both.c.process_id, both.c.element)
    return {(row.process_id, row.element): row.n for row in session().execute(query)}

"""Move the instants of waiting ladders from outside a step: a pause, a resumption, a changed calendar.

The saved state is edited as JSON, without restoring the instance: five thousand move in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.db import for_update, session
from app.engine import reckoning, timer_text
from app.engine.expressions import instant_text
from app.engine.tables import Instance, Timer

# A timer that stands still waits for this instant; nobody lives to see it fire.
NEVER = datetime(9999, 12, 1, tzinfo=UTC)
CHUNK = 500

# New reckoning of each timer by its task, None where it is to stand still.
Moves = Mapping[str, Mapping[str, Any] | None]

_TIMER: Any = Timer.__table__
_MOVE = (
    sa.update(_TIMER)
    .where(
        _TIMER.c.instance_id == sa.bindparam("its_instance"),
        _TIMER.c.task_id == sa.bindparam("its_task"),
        # Not "in": a list cannot be one of many parameter sets.
        sa.or_(_TIMER.c.status == "waiting", _TIMER.c.status == "paused"),
    )
    .values(
        status=sa.bindparam("new_status"),
        due_at=sa.bindparam("new_due"),
        sequence=sa.bindparam("new_sequence"),
    )
)


def lock_instances(instance_ids: Sequence[int]) -> Iterator[Instance]:
    """Lock instances in the order of their ids, as everybody does who takes several, and yield them."""
    ordered = sorted(set(instance_ids))
    # What this transaction has changed must be written before the rows are read anew behind the lock.
    session().flush()
    for start in range(0, len(ordered), CHUNK):
        chunk = Instance.id.in_(ordered[start : start + CHUNK])
        rows = for_update(sa.select(Instance).where(chunk).order_by(Instance.id))
        yield from session().scalars(rows.execution_options(populate_existing=True))


def move_timers(moves: Mapping[int, Moves], now: datetime, *, skip_past: bool = False) -> int:
    """Give waiting timers the instants of another reckoning, or let them stand still; return how many moved.

    moves: by instance. Timers that have come to the end of their ladder, and instances that have ended, stay
    as they are. A ladder whose deadline lies ahead again is climbed anew. One that has nothing left to do
    stands still, so that a later reckoning finds it.
    skip_past: rungs whose instant has passed count as climbed.
    """
    rows = []
    for instance in lock_instances(list(moves)):
        if instance.ended_at is None:
            rows += _move_in(instance, moves[instance.id], now, skip_past)
    if rows:
        session().flush()
        session().connection().execute(_MOVE, rows)
    return len(rows)


def _move_in(instance: Instance, moves: Moves, now: datetime, skip_past: bool) -> list[dict[str, Any]]:
    values = json.loads(instance.state)
    rows = []
    for tree in (values["workflow"], *values["workflow"]["subprocesses"].values()):
        for task_id in moves.keys() & tree["tasks"].keys():
            notes = tree["tasks"][task_id]["internal_data"]
            if isinstance(notes.get("event_value"), dict) and notes["event_value"]["cycles"] != 0:
                rows.append(_move_task(instance.id, task_id, notes, moves[task_id], now, skip_past))
    if rows:
        instance.state = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
        instance.revision += 1
    return rows


def _move_task(
    instance_id: int,
    task_id: str,
    notes: dict[str, Any],
    moved: Mapping[str, Any] | None,
    now: datetime,
    skip_past: bool,
) -> dict[str, Any]:
    value = notes["event_value"]
    if moved is None:
        instants, first, status = [NEVER], value["fired"], "paused"
    else:
        rungs = [timer_text.instant(rung["at"]) for rung in moved["rungs"]]
        # Ordered by time: whatever lies ahead is a tail of the ladder, and what was not climbed yet too.
        passed = sum(at <= now for at in rungs)
        first = passed if skip_past else min(value["fired"], passed)
        ahead = rungs[first:]
        instants, status = (ahead, "waiting") if ahead else ([NEVER], "paused")
        notes[reckoning.KEY] = dict(moved)
    texts = [instant_text(at) for at in instants]
    notes["event_value"] = {
        **value, "cycles": len(texts), "next": texts[0], "rest": texts[1:], "fired": first,
    }  # fmt: skip
    return {
        "its_instance": instance_id,
        "its_task": task_id,
        "new_status": status,
        "new_due": instants[0],
        "new_sequence": first + 1,
    }

"""The append-only history. Each stream is a chain: every event carries the hash of the one before.

Events are collected during a transaction and written at its end: one look-up and one insert however many
there are, and the lock on a stream is the last one taken, so that two writers never wait for each other
crosswise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Session

from app.accounts.actor import Actor
from app.db import in_transaction, session
from app.engine.tables import Event

_PENDING = "pending_events"
GENESIS = "0" * 64

# Built once: making a statement costs more than running it.
_NEWEST = (
    sa.select(Event.stream, sa.func.max(Event.seq).label("seq"))
    .where(Event.stream.in_(sa.bindparam("streams", expanding=True)))
    .group_by(Event.stream)
    .subquery()
)
_HEADS = sa.select(Event.stream, Event.seq, Event.hash).join(
    _NEWEST, (_NEWEST.c.stream == Event.stream) & (_NEWEST.c.seq == Event.seq)
)
# The table, not the mapping: rows with and without an element go into one statement.
_APPEND = sa.insert(Event.__table__)  # type: ignore[arg-type]
MAX_ACTOR_NAME = 80


def record_event(
    stream: str,
    kind: str,
    data: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    instance_id: int | None = None,
    process_id: str | None = None,
    element: str | None = None,
) -> None:
    """Append one event to `stream` ("case:12", "instance:7", "person:3") when the open transaction commits.

    data: plain JSON; never a phone or identity number.
    Raises RuntimeError outside a transaction.
    """
    if not in_transaction():
        raise RuntimeError("events are recorded inside a transaction")
    pending: list[dict[str, Any]] = session().info.setdefault(_PENDING, [])
    pending.append(
        {
            "stream": stream,
            "at": now.astimezone(UTC),
            "actor_id": actor.id,
            "actor_name": actor.display_name[:MAX_ACTOR_NAME],
            "kind": kind,
            "instance_id": instance_id,
            "process_id": process_id,
            "element": element,
            # Through JSON at once: what is hashed must be what a reader gets back.
            "data": json.loads(json.dumps(data, ensure_ascii=False)),
        }
    )


def stream_of(instance_id: int, case_id: int | None) -> str:
    """Return the stream of an instance: its case's, if it has one."""
    return f"case:{case_id}" if case_id is not None else f"instance:{instance_id}"


def flush_events(write: Session | None = None) -> None:
    """Write what was recorded so far; for those who read events back in the same transaction."""
    write = session() if write is None else write
    pending: list[dict[str, Any]] = write.info.pop(_PENDING, [])
    if not pending:
        return
    # In one order for everybody, so that two transactions with two streams each do not lock crosswise.
    streams = sorted({row["stream"] for row in pending})
    heads = _lock_heads(write, streams)
    for row in pending:
        seq, previous = heads.get(row["stream"], (0, GENESIS))
        row.update(seq=seq + 1, previous_hash=previous)
        row["hash"] = _hash(row)
        heads[row["stream"]] = (row["seq"], row["hash"])
    write.execute(_APPEND, pending)


@sa_event.listens_for(Session, "before_commit")
def _write_pending(write: Session) -> None:
    flush_events(write)


def _lock_heads(write: Session, streams: list[str]) -> dict[str, tuple[int, str]]:
    if write.get_bind().dialect.name == "postgresql":
        # A stream that is still empty has no row to lock; an advisory lock needs none.
        keys = sa.values(sa.column("stream", sa.Text), sa.column("place", sa.Integer), name="streams").data(
            [(stream, place) for place, stream in enumerate(streams)]
        )
        ordered = sa.select(keys.c.stream).order_by(keys.c.place).subquery()
        write.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(ordered.c.stream, 0))))
    rows = write.execute(_HEADS, {"streams": streams})
    return {row.stream: (row.seq, row.hash) for row in rows}


def _hash(row: Mapping[str, Any]) -> str:
    parts = [
        row["stream"], row["seq"], row["at"].isoformat(), row["actor_id"], row["actor_name"], row["kind"],
        row["instance_id"], row["process_id"], row["element"], row["data"], row["previous_hash"],
    ]  # fmt: skip
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def broken_links(stream: str) -> Iterator[int]:
    """Yield the seq of each event of a stream whose hash or place does not fit: none, if nobody edited it."""
    previous, expected = GENESIS, 1
    for found in session().scalars(sa.select(Event).where(Event.stream == stream).order_by(Event.seq)):
        row = {column.key: getattr(found, column.key) for column in Event.__table__.columns}
        if found.seq != expected or found.previous_hash != previous or found.hash != _hash(row):
            yield found.seq
        previous, expected = found.hash, found.seq + 1

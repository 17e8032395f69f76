"""Promise a call, record what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.accounts.actor import Actor
from app.callbacks.tables import Callback
from app.db import session
from app.errors import Refused

OUTCOMES = ("satisfied", "dissatisfied", "no_answer", "another_time")


def promise(case_id: int, instance_id: int, *, due_at: datetime, attempt: int, now: datetime) -> Callback:
    """Write down that this case's customer will be called at `due_at`, aware; `attempt` counts from 1."""
    callback = Callback(
        case_id=case_id, instance_id=instance_id, attempt=attempt, due_at=due_at, created_at=now
    )
    session().add(callback)
    return callback


def record(case_id: int, values: Mapping[str, Any], *, actor: Actor, now: datetime) -> Callback:
    """Record what came of the call that was promised last and is still open.

    values: outcome (one of OUTCOMES), score 1..5, words, next_at (aware, or ISO text); others are refused.
    Raises Refused when no call is promised.
    """
    callback = session().scalar(
        sa.select(Callback)
        .where(Callback.case_id == case_id, Callback.outcome.is_(None))
        .order_by(Callback.id.desc())
        .limit(1)
    )
    if callback is None:
        raise Refused("No call to this customer is planned.")
    for name, value in values.items():
        if name not in {"outcome", "score", "words", "next_at"}:
            raise ValueError(f"a callback has no {name}")
        if name == "next_at" and isinstance(value, str):
            value = datetime.fromisoformat(value)
        setattr(callback, name, value)
    callback.called_at, callback.called_by_id = now, actor.id
    return callback


def cancel_open(case_id: int) -> None:
    """Take back the calls still promised: the case was withdrawn or ended otherwise."""
    session().execute(
        sa.update(Callback)
        .where(Callback.case_id == case_id, Callback.outcome.is_(None))
        .values(outcome="cancelled")
    )

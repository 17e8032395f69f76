"""Promise a call, record what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import Actor
from app.callbacks.tables import Callback
from app.db import session
from app.errors import NotFound, Refused

OUTCOMES = ("satisfied", "dissatisfied", "no_answer", "another_time")
RECORDED = frozenset({"outcome", "detail", "score", "words", "next_at"})


def get(callback_id: int) -> Callback:
    """Return a promised or finished call. Raises NotFound."""
    found = session().get(Callback, callback_id)
    if found is None:
        raise NotFound(_("There is no such call."))
    return found


def promise(
    case_id: int | None, instance_id: int, *, due_at: datetime, attempt: int, now: datetime, **facts: Any
) -> Callback:
    """Write down that a customer will be called at `due_at`, aware; `attempt` counts from 1.

    facts: other columns of `Callback`: customer_id, most, agreed, moved, planned_for_id, excluded_id, …
    """
    callback = Callback(
        case_id=case_id, instance_id=instance_id, attempt=attempt, due_at=due_at, created_at=now, **facts
    )
    session().add(callback)
    return callback


def find_open(*, case_id: int | None = None, instance_id: int | None = None) -> Callback | None:
    """Return the call that was promised last to a case or by an instance and is still open, or None."""
    whose = Callback.case_id == case_id if case_id is not None else Callback.instance_id == instance_id
    query = sa.select(Callback).where(whose, Callback.outcome.is_(None)).order_by(Callback.id.desc()).limit(1)
    return session().scalar(query)


def record(
    case_id: int | None,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    instance_id: int | None = None,
) -> Callback:
    """Record what came of the call that was promised last and is still open.

    case_id:     whose call; None: `instance_id`'s, which stands without a case.
    values: outcome (one of OUTCOMES), detail, score 1..5, words, next_at (aware, or ISO text).
    Raises Refused when no call is promised.
    """
    callback = find_open(case_id=case_id, instance_id=instance_id)
    if callback is None:
        raise Refused(_("No call to this customer is planned."))
    for name, value in values.items():
        if name not in RECORDED:
            raise ValueError(f"a callback has no {name}")
        if name == "next_at" and isinstance(value, str):
            value = datetime.fromisoformat(value)
        setattr(callback, name, value)
    callback.called_at, callback.called_by_id = now, actor.id
    return callback


def cancel_open(case_id: int) -> None:
    """Take back the calls still promised: the case was withdrawn or ended otherwise."""
    _cancel(Callback.case_id == case_id)


def cancel_open_of(instance_id: int) -> None:
    """Take back the calls that an instance without a case still promises."""
    _cancel(Callback.instance_id == instance_id)


def erase_words(customer_id: int) -> int:
    """Take away what a customer said in calls, and their answers in words; return how many calls had any."""
    calls = session().scalars(sa.select(Callback).where(Callback.customer_id == customer_id))
    erased = 0
    for call in calls:
        kept = {key: one for key, one in (call.answers or {}).items() if not isinstance(one, dict)}
        if call.words or kept != (call.answers or {}):
            call.words, call.answers = None, kept or None
            erased += 1
    return erased


def _cancel(whose: sa.ColumnElement[bool]) -> None:
    session().execute(
        sa.update(Callback).where(whose, Callback.outcome.is_(None)).values(outcome="cancelled")
    )

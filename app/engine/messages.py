"""Messages from outside: to the instance that waits for them, or kept until one does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.accounts.actor import SYSTEM, Actor
from app.db import session
from app.engine.kept import keep
from app.engine.lifecycle import lock_instance
from app.engine.model import Delivered, Kept
from app.engine.step import Step, checked_values
from app.engine.tables import Instance, WaitingMessage
from app.engine.writing import finish


def send_message(
    name: str,
    *,
    instance_id: int | None = None,
    correlation: str | None = None,
    payload: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM,
    now: datetime,
) -> Delivered | Kept:
    """Give a message to the one instance that waits for it, in this transaction, or keep it.

    correlation: the business key (case number) unless the diagram defines another; may be left out with
                 instance_id, which then is the only address.
    Raises Invalid for a payload that process data cannot hold, TypeError without any address, StepFailed.
    """
    if instance_id is None and correlation is None:
        raise TypeError("a message needs an instance or a correlation")
    values = checked_values(payload or {})
    for found in _waiting_instances(name, instance_id, correlation):
        result = _deliver(found, name, correlation, values, actor, now)
        if result is not None:
            return result
    if correlation is None:
        correlation = (
            session().scalar(sa.select(Instance.business_key).where(Instance.id == instance_id)) or ""
        )
    return Kept(keep(name, correlation, values, now))


def _waiting_instances(name: str, instance_id: int | None, correlation: str | None) -> list[int]:
    statement = (
        sa.select(WaitingMessage.instance_id)
        .join(Instance, Instance.id == WaitingMessage.instance_id)
        .where(WaitingMessage.name == name, Instance.status.in_(("running", "failed")))
        .order_by(WaitingMessage.id)
    )
    if instance_id is not None:
        statement = statement.where(WaitingMessage.instance_id == instance_id)
    if correlation is not None:
        statement = statement.where(WaitingMessage.correlation == correlation)
    return list(dict.fromkeys(session().scalars(statement)))


def _deliver(
    instance_id: int, name: str, correlation: str | None, values: dict[str, Any], actor: Actor, now: datetime
) -> Delivered | None:
    instance = lock_instance(instance_id)
    if instance.status not in ("running", "failed"):
        return None
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.fire_due()
    # One message is for one wait: the outermost, since a withdrawal ends what is inside with it.
    waits = sorted(step.reader.messages().values(), key=lambda one: one.depth)
    for wait in waits:
        if wait.name == name and correlation in (None, wait.correlation) and step.receive(wait, values):
            return Delivered(instance_id, finish(step))
    return None

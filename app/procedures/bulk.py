"""One thing done to many instances: looked at first, then done to each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.db import rehearsal, session, transaction
from app.engine.tables import Incident, WorkItem
from app.errors import AppError, FieldError, Invalid, StepFailed
from app.procedures import operations
from app.procedures.operations import InstanceRow

# What one request does in a few seconds; more are done by filtering again.
MOST = 100


@dataclass(frozen=True)
class Fate:
    """One instance of a selection. problem: why it cannot be done, "" if it can; items: open tasks."""

    row: InstanceRow
    items: int
    problem: str


def verbs() -> dict[str, str]:
    """Return what can be done to a selection, with its name."""
    return {
        "suspend": _("Suspend"),
        "resume": _("Resume"),
        "retry": _("Retry what failed"),
        "cancel": _("Cancel the instances"),
    }


def look(verb: str, ids: Sequence[int], *, actor: Actor, now: datetime) -> list[Fate]:
    """Say what would happen to each instance: it is tried, and undone. Raises Invalid for a bad choice."""
    _check(verb, ids)
    rows = operations.instances_by_id(ids)
    items: dict[int, int] = {
        row.instance_id: row.n
        for row in session().execute(
            sa.select(WorkItem.instance_id, sa.func.count().label("n"))
            .where(WorkItem.instance_id.in_(ids), WorkItem.status.in_(("open", "claimed")))
            .group_by(WorkItem.instance_id)
        )
    }
    fates = []
    for row in rows:
        problem = ""
        try:
            with rehearsal():
                _do(verb, row.id, _("preview"), actor=actor, now=now)
        except AppError as error:
            problem = _why(error)
        fates.append(Fate(row, items.get(row.id, 0), problem))
    return fates


def carry_out(verb: str, ids: Sequence[int], reason: str, *, actor: Actor, now: datetime) -> list[Fate]:
    """Do it to each instance, with its problem where it could not be. Raises Invalid."""
    _check(verb, ids)
    if verb != "resume" and verb != "retry" and not reason:
        words = _("Say why; it stays in the history.")
        raise Invalid(words, [FieldError("reason", words)])
    problems: dict[int, str] = {}
    for instance_id in sorted(set(ids)):
        try:
            with transaction():
                _do(verb, instance_id, reason, actor=actor, now=now)
        except StepFailed as error:
            with transaction():
                engine.record_incident(error, now=now, actor=actor)
            problems[instance_id] = _why(error)
        except AppError as error:
            problems[instance_id] = _why(error)
    return [Fate(row, 0, problems.get(row.id, "")) for row in operations.instances_by_id(ids)]


def _do(verb: str, instance_id: int, reason: str, *, actor: Actor, now: datetime) -> None:
    if verb == "retry":
        incident = session().scalar(
            sa.select(Incident.id)
            .where(Incident.instance_id == instance_id, Incident.resolved_at.is_(None))
            .order_by(Incident.id.desc())
            .limit(1)
        )
        if incident is None:
            raise Invalid(_("Nothing failed in it."))
        engine.retry_incident(incident, actor=actor, now=now)
        return
    known: dict[str, Callable[..., Any]] = {
        "suspend": engine.suspend,
        "resume": engine.resume,
        "cancel": engine.cancel,
    }
    known[verb](instance_id, reason, actor=actor, now=now)


def _check(verb: str, ids: Sequence[int]) -> None:
    if verb not in verbs():
        words = _("Choose what is to be done.")
        raise Invalid(words, [FieldError("verb", words)])
    if not ids or len(ids) > MOST:
        words = _("Tick one to %(n)s instances.", n=MOST)
        raise Invalid(words, [FieldError("instance", words)])


def _why(error: AppError) -> str:
    return error.detail.splitlines()[0] if isinstance(error, StepFailed) and error.detail else str(error)

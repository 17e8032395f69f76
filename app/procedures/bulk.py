"""One thing done to many instances: looked at first, then done to each in a transaction of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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
LONGEST_PROBLEM = 400


@dataclass(frozen=True)
class Route:
    """A move by hand of each instance: from the element where it waits to another of the same process.

    values: process data to be set on the way.
    """

    source: str
    target: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Way:
    """A move that is possible for `count` instances of a selection; names are as the diagrams have them."""

    source: str
    source_name: str
    target: str
    target_name: str
    ends: bool
    count: int


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
        "move": _("Move by hand"),
        "cancel": _("Cancel the instances"),
    }


def ways(ids: Sequence[int], now: datetime) -> list[Way]:
    """Return the moves by hand that are possible for some of these instances, grouped by where they wait.

    Raises Invalid for a bad choice.
    """
    _check("move", ids)
    found: Counter[tuple[str, str, str, str, bool]] = Counter()
    for row in operations.instances_by_id(ids):
        with suppress(StepFailed):  # its state cannot be read: the preview says so
            found.update(
                {
                    (token.place.element, token.name, target.element, target.name, target.ends)
                    for token in engine.tokens(row.id, now)
                    for target in token.targets
                }
            )
    return [Way(*one, count) for one, count in sorted(found.items(), key=lambda pair: pair[0][::2])]


def look(
    verb: str, ids: Sequence[int], *, route: Route | None = None, actor: Actor, now: datetime
) -> list[Fate]:
    """Say what would happen to each instance: it is tried, and undone. Raises Invalid for a bad choice.

    route: where to, for the verb move.
    """
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
    if verb == "move" and route is None:
        return [Fate(row, items.get(row.id, 0), _("Choose the way first.")) for row in rows]
    fates = []
    for row in rows:
        problem = ""
        try:
            with rehearsal():
                _do(verb, row.id, _("preview"), route, actor=actor, now=now)
        except AppError as error:
            problem = _why(error)
        fates.append(Fate(row, items.get(row.id, 0), problem))
    return fates


def carry_out(
    verb: str, ids: Sequence[int], reason: str, *, route: Route | None = None, actor: Actor, now: datetime
) -> list[Fate]:
    """Do it to each instance, with its problem where it could not be. Raises Invalid."""
    _check(verb, ids)
    if verb != "resume" and verb != "retry" and not reason:
        words = _("Say why; it stays in the history.")
        raise Invalid(words, [FieldError("reason", words)])
    problems: dict[int, str] = {}
    for instance_id in sorted(set(ids)):
        try:
            with transaction():
                _do(verb, instance_id, reason, route, actor=actor, now=now)
        except StepFailed as error:
            if verb != "move":  # nothing is wrong with an instance that somebody wanted elsewhere
                with transaction():
                    engine.record_incident(error, now=now, actor=actor)
            problems[instance_id] = _why(error)
        except AppError as error:
            problems[instance_id] = _why(error)
    return [Fate(row, 0, problems.get(row.id, "")) for row in operations.instances_by_id(ids)]


def _do(
    verb: str, instance_id: int, reason: str, route: Route | None, *, actor: Actor, now: datetime
) -> None:
    if verb == "move":
        if route is None:
            raise Invalid(_("Choose the step to move it to."))
        engine.move_token(
            instance_id,
            route.source,
            route.target,
            values=route.values,
            reason=reason,
            actor=actor,
            now=now,
        )
        return
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
    if isinstance(error, StepFailed) and error.detail:
        return " ".join(error.detail.split())[:LONGEST_PROBLEM]
    return str(error)

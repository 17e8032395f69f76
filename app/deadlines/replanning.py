"""Give open deadlines the ladders of a changed escalation policy: see what that does, then do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import calendar, engine
from app.accounts.actor import Actor
from app.db import session
from app.deadlines import moving, rules
from app.deadlines.tables import Deadline
from app.escalation.rules import Planned, Policy, plan

SHOWN = 50


@dataclass(frozen=True)
class NextStep:
    """What comes next on a ladder. at: aware UTC; action, target: as the policy says."""

    at: datetime
    action: str
    target: str


@dataclass(frozen=True)
class Replanned:
    """One open deadline that gets another ladder, as the preview lists it; None: nothing comes any more."""

    deadline_id: int
    case_number: str
    title: str
    name: str
    due_at: datetime
    before: NextStep | None
    after: NextStep | None


@dataclass(frozen=True)
class Preview:
    """What a changed policy would do. total: open deadlines; changed: with another ladder; rows: some."""

    total: int
    changed: int
    rows: list[Replanned]


def preview(present: Policy, changed: Policy, now: datetime) -> Preview:
    """Return what open deadlines would do by a changed policy. Reads only; three statements."""
    total = session().scalar(sa.select(sa.func.count()).where(Deadline.status == "running")) or 0
    found = list(_new_ladders(present, changed, now))
    first = sorted(found, key=lambda one: (one[0].due_at, one[0].id))[:SHOWN]
    subjects = moving.subjects({one.case_id for one, _steps in first})
    rows = [
        Replanned(
            one.id,
            *subjects.get(one.case_id, ("", "")),
            one.name,
            one.due_at,
            _next_of_rungs(one.reckoning["rungs"], now),
            next(
                (NextStep(step.at, step.step.action, step.step.target) for step in steps if step.at > now),
                None,
            ),
        )
        for one, steps in first
    ]
    return Preview(total, len(found), rows)


def apply(present: Policy, changed: Policy, *, actor: Actor, now: datetime) -> int:
    """Give open deadlines the ladders of a policy that was saved in this transaction; return how many.

    What has been climbed stays climbed, and nobody is told now of what would have come before now. A ladder
    that was climbed to its end stays as it is.
    """
    for _instance in engine.lock_instances(
        [one.instance_id for one, _s in _new_ladders(present, changed, now)]
    ):
        pass  # locked in the order that everybody keeps; read again below, behind the lock
    changes = [
        moving.Change(one, one.reckoning | {"rungs": _rungs(one, steps, changed.version, now)})
        for one, steps in _new_ladders(present, changed, now, anew=True)
    ]
    moving.write(changes, "policy", actor=actor, now=now, skip_past=True)
    return len(changes)


def _new_ladders(
    present: Policy, changed: Policy, now: datetime, *, anew: bool = False
) -> Iterator[tuple[Deadline, list[Planned]]]:
    """Yield the running deadlines whose ladder the change touches, each with the instants of the new one."""
    query = sa.select(Deadline).where(Deadline.status == "running").order_by(Deadline.id)
    rows = session().scalars(query.execution_options(populate_existing=anew))
    touched = [one for one in rows if _touched(one, present, changed)]
    stops = moving.stops_of({one.case_id for one in touched if one.case_id is not None})
    for one in touched:
        pauses = rules.periods_without(one.kind, stops.get(one.case_id, ()), now)
        yield one, _planned(one, changed, pauses)


def _touched(one: Deadline, present: Policy, changed: Policy) -> bool:
    about = _about(one)
    return present.ladder_for(*about).steps != changed.ladder_for(*about).steps


def _planned(one: Deadline, changed: Policy, pauses: Iterable[rules.Period]) -> list[Planned]:
    counted = calendar.get(one.calendar)
    stopped = list(pauses)
    return plan(
        changed.ladder_for(*_about(one)),
        start=one.started_at,
        due=one.due_at,
        then=moving.lengths_of(one.reckoning)["then"],
        counted=counted.without(stopped) if stopped else counted,
    )


def _about(one: Deadline) -> tuple[str | None, str | None]:
    about = one.reckoning["about"]
    return about.get("klass"), about.get("severity")


def _rungs(one: Deadline, steps: list[Planned], version: int, now: datetime) -> list[dict[str, Any]]:
    """Return the new ladder as JSON values. What it would have done before now, and did not, is skipped."""
    done = {
        (rung["at"], rung["action"], rung["target"])
        for rung in one.reckoning["rungs"]
        if "skipped" not in rung and datetime.fromisoformat(rung["at"]) <= now
    }
    found = []
    for step in steps:
        rung = engine.rung_of(step, version).plain()
        if step.at <= now and (rung["at"], rung["action"], rung["target"]) not in done:
            rung["skipped"] = True
        found.append(rung)
    return found


def _next_of_rungs(rungs: Iterable[dict[str, Any]], now: datetime) -> NextStep | None:
    for rung in rungs:
        at = datetime.fromisoformat(rung["at"])
        if at > now:
            return NextStep(at, rung["action"], rung["target"])
    return None

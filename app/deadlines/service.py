"""One function per verb: a deadline is set, met, given up; the case's own are opened and classified anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import calendar, engine
from app.accounts.actor import Actor
from app.db import session
from app.deadlines import moving, rules
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import WorkItem

ALLOWANCE = "allowance"
# What deadlines of a whole case are called; content, like the names in diagrams.
NAMES = {
    rules.FIRST_RESPONSE: "首次响应",
    rules.RESOLUTION: "办结",
    rules.ROUND: "本轮办理",
}
_TABLE: Any = Deadline.__table__


@dataclass(frozen=True)
class Subject:
    """What the deadlines of a case depend on. version_id: of the procedure that decides the allowances."""

    case_id: int
    instance_id: int
    version_id: int
    klass: str | None
    severity: str | None


def set_for_steps(context: engine.StepContext, found: list[engine.DeadlineSet]) -> None:
    """Write down the deadlines that steps got from the ladders on their border. One statement."""
    rows = [
        {
            "case_id": context.case_id,
            "instance_id": context.instance_id,
            "work_item_id": one.item.id,
            "timer_task_id": one.timer_task_id,
            "kind": rules.STEP,
            "name": one.item.name,
            **_reckoned(one.reckoning),
            "next_rung_at": None,
        }
        for one in found
    ]
    session().execute(sa.insert(_TABLE), rows)


def step_done(item: WorkItem, *, answers: bool, now: datetime) -> None:
    """A step is done: its deadline is met or missed. A pause has been ended before.

    answers: the customer is answered by it for the first time, so the first response has come, too.
    """
    ended = [Deadline.work_item_id == item.id] if item.reckoned is not None else []
    if answers and item.case_id is not None:
        ended.append(sa.and_(Deadline.case_id == item.case_id, Deadline.kind == rules.FIRST_RESPONSE))
    if ended:
        _end(sa.or_(*ended), now=now)


def step_gone(context: engine.StepContext, item: WorkItem) -> None:
    """A step is not needed any more: nobody was late."""
    if item.reckoned is not None:
        _end(Deadline.work_item_id == item.id, now=context.now, status="cancelled")


def open_for_case(subject: Subject, kinds: Iterable[str], *, now: datetime) -> None:
    """Start deadlines of the whole case, of those kinds that the table of allowances has a row for."""
    about = engine.About(klass=subject.klass, severity=subject.severity)
    rows = []
    for kind in kinds:
        asked = {"step": kind, "klass": subject.klass or "", "severity": subject.severity or "normal"}
        decided = engine.decide(subject.version_id, ALLOWANCE, asked)
        if decided.outputs is None:
            continue
        decision = _decision(decided.row, decided.inputs, {"step": kind})
        found = engine.reckon(now, moving.lengths_of(decided.outputs), about=about, decision=decision)
        rows.append(
            {
                "case_id": subject.case_id,
                "instance_id": subject.instance_id,
                "work_item_id": None,
                "timer_task_id": None,
                "kind": kind,
                "name": NAMES[kind],
                **_reckoned(found),
                "next_rung_at": rules.next_rung(found["rungs"], 0, now)[1],
            }
        )
    if rows:
        session().execute(sa.insert(_TABLE), rows)


def end_for_case(case_id: int, kinds: Iterable[str], *, now: datetime, status: str | None = None) -> None:
    """End deadlines of a whole case: met or missed as they stand, or `status`."""
    _end(Deadline.case_id == case_id, Deadline.kind.in_(tuple(kinds)), now=now, status=status)


def classified(subject: Subject, *, actor: Actor, now: datetime, steps: bool) -> int:
    """Reckon a case's open deadlines by the class and severity it has now; returns how many moved.

    steps: those of its steps, too; not within a step, which saves its timers itself.
    """
    which = () if steps else (Deadline.kind.in_(rules.OF_CASE),)
    found, stops = moving.of_case(subject.case_id, Deadline.status == "running", *which)
    changes = []
    for one in found:
        made = _by_class(one, subject, stops, now)
        if made is not None and made != one.reckoning:
            changes.append(moving.Change(one, made))
    return moving.write(changes, "reclassified", actor=actor, now=now) if changes else 0


def reopened(subject: Subject, resolved_at: datetime, *, actor: Actor, now: datetime) -> None:
    """The customer is not satisfied: the resolution goes on, without the time it counted as solved, and a new
    round begins."""
    session().add(
        Pause(
            case_id=subject.case_id,
            reason=rules.VERDICT,
            started_at=resolved_at,
            ended_at=now,
            started_by_id=None,
            ended_by_id=actor.id,
        )
    )
    session().flush()
    ended, stops = moving.of_case(
        subject.case_id,
        Deadline.kind == rules.RESOLUTION,
        Deadline.instance_id == subject.instance_id,
        Deadline.status.in_(("met", "missed")),
    )
    changes = []
    for one in ended:
        one.ended_at = None
        counted = calendar.get(one.calendar)
        changes.append(moving.Change(one, moving.anew(one, counted, stops, now)))
    session().flush()
    moving.write(changes, "reopened", actor=actor, now=now, status="running")
    open_for_case(subject, [rules.ROUND], now=now)


def _by_class(
    one: Deadline, subject: Subject, stops: Iterable[rules.Stop], now: datetime
) -> dict[str, Any] | None:
    decision = one.reckoning["decision"]
    if not decision:
        return None  # its allowance is written in the diagram
    asked = rules.asked_anew(decision["inputs"], decision["fixed"], subject.klass, subject.severity)
    decided = engine.decide(subject.version_id, decision["id"], asked)
    if decided.outputs is None:
        return None
    return moving.anew(
        one,
        calendar.get(one.calendar),
        stops,
        now,
        lengths=moving.lengths_of(decided.outputs),
        about=engine.About(**{**one.reckoning["about"], **_classes(subject)}),
        decision=_decision(decided.row, decided.inputs, decision["fixed"], decision["id"]),
    )


def _classes(subject: Subject) -> dict[str, str]:
    given = {"klass": subject.klass, "severity": subject.severity}
    return {name: value for name, value in given.items() if value}


def _decision(
    row: int | None, inputs: Mapping[str, Any], fixed: Mapping[str, Any], name: str = ALLOWANCE
) -> dict[str, Any]:
    return {"id": name, "row": row, "inputs": dict(inputs), "fixed": dict(fixed)}


def _reckoned(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "status": "running",
        "started_at": datetime.fromisoformat(found["start"]),
        "due_at": datetime.fromisoformat(found["due"]),
        "calendar": found["calendar"],
        "calendar_version": found["version"],
        "provisional": found["provisional"],
        "reckoning": dict(found),
        "next_rung": 0,
    }


def _end(*which: sa.ColumnElement[bool], now: datetime, status: str | None = None) -> None:
    kept = sa.case((Deadline.due_at >= now, "met"), else_="missed")
    session().execute(
        sa.update(Deadline)
        .where(*which, Deadline.status.in_(rules.LIVE))
        .values(status=status or kept, ended_at=now, next_rung_at=None)
        .execution_options(synchronize_session=False)
    )

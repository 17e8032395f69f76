"""Reckon deadlines anew and write what moved: rows, work items, waiting timers, the case, the history.

Whatever moves a deadline (a pause that ended, a changed calendar, another class) comes through here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import calendar, engine
from app.accounts.actor import Actor
from app.calendar.rules import Calendar
from app.db import Base, session
from app.deadlines import rules
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import WorkItem

CHUNK = 500
SHOWN = 50
Stops = Mapping[int | None, Sequence[rules.Stop]]

_ITEM: Any = WorkItem.__table__
_ROW: Any = Deadline.__table__
_MOVE_ITEMS = (
    sa.update(_ITEM)
    .where(_ITEM.c.id == sa.bindparam("its_id"))
    .values(
        due_at=sa.bindparam("new_due"),
        reckoned=sa.bindparam("new_reckoned"),
        paused_at=sa.bindparam("new_paused"),
        escalation_level=sa.case((sa.bindparam("ahead"), 0), else_=_ITEM.c.escalation_level),
        revision=_ITEM.c.revision + 1,
    )
)
_ROW_FIELDS = (
    *("due_at", "reckoning", "provisional", "calendar", "calendar_version"),
    *("next_rung_at", "next_rung", "status"),
)
_MOVE_ROWS = (
    sa.update(_ROW)
    .where(_ROW.c.id == sa.bindparam("its_id"))
    .values(**{name: sa.bindparam(f"new_{name}") for name in _ROW_FIELDS})
)


@dataclass(frozen=True)
class Change:
    """A deadline and what it becomes."""

    deadline: Deadline
    reckoning: Mapping[str, Any]

    @property
    def before(self) -> datetime:
        """When it was due."""
        return self.deadline.due_at

    @property
    def after(self) -> datetime:
        """When it is due now."""
        return datetime.fromisoformat(self.reckoning["due"])


@dataclass(frozen=True)
class Move:
    """One deadline that a changed calendar moves, as the preview lists it."""

    deadline_id: int
    case_number: str
    title: str
    kind: str
    name: str
    before: datetime
    after: datetime
    late_before: bool
    late_after: bool

    @property
    def by(self) -> timedelta:
        """How far it moves; negative when it comes sooner."""
        return self.after - self.before


@dataclass(frozen=True)
class Preview:
    """What a changed calendar would do to open deadlines.

    total: how many open deadlines count by this calendar. moved: how many of them move; `rows` are those that
    move furthest. largest: the furthest move. newly_late, no_longer_late: which change sides of now.
    """

    total: int
    moved: int
    later: int
    earlier: int
    newly_late: int
    no_longer_late: int
    largest: timedelta
    rows: list[Move] = field(default_factory=list)


def lengths_of(outputs: Mapping[str, Any]) -> dict[str, timedelta]:
    """Return {"allowed", "then"} of a decision's outputs. Raises ValueError for what is no duration."""
    return {name: calendar.parse_duration(str(outputs[name])) for name in ("allowed", "then")}


def anew(
    deadline: Deadline,
    counted: Calendar,
    stops: Iterable[rules.Stop],
    now: datetime,
    *,
    lengths: Mapping[str, timedelta] | None = None,
    about: engine.About | None = None,
    decision: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the deadline's reckoning by this calendar, without the times in which its clock stood still.

    lengths, about, decision: those of the reckoning it has, unless others are given.
    """
    old = deadline.reckoning
    pauses = rules.periods_without(deadline.kind, stops, now)
    return engine.reckon(
        deadline.started_at,
        lengths or lengths_of(old),
        about=about or engine.About(**old["about"]),
        counted=counted.without(pauses) if pauses else counted,
        decision=decision or old["decision"],
    )


def stops_of(case_ids: Iterable[int]) -> Stops:
    """Return the pauses of cases, oldest first."""
    found: dict[int | None, list[rules.Stop]] = defaultdict(list)
    wanted = sorted(set(case_ids))
    for start in range(0, len(wanted), CHUNK):
        rows = session().execute(
            sa.select(Pause.case_id, Pause.reason, Pause.started_at, Pause.ended_at)
            .where(Pause.case_id.in_(wanted[start : start + CHUNK]))
            .order_by(Pause.started_at, Pause.id)
        )
        for row in rows:
            found[row.case_id].append(rules.Stop(row.reason, row.started_at, row.ended_at))
    return found


def of_case(case_id: int, *which: sa.ColumnElement[bool]) -> tuple[list[Deadline], list[rules.Stop]]:
    """Return deadlines of a case with the times in which its clocks stood still; one statement."""
    rows = session().execute(
        sa.select(Deadline, Pause)
        .outerjoin(Pause, Pause.case_id == Deadline.case_id)
        .where(Deadline.case_id == case_id, *which)
        .order_by(Deadline.id, Pause.started_at, Pause.id)
    )
    found: dict[int, Deadline] = {}
    stops: dict[int, rules.Stop] = {}
    for one, stop in rows:
        found[one.id] = one
        if stop is not None:
            stops[stop.id] = rules.Stop(stop.reason, stop.started_at, stop.ended_at)
    return list(found.values()), list(stops.values())


def write(
    changes: Sequence[Change],
    cause: str,
    *,
    actor: Actor,
    now: datetime,
    status: str | None = None,
    skip_past: bool = False,
    quiet: bool = False,
) -> int:
    """Write what changed and record it, in bulk; returns how many deadlines moved.

    cause: paused | resumed | calendar | reclassified | reopened | policy.
    status: what running or paused becomes; it stays unless given.
    skip_past: rungs whose instant has passed are not climbed any more: a new ladder tells nobody twice.
    quiet: record nothing, since nothing has moved.
    Locks the instances first, as every step does.
    """
    moves: dict[int, dict[str, Mapping[str, Any] | None]] = defaultdict(dict)
    rows, items = [], []
    for change in changes:
        one, after = change.deadline, change.after
        becomes = status or one.status
        rungs = change.reckoning["rungs"]
        climbed, rung_at = rules.next_rung(rungs, len(rungs) if skip_past else one.next_rung, now)
        rows.append(
            {
                "its_id": one.id,
                "new_due_at": after,
                "new_reckoning": dict(change.reckoning),
                "new_provisional": change.reckoning["provisional"],
                "new_calendar": change.reckoning["calendar"],
                "new_calendar_version": change.reckoning["version"],
                "new_next_rung_at": rung_at if one.kind != rules.STEP else None,
                "new_next_rung": climbed if one.kind != rules.STEP else 0,
                "new_status": becomes,
            }
        )
        if one.timer_task_id is not None and becomes == "running":
            moves[one.instance_id][one.timer_task_id] = change.reckoning
        if one.work_item_id is not None and becomes == "running":
            items.append(
                {
                    "its_id": one.work_item_id,
                    "new_due": after,
                    "new_reckoned": "provisional" if change.reckoning["provisional"] else "firm",
                    "new_paused": None,
                    "ahead": after > now,
                }
            )
        if cause != "policy" and not quiet:
            _record(one, cause, change.before, after, actor, now)
    if moves:
        engine.move_timers(moves, now, skip_past=skip_past)
    connection = session().connection()
    if rows:
        connection.execute(_MOVE_ROWS, rows)
    if items:
        connection.execute(_MOVE_ITEMS, items)
    for change in changes:
        # Written past it: who wants to know more of it reads it anew.
        session().expunge(change.deadline)
    return sum(change.before != change.after for change in changes)


def preview(calendar_key: str, changed: Calendar, now: datetime) -> Preview:
    """Return what open deadlines do when their calendar becomes `changed`. Reads only; three statements."""
    return previewed([(one, changed) for one in _open_by(calendar_key)], now)


def previewed(found: Sequence[tuple[Deadline, Calendar]], now: datetime) -> Preview:
    """Return what deadlines do when each counts by another calendar. Reads only; two statements."""
    stops = stops_of({one.case_id for one, _changed in found if one.case_id is not None})
    # Only when each is due: what its ladder does then is reckoned when the change is applied.
    moves = [
        (one, after)
        for one, changed in found
        if (after := _due_anew(one, changed, stops.get(one.case_id, ()), now)) != one.due_at
    ]
    furthest = sorted(moves, key=lambda move: (-abs(move[1] - move[0].due_at), move[0].id))[:SHOWN]
    found_subjects = subjects({one.case_id for one, _after in furthest})
    return Preview(
        total=len(found),
        moved=len(moves),
        later=sum(after > one.due_at for one, after in moves),
        earlier=sum(after < one.due_at for one, after in moves),
        newly_late=sum(one.due_at >= now > after for one, after in moves),
        no_longer_late=sum(one.due_at < now <= after for one, after in moves),
        largest=max((abs(after - one.due_at) for one, after in moves), default=timedelta(0)),
        rows=[
            Move(
                one.id,
                *found_subjects.get(one.case_id, ("", "")),
                one.kind,
                one.name,
                one.due_at,
                after,
                one.due_at < now,
                after < now,
            )
            for one, after in furthest
        ],
    )


def apply(calendar_key: str, changed: Calendar, *, actor: Actor, now: datetime) -> int:
    """Reckon all open deadlines of a calendar anew by `changed`; returns how many moved.

    Those that move not take over the calendar's version all the same. In the caller's transaction.
    """
    for _instance in engine.lock_instances([one.instance_id for one in _open_by(calendar_key)]):
        pass  # locked in the order that everybody keeps; read again below, behind the lock
    changes = reckoned([(one, changed) for one in _open_by(calendar_key, anew=True)], now)
    moved = [one for one in changes if one.before != one.after]
    write(moved, "calendar", actor=actor, now=now)
    recount_cases({one.deadline.case_id for one in moved if one.deadline.case_id is not None})
    session().execute(
        sa.update(Deadline)
        .where(Deadline.calendar == calendar_key, Deadline.status == "running")
        .values(calendar_version=changed.version)
        .execution_options(synchronize_session=False)
    )
    return len(moved)


def recount_cases(case_ids: Iterable[int]) -> None:
    """Let cases take the first deadline and the highest escalation of their open steps."""
    cases = Base.metadata.tables["cases"]
    still_open = (_ITEM.c.case_id == cases.c.id, _ITEM.c.status.in_(("open", "claimed")))
    due = sa.select(sa.func.min(_ITEM.c.due_at)).where(*still_open).scalar_subquery()
    level = sa.select(sa.func.coalesce(sa.func.max(_ITEM.c.escalation_level), 0)).where(*still_open)
    wanted = sorted(set(case_ids))
    for start in range(0, len(wanted), CHUNK):
        session().execute(
            sa.update(cases)
            .where(cases.c.id.in_(wanted[start : start + CHUNK]))
            .values(due_at=due, escalation_level=level.scalar_subquery())
        )


def _due_anew(one: Deadline, changed: Calendar, stops: Iterable[rules.Stop], now: datetime) -> datetime:
    pauses = rules.periods_without(one.kind, stops, now)
    counted = changed.without(pauses) if pauses else changed
    allowed = lengths_of(one.reckoning)["allowed"]
    return calendar.rules.add_working_time(counted, one.started_at, allowed).at


def reckoned(found: Sequence[tuple[Deadline, Calendar]], now: datetime) -> list[Change]:
    """Return deadlines reckoned anew, each by the calendar beside it."""
    stops = stops_of({one.case_id for one, _changed in found if one.case_id is not None})
    return [
        Change(one, anew(one, changed, stops.get(one.case_id, ()), now)) for one, changed in found
    ]


def _open_by(calendar_key: str, *, anew: bool = False) -> list[Deadline]:
    query = (
        sa.select(Deadline)
        .where(Deadline.calendar == calendar_key, Deadline.status == "running")
        .order_by(Deadline.id)
    )
    return list(session().scalars(query.execution_options(populate_existing=anew)))


def subjects(case_ids: set[int | None]) -> dict[int | None, tuple[str, str]]:
    """Return number and title of cases; one statement."""
    cases = Base.metadata.tables["cases"]
    rows = session().execute(
        sa.select(cases.c.id, cases.c.number, cases.c.title).where(cases.c.id.in_(case_ids - {None}))
    )
    return {row.id: (row.number, row.title) for row in rows}


def _record(
    one: Deadline, cause: str, before: datetime, after: datetime, actor: Actor, now: datetime
) -> None:
    engine.record_event(
        f"case:{one.case_id}" if one.case_id is not None else f"instance:{one.instance_id}",
        "deadline.moved",
        {
            "deadline": one.id,
            "kind": one.kind,
            "name": one.name,
            "cause": cause,
            "before": before.isoformat(),
            "after": after.isoformat(),
        },
        actor=actor,
        now=now,
        instance_id=one.instance_id,
    )

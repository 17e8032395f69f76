"""What the page of a deadline shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import calendar, engine
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.calendar.rules import Calendar, add_working_time, working_time_between
from app.db import session
from app.deadlines import drawing, explanation, moving, rules
from app.deadlines.explanation import DayRow, Line
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import Event, Instance, WorkItem


@dataclass(frozen=True)
class RungView:
    """One step of the ladder. state: done | next | later | held | over (it will not come any more) |
    skipped (its instant had passed when its ladder began to count)."""

    at: datetime
    when: str
    offset: str
    action: str
    target: str
    state: str


@dataclass(frozen=True)
class MoveView:
    """What moved the deadline. cause: resumed | calendar | reclassified | reopened."""

    at: datetime
    cause: str
    before: datetime
    after: datetime
    by: str


@dataclass(frozen=True)
class PauseView:
    """A time in which the clock stood still; `lost` is the working time in it."""

    reason: str
    awaited: str
    by: str
    started_at: datetime
    ended_at: datetime | None
    lost: timedelta


@dataclass(frozen=True)
class Other:
    """The same deadline had something been otherwise. what: no_pause | no_make_up | clock_time."""

    what: str
    due_at: datetime


@dataclass(frozen=True)
class Explained:
    """A deadline with everything it rests on.

    due_at:  None while it is paused: it depends on when the wait ends.
    left:    working time that remains, negative when it was late before the pause.
    pauses, paused: those that moved it, and the working time lost in them.
    holidays: times off between start and deadline, each with how many days; names joined by " · ".
    """

    deadline: Deadline
    item: WorkItem | None
    calendar: Calendar
    due_at: datetime | None
    allowed: timedelta
    left: timedelta
    urgency: str
    row: engine.DecisionRow | None
    version_id: int
    rows: list[DayRow]
    lines: list[Line]
    drawing: drawing.Drawing
    ladder: list[RungView]
    moves: list[MoveView]
    pauses: list[PauseView]
    paused: timedelta
    holidays: list[tuple[str, int]]
    others: list[Other]

    @property
    def kind_of_day(self) -> str:
        """What kind of day the deadline falls on: working, make_up, changed, …"""
        return self.rows[-1].kind if self.rows else "working"


def get(deadline_id: int) -> Deadline | None:
    """Return a deadline's row, or None."""
    return session().get(Deadline, deadline_id)


def of_item(work_item_id: int) -> int | None:
    """Return the id of a work item's deadline, None when its date was not counted."""
    return session().scalar(
        sa.select(Deadline.id).where(Deadline.work_item_id == work_item_id).order_by(Deadline.id).limit(1)
    )


def explained(one: Deadline, now: datetime, soon: timedelta) -> Explained:
    """Return all that the page of a deadline says, in a constant number of statements."""
    instance = session().get(Instance, one.instance_id)
    assert instance is not None  # a foreign key
    item = session().get(WorkItem, one.work_item_id) if one.work_item_id is not None else None
    counted = calendar.get_version(one.calendar, one.calendar_version)
    said = one.reckoning
    allowed = moving.lengths_of(said)["allowed"]
    stops = _stops(one, counted, now)
    pauses = rules.periods_without(one.kind, [stop for stop, _view in stops], now)
    held = one.status == "paused"
    over = one.ended_at is not None
    end = max(now, one.started_at) if held else one.due_at
    rows = explanation.day_rows(counted, one.started_at, end, pauses=pauses, now=None if over else now)
    shown = explanation.shortened(rows)
    spent = working_time_between(counted.without(pauses), one.started_at, min(now, end))
    decision = said["decision"] or {}
    return Explained(
        deadline=one,
        item=item,
        calendar=counted,
        due_at=None if held else one.due_at,
        allowed=allowed,
        left=timedelta(0) if over else allowed - spent,
        urgency=urgency(one, now, soon),
        row=(
            engine.decision_row(instance.version_id, decision["id"], decision["row"])
            if decision.get("row")
            else None
        ),
        version_id=instance.version_id,
        rows=shown,
        lines=explanation.lines(shown, start=one.started_at, now=None if over else now),
        drawing=drawing.draw(shown, counted.zone, _marks(one, held, over, now)),
        ladder=_ladder(one, _held_since(stops), now),
        moves=_moves(one),
        pauses=[view for _stop, view in stops if held or view.started_at < one.due_at],
        paused=sum(
            (view.lost for _stop, view in stops if held or view.started_at < one.due_at), timedelta(0)
        ),
        holidays=_holidays(rows),
        others=[] if held else _others(one, counted, allowed, pauses, rows),
    )


def urgency(one: Deadline, now: datetime, soon: timedelta) -> str:
    """Return how loud a deadline is: paused, done, overdue, soon, ontime."""
    if one.status == "paused":
        return "paused"
    if one.status != "running":
        return "done"
    if one.due_at < now:
        return "overdue"
    return "soon" if one.due_at - now <= soon else "ontime"


def _stops(one: Deadline, counted: Calendar, now: datetime) -> list[tuple[rules.Stop, PauseView]]:
    kinds = [reason for reason, stopped in rules.STOPPED_BY.items() if one.kind in stopped]
    until = one.ended_at or now
    rows = session().execute(
        sa.select(Pause, shown_name())
        .outerjoin(Person, Person.id == Pause.started_by_id)
        .where(
            Pause.case_id == one.case_id,
            Pause.reason.in_(kinds),
            Pause.started_at < until,
            sa.or_(Pause.ended_at.is_(None), Pause.ended_at > one.started_at),
        )
        .order_by(Pause.started_at, Pause.id)
    )
    found = []
    for row, name in rows:
        begins = max(row.started_at, one.started_at)
        lost = working_time_between(counted, begins, row.ended_at or now)
        stop = rules.Stop(row.reason, row.started_at, row.ended_at)
        view = PauseView(row.reason, row.awaited, name or "", row.started_at, row.ended_at, lost)
        found.append((stop, view))
    return found


def _marks(one: Deadline, held: bool, over: bool, now: datetime) -> list[tuple[str, datetime]]:
    marks = [("start", one.started_at)]
    if not over:
        marks.append(("now", now))
    elif one.ended_at is not None:
        marks.append(("done", one.ended_at))
    return marks if held else [*marks, ("due", one.due_at)]


def _held_since(stops: list[tuple[rules.Stop, PauseView]]) -> datetime | None:
    return next((stop.started_at for stop, _view in stops if stop.ended_at is None), None)


def _ladder(one: Deadline, held_since: datetime | None, now: datetime) -> list[RungView]:
    ended = one.ended_at
    found, first = [], True
    for rung in one.reckoning["rungs"]:
        at = datetime.fromisoformat(rung["at"])
        if at <= (ended or held_since or now):
            state = "skipped" if "skipped" in rung else "done"
        elif ended is not None:
            state = "over"
        elif one.status == "paused":
            state = "held"
        else:
            state, first = ("next" if first else "later"), False
        found.append(RungView(at, rung["when"], rung["offset"], rung["action"], rung["target"], state))
    return found


def _moves(one: Deadline) -> list[MoveView]:
    stream = f"case:{one.case_id}" if one.case_id is not None else f"instance:{one.instance_id}"
    rows = session().execute(
        sa.select(Event.at, Event.data, Event.actor_name, shown_name())
        .outerjoin(Person, Person.id == Event.actor_id)
        .where(Event.stream == stream, Event.kind == "deadline.moved")
        .order_by(Event.id)
    )
    return [
        MoveView(
            at,
            data["cause"],
            datetime.fromisoformat(data["before"]),
            datetime.fromisoformat(data["after"]),
            name or actor_name,
        )
        for at, data, actor_name, name in rows
        if data["deadline"] == one.id and data["before"] != data["after"]
    ]


def _holidays(rows: Sequence[DayRow]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for row in rows:
        if row.kind == "holiday":
            found[row.name] = found.get(row.name, 0) + (row.last - row.first).days + 1
    return list(found.items())


def _others(
    one: Deadline,
    counted: Calendar,
    allowed: timedelta,
    pauses: Sequence[rules.Period],
    rows: Sequence[DayRow],
) -> list[Other]:
    found = []
    without_pauses = add_working_time(counted, one.started_at, allowed).at
    if without_pauses != one.due_at:
        found.append(Other("no_pause", without_pauses))
    if any(row.kind == "make_up" for row in rows):
        days: Mapping[Any, Any] = {
            day: exception for day, exception in counted.days.items() if not counted.is_make_up_day(day)
        }
        without = replace(counted, days=days).without(pauses)
        found.append(Other("no_make_up", add_working_time(without, one.started_at, allowed).at))
    found.append(Other("clock_time", one.started_at + allowed))
    return found

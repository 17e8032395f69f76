"""The agenda of promised calls: one day, and the week around it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.calendar import Calendar
from app.callbacks.tables import Callback
from app.db import session
from app.engine.tables import Instance, WorkItem

STRIP_DAYS = 7
MOST_CALLS = 200


@dataclass(frozen=True)
class Call:
    """One promised or finished call as the agenda shows it. urgency: overdue | soon | ontime | done."""

    id: int
    case_number: str
    title: str
    klass: str | None
    attempt: int
    due_at: datetime
    outcome: str | None
    score: int | None
    words: str | None
    called_at: datetime | None
    caller: str | None
    work_item_id: int | None
    urgency: str


@dataclass(frozen=True)
class Day:
    """A day of the strip; `open` tells whether the centre works then."""

    day: date
    open: bool
    make_up: bool
    calls: int


@dataclass(frozen=True)
class Agenda:
    """A day's calls, those left over from earlier days, and the strip of days around it."""

    day: date
    today: date
    strip: list[Day]
    overdue: list[Call]
    calls: list[Call]
    done: int


def agenda(day: date | None, calendar: Calendar, now: datetime) -> Agenda:
    """Return the agenda of a local day, today unless given; two statements."""
    today = now.astimezone(calendar.zone).date()
    day = day or today
    first = min(day, today) if abs((day - today).days) < STRIP_DAYS else day
    strip = [first + timedelta(days=ahead) for ahead in range(STRIP_DAYS)]
    when = sa.case(
        (Callback.outcome.is_(None), Callback.due_at),
        else_=sa.func.coalesce(Callback.called_at, Callback.due_at),
    )
    planned = session().execute(
        sa.select(when).where(
            when >= _starts(strip[0], calendar),
            when < _starts(strip[-1] + timedelta(days=1), calendar),
            sa.or_(Callback.outcome.is_(None), Callback.outcome != "cancelled"),
        )
    )
    counts = Counter(at.astimezone(calendar.zone).date() for (at,) in planned)
    rows = session().execute(
        sa.select(Callback, Instance.subject, WorkItem.id, shown_name())
        .join(Instance, Instance.id == Callback.instance_id)
        .outerjoin(
            WorkItem,
            sa.and_(
                WorkItem.instance_id == Callback.instance_id,
                WorkItem.process_id == "callback",
                WorkItem.status.in_(("open", "claimed")),
            ),
        )
        .outerjoin(Person, Person.id == sa.func.coalesce(Callback.called_by_id, WorkItem.assignee_id))
        .where(
            sa.or_(Callback.outcome.is_(None), Callback.outcome != "cancelled"),
            sa.or_(
                sa.and_(when >= _starts(day, calendar), when < _starts(day + timedelta(days=1), calendar)),
                sa.and_(Callback.outcome.is_(None), Callback.due_at < _starts(today, calendar)),
            ),
        )
        .order_by(when, Callback.id)
        .limit(MOST_CALLS)
    )
    calls = [_call(callback, subject or {}, item_id, name, now) for callback, subject, item_id, name in rows]
    left_over = [call for call in calls if call.outcome is None and call.due_at < _starts(today, calendar)]
    of_day = [call for call in calls if call not in left_over]
    return Agenda(
        day,
        today,
        [Day(one, bool(calendar.spans(one)), calendar.is_make_up_day(one), counts[one]) for one in strip],
        left_over,
        of_day,
        sum(1 for call in of_day if call.outcome),
    )


def _starts(day: date, calendar: Calendar) -> datetime:
    return datetime.combine(day, time(0), calendar.zone)


def _call(
    callback: Callback, subject: dict[str, str | None], item_id: int | None, name: str | None, now: datetime
) -> Call:
    if callback.outcome:
        urgency = "done"
    elif callback.due_at + timedelta(hours=1) < now:
        urgency = "overdue"
    else:
        urgency = "soon" if callback.due_at <= now + timedelta(hours=1) else "ontime"
    return Call(
        callback.id,
        subject.get("case_number") or "",
        subject.get("title") or "",
        subject.get("klass"),
        callback.attempt,
        callback.due_at,
        callback.outcome,
        callback.score,
        callback.words,
        callback.called_at,
        name,
        item_id if callback.outcome is None else None,
        urgency,
    )


def by_caller(calls: list[Call]) -> list[tuple[str | None, list[Call]]]:
    """Group calls by who makes them; those nobody has taken come last."""
    names = sorted({call.caller for call in calls if call.caller})
    groups: list[tuple[str | None, list[Call]]] = [
        (name, [call for call in calls if call.caller == name]) for name in names
    ]
    unassigned = [call for call in calls if not call.caller]
    return groups + ([(None, unassigned)] if unassigned else [])

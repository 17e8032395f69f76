"""The agenda's reads: a day with what is left over from earlier ones, the days around, the loads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from app import settings_store
from app.accounts import organisation
from app.accounts.actor import Actor
from app.agenda import rules
from app.agenda.filters import NOBODY, Filters
from app.calendar import Calendar
from app.callbacks.tables import Callback
from app.cases.tables import Case
from app.customers.tables import Customer
from app.db import session
from app.engine.tables import Instance, WorkItem

STRIP_DAYS = 7
BEFORE_TODAY = 2
PAGE = 50
# So many cards a column; the rest is a click away in the list by time.
COLUMN = 30
# Of one day at most so many calls are looked at, and of earlier days so many are shown.
MOST_CALLS = 1000
MOST_LEFT_OVER = 60
CALLERS = "callback"


@dataclass(frozen=True)
class Call:
    """One promised or finished call as the agenda shows it. urgency: overdue | soon | ontime | done.

    case_number: None for a call without a case. caller_id: who called, has it, or is planned to.
    item_id: the step that waits for its result; None before its day, and afterwards.
    """

    id: int
    kind: str
    case_number: str | None
    title: str
    klass: str | None
    customer: str
    company: str | None
    attempt: int
    most: int | None
    due_at: datetime
    agreed: bool
    moved: str | None
    outcome: str | None
    detail: str | None
    score: int | None
    called_at: datetime | None
    caller_id: int | None
    caller: str
    excluded_id: int | None
    item_id: int | None
    urgency: str

    @property
    def at(self) -> datetime:
        """When it was made, or is to be."""
        return self.called_at or self.due_at

    @property
    def dots(self) -> list[str]:
        """One for each attempt allowed: "n" nobody reached, "y" reached, "" still free."""
        now = "y" if self.outcome in ("satisfied", "dissatisfied") else "n"
        tried = ["n"] * (self.attempt - 1) + ([now] if self.outcome else [])
        return tried + [""] * max(0, (self.most or 0) - len(tried))


@dataclass(frozen=True)
class Day:
    """A day of the strip. open: the centre works then. fullness: "", nearly or full."""

    day: date
    open: bool
    make_up: bool
    name: str
    calls: int
    fullness: str


@dataclass
class Column:
    """One caller's part of a day. room: how many more calls fit; None for those nobody has."""

    person_id: int | None
    name: str
    calls: list[Call] = field(default_factory=list)
    total: int = 0
    done: int = 0
    room: int | None = None

    @property
    def key(self) -> str:
        """What the address calls it."""
        return str(self.person_id) if self.person_id is not None else NOBODY


@dataclass
class Agenda:
    """A day's calls and those left over from earlier days, the strip, everybody's load.

    total, done: of the day as filtered. breaks: local spans in which the centre is closed between two spans.
    blocked: sentences' parts (case or title, person) of unassigned calls that somebody may not make.
    """

    day: date
    today: date
    strip: list[Day]
    overdue: list[Call]
    calls: list[Call]
    columns: list[Column]
    total: int
    done: int
    breaks: list[tuple[datetime, datetime]]
    blocked: list[tuple[str, str]]
    more_pages: bool = False
    more_overdue: bool = False

    @property
    def before(self) -> date:
        """The day a week earlier."""
        return self.day - timedelta(days=7)

    @property
    def after(self) -> date:
        """The day a week later."""
        return self.day + timedelta(days=7)


def agenda(filters: Filters, calendar: Calendar, now: datetime) -> Agenda:
    """Return the agenda of a local day, today unless the filters name another; two statements."""
    today = now.astimezone(calendar.zone).date()
    day = filters.day or today
    people = organisation.candidates(CALLERS)
    room = int(settings_store.get("callbacks.per_person"))
    strip = _strip(day, today, calendar, room * len(people))
    found = _calls(filters, day, today, calendar, now)
    left_over = [one for one in found if one.outcome is None and one.due_at < _starts(today, calendar)]
    late = {one.id for one in left_over} if day >= today else set()
    of_day = [one for one in found if one.id not in late and _on(one.at, day, calendar)]
    overdue = [one for one in left_over if one.id in late]
    columns = _columns(of_day, overdue if day == today else [], people, room)
    start = (filters.page - 1) * PAGE
    by_time = of_day[start : start + PAGE] if filters.view == "time" else of_day
    return Agenda(
        day=day,
        today=today,
        strip=strip,
        overdue=overdue[:MOST_LEFT_OVER],
        calls=by_time,
        columns=[one for one in columns if not filters.caller or one.key == filters.caller],
        total=len(of_day),
        done=sum(1 for one in of_day if one.outcome),
        breaks=_breaks(day, calendar),
        blocked=_blocked(of_day, [one.id for one in people]),
        more_pages=filters.view == "time" and len(of_day) > start + PAGE,
        more_overdue=len(overdue) > MOST_LEFT_OVER,
    )


def load_of(day: date, calendar: Calendar, *, but: Sequence[int] = ()) -> dict[int, int]:
    """Return how many calls of a day each caller has, by name, without those of `but`. One statement."""
    # Grouped by its name: the expression has parameters, and PostgreSQL takes two of it for two.
    query = (
        sa.select(_holder().label("holder"), sa.func.count())
        .select_from(Callback)
        .outerjoin(WorkItem, WorkItem.id == Callback.work_item_id)
        .where(_live(), _between(day, calendar), Callback.id.not_in(list(but)))
        .group_by(sa.text("holder"))
    )
    counts: dict[int | None, int] = {row[0]: row[1] for row in session().execute(query)}
    return {one.id: counts.get(one.id, 0) for one in organisation.candidates(CALLERS)}


def one_call(callback_id: int, now: datetime) -> Call | None:
    """Return a call by its id, or None; one statement."""
    row = session().execute(_select().where(Callback.id == callback_id)).first()
    return _call(row, now) if row else None


def next_call(callback_id: int, actor: Actor, now: datetime) -> int | None:
    """Return the call to make after this one: the earliest of the actor's that waits, or None."""
    query = (
        sa.select(Callback.id)
        .join(WorkItem, WorkItem.id == Callback.work_item_id)
        .where(
            Callback.outcome.is_(None),
            Callback.id != callback_id,
            WorkItem.status == "claimed",
            WorkItem.assignee_id == actor.id,
        )
        .order_by(Callback.due_at, Callback.id)
        .limit(1)
    )
    return session().scalar(query)


def calls_of(ids: Sequence[int], now: datetime) -> list[Call]:
    """Return calls by their ids, by time; one statement."""
    query = _select().where(Callback.id.in_(list(ids))).order_by(Callback.due_at, Callback.id)
    return [_call(row, now) for row in session().execute(query)]


def calls_for_sheet(day: date, caller: str, calendar: Calendar, now: datetime) -> list[Call]:
    """Return the calls of a day still to be made, of one caller, of nobody or of all; one statement."""
    query = _select().where(Callback.outcome.is_(None), _between(day, calendar))
    if caller:
        query = query.where(_held_by(caller))
    query = query.order_by(Callback.due_at, Callback.id).limit(MOST_CALLS)
    return [_call(row, now) for row in session().execute(query)]


def _select() -> sa.Select[Any]:
    return (
        sa.select(
            Callback, Instance.subject, Case.number, Case.title, Case.klass, Customer.name, Customer.company,
            WorkItem.id, WorkItem.status, WorkItem.assignee_id, WorkItem.excluded_id,
        )
        .join(Instance, Instance.id == Callback.instance_id)
        .outerjoin(Case, Case.id == Callback.case_id)
        .outerjoin(Customer, Customer.id == Callback.customer_id)
        .outerjoin(WorkItem, WorkItem.id == Callback.work_item_id)
    )  # fmt: skip


def _calls(filters: Filters, day: date, today: date, calendar: Calendar, now: datetime) -> list[Call]:
    wanted = _between(day, calendar)
    if day >= today:
        left = sa.and_(Callback.outcome.is_(None), Callback.due_at < _starts(today, calendar))
        wanted = sa.or_(wanted, left)
    query = _select().where(_live(), wanted)
    if filters.caller:
        query = query.where(_held_by(filters.caller))
    if filters.klass:
        query = query.where(Case.klass == filters.klass)
    if filters.kind:
        query = query.where(Callback.kind == filters.kind)
    if filters.state == "done":
        query = query.where(Callback.outcome.is_not(None))
    elif filters.state == "todo":
        query = query.where(Callback.outcome.is_(None))
    elif filters.state == "late":
        query = query.where(Callback.outcome.is_(None), Callback.due_at < now - rules.GRACE)
    query = query.order_by(_when(), Callback.id).limit(MOST_CALLS)
    return [_call(row, now) for row in session().execute(query)]


def _strip(day: date, today: date, calendar: Calendar, room: int) -> list[Day]:
    """Return the days around; one statement that counts them all."""
    near = -BEFORE_TODAY <= (day - today).days < STRIP_DAYS - BEFORE_TODAY
    first = (today if near else day) - timedelta(days=BEFORE_TODAY)
    days = [first + timedelta(days=ahead) for ahead in range(STRIP_DAYS)]
    when = _when()
    tallies = [
        sa.func.coalesce(
            sa.func.sum(
                sa.case(
                    (
                        sa.and_(
                            when >= _starts(one, calendar), when < _starts(one + timedelta(days=1), calendar)
                        ),
                        1,
                    ),
                    else_=0,
                )
            ),
            0,
        )
        for one in days
    ]
    around = (when >= _starts(days[0], calendar), when < _starts(days[-1] + timedelta(days=1), calendar))
    counts = session().execute(sa.select(*tallies).where(_live(), *around)).one()
    return [
        Day(
            one,
            bool(calendar.spans(one)),
            calendar.is_make_up_day(one),
            calendar.days[one].name if one in calendar.days else "",
            int(n),
            rules.fullness(int(n), room) if one >= today else "",
        )
        for one, n in zip(days, counts, strict=True)
    ]


def _columns(
    calls: list[Call], overdue: list[Call], people: Sequence[organisation.Colleague], room: int
) -> list[Column]:
    """Return one column a caller, who has calls or could have, and one for the calls that nobody has."""
    named = {one.id: one.label for one in people}
    for call in calls:
        if call.caller_id is not None:
            named.setdefault(call.caller_id, call.caller)
    late = Counter(one.caller_id for one in overdue)
    columns = [Column(key, name) for key, name in named.items()] + [Column(None, "")]
    for column in columns:
        mine = [one for one in calls if one.caller_id == column.person_id]
        column.calls, column.total = mine[:COLUMN], len(mine)
        column.done = sum(1 for one in mine if one.outcome)
        if column.person_id in {one.id for one in people}:
            column.room = max(0, room - len(mine) - late[column.person_id])
    return [one for one in columns if one.person_id is None or one.total or one.room is not None]


def _blocked(calls: list[Call], able: list[int]) -> list[tuple[str, str]]:
    """Return which unassigned calls somebody may not make who otherwise would: (number or title, name)."""
    found = []
    for call in calls:
        if call.outcome is None and call.caller_id is None and call.excluded_id in able:
            person = organisation.find_colleague(call.excluded_id)
            if person is not None and not rules.may_call(person.id, call.excluded_id, able):
                found.append((call.case_number or call.title, person.label))
    return found[:3]


def _breaks(day: date, calendar: Calendar) -> list[tuple[datetime, datetime]]:
    periods = calendar.periods(day)
    return [(one[1], other[0]) for one, other in zip(periods, periods[1:], strict=False) if one[1] < other[0]]


def _call(row: Any, now: datetime) -> Call:
    one: Callback = row[0]
    subject = row.subject or {}
    waits = row.status in ("open", "claimed") and one.outcome is None
    held = one.called_by_id if one.outcome else row.assignee_id if waits else one.planned_for_id
    person = organisation.find_colleague(held) if held is not None else None
    return Call(
        one.id, one.kind, row.number, row.title or subject.get("title") or "",
        row.klass, row.name or "", row.company, one.attempt, one.most, one.due_at, one.agreed, one.moved,
        one.outcome, one.detail, one.score, one.called_at, held, person.label if person else "",
        row.excluded_id if row.excluded_id is not None else one.excluded_id,
        row[7] if waits else None, rules.urgency(one.due_at, one.outcome, now),
    )  # fmt: skip


def _when() -> sa.ColumnElement[datetime]:
    """Return when a call was made, or is due."""
    return sa.case(
        (Callback.outcome.is_(None), Callback.due_at),
        else_=sa.func.coalesce(Callback.called_at, Callback.due_at),
    )


def _live() -> sa.ColumnElement[bool]:
    return sa.or_(Callback.outcome.is_(None), Callback.outcome != "cancelled")


def _between(day: date, calendar: Calendar) -> sa.ColumnElement[bool]:
    """Return the condition for the calls of a day: made on it, or due on it. Each half has its index."""
    start, end = _starts(day, calendar), _starts(day + timedelta(days=1), calendar)
    return sa.or_(
        sa.and_(Callback.outcome.is_(None), Callback.due_at >= start, Callback.due_at < end),
        sa.and_(Callback.outcome.is_not(None), Callback.called_at >= start, Callback.called_at < end),
    )


def _holder() -> sa.ColumnElement[int | None]:
    """Return the column of who called, has the call, or is planned to make it."""
    return sa.case(
        (Callback.outcome.is_not(None), Callback.called_by_id),
        (WorkItem.status.in_(("open", "claimed")), WorkItem.assignee_id),
        else_=Callback.planned_for_id,
    )


def _held_by(caller: str) -> sa.ColumnElement[bool]:
    return _holder().is_(None) if caller == NOBODY else _holder() == int(caller)


def _on(at: datetime, day: date, calendar: Calendar) -> bool:
    return at.astimezone(calendar.zone).date() == day


def _starts(day: date, calendar: Calendar) -> datetime:
    return datetime.combine(day, time(0), calendar.zone).astimezone(UTC)

"""The forecast from its rows: what is open, what was finished lately, who may do what. Two statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app import calendar
from app.accounts import organisation
from app.accounts.actor import Actor
from app.db import session
from app.engine.tables import WorkItem
from app.inbox import queries as inbox
from app.inbox.rules import ESCALATED_FROM, OPEN
from app.reports import rules
from app.reports.rules import Done, Expected, Open, Pace, Ruler

WINDOW = timedelta(days=14)
# How far the rulers reach: older items count as this old, what ends later ends "later".
PAST, AHEAD = timedelta(days=120), timedelta(days=120)
# The newest of what was finished; more say nothing new about the pace.
MOST_DONE = 20_000
# More open items than one centre has; the rest, due later than these, is left out and the page says so.
MOST_OPEN = 5_000
COLUMNS = 5
SOON_DAYS = 3


@dataclass(frozen=True)
class Task:
    """An open item as the pages show it; paused_at: since when its clock stands still."""

    id: int
    instance_id: int
    process_id: str
    element: str
    name: str
    case_number: str | None
    title: str
    klass: str | None
    role: str
    candidate: str
    assignee_id: int | None
    excluded_id: int | None
    completed_by_id: int | None
    escalation_level: int
    created_at: datetime
    due_at: datetime | None
    paused_at: datetime | None

    @property
    def escalated(self) -> bool:
        """Whether somebody above was told."""
        return self.escalation_level >= ESCALATED_FROM


@dataclass(frozen=True)
class Finished:
    """What was finished in the window, and today: as the pace and the strip need it."""

    done: list[Done]
    today: int


@dataclass
class Outlook:
    """Everything the board and the forecast show about open items.

    tasks: open items by id, in the order of their deadlines. items: as the model sees them, without those
        whose clock stands still: nobody works on them. expected: by id, empty while no pace is known.
    seen:  whether this reader may see an item; the forecast itself counts all of them.
    """

    now: datetime
    tasks: dict[int, Task]
    items: list[Open]
    pace: Pace
    expected: dict[int, Expected]
    ruler: Ruler
    rulers: Rulers
    seen: frozenset[int]
    finished_today: int
    cut: bool
    midnight: datetime
    days: list[tuple[date, datetime]] = field(default_factory=list)

    def finish(self, item_id: int, seconds: float) -> datetime:
        """Return the instant after so many working seconds from now, by the item's own calendar."""
        ruler = self.rulers.of(self.tasks[item_id])
        return ruler.instant(ruler.at(self.now) + seconds)

    def verdict(self, item_id: int) -> str:
        """Return what is expected: overdue, sure, maybe, ontime, none, paused; unknown without a pace."""
        if item_id in self.expected:
            return self.expected[item_id].verdict
        task = self.tasks[item_id]
        if task.paused_at is not None:
            return "paused"
        if task.due_at is None:
            return "none"
        return "overdue" if task.due_at < self.now else "unknown"

    def late_until(self, end: datetime) -> list[int]:
        """Return the items, of those this reader sees, that will be late though due before `end`."""
        found = []
        for item_id, one in self.expected.items():
            due = self.tasks[item_id].due_at
            if one.verdict in rules.LATE and item_id in self.seen and due is not None and due < end:
                found.append(item_id)
        return found

    @property
    def late_by(self) -> dict[str, int]:
        """How many will be late by tonight, by the end of the next working day, and of this week."""
        zone = calendar.current().zone
        today = self.now.astimezone(zone).date()
        sunday = today + timedelta(days=7 - today.isoweekday())
        ends = {
            "tonight": self.midnight,
            "next_day": self.days[min(1, len(self.days) - 1)][1],
            "week": datetime.combine(sunday + timedelta(days=1), time(0), zone),
        }
        return {name: len(self.late_until(end)) for name, end in ends.items()}

    @property
    def columns(self) -> list[rules.Column]:
        """The chart: one column a day of `days`, of what this reader sees."""
        verdicts = [
            (task.due_at, self.verdict(item_id))
            for item_id, task in self.tasks.items()
            if item_id in self.seen and task.due_at is not None
        ]
        return rules.columns(verdicts, [end for _day, end in self.days], self.now)

    @property
    def today_seconds(self) -> float:
        """The working seconds that are left of today."""
        return self.ruler.at(self.midnight) - self.ruler.at(self.now)


def outlook(actor: Actor, now: datetime) -> Outlook:
    """Read and reckon; two statements, however many items there are."""
    centre = calendar.current()
    rulers = Rulers(now)
    ruler = rulers.along(centre)
    rows = _open_rows()
    tasks = {row.id: Task(*row) for row in rows[:MOST_OPEN]}
    midnight = inbox.end_of_today(now)
    finished = _finished(now, rulers, midnight - timedelta(days=1))
    pace = rules.pace_of(finished.done, *window(centre, ruler, now))
    takers: dict[tuple[str, int | None], tuple[int, ...]] = {}
    items = [
        item_of(task, rulers.of(task), now, people_of(task, takers), holder=task.assignee_id)
        for task in tasks.values()
        if task.paused_at is None
    ]
    expected = {one.id: one for one in rules.forecast(items, pace)} if pace.known else {}
    return Outlook(
        now,
        tasks,
        items,
        pace,
        expected,
        ruler,
        rulers,
        frozenset(key for key, task in tasks.items() if may_see(task, actor)),
        finished.today,
        len(rows) > MOST_OPEN,
        midnight,
        _coming_days(centre, now, midnight),
    )


class Rulers:
    """The rulers of all calendars that work is done by, each laid once."""

    def __init__(self, now: datetime, past: timedelta = PAST) -> None:
        self.now, self.past = now, past
        self._by_calendar: dict[str, Ruler] = {}
        self._by_work: dict[tuple[str, str | None], Ruler] = {}

    def of(self, row: Any) -> Ruler:
        """Return the ruler of the calendar that counts for an item (a Task, WorkItem or row)."""
        key = row.candidate, row.klass
        if key not in self._by_work:
            found = calendar.for_work(role=row.role, klass=row.klass, candidate=row.candidate)
            self._by_work[key] = self.along(found)
        return self._by_work[key]

    def along(self, centre: calendar.Calendar) -> Ruler:
        """Return the ruler of a calendar."""
        if centre.key not in self._by_calendar:
            self._by_calendar[centre.key] = ruler_of(centre, self.now, self.past)
        return self._by_calendar[centre.key]


def may_see(task: Task, actor: Actor) -> bool:
    """Tell of a row what `inbox.queries.may_see` tells of an item."""
    return actor.may("work.view_all") or task.candidate in actor.groups or task.assignee_id == actor.id


def ruler_of(centre: calendar.Calendar, now: datetime, past: timedelta) -> Ruler:
    """Lay a ruler along a calendar, from so long ago to AHEAD."""
    end, periods = now + AHEAD, []
    for period in centre.periods_from(now - past):
        if period[0] >= end:
            break
        periods.append(period)
    return Ruler(periods or [(now, now)])


def _open_rows() -> list[Any]:
    query = sa.select(
        WorkItem.id, WorkItem.instance_id, WorkItem.process_id, WorkItem.element, WorkItem.name,
        WorkItem.case_number, WorkItem.title, WorkItem.klass, WorkItem.role, WorkItem.candidate,
        WorkItem.assignee_id, WorkItem.excluded_id, WorkItem.completed_by_id, WorkItem.escalation_level,
        WorkItem.created_at, WorkItem.due_at, WorkItem.paused_at,
    ).where(WorkItem.status.in_(OPEN))  # fmt: skip
    order = (WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.id)
    return list(session().execute(query.order_by(*order).limit(MOST_OPEN + 1)))


def _finished(now: datetime, rulers: Rulers, today: datetime) -> Finished:
    """Read what was finished in the window before `now`."""
    query = (
        sa.select(
            WorkItem.process_id, WorkItem.element, WorkItem.role, WorkItem.candidate, WorkItem.klass,
            WorkItem.completed_by_id, WorkItem.created_at, WorkItem.due_at, WorkItem.completed_at,
        )
        .where(WorkItem.status == "done", WorkItem.completed_at >= now - WINDOW, WorkItem.completed_at < now)
        .order_by(WorkItem.completed_at.desc())
        .limit(MOST_DONE)
    )  # fmt: skip
    zone = calendar.current().zone
    found, count_today = [], 0
    for row in session().execute(query):
        found.append(done_of(row, rulers.of(row), zone))
        count_today += row.completed_at >= today
    return Finished(found, count_today)


def done_of(row: Any, ruler: Ruler, zone: ZoneInfo) -> Done:
    """Return a finished item (a row or WorkItem) as the pace counts it."""
    opened = ruler.at(row.created_at)
    return Done(
        step=f"{row.process_id}/{row.element}",
        role=row.role,
        person_id=row.completed_by_id,
        took=ruler.at(row.completed_at) - opened,
        allowed=ruler.at(row.due_at) - opened if row.due_at is not None else None,
        day=row.completed_at.astimezone(zone).date().toordinal(),
    )


def people_of(row: Any, known: dict[tuple[str, int | None], tuple[int, ...]]) -> tuple[int, ...]:
    """Return who may do an item: who did an earlier step gives way only where another can."""
    key = row.candidate, row.excluded_id
    if key not in known:
        people = [one.id for one in organisation.candidates(row.candidate)]
        known[key] = tuple(one for one in people if one != row.excluded_id) or tuple(people)
    return known[key]


def item_of(row: Any, ruler: Ruler, now: datetime, able: tuple[int, ...], *, holder: int | None) -> Open:
    """Return an open item (a Task or WorkItem) as the model sees it at an instant."""
    here = ruler.at(now)
    return Open(
        id=row.id,
        step=f"{row.process_id}/{row.element}",
        role=row.role,
        age=here - ruler.at(row.created_at),
        allowed=ruler.at(row.due_at) - ruler.at(row.created_at) if row.due_at is not None else None,
        due_in=ruler.at(row.due_at) - here if row.due_at is not None else None,
        overdue=row.due_at is not None and row.due_at < now,
        holder=holder,
        able=able,
    )


def window(centre: calendar.Calendar, ruler: Ruler, now: datetime) -> tuple[float, int]:
    """Return the working seconds of a working day of the window before `now`, and today's number."""
    today = now.astimezone(centre.zone).date()
    days = sum(bool(centre.spans(today - timedelta(days=ahead))) for ahead in range(1, WINDOW.days + 1))
    midnight = datetime.combine(today, time(0), centre.zone)
    return (ruler.at(midnight) - ruler.at(midnight - WINDOW)) / max(days, 1), today.toordinal()


def _coming_days(centre: calendar.Calendar, now: datetime, midnight: datetime) -> list[tuple[date, datetime]]:
    """Return today and the next working days, each with the instant at which it is over."""
    day = now.astimezone(centre.zone).date()
    found = [(day, midnight)]
    for _ahead in range(400):
        if len(found) == COLUMNS:
            break
        day += timedelta(days=1)
        if centre.spans(day):
            found.append((day, datetime.combine(day + timedelta(days=1), time(0), centre.zone)))
    return found

"""The board and the forecast as their pages show them. Who looks sees the items that are theirs to see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.accounts import organisation
from app.accounts.actor import Actor
from app.db import session
from app.deadlines.tables import Deadline
from app.engine.tables import Timer
from app.reports import moving, rules
from app.reports.filters import ForecastFilters
from app.reports.moving import Suggestion
from app.reports.outlook import SOON_DAYS, Outlook, Task
from app.reports.rules import Expected

ESCALATIONS_SHOWN = 6
PEOPLE_SHOWN = 12
FORECAST_PAGE = 50
# Whom the levels of an escalation stand for, see `escalation.rules.Step.level`.
TOLD = {2: "supervisor", 3: "manager"}


@dataclass(frozen=True)
class Strip:
    """The five figures. told: role → how many escalations are with it."""

    open: int
    unclaimed: int
    today: int
    done_today: int
    overdue: int
    longest: timedelta | None
    expected: int | None
    escalated: int
    told: list[tuple[str, int]]


@dataclass(frozen=True)
class Load:
    """One person's, or one role's unclaimed, work. seconds: of working time, by the three colours of the bar.

    person_id: None for work that nobody has claimed; role: its candidate key then.
    more: working seconds above what is left of today, of what is overdue or due today; late: expected late.
    away: holds work, but no post any more. cover: who does the work of a vacant post.
    paused: how many wait for the customer; they are not in the other numbers.
    """

    person_id: int | None
    name: str
    role: str
    posts: list[str]
    count: int
    overdue: int
    today: int
    seconds: tuple[float, float, float]
    more: float
    late: int
    away: bool = False
    cover: list[str] = field(default_factory=list)
    vacant: bool = False
    paused: int = 0

    @property
    def total(self) -> float:
        """All of its working seconds."""
        return sum(self.seconds)


@dataclass(frozen=True)
class Climb:
    """An escalated item. next_at: its next rung, next_role who is told then, "" when nobody is named."""

    task: Task
    who: str
    next_at: datetime | None
    next_role: str


@dataclass(frozen=True)
class Board:
    """The board. widest: working seconds of a full bar; suggestion: a move that would help, and from whom."""

    outlook: Outlook
    strip: Strip
    people: list[Load]
    hidden: int
    unclaimed: list[Load]
    widest: float
    climbs: list[Climb]
    suggestion: Suggestion | None
    suggested_from: Load | None


@dataclass(frozen=True)
class ForecastRow:
    """One line of the forecast's table; finish: (early, expected, late) instants, None without a pace."""

    task: Task
    who: str
    held: bool
    verdict: str
    expected: Expected | None
    finish: tuple[datetime, datetime, datetime] | None


@dataclass(frozen=True)
class Forecast:
    """The table of the forecast: one page of it, and what it can be narrowed to."""

    rows: list[ForecastRow]
    total: int
    following: int | None
    roles: list[str]
    people: list[organisation.Colleague]


def board(outlook: Outlook, actor: Actor, *, everybody: bool) -> Board:
    """Reckon the board from an outlook; one statement. everybody: more than the first PEOPLE_SHOWN."""
    seen = [outlook.tasks[key] for key in outlook.tasks if key in outlook.seen]
    people = people_loads(outlook, actor)
    unclaimed = _unclaimed_loads(outlook, seen)
    shown = people if everybody else people[:PEOPLE_SHOWN]
    widest = max((max(one.total, outlook.today_seconds) for one in (*shown, *unclaimed)), default=1.0) or 1.0
    suggestion, source = _suggestion(outlook, people) if actor.may("work.assign") else (None, None)
    return Board(
        outlook,
        strip(outlook, seen),
        shown,
        len(people) - len(shown),
        unclaimed,
        widest,
        _climbs(seen),
        suggestion,
        source,
    )


def strip(outlook: Outlook, seen: list[Task]) -> Strip:
    """Count; as the inbox does, what has been escalated is counted there and not as overdue or due today."""
    quiet = [task for task in seen if not task.escalated and task.due_at is not None]
    late = [task.due_at for task in quiet if task.due_at is not None and task.due_at < outlook.now]
    told = Counter(TOLD[min(task.escalation_level, max(TOLD))] for task in seen if task.escalated)
    soon = outlook.days[min(SOON_DAYS, len(outlook.days) - 1)][1]
    return Strip(
        open=len(seen),
        unclaimed=sum(task.assignee_id is None for task in seen),
        today=sum(
            task.due_at is not None and outlook.now <= task.due_at < outlook.midnight for task in quiet
        ),
        done_today=outlook.finished_today,
        overdue=len(late),
        longest=outlook.now - min(late) if late else None,
        expected=len(outlook.late_until(soon)) if outlook.expected else None,
        escalated=sum(told.values()),
        told=sorted(told.items()),
    )


def people_loads(outlook: Outlook, actor: Actor) -> list[Load]:
    """Return the load of all who have work, or finished some lately; who is most over today's time first.

    Who may not see everybody's work sees their own and that of those whose items they see.
    """
    held: dict[int, list[Task]] = {}
    for task in outlook.tasks.values():
        if task.assignee_id is not None and task.id in outlook.seen:
            held.setdefault(task.assignee_id, []).append(task)
    people = organisation.current().people
    idle = [key for key in outlook.pace.gaps if key in people and actor.may("work.view_all")]
    found = []
    for person_id in {*held, *idle}:
        colleague = people.get(person_id)
        posts = [organisation.role_label(role) for role in colleague.roles] if colleague else []
        found.append(
            _load(
                outlook,
                held.get(person_id, []),
                outlook.pace.gap(person_id),
                person_id=person_id,
                name=colleague.label if colleague else "",
                posts=posts,
                away=colleague is None,
            )
        )
    return sorted(found, key=lambda one: (-one.more, -one.total, one.name, one.person_id or 0))


def _unclaimed_loads(outlook: Outlook, seen: list[Task]) -> list[Load]:
    waiting: dict[str, list[Task]] = {}
    for task in seen:
        if task.assignee_id is None:
            waiting.setdefault(task.candidate, []).append(task)
    seats = organisation.current().seats
    found = []
    for candidate, tasks in waiting.items():
        able = organisation.candidates(candidate)
        gaps = [outlook.pace.gap(one.id) for one in able]
        vacant = not any(seat.holders for seat in seats if seat.key == candidate)
        found.append(
            _load(
                outlook,
                tasks,
                sum(gaps) / len(gaps) if gaps else outlook.pace.usual,
                role=candidate,
                name=organisation.role_label(candidate),
                vacant=vacant,
                cover=[one.label for one in able],
            )
        )
    return sorted(found, key=lambda one: (-one.total, one.name))


def _load(
    outlook: Outlook,
    tasks: list[Task],
    gap: float,
    *,
    person_id: int | None = None,
    name: str = "",
    role: str = "",
    posts: list[str] | None = None,
    away: bool = False,
    vacant: bool = False,
    cover: list[str] | None = None,
) -> Load:
    paused = sum(task.paused_at is not None for task in tasks)
    overdue = sum(task.due_at is not None and task.due_at < outlook.now for task in tasks)
    today = sum(task.due_at is not None and outlook.now <= task.due_at < outlook.midnight for task in tasks)
    rest = len(tasks) - paused - overdue - today
    late = sum(outlook.verdict(task.id) in rules.LATE for task in tasks)
    return Load(
        person_id=person_id,
        name=name,
        role=role,
        posts=posts or [],
        count=len(tasks) - paused,
        overdue=overdue,
        today=today,
        seconds=(overdue * gap, today * gap, rest * gap),
        more=max(0.0, (overdue + today) * gap - outlook.today_seconds),
        late=late,
        away=away,
        vacant=vacant,
        cover=cover or [],
        paused=paused,
    )


def _suggestion(outlook: Outlook, people: list[Load]) -> tuple[Suggestion | None, Load | None]:
    """Look for a move that helps: first off those with most that will be late."""
    if not outlook.expected:
        return None, None
    laden = sorted((one for one in people if one.late), key=lambda one: (-one.late, -one.more))
    for one in laden[:3]:
        found = moving.suggest(outlook.items, one.person_id or 0, outlook.pace)
        if found is not None:
            return found, one
    return None, None


def _climbs(seen: list[Task]) -> list[Climb]:
    """Return the gravest escalations with the next rung of each ladder; one statement."""
    # They come in the order of their deadlines.
    risen = sorted((task for task in seen if task.escalated), key=lambda one: -one.escalation_level)
    risen = risen[:ESCALATIONS_SHOWN]
    rungs: dict[tuple[int, str, str], tuple[datetime, str]] = {}
    if risen:
        query = (
            sa.select(
                Timer.instance_id,
                Timer.process_id,
                Timer.attached_to,
                Timer.due_at,
                Timer.sequence,
                Deadline.reckoning,
            )
            .outerjoin(
                Deadline,
                sa.and_(Deadline.instance_id == Timer.instance_id, Deadline.timer_task_id == Timer.task_id),
            )
            .where(
                Timer.instance_id.in_({one.instance_id for one in risen}),
                Timer.status == "waiting",
                Timer.attached_to.is_not(None),
            )
        )
        for row in session().execute(query.order_by(Timer.due_at.desc())):
            ladder = row.reckoning["rungs"] if row.reckoning else []
            target = ladder[row.sequence - 1]["target"] if row.sequence <= len(ladder) else ""
            rungs[row.instance_id, row.process_id, row.attached_to] = row.due_at, target
    people = organisation.current().people
    found = []
    for task in risen:
        next_at, target = rungs.get((task.instance_id, task.process_id, task.element), (None, ""))
        holder = people.get(task.assignee_id) if task.assignee_id is not None else None
        found.append(Climb(task, holder.label if holder else "", next_at, target))
    return found


def forecast(outlook: Outlook, filters: ForecastFilters) -> Forecast:
    """Return a page of the forecast's table: what is late first, then by deadline. Asks nothing."""
    people = organisation.current().people
    doers = {one.doer for one in outlook.expected.values()} | set(outlook.pace.gaps)
    known = [people[key] for key in doers if key is not None and key in people]
    seen = [outlook.tasks[key] for key in outlook.tasks if key in outlook.seen]
    matching = [task for task in seen if _fits(outlook, task, filters)]
    rows = [forecast_row(outlook, task) for task in matching[filters.start : filters.start + FORECAST_PAGE]]
    following = filters.start + FORECAST_PAGE
    return Forecast(
        rows,
        len(matching),
        following if following < len(matching) else None,
        sorted({task.role for task in seen}),
        sorted(known, key=lambda one: (one.name, one.id)),
    )


def _fits(outlook: Outlook, task: Task, filters: ForecastFilters) -> bool:
    verdict = outlook.verdict(task.id)
    wanted = {"late": rules.LATE, "all": (verdict,)}.get(filters.verdict, (filters.verdict,))
    expected = outlook.expected.get(task.id)
    person = task.assignee_id if expected is None else expected.doer
    if filters.day is not None and not _on_day(outlook, task, filters):
        return False
    return (
        verdict in wanted
        and filters.role in ("", task.role)
        and filters.klass in ("", task.klass)
        and filters.person in (None, person)
    )


def _on_day(outlook: Outlook, task: Task, filters: ForecastFilters) -> bool:
    """Tell whether an item stands in the column of a day; a day without a column has none."""
    start = outlook.now
    for day, end in outlook.days:
        if day == filters.day:
            return task.due_at is not None and start <= task.due_at < end
        start = end
    return False


def forecast_row(outlook: Outlook, task: Task) -> ForecastRow:
    """Return the line of one item; asks nothing."""
    expected = outlook.expected.get(task.id)
    doer = task.assignee_id if expected is None else expected.doer
    colleague = organisation.current().people.get(doer) if doer is not None else None
    finish = None
    if expected is not None:
        early, middle, late = (
            outlook.finish(task.id, length) for length in (expected.early, expected.middle, expected.late)
        )
        finish = early, middle, late
    return ForecastRow(
        task,
        colleague.label if colleague else "",
        task.assignee_id is not None,
        outlook.verdict(task.id),
        expected,
        finish,
    )

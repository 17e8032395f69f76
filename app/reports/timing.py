"""When timers were due and when they fired: the list, the figures of a day, the card on the board.

A day is one of the centre's. What fired is found by when it fired, the rest by when it is due.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from app import engine
from app.addresses import LARGEST
from app.db import UTCDateTime, session
from app.engine.tables import Incident, Instance, Timer
from app.inbox.filters import read_cursor, write_cursor
from app.jobs.heartbeat import SILENT
from app.jobs.tables import Worker
from app.reports.filters import TimerFilters
from app.reports.rules import percentile

SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
HALF_HOUR = timedelta(minutes=30)
# Past due by more than this, somebody should look whether a scheduler runs.
BEHIND = timedelta(minutes=1)
MOST_ELEMENTS = 300
# One that was killed is shown for so long, then forgotten.
FORGOTTEN = timedelta(minutes=30)


@dataclass(frozen=True)
class Firing:
    """A timer as the list shows it. lateness: seconds from due to fired, negative if it was early."""

    id: int
    case_number: str | None
    instance_id: int
    process_id: str
    element: str
    name: str
    attached_to: str | None
    sequence: int
    due_at: datetime
    fired_at: datetime | None
    lateness: float | None
    attempts: int
    worker: str | None
    status: str


@dataclass(frozen=True)
class Page:
    """One page of timers; `after` is the key of the next one, or ""."""

    rows: list[Firing]
    after: str


@dataclass(frozen=True)
class DayFigures:
    """The firings of one day: how many, lateness in seconds (None without any), and how many were early."""

    day: date
    count: int
    p50: float | None
    p95: float | None
    p99: float | None
    latest: float | None
    early: int


@dataclass(frozen=True)
class Process:
    """A process in the background. kind: scheduler | worker; heard: how long ago it was heard of."""

    name: str
    kind: str
    host: str
    heard: timedelta

    @property
    def silent(self) -> bool:
        """Whether it has not been heard of for too long."""
        return self.heard > SILENT


@dataclass(frozen=True)
class Card:
    """The card on the board. next_due: None: nothing waits; bars: firings by half hour from `since` on.

    processes: those heard of lately. firing: how many fired timers today, the last at `last_at`.
    """

    next_due: datetime | None
    today: DayFigures
    latest_at: datetime | None
    since: datetime
    bars: list[int]
    processes: list[Process]
    firing: int
    last_at: datetime | None
    incidents: int
    behind: bool

    @property
    def looked_after(self) -> bool:
        """Whether a scheduler is at work."""
        return any(one.kind == "scheduler" and not one.silent for one in self.processes)


def day_starts(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day of the centre begins."""
    return datetime.combine(day, time(0), zone)


def page(filters: TimerFilters, zone: ZoneInfo, *, size: int) -> Page:
    """Return one page of the timers of a day, the newest first; one statement."""
    return page_of(list(session().execute(listed(filters, zone).limit(size + 1))), size)


def page_of(found: Sequence[Any], size: int) -> Page:
    """Make a page of rows of which one more than `size` was asked for."""
    rows = [Firing(*row) for row in found[:size]]
    last = rows[-1] if len(found) > size else None
    return Page(rows, write_cursor([last.fired_at or last.due_at, last.id]) if last else "")


def listed(filters: TimerFilters, zone: ZoneInfo) -> sa.Select[Any]:
    at = Timer.fired_at if filters.status == "fired" else Timer.due_at
    start, end = day_starts(filters.day, zone), day_starts(filters.day + timedelta(days=1), zone)
    columns: tuple[Any, ...] = (
        Timer.id, Instance.business_key, Timer.instance_id, Timer.process_id, Timer.element, Timer.name,
        Timer.attached_to, Timer.sequence, Timer.due_at, Timer.fired_at, Timer.lateness_seconds,
        Timer.attempts, Timer.worker, Timer.status,
    )  # fmt: skip
    query = sa.select(*columns).join(Instance, Instance.id == Timer.instance_id).where(at >= start, at < end)
    # Only what fired has an instant of firing; asked for its status too, SQLite takes another index.
    if filters.status != "fired":
        query = query.where(Timer.status == filters.status)
    if filters.procedure:
        query = query.where(Timer.process_id == filters.procedure)
    if filters.element:
        query = query.where(sa.or_(Timer.element == filters.element, Timer.attached_to == filters.element))
    if filters.late is not None:
        query = query.where(Timer.lateness_seconds > filters.late)
    key = start_of(filters.after)
    if key is not None:
        instant = sa.literal(key[0], UTCDateTime)
        query = query.where(sa.or_(at < instant, sa.and_(at == instant, Timer.id < key[1])))
    return query.order_by(at.desc(), Timer.id.desc())


def start_of(cursor: str) -> tuple[datetime, int] | None:
    """Read the key that a page starts after; None when there is none, or it is none of ours."""
    try:
        found = read_cursor(cursor, [datetime, int])
    except (OverflowError, RecursionError):
        return None
    return (found[0], found[1]) if found is not None and 0 <= found[1] <= LARGEST else None


def elements_of(day: date, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return the (process id, element) pairs that fired on a day, for the filters; one statement."""
    query = sa.select(Timer.process_id, Timer.element).where(
        Timer.fired_at >= day_starts(day, zone), Timer.fired_at < day_starts(day + timedelta(days=1), zone)
    )
    pairs = session().execute(query.distinct().order_by(Timer.process_id, Timer.element).limit(MOST_ELEMENTS))
    return [(process, element) for process, element in pairs]


def figures(days: Sequence[date], zone: ZoneInfo) -> list[DayFigures]:
    """Return the figures of consecutive days, in their order; one statement.

    Percentiles are interpolated: by PostgreSQL's percentile_cont, on SQLite from the ranks on both sides.
    """
    bounds = [day_starts(day, zone) for day in days] + [day_starts(days[-1] + timedelta(days=1), zone)]
    # The zone's midnights, since SQLite knows no zones.
    number = sa.case(
        *((Timer.fired_at < sa.literal(end, UTCDateTime), place) for place, end in enumerate(bounds[1:]))
    ).label("number")
    fired = (
        sa.select(number, Timer.lateness_seconds.label("late"))
        .where(Timer.fired_at >= bounds[0], Timer.fired_at < bounds[-1])
        .subquery()
    )
    on_postgres = session().get_bind().dialect.name == "postgresql"
    found = _figures_on_postgres(fired) if on_postgres else _figures_by_rank(fired)
    return [
        DayFigures(day, *found.get(place, (0, None, None, None, None, 0))) for place, day in enumerate(days)
    ]


def _figures_on_postgres(fired: sa.Subquery) -> dict[int, tuple[Any, ...]]:
    # All three at once, so that each day is sorted once.
    shares = sa.func.percentile_cont(postgresql.array(SHARES.values())).within_group(fired.c.late)
    query = sa.select(
        fired.c.number, sa.func.count(), shares, sa.func.max(fired.c.late), _early(fired)
    ).group_by(fired.c.number)
    return {
        number: (count, *found, latest, early)
        for number, count, found, latest, early in session().execute(query)
    }


def _figures_by_rank(fired: sa.Subquery) -> dict[int, tuple[Any, ...]]:
    whole = sa.func.count().over(partition_by=fired.c.number)
    ranked = sa.select(
        fired.c.number,
        fired.c.late,
        # From 0, so that a share of (count - 1) is a place between two ranks.
        (sa.func.row_number().over(partition_by=fired.c.number, order_by=fired.c.late) - 1).label("rank"),
        whole.label("size"),
        sa.func.sum(sa.case((fired.c.late < 0, 1), else_=0)).over(partition_by=fired.c.number).label("early"),
    ).subquery()
    place = [(ranked.c.size - 1) * share for share in SHARES.values()]
    wanted = [ranked.c.rank.in_([sa.cast(one, sa.Integer), sa.cast(one, sa.Integer) + 1]) for one in place]
    query = sa.select(ranked).where(sa.or_(*wanted, ranked.c.rank == ranked.c.size - 1))
    kept: dict[int, dict[int, float]] = {}
    sizes: dict[int, tuple[Any, ...]] = {}
    for row in session().execute(query):
        kept.setdefault(row.number, {})[row.rank] = row.late
        sizes[row.number] = row.size, row.early
    found = {}
    for number, (count, early) in sizes.items():
        shares = [_between(kept[number], (count - 1) * share) for share in SHARES.values()]
        found[number] = (count, *shares, kept[number][count - 1], early)
    return found


def _between(ranks: dict[int, float], place: float) -> float:
    below = int(place)
    above = ranks.get(below + 1, ranks[below])
    return percentile([ranks[below], above], place - below)


def _early(fired: sa.Subquery) -> Any:
    return sa.func.sum(sa.case((fired.c.late < 0, 1), else_=0))


def card(now: datetime, zone: ZoneInfo) -> Card:
    """Return what the board says of timers; eight statements."""
    today = now.astimezone(zone).date()
    start = day_starts(today, zone)
    of_day = Timer.fired_at >= start, Timer.fired_at <= now
    latest_at = session().scalar(
        sa.select(Timer.fired_at).where(*of_day).order_by(Timer.lateness_seconds.desc(), Timer.id).limit(1)
    )
    fired_by = (
        session()
        .execute(
            sa.select(
                sa.func.count(sa.distinct(Timer.worker)).label("processes"),
                sa.func.max(Timer.fired_at).label("last"),
            ).where(*of_day)
        )
        .one()
    )
    due = engine.next_due()
    since, bars = _half_hours(start, now, of_day)
    incidents = session().scalar(sa.select(sa.func.count()).where(Incident.resolved_at.is_(None)))
    return Card(
        next_due=due,
        today=figures([today], zone)[0],
        latest_at=latest_at,
        since=since,
        bars=bars,
        processes=processes(),
        firing=fired_by.processes,
        last_at=fired_by.last,
        incidents=incidents or 0,
        behind=due is not None and due < now - BEHIND,
    )


def processes() -> list[Process]:
    """Return the background processes heard of within half an hour, by kind and start; one statement."""
    now = datetime.now(UTC)  # heartbeats go by the machine's clock, whatever the demo's says
    query = sa.select(Worker).where(Worker.seen_at > now - FORGOTTEN)
    rows = session().scalars(query.order_by(Worker.kind, Worker.started_at))
    return [Process(one.name, one.kind, one.host, max(now - one.seen_at, timedelta(0))) for one in rows]


def _half_hours(start: datetime, now: datetime, of_day: tuple[Any, ...]) -> tuple[datetime, list[int]]:
    """Count today's firings by half hour, from the first half hour with any on; one statement."""
    slots = int((now - start) / HALF_HOUR) + 1
    ends = [start + HALF_HOUR * (place + 1) for place in range(slots)]
    number = sa.case(
        *((Timer.fired_at < sa.literal(end, UTCDateTime), place) for place, end in enumerate(ends))
    )
    query = sa.select(number.label("number"), sa.func.count()).where(*of_day).group_by("number")
    counts = {row[0]: row[1] for row in session().execute(query)}
    first = min(counts, default=slots - 1)
    return start + HALF_HOUR * first, [counts.get(place, 0) for place in range(first, slots)]

"""The inbox's reads: its counts, one page of its list. No loop asks the database."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from app import settings_store
from app.accounts import organisation
from app.accounts.actor import Actor
from app.cases import rules as case_rules
from app.cases.tables import Case, SavedView
from app.db import UTCDateTime, session
from app.engine.tables import WorkItem
from app.inbox import rules
from app.inbox.filters import Filters, read_cursor, write_cursor

PAGE = 40
# Sorts after every deadline: what has none comes last.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# The parts of a list's key, and where an item has them.
KEYS = {
    "key_id": "id",
    "key_due": "due_at",
    "key_done": "completed_at",
    "key_made": "created_at",
    "key_follow": "follow_up_at",
    "key_priority": "priority",
}


@dataclass(frozen=True)
class Row:
    """One item of the list. group: late, today or later; urgency: as `rules.urgency`; who: its holder."""

    id: int
    case_number: str | None
    title: str
    name: str
    candidate: str
    klass: str | None
    priority: int
    status: str
    round: int
    assignee_id: int | None
    who: str
    due_at: datetime | None
    follow_up_at: datetime | None
    completed_at: datetime | None
    provisional: bool
    urgency: str
    group: str


@dataclass(frozen=True)
class Page:
    """One page of the list; `after` is the key of the next one, or ""."""

    rows: list[Row]
    after: str

    @property
    def groups(self) -> list[tuple[str, list[Row]]]:
        """The rows under their headings, in the list's order."""
        found: list[tuple[str, list[Row]]] = []
        for row in self.rows:
            if not found or found[-1][0] != row.group:
                found.append((row.group, []))
            found[-1][1].append(row)
        return found


@dataclass(frozen=True)
class Counts:
    """How many stand behind each filter. stamp: changes when the list may have."""

    views: dict[str, int]
    groups: dict[str, int]
    roles: list[tuple[str, int]] = field(default_factory=list)
    classes: list[tuple[str, int]] = field(default_factory=list)
    urgent: int = 0
    stamp: str = ""


def counts(filters: Filters, actor: Actor, now: datetime) -> Counts:
    """Count for every filter at once; one statement."""
    mine, free, ours = _whose(filters, actor)
    late = WorkItem.due_at < now
    today = sa.and_(WorkItem.due_at >= now, WorkItem.due_at < end_of_today(now))
    escalated = WorkItem.escalation_level >= rules.ESCALATED_FROM
    tallies = {
        "all": ours,
        "mine": mine,
        "unclaimed": free,
        "team": _others(actor),
        "escalated": sa.and_(ours, escalated),
        "overdue": sa.and_(ours, late, ~escalated),
        "today": sa.and_(ours, today, ~escalated),
        "followup": sa.and_(ours, WorkItem.follow_up_at.is_not(None)),
    }
    columns = [sa.func.sum(sa.case((test, 1), else_=0)) for test in tallies.values()]
    query = (
        sa.select(
            WorkItem.candidate,
            WorkItem.klass,
            *columns,
            sa.func.max(WorkItem.id),
            sa.func.sum(WorkItem.escalation_level),
        )
        .where(WorkItem.status.in_(rules.OPEN), _reach(filters, actor))
        .group_by(WorkItem.candidate, WorkItem.klass)
    )
    views: Counter[str] = Counter()
    by_role: Counter[str] = Counter()
    by_class: Counter[str] = Counter()
    marks = []
    for found in session().execute(query):
        numbers = dict(zip(tallies, (int(n or 0) for n in found[2 : 2 + len(tallies)]), strict=True))
        views.update(numbers)
        key = found.candidate.partition(":")[0] if filters.scope == "all" else found.candidate
        by_role[key] += numbers["all"]
        by_class[found.klass or ""] += numbers["all"]
        marks.append((found[-2], found[-1], *numbers.values()))
    late_ones = views["escalated"] + views["overdue"]
    later = views["all"] - late_ones - views["today"]
    return Counts(
        views=dict(views),
        groups={"late": late_ones, "today": views["today"], "later": later},
        roles=[(key, n) for key, n in sorted(by_role.items()) if n],
        classes=[(key, by_class[key]) for key in ("device", "platform", "other") if by_class[key]],
        urgent=late_ones + views["today"],
        stamp=f"{zlib.crc32(repr(sorted(map(str, marks))).encode()):x}",
    )


def page(filters: Filters, actor: Actor, now: datetime, *, size: int = PAGE) -> Page:
    """Return one page of the list, which starts after the filters' key; one statement."""
    keys = _order(filters)
    query = sa.select(
        WorkItem.id, WorkItem.case_number, WorkItem.title, WorkItem.name, WorkItem.candidate, WorkItem.klass,
        WorkItem.priority, WorkItem.status, WorkItem.round, WorkItem.assignee_id, WorkItem.due_at,
        WorkItem.follow_up_at, WorkItem.completed_at, WorkItem.escalation_level, WorkItem.paused_at,
        WorkItem.reckoned,
        *(column for column, *_ in keys),
    ).where(*_conditions(filters, actor, now))  # fmt: skip
    start = read_cursor(filters.after, [kind for _, _, kind in keys])
    if start is not None:
        query = query.where(_past(keys, start))
    query = query.order_by(*(column.desc() if down else column for column, down, _ in keys)).limit(size + 1)
    found = session().execute(query).all()
    soon, midnight = due_soon(), end_of_today(now)
    grouped = filters.sort == "due" and filters.view != "done"
    rows = [_row(one, now, soon, midnight, grouped=grouped) for one in found]
    after = write_cursor(list(found[size - 1][-len(keys) :])) if len(found) > size else ""
    return Page(rows[:size], after)


def next_after(item: WorkItem, filters: Filters, actor: Actor, now: datetime) -> int | None:
    """Return the item that follows in the same list, else the list's first; one statement."""
    keys = _order(filters)
    here = [_value_of(item, column, kind) for column, _, kind in keys]
    order = [column.desc() if down else column for column, down, _ in keys]
    open_ones = (*_conditions(filters, actor, now), WorkItem.status.in_(rules.OPEN), WorkItem.id != item.id)
    first = sa.select(WorkItem.id).where(*open_ones).order_by(*order).limit(1)
    following = first.where(_past(keys, here))
    found = sa.select(sa.func.coalesce(following.scalar_subquery(), first.scalar_subquery()))
    return session().scalar(found)


def first_unclaimed(actor: Actor, now: datetime) -> list[int]:
    """Return the unclaimed items of the actor's roles, most urgent first: a few, since others claim too."""
    return [row.id for row in page(Filters(view="unclaimed"), actor, now, size=5).rows]


def saved_views(actor: Actor) -> list[SavedView]:
    """Return the person's kept looks at the inbox; one statement."""
    query = sa.select(SavedView).where(SavedView.person_id == actor.id, SavedView.page == "inbox")
    return list(session().scalars(query.order_by(SavedView.name)))


def common_takers(item_ids: list[int], actor: Actor) -> list[organisation.Colleague]:
    """Return who may do every one of these items, by name; one statement."""
    query = sa.select(WorkItem.candidate).where(WorkItem.id.in_(item_ids), visible(actor)).distinct()
    shared: dict[int, organisation.Colleague] | None = None
    for candidate in session().scalars(query):
        able = {one.id: one for one in organisation.candidates(candidate)}
        shared = able if shared is None else {key: one for key, one in shared.items() if key in able}
    return sorted((shared or {}).values(), key=lambda one: (one.name, one.id))


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition for the items a person may open: their roles', their own, those they completed."""
    if actor.id is None or actor.may("work.view_all"):
        return sa.true()
    return sa.or_(
        WorkItem.candidate.in_(sorted(actor.groups)),
        WorkItem.assignee_id == actor.id,
        WorkItem.completed_by_id == actor.id,
    )


def may_see(item: WorkItem, actor: Actor) -> bool:
    """Tell of an item at hand what `visible` asks the database for."""
    if actor.id is None or actor.may("work.view_all"):
        return True
    return item.candidate in actor.groups or actor.id in (item.assignee_id, item.completed_by_id)


def due_soon() -> timedelta:
    """Return how long before its deadline an item counts as due soon."""
    return timedelta(hours=float(settings_store.get("work.due_soon_hours")))


def end_of_today(now: datetime) -> datetime:
    """Return the centre's next midnight."""
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    local = now.astimezone(zone)
    return (local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).astimezone(UTC)


def _reach(filters: Filters, actor: Actor) -> sa.ColumnElement[bool]:
    if filters.scope == "all":
        return sa.true()
    return sa.or_(WorkItem.candidate.in_(sorted(actor.groups)), WorkItem.assignee_id == actor.id)


def _whose(filters: Filters, actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions (mine, free for me, either); for everybody's work the last two are wider."""
    mine = WorkItem.assignee_id == actor.id
    unassigned = WorkItem.assignee_id.is_(None)
    if filters.scope == "all":
        return mine, unassigned, sa.true()
    duties = organisation.current().duties
    alone = sorted(key for key in actor.groups if set(duties.get(key, ())) == {actor.id})
    free = sa.and_(
        unassigned,
        WorkItem.candidate.in_(sorted(actor.groups)),
        # Who may not take it does not see it offered, unless nobody else could.
        sa.or_(
            WorkItem.excluded_id.is_(None), WorkItem.excluded_id != actor.id, WorkItem.candidate.in_(alone)
        ),
    )
    return mine, free, sa.or_(mine, free)


def _others(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(WorkItem.assignee_id.is_not(None), WorkItem.assignee_id != actor.id)


def _conditions(filters: Filters, actor: Actor, now: datetime) -> list[sa.ColumnElement[bool]]:
    mine, free, ours = _whose(filters, actor)
    escalated = WorkItem.escalation_level >= rules.ESCALATED_FROM
    if filters.view == "done":
        done = WorkItem.completed_by_id == actor.id if filters.scope != "all" else sa.true()
        found = [WorkItem.status == "done", done]
    else:
        found = [WorkItem.status.in_(rules.OPEN), _reach(filters, actor)]
        found += {
            "all": [ours],
            "mine": [mine],
            "unclaimed": [free],
            "team": [_others(actor)],
            "escalated": [ours, escalated],
            "overdue": [ours, WorkItem.due_at < now, ~escalated],
            "today": [ours, WorkItem.due_at >= now, WorkItem.due_at < end_of_today(now), ~escalated],
            "followup": [ours, WorkItem.follow_up_at.is_not(None)],
        }[filters.view]
    if filters.role:
        unit_of = WorkItem.candidate.like(f"{case_rules.like(filters.role).strip('%')}:%", escape="\\")
        found.append(sa.or_(WorkItem.candidate == filters.role, unit_of))
    if filters.klass:
        found.append(WorkItem.klass == filters.klass)
    words = case_rules.search_words(filters.q)
    if words:
        wanted = [case_rules.like(word) for word in words]
        cases = sa.select(Case.id).where(*(Case.search.like(one, escape="\\") for one in wanted))
        names = sa.and_(*(WorkItem.name.ilike(one, escape="\\") for one in wanted))
        found.append(sa.or_(WorkItem.case_id.in_(cases), names))
    return found


def _order(filters: Filters) -> list[tuple[Any, bool, type]]:
    """Return the list's key: (column, descending, type), unique by its last part."""
    never = sa.literal(NEVER, UTCDateTime)
    due = sa.func.coalesce(WorkItem.due_at, never, type_=UTCDateTime).label("key_due")
    follow = sa.func.coalesce(WorkItem.follow_up_at, never, type_=UTCDateTime).label("key_follow")
    number = WorkItem.id.label("key_id")
    urgent = WorkItem.priority.label("key_priority")
    if filters.view == "done":
        done = sa.func.coalesce(WorkItem.completed_at, never, type_=UTCDateTime).label("key_done")
        return [(done, True, datetime), (number, True, int)]
    orders: dict[str, list[tuple[Any, bool, type]]] = {
        "due": [(due, False, datetime), (number, False, int)],
        "newest": [(WorkItem.created_at.label("key_made"), True, datetime), (number, True, int)],
        "priority": [(urgent, False, int), (due, False, datetime), (number, False, int)],
        "followup": [(follow, False, datetime), (number, False, int)],
    }
    return orders[filters.sort]


def _past(keys: list[tuple[Any, bool, type]], start: list[Any]) -> sa.ColumnElement[bool]:
    """Return the condition for what comes after a key, spelt out: NULL-safe and alike everywhere."""
    tests = []
    for index, (label, down, _kind) in enumerate(keys):
        column = label.element
        same = [keys[i][0].element == start[i] for i in range(index)]
        tests.append(sa.and_(*same, column < start[index] if down else column > start[index]))
    return sa.or_(*tests)


def _value_of(item: WorkItem, label: Any, kind: type) -> Any:
    value = getattr(item, KEYS[label.name])
    return NEVER if value is None and kind is datetime else value


def _row(found: Any, now: datetime, soon: timedelta, midnight: datetime, *, grouped: bool) -> Row:
    level, paused = found.escalation_level, found.paused_at is not None
    return Row(
        id=found.id,
        case_number=found.case_number,
        title=found.title,
        name=found.name,
        candidate=found.candidate,
        klass=found.klass,
        priority=found.priority,
        status=found.status,
        round=found.round,
        assignee_id=found.assignee_id,
        who=name_of(found.assignee_id),
        due_at=found.due_at,
        follow_up_at=found.follow_up_at,
        completed_at=found.completed_at,
        provisional=found.reckoned == "provisional",
        urgency=rules.urgency(found.due_at, level, found.status, now, soon, paused=paused),
        group=rules.group_of(found.due_at, 0 if paused else level, now, midnight) if grouped else "",
    )


def name_of(person_id: int | None) -> str:
    """Return a colleague's name in the reader's language, "" for nobody; asks nothing."""
    person = organisation.find_colleague(person_id) if person_id is not None else None
    return person.label if person else ""

"""The case list, its export and the looks aside: reads, one function per page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from app import settings_store
from app.accounts.actor import Actor
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.cases import rules
from app.cases.access import visible
from app.cases.filters import Filters, read_cursor, write_cursor
from app.cases.tables import Case, SavedView
from app.customers.rules import mask_plate, mask_serial
from app.customers.tables import Asset, Customer
from app.db import session
from app.engine.tables import WorkItem

PAGE = 25
EXPORT_LIMIT = 20_000
# Sorts after every deadline: what has none comes last.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class Step:
    """An open work item of a listed case."""

    name: str
    candidate: str
    assignee: str | None
    due_at: datetime | None


@dataclass
class Row:
    """One case of the list. urgency as `rules.urgency` says; label: the masked plate, else the model."""

    id: int
    number: str
    title: str
    status: str
    klass: str | None
    severity: str | None
    channel: str
    round: int
    received_at: datetime
    due_at: datetime | None
    escalation_level: int
    urgency: str
    customer: str | None
    label: str
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """A page of the list; `next` is the following page's cursor or ""."""

    rows: list[Row]
    total: int
    next: str
    views: list[SavedView]


def case_list(filters: Filters, actor: Actor, now: datetime, size: int = PAGE) -> Page:
    """Return a page of the cases this person may see; four statements, whatever the size of the data."""
    conditions = _conditions(filters, actor, now)
    total = session().scalar(sa.select(sa.func.count()).select_from(Case).where(*conditions)) or 0
    found = session().execute(_after(_columns(), filters).where(*conditions).limit(size + 1)).all()
    rows = [_row(row, now) for row in found[:size]]
    _add_steps(rows)
    following = ""
    if len(found) > size:
        last = rows[-1]
        following = write_cursor(last.due_at if filters.sort == "due" else last.received_at, last.id)
    return Page(rows, total, following, saved_views(actor))


def saved_views(actor: Actor) -> list[SavedView]:
    """Return the kept filters of this person, by name."""
    query = sa.select(SavedView).where(SavedView.person_id == actor.id, SavedView.page == "cases")
    return list(session().scalars(query.order_by(SavedView.name)))


def export(filters: Filters, actor: Actor, now: datetime, most: int = EXPORT_LIMIT) -> Iterator[Row]:
    """Yield the filtered cases for a spreadsheet, newest first, at most so many."""
    query = _after(_columns(), filters).where(*_conditions(filters, actor, now)).limit(most)
    batch: list[Row] = []
    for found in session().execute(query).all():
        batch.append(_row(found, now))
        if len(batch) == 500:
            _add_steps(batch)
            yield from batch
            batch = []
    _add_steps(batch)
    yield from batch


def open_cases_of(customer_id: int, actor: Actor, now: datetime, limit: int = 5) -> list[Row]:
    """Return the customer's cases that have not ended, newest first; two statements."""
    query = _columns().where(Case.customer_id == customer_id, Case.status.not_in(rules.ENDED), visible(actor))
    rows = [_row(row, now) for row in session().execute(query.order_by(Case.id.desc()).limit(limit))]
    _add_steps(rows)
    return rows


def cases_of(customer_id: int, actor: Actor, now: datetime, limit: int = 50) -> list[Row]:
    """Return the customer's cases that this person may see, newest first; one statement."""
    query = _columns().where(Case.customer_id == customer_id, visible(actor))
    return [_row(row, now) for row in session().execute(query.order_by(Case.id.desc()).limit(limit))]


def _columns() -> sa.Select[Any]:
    query = (
        sa.select(
            Case.id, Case.number, Case.title, Case.status, Case.klass, Case.severity, Case.channel,
            Case.round, Case.received_at, Case.due_at, Case.escalation_level, Customer.name.label("customer"),
            Asset.plate, Asset.serial, Asset.model,
        )
        .outerjoin(Customer, Customer.id == Case.customer_id)
        .outerjoin(Asset, Asset.id == Case.asset_id)
    )  # fmt: skip
    return cast("sa.Select[Any]", query)


def _conditions(filters: Filters, actor: Actor, now: datetime) -> list[sa.ColumnElement[bool]]:
    found = [visible(actor)]
    found += [Case.search.like(rules.like(word), escape="\\") for word in rules.search_words(filters.q)]
    if filters.status == "active":
        found.append(Case.status.not_in(rules.ENDED))
    elif filters.status:
        found.append(Case.status == filters.status)
    for column, value in (
        (Case.klass, filters.klass),
        (Case.severity, filters.severity),
        (Case.channel, filters.channel),
        (Case.department, filters.department),
    ):
        if value:
            found.append(column == value)
    if filters.overdue:
        found += [Case.due_at < now, Case.status.not_in(rules.ENDED)]
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    if filters.since:
        found.append(Case.received_at >= datetime.combine(filters.since, time(0), zone))
    if filters.until:
        found.append(Case.received_at < datetime.combine(filters.until, time(0), zone) + timedelta(days=1))
    return found


def _after(query: sa.Select[Any], filters: Filters) -> sa.Select[Any]:
    """Sort, and skip what earlier pages have shown, by key: a row that comes in between moves nothing."""
    key: Any = Case.received_at
    if filters.sort == "due":
        key = sa.func.coalesce(Case.due_at, NEVER)
    rising = filters.sort != "received"
    cursor = read_cursor(filters.cursor) if filters.cursor else None
    if cursor:
        here = sa.tuple_(key, Case.id)
        last = sa.tuple_(sa.literal(cursor[0] or NEVER), sa.literal(cursor[1]))
        query = query.where(here > last if rising else here < last)
    return query.order_by(key, Case.id) if rising else query.order_by(key.desc(), Case.id.desc())


def _row(found: Any, now: datetime) -> Row:
    soon = timedelta(hours=float(settings_store.get("work.due_soon_hours")))
    return Row(
        found.id, found.number, found.title, found.status, found.klass, found.severity, found.channel,
        found.round, found.received_at, found.due_at, found.escalation_level,
        rules.urgency(found.status, found.due_at, found.escalation_level, now, soon),
        found.customer,
        mask_plate(found.plate) if found.plate else (found.model or mask_serial(found.serial)),
    )  # fmt: skip


def _add_steps(rows: list[Row]) -> None:
    """Add the open work items to the rows in one statement."""
    steps: dict[int | None, list[Step]] = defaultdict(list)
    query = (
        sa.select(
            WorkItem.case_id, WorkItem.name, WorkItem.candidate, shown_name().label("person"), WorkItem.due_at
        )
        .outerjoin(Person, Person.id == WorkItem.assignee_id)
        .where(WorkItem.case_id.in_([row.id for row in rows]), WorkItem.status.in_(("open", "claimed")))
        .order_by(WorkItem.id)
    )
    for case_id, name, candidate, person, due_at in session().execute(query):
        steps[case_id].append(Step(name, candidate, person, due_at))
    for row in rows:
        row.steps = steps[row.id]

"""What stands around one item: its form and what the form reads, the customer, the clocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _

from app import calendar, engine, forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.roles import BY_KEY, DEPARTMENTS
from app.callbacks.tables import Callback
from app.cases import solutions
from app.cases.tables import Attachment, Case
from app.customers.rules import mask_plate, mask_serial
from app.customers.tables import Asset, Customer
from app.db import session
from app.deadlines import pausing
from app.deadlines.tables import Pause
from app.engine.tables import WorkItem
from app.errors import NotFound
from app.inbox import queries, rules
from app.inbox.tables import Draft


@dataclass(frozen=True)
class Clock:
    """One running deadline. used: percent; allowed and left: working time; kind: how loud."""

    label: str
    kind: str
    used: int
    allowed: timedelta
    left: timedelta
    due_at: datetime


@dataclass(frozen=True)
class KeptFile:
    """An attachment as forms show it."""

    name: str
    size: int
    url: str


@dataclass(frozen=True)
class Sources:
    """What a form reads: records and process data by name, and the choices the server supplies."""

    context: dict[str, Any]
    choices: dict[str, Any]
    has_draft: bool = False


@dataclass(frozen=True)
class Work:
    """One item with all that its pane shows."""

    item: WorkItem
    urgency: str
    who: str
    case: Case | None
    customer: Customer | None
    asset: Asset | None
    draft: Draft | None
    form: forms.Form
    sources: Sources
    clocks: list[Clock]
    pause: Pause | None = None

    @property
    def open(self) -> bool:
        """Whether it still waits."""
        return self.item.status in rules.OPEN


def work(item_id: int, actor: Actor, now: datetime) -> Work:
    """Return an item that this person may see, with its background; one statement, and up to four more
    for what its form names: process data, the last call, solutions, files.

    Raises NotFound.
    """
    found = (
        session()
        .execute(
            sa.select(WorkItem, Case, Customer, Asset, Draft)
            .outerjoin(Case, Case.id == WorkItem.case_id)
            .outerjoin(Customer, Customer.id == Case.customer_id)
            .outerjoin(Asset, Asset.id == Case.asset_id)
            .outerjoin(Draft, sa.and_(Draft.person_id == actor.id, Draft.subject == f"work_item:{item_id}"))
            .where(WorkItem.id == item_id, queries.visible(actor))
        )
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such task, or it is not yours to see."))
    item, case, customer, asset, draft = found
    form = form_of(item)
    records = {"case": case, "customer": customer, "asset": asset}
    return Work(
        item=item,
        urgency=rules.urgency(
            item.due_at,
            item.escalation_level,
            item.status,
            now,
            queries.due_soon(),
            paused=item.paused_at is not None,
        ),
        who=queries.name_of(item.assignee_id),
        case=case,
        customer=customer,
        asset=asset,
        draft=draft,
        form=form,
        sources=form_sources(item, form, records=records),
        clocks=_clocks(item, now),
        # Only a case that waits costs the question what for.
        pause=pausing.open_pause(case.id) if case is not None and case.paused_at is not None else None,
    )


def form_of(item: WorkItem) -> forms.Form:
    """Return an item's form; versions never change, so each is read once in a process's life."""
    kept: dict[tuple[int, str | None], forms.Form] = current_app.extensions.setdefault("inbox_forms", {})
    key = (item.version_id, item.form)
    if key not in kept:
        schema = engine.form_schema(item.version_id, item.form) if item.form else EMPTY
        kept[key] = forms.Form.from_schema(schema)
    return kept[key]


# How a record that a look-up has found is named; plates are masked as everywhere.
LOOKUPS: dict[str, Callable[[Any], str]] = {
    "customer": lambda customer: customer.name,
    "asset": lambda asset: mask_plate(asset.plate) or asset.model or mask_serial(asset.serial) or "",
}
# A step without a form asks for nothing but its end.
EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


def form_sources(
    item: WorkItem,
    form: forms.Form,
    *,
    records: Mapping[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    sent: Any = None,
    drafts_of: int | None = None,
) -> Sources:
    """Return what the form reads; the database is asked only for what it names.

    sent:      the answers at hand; choices and kept files that none of them names are not looked up.
    drafts_of: also tell whether this person has a draft of the item.
    """
    has_draft = False
    if records is None:
        records, has_draft = _records(item, drafts_of)
    context: dict[str, Any] = dict(records)
    text = _paths_of(form, answered=sent is not None)
    if "callback." in text and item.case_id is not None:
        context["callback"] = session().scalar(
            sa.select(Callback).where(Callback.case_id == item.case_id).order_by(Callback.id.desc()).limit(1)
        )
    if data is not None:
        context["data"] = data
    elif "data." in text and item.status in rules.OPEN:
        context["data"] = engine.item_data(item.id)
    offered: dict[str, Any] = dict(choices())
    # Of answers at hand, only what they name is looked up.
    asked = [one for one in form.fields if sent is None or sent.get(one.name)]
    if any(one.options_from == "solutions" for one in asked):
        offered["solutions"] = solutions.choices(item.klass)
    # A look-up shows who or what is filed already by name, not by number.
    for one in form.fields:
        known = context.get(one.widget) if one.widget in LOOKUPS else None
        if known is not None:
            offered[one.name] = [forms.Choice(known.id, LOOKUPS[one.widget](known))]
    if item.case_id is not None and any(one.widget == "file" for one in asked):
        of_case = sa.select(Attachment).where(Attachment.case_id == item.case_id)
        offered["attachments"] = {
            one.id: KeptFile(one.name, one.size, f"/files/{one.id}") for one in session().scalars(of_case)
        }
    return Sources(context, offered, has_draft)


def choices() -> dict[str, list[forms.Choice]]:
    """Return the choices that forms take from the centre: its departments and its repair points."""
    known = organisation.current()
    points = sorted({seat.key.partition(":")[2] for seat in known.seats if seat.role == "repairpoint"} - {""})
    return {
        "departments": [forms.Choice(key, BY_KEY[key].name) for key in DEPARTMENTS],
        "repair_points": [forms.Choice(key, unit_label(known.units.get(key), key), key) for key in points],
    }


def unit_label(names: tuple[str, str] | None, key: str) -> str:
    """Return a unit's name in the reader's language."""
    return key if names is None else names[str(get_locale()) == "en"] or names[0]


def _paths_of(form: forms.Form, *, answered: bool) -> str:
    """Return every dotted path the form reads, as one text to look into.

    answered: it is not drawn any more, so only its conditions and defaults read.
    """
    parts = [f"{one.when or ''} {one.default or ''}" for one in form.fields]
    if not answered:
        parts += [line.path for line in form.context] + [one.bind or "" for one in form.fields]
    return " ".join(parts)


def _records(item: WorkItem, drafts_of: int | None) -> tuple[dict[str, Any], bool]:
    """Return the case with its customer and asset, and whether this person has a draft; one statement."""
    if item.case_id is None:
        return {}, drafts_of is not None
    draft = sa.exists().where(Draft.person_id == drafts_of, Draft.subject == f"work_item:{item.id}")
    found = (
        session()
        .execute(
            sa.select(Case, Customer, Asset, draft)
            .outerjoin(Customer, Customer.id == Case.customer_id)
            .outerjoin(Asset, Asset.id == Case.asset_id)
            .where(Case.id == item.case_id)
        )
        .first()
    )
    if found is None:
        return {}, False
    return dict(zip(("case", "customer", "asset"), found[:3], strict=True)), bool(found[3])


def _clocks(item: WorkItem, now: datetime) -> list[Clock]:
    """Return the running deadlines in the centre's working time; computed from the calendar in memory."""
    if item.status not in rules.OPEN:
        return []
    if item.due_at is None:
        return []
    start, due = item.created_at, item.due_at
    late = due < now
    left = -calendar.working_time_between(due, now) if late else calendar.working_time_between(now, due)
    allowed = calendar.working_time_between(start, due)
    return [
        Clock(
            label=_("This step"),
            kind=rules.urgency(due, item.escalation_level, item.status, now, queries.due_soon()),
            used=rules.percent(calendar.working_time_between(start, now), allowed),
            allowed=allowed,
            left=left,
            due_at=due,
        )
    ]

"""The case file: everything that happened to one case, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import gettext as _

from app import engine, forms, settings_store
from app.accounts.actor import Actor
from app.accounts.organisation import current, role_label
from app.accounts.roles import DEPARTMENTS
from app.accounts.tables import Person
from app.callbacks.tables import Callback
from app.cases import rules
from app.cases.access import visible
from app.cases.clock_cards import Clock, clock_cards, time_spent, timekeeping
from app.cases.labels import who
from app.cases.progress import Progress, progress
from app.cases.tables import Attachment, Case, CaseRound, Comment, Submission
from app.customers.queries import AssetView, CustomerView, show_asset, show_customer
from app.customers.rules import mask_address, mask_email, mask_plate, mask_serial
from app.customers.tables import Asset, Customer
from app.db import session
from app.deadlines.elapsed import Spent
from app.deadlines.tables import Pause
from app.engine.tables import Event, Instance, Procedure, ProcedureVersion, Timer, WorkItem
from app.errors import NotFound

EVENTS = 300
OTHERS = 5
MASKS = {
    "asset.plate": mask_plate,
    "asset.serial": mask_serial,
    "customer.address": mask_address,
    "customer.email": mask_email,
}


@dataclass(frozen=True)
class Round:
    """One running of the procedure for the case; the last one is the present."""

    number: int
    instance_id: int
    status: str
    reason: str | None
    started_at: datetime
    ended_at: datetime | None
    procedure: str
    version: int


@dataclass(frozen=True)
class SubmissionView:
    """What was sent in with a step: its name as in the diagram, lines of (label, text)."""

    name: str
    lines: list[tuple[str, str]]
    by: str
    at: datetime


@dataclass(frozen=True)
class CallView:
    """A promised or finished call."""

    attempt: int
    due_at: datetime
    outcome: str | None
    score: int | None
    words: str | None
    next_at: datetime | None
    called_at: datetime | None
    by: str


@dataclass(frozen=True)
class Other:
    """Another case of the same customer."""

    number: str
    title: str
    status: str
    klass: str | None
    received_at: datetime


@dataclass(frozen=True)
class CaseFile:
    """The page of one case. names: person id to the name in the reader's language."""

    case: Case
    customer: CustomerView | None
    asset: AssetView | None
    urgency: str
    rounds: list[Round]
    progress: Progress
    clocks: list[Clock]
    open_items: list[WorkItem]
    callbacks: list[CallView]
    submissions: list[SubmissionView]
    attachments: list[Attachment]
    comments: list[Comment]
    events: list[Event]
    others: list[Other]
    names: Mapping[int, str]
    reopen_until: datetime | None
    may_reopen: bool
    may_withdraw: bool
    may_wait: bool
    pause: Pause | None
    spent: list[Spent]


def case_file(
    number: str, actor: Actor, now: datetime, today: date, shown_round: int | None = None
) -> CaseFile:
    """Return all that the page of a case shows; 12 statements, however much has happened.

    shown_round: whose diagram is wanted; the present one unless given.
    Raises NotFound when the case is absent or not theirs to see.
    """
    case, customer, asset = _head(number, actor)
    rounds, catalogs = _rounds(case.id)
    chosen = next((one for one in rounds if one.number == shown_round), rounds[-1] if rounds else None)
    items = list(
        session().scalars(sa.select(WorkItem).where(WorkItem.case_id == case.id).order_by(WorkItem.id))
    )
    timers = _timers(case.instance_id)
    deadlines, pauses = timekeeping(case.id)
    callbacks = list(
        session().scalars(sa.select(Callback).where(Callback.case_id == case.id).order_by(Callback.id))
    )
    submissions = list(
        session().scalars(
            sa.select(Submission).where(Submission.case_id == case.id).order_by(Submission.id.desc())
        )
    )
    attachments = list(
        session().scalars(sa.select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id))
    )
    comments = list(
        session().scalars(sa.select(Comment).where(Comment.case_id == case.id).order_by(Comment.id.desc()))
    )
    events = list(
        session().scalars(
            sa.select(Event).where(Event.stream == f"case:{case.id}").order_by(Event.seq.desc()).limit(EVENTS)
        )
    )
    names = _names(
        [case.received_by_id],
        (item.assignee_id for item in items),
        (item.completed_by_id for item in items),
        (call.called_by_id for call in callbacks),
        (sent.by_id for sent in submissions),
        (event.actor_id for event in events),
    )
    soon = timedelta(hours=float(settings_store.get("work.due_soon_hours")))
    open_items = [item for item in items if item.status in ("open", "claimed")]
    days = int(settings_store.get("cases.reopen_days"))
    return CaseFile(
        case=case,
        customer=show_customer(customer) if customer else None,
        asset=show_asset(asset, today) if asset else None,
        urgency=rules.urgency(case.status, case.due_at, case.escalation_level, now, soon),
        rounds=rounds,
        progress=progress(
            chosen.instance_id if chosen else None,
            catalogs.get(chosen.instance_id) if chosen else None,
            items,
            names,
        ),
        clocks=clock_cards(case, items, timers, deadlines, now, soon),
        open_items=open_items,
        callbacks=[_call(call, names) for call in reversed(callbacks)],
        submissions=_submissions(submissions, attachments, names),
        attachments=attachments,
        comments=comments,
        events=events,
        others=_others(case, actor),
        names=names,
        reopen_until=rules.reopen_until(case.closed_at, days),
        may_reopen=rules.may_reopen(case.status, case.closed_at, days, now),
        may_withdraw=rules.may_withdraw(case.status),
        may_wait=rules.may_wait(case.status, case.paused_at is not None),
        pause=next((one for one in pauses if one.ended_at is None), None),
        spent=time_spent(case, items, pauses, now),
    )


def _head(number: str, actor: Actor) -> tuple[Case, Customer | None, Asset | None]:
    found = (
        session()
        .execute(
            sa.select(Case, Customer, Asset)
            .outerjoin(Customer, Customer.id == Case.customer_id)
            .outerjoin(Asset, Asset.id == Case.asset_id)
            .where(Case.number == number.upper(), visible(actor))
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound(_("There is no case %(number)s, or it is not yours to see.", number=number[:16]))
    case, customer, asset = found
    return case, customer, asset


def _rounds(case_id: int) -> tuple[list[Round], dict[int, Mapping[str, Any]]]:
    found = session().execute(
        sa.select(
            CaseRound,
            Instance.status,
            Instance.ended_at,
            ProcedureVersion.number,
            ProcedureVersion.catalog,
            Procedure.name,
        )
        .join(Instance, Instance.id == CaseRound.instance_id)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(CaseRound.case_id == case_id)
        .order_by(CaseRound.round)
    )
    rounds, catalogs = [], {}
    for row, status, ended_at, number, catalog, name in found:
        rounds.append(
            Round(row.round, row.instance_id, status, row.reason, row.started_at, ended_at, name, number)
        )
        catalogs[row.instance_id] = catalog
    return rounds, catalogs


def _timers(instance_id: int | None) -> list[Timer]:
    query = sa.select(Timer).where(Timer.instance_id == instance_id, Timer.status == "waiting")
    return list(session().scalars(query.order_by(Timer.due_at)))


def _names(*groups: Iterable[int | None]) -> dict[int, str]:
    ids = {person_id for group in groups for person_id in group if person_id is not None}
    rows = session().execute(sa.select(Person.id, Person.name, Person.name_en).where(Person.id.in_(ids)))
    english = str(get_locale()) == "en"
    return {row.id: (row.name_en or row.name) if english else row.name for row in rows}


def _call(call: Callback, names: Mapping[int, str]) -> CallView:
    return CallView(
        call.attempt, call.due_at, call.outcome, call.score, call.words, call.next_at, call.called_at,
        names.get(call.called_by_id or 0, ""),
    )  # fmt: skip


def _submissions(
    rows: list[Submission], files: list[Attachment], names: Mapping[int, str]
) -> list[SubmissionView]:
    known: dict[str, Any] = {
        "attachments": {file.id: file.name for file in files},
        "departments": [forms.Choice(key, role_label(key)) for key in DEPARTMENTS],
        "repair_points": [
            forms.Choice(seat.key.partition(":")[2], who(seat.key))
            for seat in current().seats
            if seat.role == "repairpoint" and ":" in seat.key
        ],
    }
    found = []
    for row in rows:
        schema = engine.form_schema(row.version_id, row.form) if row.version_id and row.form else {}
        lines = forms.display(schema, _masked(schema, row.values), choices=known)
        found.append(SubmissionView(row.name, lines, names.get(row.by_id or 0, ""), row.at))
    return found


def _masked(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers with what identifies a person or vehicle hidden; the form masks phones itself."""
    masked = dict(values)
    for name, part in schema.get("properties", {}).items():
        if name in masked and (mask := MASKS.get(part.get("x-bind", ""))):
            masked[name] = mask(str(masked[name]))
    return masked


def _others(case: Case, actor: Actor) -> list[Other]:
    if case.customer_id is None:
        return []
    found = session().execute(
        sa.select(Case.number, Case.title, Case.status, Case.klass, Case.received_at)
        .where(Case.customer_id == case.customer_id, Case.id != case.id, visible(actor))
        .order_by(Case.id.desc())
        .limit(OTHERS)
    )
    return [Other(*row) for row in found]

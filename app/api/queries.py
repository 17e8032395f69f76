"""What the API shows of cases, work items and instances: plain dictionaries, a few statements each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _

from app import engine, forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.api import paging
from app.cases import rules
from app.cases.access import visible
from app.cases.casefile import MASKS
from app.cases.tables import Case, Submission
from app.customers.rules import mask_phone, mask_plate, mask_serial
from app.customers.tables import Asset, Customer
from app.db import UTCDateTime, session
from app.deadlines.rules import STEP
from app.deadlines.tables import Deadline
from app.engine.tables import (
    Event,
    Instance,
    Procedure,
    ProcedureFile,
    ProcedureVersion,
    WorkItem,
)
from app.errors import NotFound
from app.inbox import queries as inbox
from app.inbox.background import form_of, form_sources

OPEN = ("open", "claimed")
TIMELINE = 200
CASE_COLUMNS = (
    "number", "channel", "kind", "title", "status", "klass", "severity", "received_at", "due_at", "closed_at",
)  # fmt: skip
ITEM_COLUMNS = (
    "id", "case_number", "element", "name", "role", "status", "title", "klass", "severity", "priority",
    "escalation_level", "created_at", "due_at", "follow_up_at", "completed_at", "revision",
)  # fmt: skip

DEADLINE = ("element", "name", "due_at", "escalation_level")


def case_brief(case: Case) -> dict[str, Any]:
    """Return what a list says of a case."""
    return {name: getattr(case, name) for name in CASE_COLUMNS} | {
        "url": url_for("cases.show", number=case.number, _external=True)
    }


def case_page(args: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Return a page of the cases this caller may see, newest first; one statement."""
    query = sa.select(Case).where(visible(actor))
    if "status" in args:
        query = query.where(Case.status == args["status"])
    if "klass" in args:
        query = query.where(Case.klass == args["klass"])
    for word in rules.search_words(args.get("q", "")):
        query = query.where(Case.search.like(rules.like(word), escape="\\"))
    rows, following = paging.page(query, Case.received_at, Case.id, args, kind=datetime, newest_first=True)
    return {"items": [case_brief(row[0]) for row in rows], "next": following}


def case_created(case: Case) -> dict[str, Any]:
    """Return what the maker of a case is told."""
    return case_brief(case) | {
        "track_code": case.track_code,
        "procedure": procedure_of(case.instance_id),
        "open_items": _items_of(case.id),
    }


def _deadlines_of(case_id: int, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the open steps with when they are due, then what is due of the whole case."""
    whole = session().scalars(
        sa.select(Deadline)
        .where(Deadline.case_id == case_id, Deadline.kind != STEP, Deadline.status == "running")
        .order_by(Deadline.due_at, Deadline.id)
    )
    steps = [{name: item[name] for name in DEADLINE} for item in items if item["due_at"]]
    return [{**one, "kind": STEP} for one in steps] + [
        {
            "kind": one.kind,
            "element": one.kind,
            "name": one.name,
            "due_at": one.due_at,
            "escalation_level": one.next_rung,
        }
        for one in whole
    ]


def case(case: Case) -> dict[str, Any]:
    """Return a whole case; numbers that could reach a person are masked."""
    items = _items_of(case.id)
    customer = session().get(Customer, case.customer_id) if case.customer_id else None
    asset = session().get(Asset, case.asset_id) if case.asset_id else None
    events = session().scalars(
        sa.select(Event).where(Event.stream == f"case:{case.id}").order_by(Event.seq.desc()).limit(TIMELINE)
    )
    return case_brief(case) | {
        "description": case.description,
        "procedure": procedure_of(case.instance_id),
        "open_items": items,
        "deadlines": _deadlines_of(case.id, items),
        "timeline": [
            {
                "at": one.at,
                "actor": one.actor_name,
                "kind": one.kind,
                "element": one.element,
                "data": one.data,
            }
            for one in events
        ],
        "customer": customer
        and {"id": customer.id, "name": customer.name, "phone": mask_phone(customer.phone)},
        "asset": asset
        and {
            "id": asset.id,
            "kind": asset.kind,
            "plate": mask_plate(asset.plate),
            "serial": mask_serial(asset.serial),
            "model": asset.model,
        },
    }


def procedure_of(instance_id: int | None) -> dict[str, Any] | None:
    """Return {key, version} of the procedure that handles an instance."""
    if instance_id is None:
        return None
    row = (
        session()
        .execute(
            sa.select(Procedure.key, ProcedureVersion.number)
            .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
            .join(Instance, Instance.version_id == ProcedureVersion.id)
            .where(Instance.id == instance_id)
        )
        .first()
    )
    return {"key": row.key, "version": row.number} if row else None


def item_brief(item: WorkItem, assignee: str | None) -> dict[str, Any]:
    """Return what a list says of a work item."""
    return {name: getattr(item, name) for name in ITEM_COLUMNS} | {"assignee": assignee}


def item(item: WorkItem, actor: Actor) -> dict[str, Any]:
    """Return a work item with its form and values: what it starts with, or was completed with.

    What identifies a person or vehicle is left out for those who may not do the item, and masked once it is
    done.
    """
    shown = item_brief(item, _username(item.completed_by_id or item.assignee_id))
    if item.form is None:
        return shown | {"form": None}
    form = form_of(item)
    if item.status == "done":
        values = _submitted(item, form)
    else:
        context = form_sources(item, form).context
        personal = () if _may_do(item, actor) else MASKS
        values = {one.name: forms.initial(one, context) for one in form.fields if one.bind not in personal}
    given = {name: _plain(value) for name, value in values.items() if value is not None}
    return shown | {"form": {"schema": form.schema, "values": given}}


def _username(person_id: int | None) -> str | None:
    """Return an account's name; asks nothing but for those who have left."""
    if person_id is None:
        return None
    colleague = organisation.find_colleague(person_id)
    if colleague is not None:
        return colleague.username
    return session().scalar(sa.select(Person.username).where(Person.id == person_id))


def _may_do(item: WorkItem, actor: Actor) -> bool:
    return item.assignee_id == actor.id or (item.assignee_id is None and item.candidate in actor.groups)


def _submitted(item: WorkItem, form: forms.Form) -> dict[str, Any]:
    values = session().scalar(
        sa.select(Submission.values).where(Submission.work_item_id == item.id).order_by(Submission.id.desc())
    )
    masked = dict(values or {})
    for one in form.fields:
        mask = mask_phone if one.widget == "phone" else MASKS.get(one.bind or "")
        if mask is not None and masked.get(one.name):
            masked[one.name] = mask(str(masked[one.name]))
    return masked


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def item_page(args: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Return a page of work items: mine, those of my roles, or all that I may see; one statement.

    Those done come with the person who did them as `assignee`.
    """
    done = args["status"] == "done"
    mine = WorkItem.completed_by_id if done else WorkItem.assignee_id
    who = sa.func.coalesce(WorkItem.completed_by_id, WorkItem.assignee_id)
    query = sa.select(WorkItem, Person.username).outerjoin(Person, Person.id == who)
    query = query.where(
        WorkItem.status == "done" if done else WorkItem.status.in_(OPEN), inbox.visible(actor)
    )
    if args["scope"] == "mine":
        query = query.where(mine == actor.id)
    elif args["scope"] == "group":
        query = query.where(WorkItem.candidate.in_(sorted(actor.groups)))
    if "role" in args:
        query = query.where(WorkItem.role == args["role"])
    if "case" in args:
        query = query.where(WorkItem.case_number == args["case"].upper())
    due = sa.func.coalesce(WorkItem.due_at, sa.literal(paging.NEVER, UTCDateTime), type_=UTCDateTime)
    key, kind = {
        "due_at": (due, datetime),
        "created_at": (WorkItem.created_at, datetime),
        "priority": (WorkItem.priority, int),
    }[args["sort"].lstrip("-")]
    rows, following = paging.page(
        query, key, WorkItem.id, args, kind=kind, newest_first=args["sort"].startswith("-")
    )
    return {"items": [item_brief(row[0], row[1]) for row in rows], "next": following}


def _items_of(case_id: int) -> list[dict[str, Any]]:
    rows = session().execute(
        sa.select(WorkItem, Person.username)
        .outerjoin(Person, Person.id == WorkItem.assignee_id)
        .where(WorkItem.case_id == case_id, WorkItem.status.in_(OPEN))
        .order_by(WorkItem.id)
    )
    return [item_brief(item, username) for item, username in rows]


def procedures() -> list[dict[str, Any]]:
    """Return every procedure with its newest version; one statement."""
    newest = (
        sa.select(ProcedureVersion.procedure_id, sa.func.max(ProcedureVersion.number).label("number"))
        .group_by(ProcedureVersion.procedure_id)
        .subquery()
    )
    rows = session().execute(
        sa.select(Procedure.key, Procedure.name, ProcedureVersion.number, ProcedureVersion.created_at)
        .join(newest, newest.c.procedure_id == Procedure.id)
        .join(
            ProcedureVersion,
            sa.and_(
                ProcedureVersion.procedure_id == Procedure.id, ProcedureVersion.number == newest.c.number
            ),
        )
        .order_by(Procedure.key)
    )
    return [
        {"key": key, "name": name, "version": number, "deployed_at": at} for key, name, number, at in rows
    ]


def versions(key: str) -> list[dict[str, Any]]:
    """Return a procedure's versions, newest first, with how many instances run on each; three statements."""
    found = (
        session()
        .execute(
            sa.select(
                ProcedureVersion.id,
                ProcedureVersion.number,
                ProcedureVersion.digest,
                ProcedureVersion.created_at,
            )
            .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
            .where(Procedure.key == key)
            .order_by(ProcedureVersion.number.desc())
        )
        .all()
    )
    if not found:
        raise NotFound(_("There is no procedure %(key)s.", key=key))
    ids = [row.id for row in found]
    files: dict[int, list[str]] = {one: [] for one in ids}
    for version_id, path in session().execute(
        sa.select(ProcedureFile.version_id, ProcedureFile.path)
        .where(ProcedureFile.version_id.in_(ids))
        .order_by(ProcedureFile.path)
    ):
        files[version_id].append(path)
    running = dict(
        session()
        .execute(
            sa.select(Instance.version_id, sa.func.count())
            .where(Instance.version_id.in_(ids), Instance.status.in_(("running", "suspended")))
            .group_by(Instance.version_id)
        )
        .all()
    )
    return [
        {
            "number": row.number,
            "digest": row.digest,
            "created_at": row.created_at,
            "files": files[row.id],
            "running": running.get(row.id, 0),
        }
        for row in found
    ]


def find_version_id(key: str, number: int) -> int | None:
    """Return the id of one version of a procedure, or None."""
    return session().scalar(
        sa.select(ProcedureVersion.id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key == key, ProcedureVersion.number == number)
    )


def get_version_id(key: str, number: int) -> int:
    """Return the id of one version of a procedure. Raises NotFound."""
    found = find_version_id(key, number)
    if found is None:
        raise NotFound(_("There is no version %(n)s of %(key)s.", n=number, key=key))
    return found


def get_procedure_of(instance_id: int) -> dict[str, Any]:
    """Return {key, version} of the procedure of an instance. Raises NotFound."""
    found = procedure_of(instance_id)
    if found is None:
        raise NotFound(_("There is no such instance."))
    return found


def instance(instance_id: int) -> dict[str, Any]:
    """Return an instance with the state of its elements, its incidents and timers. Raises NotFound."""
    shown = engine.instance_view(instance_id)
    return shown | {"case": shown["business_key"]}

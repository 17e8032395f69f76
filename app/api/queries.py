"""What the API shows of cases, work items and instances: plain dictionaries, a few statements each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.cases import rules
from app.cases.access import visible
from app.cases.filters import read_cursor, write_cursor
from app.cases.tables import Case
from app.customers.rules import mask_phone, mask_plate
from app.customers.tables import Asset, Customer
from app.db import session
from app.engine.tables import (
    Event,
    Incident,
    Instance,
    Procedure,
    ProcedureFile,
    ProcedureVersion,
    Timer,
    WorkItem,
)
from app.errors import NotFound
from app.inbox import filters as inbox_filters
from app.inbox import queries as inbox

OPEN = ("open", "claimed")
TIMELINE = 200
CASE_COLUMNS = (
    "number", "channel", "kind", "title", "status", "klass", "severity", "received_at", "due_at", "closed_at",
)  # fmt: skip
ITEM_COLUMNS = (
    "id", "case_number", "element", "name", "role", "status", "title", "klass", "severity", "priority",
    "escalation_level", "created_at", "due_at", "follow_up_at", "completed_at", "revision",
)  # fmt: skip


def case_brief(case: Case) -> dict[str, Any]:
    """Return what a list says of a case."""
    return {name: getattr(case, name) for name in CASE_COLUMNS} | {
        "url": url_for("cases.show", number=case.number, _external=True)
    }


def case_page(args: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Return a page of the cases this caller may see, newest first; one statement."""
    query = sa.select(Case).where(visible(actor))
    if args.get("status"):
        query = query.where(Case.status == args["status"])
    if args.get("klass"):
        query = query.where(Case.klass == args["klass"])
    for word in rules.search_words(args.get("q", "")):
        query = query.where(Case.search.like(rules.like(word), escape="\\"))
    start = read_cursor(args.get("cursor", ""))
    if start is not None and start[0] is not None:
        instant, last = start
        earlier = sa.and_(Case.received_at == instant, Case.id < last)
        query = query.where(sa.or_(Case.received_at < instant, earlier))
    found = (
        session()
        .scalars(query.order_by(Case.received_at.desc(), Case.id.desc()).limit(args["limit"] + 1))
        .all()
    )
    shown = found[: args["limit"]]
    following = write_cursor(shown[-1].received_at, shown[-1].id) if len(found) > len(shown) else None
    return {"items": [case_brief(case) for case in shown], "next": following}


def case_created(case: Case) -> dict[str, Any]:
    """Return what the maker of a case is told."""
    return case_brief(case) | {
        "track_code": case.track_code,
        "procedure": procedure_of(case.instance_id),
        "open_items": _items_of(case.id),
    }


def case(case: Case) -> dict[str, Any]:
    """Return a whole case; numbers that could reach a person are masked."""
    items = _items_of(case.id)
    customer = session().get(Customer, case.customer_id) if case.customer_id else None
    asset = session().get(Asset, case.asset_id) if case.asset_id else None
    events = session().scalars(
        sa.select(Event).where(Event.stream == f"case:{case.id}").order_by(Event.seq.desc()).limit(TIMELINE)
    )
    names = ("element", "name", "due_at", "escalation_level")
    return case_brief(case) | {
        "description": case.description,
        "procedure": procedure_of(case.instance_id),
        "open_items": items,
        "deadlines": [{name: item[name] for name in names} for item in items if item["due_at"]],
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
        and {"id": asset.id, "kind": asset.kind, "plate": mask_plate(asset.plate), "model": asset.model},
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


def item_page(args: dict[str, Any], actor: Actor) -> dict[str, Any]:
    """Return a page of work items: mine, those of my roles, or all that I may see; one statement."""
    done = args["status"] == "done"
    query = sa.select(WorkItem, Person.username).outerjoin(Person, Person.id == WorkItem.assignee_id)
    query = query.where(
        WorkItem.status == "done" if done else WorkItem.status.in_(OPEN), inbox.visible(actor)
    )
    if args["scope"] == "mine":
        query = query.where((WorkItem.completed_by_id if done else WorkItem.assignee_id) == actor.id)
    elif args["scope"] == "group":
        query = query.where(WorkItem.candidate.in_(sorted(actor.groups)))
    if args.get("role"):
        query = query.where(WorkItem.role == args["role"])
    if args.get("case"):
        query = query.where(WorkItem.case_number == args["case"])
    key, kind = {
        "due_at": (sa.func.coalesce(WorkItem.due_at, inbox.NEVER), "instant"),
        "created_at": (WorkItem.created_at, "instant"),
        "priority": (WorkItem.priority, "number"),
    }[args["sort"]]
    key = sa.type_coerce(key, WorkItem.created_at.type if kind == "instant" else WorkItem.priority.type)
    start = inbox_filters.read_cursor(args.get("cursor", ""), [datetime if kind == "instant" else int, int])
    if start is not None:
        after = sa.literal(start[0], key.type)
        query = query.where(sa.or_(key > after, sa.and_(key == after, WorkItem.id > start[1])))
    rows = session().execute(query.add_columns(key).order_by(key, WorkItem.id).limit(args["limit"] + 1)).all()
    shown = rows[: args["limit"]]
    following = (
        inbox_filters.write_cursor([shown[-1][2], shown[-1][0].id]) if len(rows) > args["limit"] else None
    )
    return {"items": [item_brief(item, username) for item, username, _key in shown], "next": following}


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


def version_id(key: str, number: int) -> int:
    """Return the id of one version of a procedure. Raises NotFound."""
    found = session().scalar(
        sa.select(ProcedureVersion.id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key == key, ProcedureVersion.number == number)
    )
    if found is None:
        raise NotFound(_("There is no version %(n)s of %(key)s.", n=number, key=key))
    return found


def instance(instance_id: int) -> dict[str, Any]:
    """Return an instance with the state of its elements, its incidents and timers. Raises NotFound."""
    found = session().get(Instance, instance_id)
    if found is None:
        raise NotFound(_("There is no such instance."))
    states = engine.element_states(instance_id)
    incidents = session().scalars(
        sa.select(Incident).where(Incident.instance_id == instance_id).order_by(Incident.id)
    )
    timers = session().scalars(sa.select(Timer).where(Timer.instance_id == instance_id).order_by(Timer.id))
    return {
        "id": found.id,
        "procedure": procedure_of(found.id),
        "status": found.status,
        "case": found.business_key,
        "started_at": found.started_at,
        "ended_at": found.ended_at,
        "elements": [
            {
                "process": process_id,
                "element": element,
                "status": state.status,
                "entered_at": _iso(state.entered_at),
                "left_at": _iso(state.left_at),
                "rounds": state.rounds,
            }
            for process_id, elements in states.items()
            for element, state in elements.items()
        ],
        "incidents": [
            {"id": one.id, "element": one.element, "detail": one.detail, "created_at": _iso(one.created_at),
             "resolved_at": _iso(one.resolved_at)}
            for one in incidents
        ],
        "timers": [
            {"element": one.element, "due_at": _iso(one.due_at), "status": one.status} for one in timers
        ],
    }  # fmt: skip


def _iso(instant: Any) -> str | None:
    return instant.isoformat() if instant is not None else None

"""Reads for operators: what stands still, and where an instance is; as many statements whatever the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.db import session
from app.engine.tables import (
    Event,
    Incident,
    Instance,
    Procedure,
    ProcedureVersion,
    Timer,
    WaitingMessage,
    WorkItem,
    newest_versions,
)
from app.errors import NotFound
from app.procedures.masking import masked
from app.procedures.queries import DiagramView, catalogs, diagrams, people_names
from app.procedures.remedies import remedy

RESOLVED_SHOWN = 30
INSTANCES_SHOWN = 30
TIMERS_SHOWN = 60
STEPS_SHOWN = 200
STATUSES = ("running", "suspended", "failed", "completed", "cancelled")


@dataclass(frozen=True)
class IncidentRow:
    """One step that could not be done."""

    id: int
    instance_id: int
    case_number: str | None
    procedure: str
    element: str | None
    name: str
    detail: str
    attempts: int
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str

    @property
    def remedy(self) -> tuple[str, str]:
        """Why it failed and what can be done, in the reader's language."""
        return remedy(self.detail)


@dataclass(frozen=True)
class InstanceRow:
    """One instance of the operators' list."""

    id: int
    procedure: str
    version: int
    case_number: str | None
    status: str
    reason: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Brought:
    """What one element set in the process data, with what identifies a person hidden."""

    at: datetime
    by: str
    element: str
    name: str
    process: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class InstancePage:
    """Everything an operator sees of one instance."""

    row: InstanceRow
    key: str
    newest: int
    diagrams: list[DiagramView]
    states: engine.States
    items: list[WorkItem]
    timers: list[Timer]
    messages: list[WaitingMessage]
    incidents: list[IncidentRow]
    brought: list[Brought]


def incidents(open_: bool, instance_id: int | None = None) -> list[IncidentRow]:
    """Return incidents, newest first; two statements whatever their number."""
    query = (
        sa.select(Incident, Instance.version_id, Instance.business_key, Procedure.name)
        .join(Instance, Instance.id == Incident.instance_id)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
    )
    if instance_id is not None:
        query = query.where(Incident.instance_id == instance_id).order_by(Incident.id.desc())
    elif open_:
        query = query.where(Incident.resolved_at.is_(None)).order_by(Incident.id.desc()).limit(200)
    else:
        query = query.where(Incident.resolved_at.is_not(None)).order_by(Incident.resolved_at.desc())
        query = query.limit(RESOLVED_SHOWN)
    rows = session().execute(query).all()
    known = catalogs({row.version_id for row in rows})
    names = people_names()
    return [
        IncidentRow(
            id=row.Incident.id,
            instance_id=row.Incident.instance_id,
            case_number=row.business_key,
            procedure=row.name,
            element=row.Incident.element,
            name=_element_name(known[row.version_id], row.Incident.element),
            detail=row.Incident.detail,
            attempts=row.Incident.attempts,
            created_at=row.Incident.created_at,
            resolved_at=row.Incident.resolved_at,
            resolved_by=names.get(row.Incident.resolved_by_id, ""),
        )
        for row in rows
    ]


def instances(
    key: str = "", status: str = "", before: int = 0, *, version: int = 0, element: str = ""
) -> list[InstanceRow]:
    """Return instances, newest first, one more than a page holds; `before`: last id of the page before.

    version: only those on this number; element: only those that wait at it for a person or a time.
    """
    query = _instances().order_by(Instance.id.desc()).limit(INSTANCES_SHOWN + 1)
    if key:
        query = query.where(Procedure.key == key)
    if status in STATUSES:
        query = query.where(Instance.status == status)
    if version:
        query = query.where(ProcedureVersion.number == version)
    if element:
        items = sa.select(WorkItem.instance_id).where(
            WorkItem.element == element, WorkItem.status.in_(("open", "claimed"))
        )
        times = sa.select(Timer.instance_id).where(
            Timer.element == element, Timer.kind == "catch", Timer.status.in_(("waiting", "paused"))
        )
        query = query.where(Instance.id.in_(items) | Instance.id.in_(times))
    if before:
        query = query.where(Instance.id < before)
    return [_instance(row) for row in session().execute(query)]


def instances_by_id(ids: Sequence[int]) -> list[InstanceRow]:
    """Return these instances, oldest first; those that do not exist are left out."""
    query = _instances().where(Instance.id.in_(ids)).order_by(Instance.id)
    return [_instance(row) for row in session().execute(query)]


def instance_page(instance_id: int) -> InstancePage:
    """Return what an operator sees of an instance. Raises NotFound."""
    row = (
        session()
        .execute(
            _instances()
            .add_columns(Procedure.key, ProcedureVersion.catalog, _newest_number())
            .where(Instance.id == instance_id)
        )
        .first()
    )
    if row is None:
        raise NotFound(_("There is no such instance."))
    items = sa.select(WorkItem).where(WorkItem.instance_id == instance_id).order_by(WorkItem.id.desc())
    timers = (
        sa.select(Timer)
        .where(Timer.instance_id == instance_id)
        .order_by(sa.case((Timer.status == "waiting", 0), else_=1), Timer.due_at.desc())
        .limit(TIMERS_SHOWN)
    )
    messages = sa.select(WaitingMessage).where(WaitingMessage.instance_id == instance_id)
    states = engine.element_states(instance_id)
    return InstancePage(
        row=_instance(row),
        key=row.key,
        newest=row.newest,
        diagrams=diagrams(row.catalog, states),
        states=states,
        items=list(session().scalars(items.where(WorkItem.status.in_(("open", "claimed"))))),
        timers=list(session().scalars(timers)),
        messages=list(session().scalars(messages)),
        incidents=incidents(True, instance_id),
        brought=_brought(instance_id, row.catalog),
    )


def diagram_file(instance_id: int, process_id: str) -> tuple[int, str]:
    """Return version id and path of the file that holds a process of an instance. Raises NotFound."""
    row = (
        session()
        .execute(
            sa.select(ProcedureVersion.id, ProcedureVersion.catalog)
            .join(Instance, Instance.version_id == ProcedureVersion.id)
            .where(Instance.id == instance_id)
        )
        .first()
    )
    if row is None or process_id not in row.catalog["processes"]:
        raise NotFound(_("There is no such diagram."))
    return row.id, row.catalog["processes"][process_id]["file"]


# ---------------------------------------------------------------- inside


def _brought(instance_id: int, catalog: Mapping[str, Any]) -> list[Brought]:
    """Return what each element set, newest first: what the history kept of it."""
    events = session().execute(
        sa.select(Event.at, Event.actor_id, Event.actor_name, Event.data)
        .where(Event.instance_id == instance_id, Event.kind == "instance.step")
        .order_by(Event.id.desc())
        .limit(STEPS_SHOWN)
    )
    people = people_names()
    return [
        Brought(
            at=event.at,
            by=people.get(event.actor_id, event.actor_name),
            element=element,
            name=process["elements"].get(element, {}).get("name") or element,
            process=process["name"],
            values={name: masked(name, value) for name, value in values.items()},
        )
        for event in events
        for process_id, element, values in reversed(event.data.get("set", ()))
        # Of another version there may be processes that this one has not.
        for process in [catalog["processes"].get(process_id, {"name": process_id, "elements": {}})]
    ]


def _instances() -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Instance.id,
            Procedure.name,
            ProcedureVersion.number,
            Instance.business_key,
            Instance.status,
            Instance.status_reason,
            Instance.started_at,
            Instance.ended_at,
        )
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
    )


def _instance(row: Any) -> InstanceRow:
    return InstanceRow(
        row.id,
        row.name,
        row.number,
        row.business_key,
        row.status,
        row.status_reason,
        row.started_at,
        row.ended_at,
    )


def _newest_number() -> sa.Label[int]:
    newest = newest_versions()
    return (
        sa.select(newest.c.number)
        .where(newest.c.procedure_id == Procedure.id)
        .correlate(Procedure)
        .scalar_subquery()
        .label("newest")
    )


def _element_name(catalog: Mapping[str, Any], element: str | None) -> str:
    for described in catalog["processes"].values():
        if element in described["elements"]:
            return str(described["elements"][element]["name"] or element)
    return element or ""

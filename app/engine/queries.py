"""Reads about instances: for diagrams, the REST face and the operators' pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.db import session
from app.engine import decisions
from app.engine.decisions import Decided
from app.engine.deploy import get_file
from app.engine.model import ElementState, Place
from app.engine.store import saved_data, version
from app.engine.tables import Event, Incident, Instance, Timer, WorkItem
from app.errors import NotFound

# process id -> element id -> how it stands
States = dict[str, dict[str, ElementState]]


@dataclass(frozen=True)
class DecisionRow:
    """One row of a decision table as it is written. inputs, outputs: (column, cell)."""

    table: str
    path: str
    number: int
    description: str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...]


@dataclass
class _Track:
    rounds: int = 0
    open: int = 0
    status: str = "done"
    entered_at: datetime | None = None
    left_at: datetime | None = None


def element_states(instance_id: int) -> States:
    """Return how each element that was ever reached stands, by process id (called processes have their own).

    Two queries: the steps in the history, the items that are open.
    """
    tracks: dict[Place, _Track] = {}
    steps = session().execute(
        sa.select(Event.at, Event.data)
        .where(Event.instance_id == instance_id, Event.kind == "instance.step")
        .order_by(Event.id)
    )
    for at, data in steps:
        _follow(tracks, at, data)
    items = session().execute(
        sa.select(WorkItem.process_id, WorkItem.element, WorkItem.id, WorkItem.escalation_level)
        .where(WorkItem.instance_id == instance_id, WorkItem.status.in_(("open", "claimed")))
        .order_by(WorkItem.id)
    )
    waiting = {Place(row.process_id, row.element): row for row in items}
    states: States = {}
    for place, track in tracks.items():
        item = waiting.get(place)
        late = item is not None and item.escalation_level > 0
        states.setdefault(place.process_id, {})[place.element] = ElementState(
            status=("escalated" if late else "current") if track.open else track.status,
            rounds=track.rounds,
            entered_at=track.entered_at or track.left_at,  # type: ignore[arg-type]
            left_at=None if track.open else track.left_at,
            work_item_id=item.id if item is not None else None,
        )
    return states


def _follow(tracks: dict[Place, _Track], at: datetime, data: dict[str, Any]) -> None:
    for process_id, element in data.get("done", ()):
        track = tracks.setdefault(Place(process_id, element), _Track())
        if track.open:
            track.open -= 1
        else:
            # Entered and left within one step: gateways, rules, services.
            track.rounds += 1
            track.entered_at = at
        track.status, track.left_at = "done", at
    for process_id, element in data.get("cancelled", ()):
        track = tracks.setdefault(Place(process_id, element), _Track())
        track.open = max(track.open - 1, 0)
        track.status, track.left_at = "cancelled", at
    for process_id, element in data.get("entered", ()):
        track = tracks.setdefault(Place(process_id, element), _Track())
        track.open += 1
        track.rounds += 1
        track.entered_at, track.left_at = at, None


def item_data(work_item_id: int) -> dict[str, Any]:
    """Return the process data that an open work item sees, without locking; {} when it is open no more.

    One query; raises NotFound.
    """
    row = (
        session()
        .execute(
            sa.select(Instance.state, WorkItem.task_id)
            .join(WorkItem, WorkItem.instance_id == Instance.id)
            .where(WorkItem.id == work_item_id)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound(_("There is no such work item."))
    return saved_data(row.state, row.task_id)


def get_instance(instance_id: int) -> Instance:
    """Return an instance's row; raises NotFound."""
    found = session().get(Instance, instance_id)
    if found is None:
        raise NotFound(_("There is no such instance."))
    return found


def instance_view(instance_id: int) -> dict[str, Any]:
    """Return an instance as the REST face shows it; instants are datetimes.

    {"id", "procedure": {"key", "version"}, "status", "case_id", "business_key", "started_at", "ended_at",
     "elements": [{"process", "element", "status", "rounds", "entered_at", "left_at"}],
     "incidents": [{"id", "element", "detail", "attempts", "created_at", "resolved_at"}],
     "timers": [{"element", "name", "due_at", "status", "fired_at"}]}
    """
    row = get_instance(instance_id)
    info = version(row.version_id)
    return {
        "id": row.id,
        "procedure": {"key": info.key, "version": info.number},
        "status": row.status,
        "case_id": row.case_id,
        "business_key": row.business_key,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "elements": [
            {
                "process": process_id,
                "element": element,
                "status": state.status,
                "rounds": state.rounds,
                "entered_at": state.entered_at,
                "left_at": state.left_at,
            }
            for process_id, elements in element_states(instance_id).items()
            for element, state in elements.items()
        ],
        "incidents": [
            {name: getattr(one, name) for name in _INCIDENT}
            for one in session().scalars(
                sa.select(Incident).where(Incident.instance_id == instance_id).order_by(Incident.id)
            )
        ],
        "timers": [
            {name: getattr(one, name) for name in _TIMER}
            for one in session().scalars(
                sa.select(Timer).where(Timer.instance_id == instance_id).order_by(Timer.due_at, Timer.id)
            )
        ],
    }


def case_deadlines(version_id: int) -> list[str]:
    """Return which deadlines of the whole case the start event of a version names (`caseDeadlines`)."""
    catalog = version(version_id).catalog
    elements = catalog["processes"][catalog["root"]]["elements"].values()
    named = (one.get("properties", {}).get("caseDeadlines", "") for one in elements)
    return [word.strip() for text in named for word in text.split(",") if word.strip()]


def decide(version_id: int, name: str, values: Mapping[str, Any]) -> Decided:
    """Return what a decision of a version says about these values.

    Raises NotFound when the version has no such decision, ExpressionError when a row cannot be evaluated.
    """
    decision = version(version_id).specs.decisions.get(name)
    if decision is None:
        raise NotFound(_("There is no decision “%(name)s”.", name=name))
    return decision.decide(values)


def decision_row(version_id: int, name: str, row: int) -> DecisionRow | None:
    """Return a row of a version's decision as it is written, or None when there is no such row.

    Two statements: the file has the row's description, which the engine does not keep.
    """
    loaded = version(version_id)
    decision = loaded.specs.decisions.get(name)
    if decision is None or not 0 < row <= len(decision.rules):
        return None
    path = loaded.catalog["decisions"].get(name, "")
    cells, outputs = decision.rules[row - 1]
    return DecisionRow(
        table=decision.name,
        path=path,
        number=row,
        description=decisions.row_description(get_file(version_id, path), name, row) if path else "",
        inputs=tuple(zip(decision.inputs, cells, strict=True)),
        outputs=tuple(zip(decision.outputs, outputs, strict=True)),
    )


_INCIDENT = ("id", "element", "detail", "attempts", "created_at", "resolved_at")
_TIMER = ("element", "name", "due_at", "status", "fired_at")


def instances_of_case(case_id: int) -> list[Instance]:
    """Return a case's instances, the first one first: a reopened case has more than one."""
    return list(
        session().scalars(sa.select(Instance).where(Instance.case_id == case_id).order_by(Instance.id))
    )


def open_incidents(limit: int = 200) -> list[Incident]:
    """Return what waits for an operator, newest first."""
    return list(
        session().scalars(
            sa.select(Incident)
            .where(Incident.resolved_at.is_(None))
            .order_by(Incident.id.desc())
            .limit(limit)
        )
    )

"""Reads for the page of what really happens; six statements, at most `MOST` instances."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import calendar
from app.db import session
from app.engine.tables import Event, Instance, Procedure, ProcedureVersion, WorkItem
from app.procedures import queries
from app.procedures.usage import rules
from app.procedures.usage.rules import Place, Trail

MOST = 2_000
MOVES_SHOWN = 10
# What takes an instance off the ways that are drawn.
ASTRAY = ("instance.token_moved", "instance.migrated", "incident.recorded", "instance.cancelled")
MEASURES = ("visits", "time", "escalations", "again")


@dataclass(frozen=True)
class StepUse:
    """How an element was used. visits 0: never reached.

    waiting, working: median from offered to claimed and from claimed to completed, of people's steps.
    middle, longest:  median and 90th percentile from entered to left. All in working time.
    """

    process: str
    element: str
    name: str
    type: str
    visits: int
    again: int
    cancelled: int
    escalations: int
    middle: timedelta | None
    longest: timedelta | None
    waiting: timedelta | None
    working: timedelta | None


@dataclass(frozen=True)
class FlowUse:
    """A flow that was never taken."""

    process: str
    flow: str
    source: str
    target: str


@dataclass(frozen=True)
class Conformance:
    """How far what happened was what is drawn.

    straight: instances that went by the diagram alone.
    astray:   event kind → instances that had it: moved by hand, to another version, a step that failed, ended
              from outside; one may have several.
    moves:    (step left, step moved to, how often), the most frequent first.
    """

    straight: int
    astray: dict[str, int]
    moves: list[tuple[str, str, int]]


@dataclass(frozen=True)
class Usage:
    """What one version, or all of them together, did in the period."""

    version: int | None
    instances: int
    ended: dict[str, int]
    steps: list[StepUse]
    flows: dict[Place, int]
    never: list[FlowUse]
    conformance: Conformance

    @property
    def capped(self) -> bool:
        """Tell whether there were more instances than are looked at."""
        return self.instances >= MOST


@dataclass(frozen=True)
class UsagePage:
    """Everything the page shows. other: the version it is compared with."""

    key: str
    name: str
    numbers: list[int]
    usage: Usage
    other: Usage | None
    diagrams: list[queries.DiagramView]
    version: int


def usage_page(
    key: str, since: datetime, until: datetime, *, version: int | None = None, other: int | None = None
) -> UsagePage:
    """Return what instances begun from `since` to before `until` went through. Raises NotFound.

    version: only of this one, else of all; drawn as that version, else the newest, has it.
    """
    rows = session().execute(
        sa.select(ProcedureVersion.id, ProcedureVersion.number, Procedure.name)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key == key)
        .order_by(ProcedureVersion.number.desc())
    )
    versions = {row.number: row for row in rows}
    if not versions or any(one is not None and one not in versions for one in (version, other)):
        raise queries.no_version()
    drawn = version or next(iter(versions))
    catalogue = queries.catalogs({versions[drawn].id})[versions[drawn].id]
    ids = {number: row.id for number, row in versions.items()}
    return UsagePage(
        key,
        versions[drawn].name,
        list(versions),
        _usage(version, ids, catalogue, since, until),
        _usage(other, ids, catalogue, since, until) if other is not None else None,
        queries.diagrams(catalogue),
        drawn,
    )


def _usage(
    version: int | None,
    ids: Mapping[int, int],
    catalogue: Mapping[str, Any],
    since: datetime,
    until: datetime,
) -> Usage:
    chosen = list(ids.values()) if version is None else [ids[version]]
    some = (
        sa.select(Instance.id)
        .where(Instance.version_id.in_(chosen), Instance.started_at >= since, Instance.started_at < until)
        .order_by(Instance.id.desc())
        .limit(MOST)
        .subquery()
    )
    within = sa.select(some.c.id)
    steps = session().execute(
        sa.select(Event.instance_id, Event.at, Event.data)
        .where(Event.instance_id.in_(within), Event.kind == "instance.step")
        .order_by(Event.instance_id, Event.id)
    )
    processes = catalogue["processes"]
    trail = rules.follow(((number or 0, at, data) for number, at, data in steps), processes, _between)
    escalated = _escalations(within)
    waiting, working = _people(within)
    ended = session().execute(
        sa.select(Instance.status, sa.func.count()).where(Instance.id.in_(within)).group_by(Instance.status)
    )
    by_status = {str(status): int(n) for status, n in ended}
    return Usage(
        version,
        sum(by_status.values()),
        by_status,
        [
            _step_use(place, element, trail, escalated, waiting, working)
            for place, element in _elements(processes)
        ],
        dict(trail.flows),
        [
            FlowUse(id, flow, _called(process, source), _called(process, target))
            for id, process in processes.items()
            for flow, (source, target) in process.get("flows", {}).items()
            if not trail.flows[id, flow] and trail.instances
        ],
        _conformance(within, sum(by_status.values())),
    )


def _conformance(within: sa.Select[Any], instances: int) -> Conformance:
    rows = session().execute(
        sa.select(Event.kind, Event.instance_id, Event.data).where(
            Event.instance_id.in_(within), Event.kind.in_(ASTRAY)
        )
    )
    astray: dict[str, set[int]] = defaultdict(set)
    moves: Counter[tuple[str, str]] = Counter()
    for kind, instance_id, data in rows:
        astray[kind].add(instance_id)
        if kind == "instance.token_moved":
            moves[str(data.get("from_name", "")), str(data.get("to_name", ""))] += 1
    return Conformance(
        straight=instances - len(set().union(*astray.values())),
        astray={kind: len(ids) for kind, ids in astray.items()},
        moves=[(source, target, n) for (source, target), n in moves.most_common(MOVES_SHOWN)],
    )


def _between(start: datetime, end: datetime) -> timedelta:
    return calendar.working_time_between(start, end)


def _elements(processes: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[Place, Mapping[str, Any]]]:
    for id, process in processes.items():
        for element in process["order"]:
            yield (id, element), process["elements"][element]


def _called(process: Mapping[str, Any], element: str) -> str:
    return str(process["elements"].get(element, {}).get("name") or element)


def _step_use(
    place: Place,
    element: Mapping[str, Any],
    trail: Trail,
    escalated: Counter[Place],
    waiting: Mapping[Place, list[timedelta]],
    working: Mapping[Place, list[timedelta]],
) -> StepUse:
    lengths = trail.lengths.get(place, [])
    return StepUse(
        process=place[0],
        element=place[1],
        name=str(element.get("name") or place[1]),
        type=str(element["type"]),
        visits=trail.visits[place],
        again=trail.again[place],
        cancelled=trail.cancelled[place],
        escalations=escalated[place],
        middle=rules.median(lengths),
        longest=rules.share(lengths, 0.9),
        waiting=rules.median(waiting.get(place, [])),
        working=rules.median(working.get(place, [])),
    )


def _escalations(within: sa.Select[Any]) -> Counter[Place]:
    rows = session().execute(
        sa.select(Event.process_id, Event.element, sa.func.count())
        .where(Event.instance_id.in_(within), Event.kind == "work_item.escalated")
        .group_by(Event.process_id, Event.element)
    )
    return Counter({(process or "", element or ""): n for process, element, n in rows})


def _people(within: sa.Select[Any]) -> tuple[dict[Place, list[timedelta]], dict[Place, list[timedelta]]]:
    """Return how long work waited for somebody, and how long it then took."""
    rows = session().execute(
        sa.select(
            WorkItem.process_id,
            WorkItem.element,
            WorkItem.created_at,
            WorkItem.claimed_at,
            WorkItem.completed_at,
        ).where(WorkItem.instance_id.in_(within), WorkItem.status == "done")
    )
    waiting: dict[Place, list[timedelta]] = defaultdict(list)
    working: dict[Place, list[timedelta]] = defaultdict(list)
    for process, element, created, claimed, completed in rows:
        if claimed is not None and completed is not None:
            waiting[process, element].append(_between(created, claimed))
            working[process, element].append(_between(claimed, completed))
    return waiting, working

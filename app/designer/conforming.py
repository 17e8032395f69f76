"""The ways that closed cases went, laid over a draft's diagrams: which of them it does not have. Reads only.

What is asked is whether a way exists, not whether its conditions would choose it: those are decisions, see
`replaying`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.db import session
from app.engine import bundles
from app.engine.diagram import Process
from app.engine.tables import Event, Instance

EXAMPLES = 5


@dataclass(frozen=True)
class Missing:
    """A piece of a way that the draft does not have.

    source:   the step before it, "" where the step itself is gone.
    cases:    how many went it; examples: numbers of some, newest first.
    """

    process: str
    source: str
    target: str
    cases: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Fit:
    """Closed instances that went through the draft's processes; fitting: those all of whose ways it has."""

    instances: int
    fitting: int
    missing: list[Missing]


def fit(files: Mapping[str, bytes], newest: int) -> Fit:
    """Lay the ways of the `newest` closed instances over the diagrams in `files`. Two statements."""
    closed = (
        sa.select(Instance.id, Instance.business_key)
        .where(Instance.status == "completed")
        .order_by(Instance.ended_at.desc(), Instance.id.desc())
        .limit(newest)
    )
    numbers = {row.id: row.business_key or str(row.id) for row in session().execute(closed)}
    steps = session().execute(
        sa.select(Event.instance_id, Event.data)
        .where(Event.instance_id.in_(numbers), Event.kind == "instance.step")
        .order_by(Event.id)
    )
    went: dict[int, list[tuple[str, str]]] = {}
    for instance_id, data in steps:
        went.setdefault(instance_id or 0, []).extend(
            (process, element) for process, element in data.get("done", ())
        )
    processes = {id: process for id, (_path, process) in bundles.library(files).processes.items()}
    looked, fitting = 0, 0
    found: dict[tuple[str, str, str], list[str]] = {}
    for instance_id, number in numbers.items():
        way = [one for one in went.get(instance_id, ()) if one[0] in processes]
        if way:
            lacking = set(gaps(processes, way))
            looked, fitting = looked + 1, fitting + (not lacking)
            for one in lacking:
                found.setdefault(one, []).append(number)
    return Fit(looked, fitting, sorted(_missing(processes, found), key=lambda one: -one.cases))


def gaps(processes: Mapping[str, Process], way: Sequence[tuple[str, str]]) -> Iterable[tuple[str, str, str]]:
    """Yield (process, step before, step) for each step of a way that the diagrams have no way to.

    way: (process id, element id) in the order in which they were done. The step before is "" where the
    element is not there at all.
    """
    # A dictionary for its order: what was done last stands last.
    done: dict[str, dict[str, None]] = {}
    for process_id, element_id in way:
        process, before = processes[process_id], done.setdefault(process_id, {})
        element = process.elements.get(element_id)
        if element is None:
            yield process_id, "", element_id
        elif element.type == "boundaryEvent":
            if element.attached_to not in process.elements:
                yield process_id, "", element_id
        elif element.type != "startEvent" and not any(
            one.source in before for one in process.into(element_id)
        ):
            last = next((one for one in reversed(before) if _leads_on(process, one)), "")
            # After a step that is gone nothing can be said of the next.
            if last in process.elements:
                yield process_id, last, element_id
        before.pop(element_id, None)
        before[element_id] = None


def _leads_on(process: Process, element_id: str) -> bool:
    """Tell whether the way went on from there: not from an end, nor from the edge of a step as reminders."""
    element = process.elements.get(element_id)
    return element is None or element.type not in ("endEvent", "boundaryEvent")


def _missing(
    processes: Mapping[str, Process], found: Mapping[tuple[str, str, str], list[str]]
) -> Iterable[Missing]:
    for (process_id, source, target), cases in found.items():
        process = processes[process_id]
        names = [
            element.name or id if (element := process.elements.get(id)) else id for id in (source, target)
        ]
        yield Missing(process.name or process_id, names[0], names[1], len(cases), tuple(cases[:EXAMPLES]))

"""How far a case is along its diagrams: for the drawing, and as a list for phones and without script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app import engine
from app.engine.tables import WorkItem

# What stands in the list of steps; gateways and plain events are only drawn.
WORK = ("userTask", "manualTask", "task")
STEPS = (*WORK, "callActivity")
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class StepView:
    """One line of the list. kind: done | now | late | todo | gone (the case ended before it was done)."""

    name: str
    kind: str
    round: int
    who: str
    at: datetime | None
    due_at: datetime | None
    role: str


@dataclass(frozen=True)
class ProcessView:
    """One diagram. elements: states for the script; current: work is in it now."""

    id: str
    name: str
    entered: bool
    current: bool
    called_by: str | None
    elements: dict[str, dict[str, Any]]
    calls: dict[str, str]


@dataclass(frozen=True)
class Progress:
    """The diagrams of one round, the outermost first, and the list of steps."""

    instance_id: int | None = None
    processes: list[ProcessView] = field(default_factory=list)
    steps: list[StepView] = field(default_factory=list)

    @property
    def shown(self) -> ProcessView | None:
        """The diagram to open first: the innermost one where somebody works, else the outermost."""
        entered = [one for one in self.processes if one.current and not _passes_on(one)]
        return entered[0] if entered else (self.processes[0] if self.processes else None)


def progress(
    instance_id: int | None,
    catalog: Mapping[str, Any] | None,
    items: Iterable[WorkItem],
    names: Mapping[int, str],
) -> Progress:
    """Return how far an instance is; as many statements as `engine.element_states` takes."""
    if instance_id is None or catalog is None:
        return Progress()
    states = engine.element_states(instance_id)
    mine = [item for item in items if item.instance_id == instance_id]
    processes = [_process(process_id, catalog, states) for process_id in _order(catalog)]
    return Progress(
        instance_id,
        [one for one in processes if one.entered or one.id == catalog["root"]],
        _steps(catalog, states, mine, names),
    )


def _order(catalog: Mapping[str, Any]) -> list[str]:
    """Return the process ids, callers before the called."""
    found: dict[str, None] = {}
    waiting = [catalog["root"]]
    while waiting:
        process_id = waiting.pop(0)
        if process_id in catalog["processes"] and process_id not in found:
            found[process_id] = None
            waiting += catalog["processes"][process_id]["calls"].values()
    return list(found)


def _process(process_id: str, catalog: Mapping[str, Any], states: Mapping[str, Any]) -> ProcessView:
    described = catalog["processes"][process_id]
    mine = states.get(process_id, {})
    caller = next(
        (other for other, known in catalog["processes"].items() if process_id in known["calls"].values()),
        None,
    )
    return ProcessView(
        id=process_id,
        name=described["name"],
        entered=bool(mine),
        current=any(state.status in ("current", "escalated") for state in mine.values()),
        called_by=caller,
        elements={
            element: {"status": state.status, "rounds": state.rounds} for element, state in mine.items()
        },
        calls=dict(described["calls"]),
    )


def _passes_on(view: ProcessView) -> bool:
    """Tell whether a diagram's current elements are all calls: the work is in what they call."""
    current = [name for name, state in view.elements.items() if state["status"] in ("current", "escalated")]
    return bool(current) and all(name in view.calls for name in current)


def _steps(
    catalog: Mapping[str, Any], states: Mapping[str, Any], items: list[WorkItem], names: Mapping[int, str]
) -> list[StepView]:
    """Return what was done in its order, what is being done, then what the flows lead to from there.

    Once nothing is being done any more, what the end cut off stands last.
    """
    done: list[StepView] = []
    gone: list[StepView] = []
    now: list[StepView] = []
    ahead: list[StepView] = []
    for process_id in reversed(_order(catalog)):  # the innermost first: its steps come before its caller's
        elements, mine = catalog["processes"][process_id]["elements"], states.get(process_id, {})
        for name, state in mine.items():
            element = elements.get(name, {})
            if element.get("type") not in WORK:
                continue
            view = _step(element, state, _last(items, process_id, name), names)
            {"done": done, "gone": gone}.get(view.kind, now).append(view)
        for name in _ahead(catalog["processes"][process_id], mine):
            element = elements[name]
            if element["type"] in STEPS and (name not in mine or mine[name].status == "cancelled"):
                ahead.append(StepView(element["name"], "todo", 1, "", None, None, element.get("role") or ""))
    done.sort(key=lambda view: view.at or NEVER)
    return [*done, *now, *ahead] if now or ahead else [*done, *gone]


def _step(
    element: Mapping[str, Any], state: Any, item: WorkItem | None, names: Mapping[int, str]
) -> StepView:
    current = state.status in ("current", "escalated")
    kind = {"escalated": "late", "current": "now", "cancelled": "gone"}.get(state.status, "done")
    person = (item.assignee_id if current else item.completed_by_id) if item else None
    return StepView(
        element["name"],
        kind,
        state.rounds,
        names.get(person or 0, ""),
        state.left_at or state.entered_at,
        item.due_at if item and current else None,
        (item.candidate if item else element.get("role")) or "",
    )


def _ahead(described: Mapping[str, Any], states: Mapping[str, Any]) -> list[str]:
    """Return the elements that the flows lead to from where the work is now, the nearest first."""
    following: dict[str, list[str]] = {}
    for source, target in described["flows"].values():
        following.setdefault(source, []).append(target)
    waiting = [name for name, state in states.items() if state.status in ("current", "escalated")]
    found: dict[str, None] = {}
    while waiting:
        for target in following.get(waiting.pop(0), []):
            if target not in found:
                found[target] = None
                waiting.append(target)
    return list(found)


def _last(items: list[WorkItem], process_id: str, element: str) -> WorkItem | None:
    found = [item for item in items if item.process_id == process_id and item.element == element]
    return found[-1] if found else None

"""What a live instance waits for: people, times, messages. Read from the task trees, never changed here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from app.engine import reckoning, timer_text
from app.engine.message_events import DeskMessage
from app.engine.model import Place
from app.engine.store import LoadedVersion

OPEN = TaskState.WAITING | TaskState.READY | TaskState.STARTED


@dataclass(frozen=True)
class PendingTimer:
    """A timer that waits; sequence is the firing it waits for, 1 for the first."""

    task_id: str
    place: Place
    name: str
    attached_to: str | None
    due: datetime
    sequence: int
    value: Any
    # How its deadline came about (`reckoning.deadline`), where it is one.
    reckoning: Mapping[str, Any] | None = None

    @property
    def kind(self) -> str:
        """ "boundary" or "catch"."""
        return "boundary" if self.attached_to else "catch"

    def firings(self, task: Task | None, now: datetime) -> list[PendingTimer]:
        """Return the firings since this was read, oldest first; `task` is the same one later."""
        if task is None:
            return []
        value = task.internal_data.get("event_value")
        if isinstance(self.value, dict):
            count = value["fired"] - self.value["fired"] if isinstance(value, dict) else 0
            return list(self._following(count))
        fired = self.due <= now and not task.has_state(TaskState.CANCELLED | TaskState.WAITING)
        return [self] if fired else []

    def _following(self, count: int) -> Iterator[PendingTimer]:
        rest, due = list(self.value["rest"]), self.due
        for number in range(count):
            yield replace(self, due=due, sequence=self.sequence + number)
            if rest:
                due = timer_text.instant(rest.pop(0))
            elif self.value["period"]:
                due = timer_text.parse_duration(self.value["period"]).after(due)


@dataclass(frozen=True)
class PendingMessage:
    """A message that a task waits for."""

    task_id: str
    place: Place
    name: str
    correlation: str
    depth: int


class Reader:
    """Looks at one live instance."""

    def __init__(self, workflow: Any, version: LoadedVersion, business_key: str | None) -> None:
        self.workflow = workflow
        self.version = version
        self.business_key = business_key or ""
        self._scopes: Mapping[str, str] = version.catalog["scopes"]

    def place(self, task: Task) -> Place:
        """Return where in the diagrams a task is; the element is "" for the library's own tasks."""
        process_id = task.workflow.spec.name
        return Place(self._scopes.get(process_id, process_id), task.task_spec.bpmn_id or "")

    def element(self, place: Place) -> Mapping[str, Any]:
        """Return what the catalogue says about an element; empty if nothing."""
        return self.version.element(place.process_id, place.element)

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks of the process and of the called processes that run."""
        yield from self.workflow.tasks.values()
        for sub in self.workflow.subprocesses.values():
            if not sub.completed:
                yield from sub.tasks.values()

    def find(self, task_id: str) -> Task | None:
        """Return a task by its id, wherever it is; finished called processes included."""
        key = UUID(task_id)
        if key in self.workflow.tasks:
            found: Task = self.workflow.tasks[key]
            return found
        return next((sub.tasks[key] for sub in self.workflow.subprocesses.values() if key in sub.tasks), None)

    def work(self) -> dict[str, Task]:
        """Return the tasks that wait for a person, by id."""
        return {str(task.id): task for task in self.tasks() if _is_work(task)}

    def automatic(self) -> bool:
        """Tell whether something can go on without a person."""
        return any(task.has_state(TaskState.READY) and not task.task_spec.manual for task in self.tasks())

    def open_places(self) -> dict[str, Place]:
        """Return where tokens stand, by task id: work, waits, calls; a boundary event is no such place."""
        return {
            str(task.id): self.place(task)
            for task in self.tasks()
            if task.has_state(OPEN) and task.task_spec.bpmn_id and is_token(task)
        }

    def timers(self) -> dict[str, PendingTimer]:
        """Return the waiting timers by task id."""
        found = {}
        for task in self.workflow.event_manager.tasks.values():
            timer = self._timer(task)
            if timer is not None:
                found[timer.task_id] = timer
        return found

    def messages(self) -> dict[tuple[str, str], PendingMessage]:
        """Return the awaited messages by task id and name."""
        found = {}
        for task in self.workflow.event_manager.tasks.values():
            for definition in message_definitions(task):
                correlation = self._correlation(task, definition)
                place, depth = self.place(task), task.workflow.depth
                message = PendingMessage(str(task.id), place, definition.name, correlation, depth)
                found[message.task_id, message.name] = message
        return found

    def evaluate(self, task: Task, text: str) -> Any:
        """Return the value of an expression over a task's data."""
        return self.workflow.script_engine.evaluate(task, text)

    def _timer(self, task: Task) -> PendingTimer | None:
        value = task.internal_data.get("event_value")
        text = value["next"] if isinstance(value, dict) and value["cycles"] != 0 else value
        if not isinstance(text, str):
            return None
        return PendingTimer(
            task_id=str(task.id),
            place=self._timer_place(task),
            name=task.task_spec.bpmn_name or "",
            attached_to=_attached_to(task),
            due=timer_text.instant(text),
            sequence=value["fired"] + 1 if isinstance(value, dict) else 1,
            value=value,
            reckoning=task.internal_data.get(reckoning.KEY),
        )

    def _timer_place(self, task: Task) -> Place:
        # An event-based gateway waits in the name of its events: the timer is the one that people look for.
        for number, definition in enumerate(
            getattr(task.task_spec.event_definition, "event_definitions", ())
        ):
            if isinstance(definition, TimerEventDefinition):
                return Place(self.place(task).process_id, task.task_spec.outputs[number].bpmn_id)
        return self.place(task)

    def _correlation(self, task: Task, definition: DeskMessage) -> str:
        if definition.correlation is None:
            return self.business_key
        value = self.evaluate(task, definition.correlation)
        return self.business_key if value is None else str(value)


def is_token(task: Task) -> bool:
    """Tell whether a task stands for a token of its own: no boundary event, no single turn of a loop."""
    return not isinstance(task.task_spec, BoundaryEvent) and not in_loop(task)


def in_loop(task: Task) -> bool:
    """Tell whether this is one instance of a multi-instance or loop task."""
    return task.parent is not None and isinstance(task.parent.task_spec, LoopTask) and task.triggered


def message_definitions(task: Task) -> Iterator[DeskMessage]:
    """Yield the messages that a waiting task would catch."""
    definition = task.task_spec.event_definition
    for one in (definition, *getattr(definition, "event_definitions", ())):
        if isinstance(one, DeskMessage):
            yield one


def boundary_main(boundary: Task) -> Task | None:
    """Return the activity that a boundary event is attached to."""
    split = boundary.parent
    if split is None or not isinstance(split.task_spec, BoundaryEventSplit):
        return None
    return next((child for child in split.children if not isinstance(child.task_spec, BoundaryEvent)), None)


def boundaries(task: Task) -> list[Task]:
    """Return the boundary events attached to an activity, or to the loop that it is a turn of."""
    main = task.parent if in_loop(task) else task
    split = main.parent
    if split is None or not isinstance(split.task_spec, BoundaryEventSplit):
        return []
    return [child for child in split.children if isinstance(child.task_spec, BoundaryEvent)]


def origin_boundary(task: Task) -> Task | None:
    """Return the boundary event whose branch a task is on, or None on the main path."""
    current = task
    while current is not None and not isinstance(current.task_spec, BoundaryEvent):
        current = current.parent
    return current


def _attached_to(task: Task) -> str | None:
    if not isinstance(task.task_spec, BoundaryEvent):
        return None
    main = boundary_main(task)
    return main.task_spec.bpmn_id if main is not None else None


def _is_work(task: Task) -> bool:
    return (
        task.has_state(TaskState.READY) and task.task_spec.manual and not isinstance(task.task_spec, LoopTask)
    )

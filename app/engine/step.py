"""One step of one instance: everything between locking its row and writing it back.

The caller holds the transaction. Whatever raises leaves the row as it was; the live object is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.specs.event_definitions.timer import CycleTimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.spiff.specs.defaults import BusinessRuleTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.accounts.actor import Actor
from app.engine import connectors, expressions, reader, reckoning, store
from app.engine.expressions import ExpressionError
from app.engine.happened import CaseStatus, Escalation, Happened, Made
from app.engine.message_events import DeskMessage
from app.engine.model import Place, StepContext
from app.engine.prune import prune
from app.engine.reader import PendingMessage, PendingTimer, Reader
from app.engine.reckoning import About
from app.engine.store import version
from app.engine.tables import Instance
from app.errors import AppError, FieldError, Invalid, StepFailed

# Far more than any diagram needs between two waits; a process that calls itself runs for ever.
BUDGET = 1_000
MAX_DETAIL = 4_000
MAX_CAUSES = 5
# Of what elements set in one step; a loop without end is stopped by its budget, not here.
MOST_BROUGHT = 200
UNSET = object()
# A gateway only brings ways together; what is inside a call or a sub-process notes itself.
NOTHING_OF_ITS_OWN = (UnstructuredJoin, SubWorkflowTask)


@dataclass(frozen=True)
class Picture:
    """What an instance waits for at one moment."""

    places: Mapping[str, Place]
    work: Mapping[str, Task]
    timers: Mapping[str, PendingTimer]
    messages: Mapping[tuple[str, str], PendingMessage]


class Step:
    """Works on one instance whose row is locked."""

    def __init__(self, instance: Instance, *, actor: Actor, now: datetime, budget: int = BUDGET) -> None:
        self.instance = instance
        self.actor = actor
        self.now = now
        self.budget = budget
        self.version = version(instance.version_id)
        self.happened = Happened()
        self.live: store.Live
        self.reader: Reader
        self.before = Picture({}, {}, {}, {})
        self._timers: Mapping[str, PendingTimer] = {}
        self._climbed: dict[str, int] = {}
        self._spent = 0
        self._current: Task | None = None

    # ------------------------------------------------------------ begin

    def create(self, variables: Mapping[str, Any]) -> None:
        """Make the instance anew with its first process data."""
        with self.guarded():
            self.live = store.new(self.version, checked_values(variables), self)
            self._read()

    def load(self) -> None:
        """Restore the instance from its row."""
        with self.guarded():
            self.live = store.load(self.instance.state, self.version, self)
            self._read()
            self.before = self.picture()
            self._timers = self.before.timers

    def picture(self) -> Picture:
        """Return what the instance waits for now."""
        look = self.reader
        return Picture(look.open_places(), look.work(), look.timers(), look.messages())

    # ------------------------------------------------------------ work

    def fire_due(self) -> int:
        """Let everything happen that is due at `now`; return how many timers fired."""
        count = len(self.happened.fired)
        if any(timer.due <= self.now for timer in self._timers.values()):
            with self.guarded():
                self.workflow.refresh_timers()
                self._observe()
            self.advance()
        return len(self.happened.fired) - count

    def complete(self, task_id: str, values: Mapping[str, Any]) -> None:
        """Complete a person's task with its values and go on until people or time are needed again."""
        task = self.reader.find(task_id)
        if task is None or not task.has_state(TaskState.READY):
            raise ValueError(f"task {task_id} is not open")
        given = checked_values(values)
        variable = getattr(task.task_spec, "variable", None)
        with self.guarded(task):
            # Set, not merged: the library merges lists item by item, which mixes this round with the last.
            task.set_data(**({variable: given} if variable else given))
            task.run()
            self._completed(task)
        self.live.completers[task.task_spec.bpmn_id] = self.actor.id
        self.advance()

    def receive(self, message: PendingMessage, payload: Mapping[str, Any]) -> bool:
        """Give a message to the task that waits for it; False if it does not wait any more."""
        task = self.reader.find(message.task_id)
        if task is None or task.id not in self.workflow.event_manager.tasks:
            return False
        given = checked_values(payload)
        with self.guarded(task):
            # Straight to the task: the library's own delivery correlates a second time, on the payload.
            task.task_spec.catch(task, BpmnEvent(DeskMessage(message.name), given))
            task.task_spec._update(task)
        self.happened.received.append(message)
        self.advance()
        return True

    def advance(self) -> None:
        """Run all that needs no person, and what timers release, until nothing moves."""
        with self.guarded(), clock.at(self.now):
            # do_engine_steps looks at the timers last and leaves READY what they released.
            while True:
                spent = self._spent
                self.workflow.do_engine_steps(self._spend, self._completed)
                self._observe()
                if not self.reader.automatic():
                    break
                # Below a depth of 1,000 the library silently finds no task any more.
                if spent == self._spent and not prune(self.workflow):
                    raise self._failed(None, "tasks are ready that the engine does not find")
            self._collect_thrown()

    def cancel(self) -> None:
        """Cancel all that is open."""
        with self.guarded():
            self.workflow.cancel()

    def check_waits(self) -> None:
        """Fail if the instance has not ended but waits for nothing: it would never move again, unseen."""
        if not self.workflow.completed and not self.reader.work() and not self.workflow.event_manager.tasks:
            open_ids = ", ".join(sorted({place.element for place in self.reader.open_places().values()}))
            raise self._failed(None, f"nothing is waited for any more; open: {open_ids}")

    def state(self) -> str:
        """Shorten the history and return what is to be saved."""
        with self.guarded():
            prune(self.workflow)
            return store.dump(self.live)

    # ------------------------------------------------------------ looking

    @property
    def workflow(self) -> Any:
        """The live object."""
        return self.live.workflow

    def context(self, place: Place | None = None, data: Mapping[str, Any] | None = None) -> StepContext:
        """Return what hooks and connectors get to know."""
        row = self.instance
        return StepContext(
            instance_id=row.id,
            case_id=row.case_id,
            business_key=row.business_key,
            subject=dict(row.subject or {}),
            actor=self.actor,
            now=self.now,
            process_id=place.process_id if place else "",
            element=place.element if place else "",
            data=dict(data or {}),
            completers=dict(self.live.completers),
        )

    # ------------------------------------------------------------ inside

    def _read(self) -> None:
        self.reader = Reader(self.workflow, self.version, self.instance.business_key)

    def _spend(self, task: Task) -> None:
        self._spent += 1
        self._current = task
        if self._spent > self.budget:
            raise self._failed(
                task, f"the step needs more than {self.budget} tasks; does the process call itself?"
            )

    def _completed(self, task: Task) -> None:
        place = self.reader.place(task)
        if not place.element:
            return
        self.happened.done_task_ids.add(str(task.id))
        # A repeating boundary timer is noted at each firing; its end, when no firing is left, is nothing new.
        repeated = isinstance(task.task_spec, BoundaryEvent) and isinstance(
            task.task_spec.event_definition, CycleTimerEventDefinition
        )
        if not repeated and not reader.in_loop(task):
            self.happened.done.append(place)
        if not isinstance(task.task_spec, NOTHING_OF_ITS_OWN):
            self._brought(task, place)
        if isinstance(task.task_spec, BusinessRuleTask):
            self._decided(task, place)
        properties = self.reader.element(place).get("properties", {})
        if properties.get("caseStatus"):
            self.happened.statuses.append(CaseStatus(place, properties["caseStatus"].strip()))
        if properties.get("escalation"):
            self._escalate(task, place, properties["escalation"])

    def _brought(self, task: Task, place: Place) -> None:
        """Note what an element set: what it has otherwise than it began with."""
        before = task.parent.data if task.parent is not None else {}
        changed = {name: value for name, value in task.data.items() if before.get(name, UNSET) != value}
        if changed and len(self.happened.brought) < MOST_BROUGHT:
            self.happened.brought.append((place, changed))

    def _decided(self, task: Task, place: Place) -> None:
        """Note what a table was asked: asked once more on what the task began with, since it keeps no row."""
        decision = task.task_spec.dmnEngine.decision
        # A turn of a repeated step has its item itself; what the table said must not pass for what it read.
        began_with = {**task.data, **task.parent.data}
        with suppress(ExpressionError):
            decided = decision.decide(began_with)
            outputs = decided.outputs or dict.fromkeys(decision.outputs)
            if any(task.data.get(name) != value for name, value in outputs.items()):
                return  # a script ran before it: what it was asked is not known any more
            inputs = {name: began_with[name] for name in sorted(decision.names) if name in began_with}
            # The library calls it by its table's id; people know it by its own.
            name = str(self.reader.element(place).get("decision") or decision.id)
            self.happened.decided.append(Made(place, name, decided.row, inputs, outputs))

    def _escalate(self, task: Task, place: Place, told: str) -> None:
        boundary = reader.origin_boundary(task)
        main = reader.boundary_main(boundary) if boundary is not None else None
        if main is None or boundary is None:
            return
        tasks = [main, *main.children] if isinstance(main.task_spec, LoopTask) else [main]
        tell = tuple(one.strip() for one in told.split(",") if one.strip())
        ids = tuple(str(one.id) for one in tasks)
        self.happened.escalations.append(Escalation(place, ids, tell, self._rung(boundary)))

    def _rung(self, boundary: Task) -> Mapping[str, Any] | None:
        """Return the rung that a firing is for: of several firings in one step the branches end in order."""
        task_id = str(boundary.id)
        known = self.before.timers.get(task_id)
        number = (known.sequence - 1 if known else 0) + self._climbed.get(task_id, 0)
        self._climbed[task_id] = self._climbed.get(task_id, 0) + 1
        ladder = boundary.internal_data.get(reckoning.KEY, {}).get("rungs", [])
        return ladder[number] if number < len(ladder) else None

    def _observe(self) -> None:
        current = self.reader.timers()
        for task_id, timer in self._timers.items():
            later = current.get(task_id)
            if later is None or later.sequence != timer.sequence:
                firings = timer.firings(self.reader.find(task_id), self.now)
                self.happened.fired.extend(firings)
                if isinstance(timer.value, dict):
                    self.happened.done.extend(firing.place for firing in firings)
        self._timers = current

    def _collect_thrown(self) -> None:
        for event in self.workflow.get_events():
            definition = event.event_definition
            if isinstance(definition, DeskMessage):
                payload = event.payload if isinstance(event.payload, dict) else {}
                correlation = self._thrown_correlation(definition, payload)
                self.happened.thrown.append((definition.name, correlation, payload))
            else:
                self.happened.uncaught.append(definition.name or type(definition).__name__)

    def _thrown_correlation(self, definition: DeskMessage, payload: dict[str, Any]) -> str:
        if definition.correlation is not None:
            try:
                return str(expressions.evaluate(definition.correlation, payload))
            except ExpressionError:
                # The payload does not say it: what this instance is about is the next best answer.
                pass
        return self.instance.business_key or ""

    def call(self, name: str, parameters: dict[str, Any], task: Task) -> Mapping[str, Any] | None:
        """Call a connector for a service task."""
        function = connectors.find_connector(name)
        if function is None:
            raise ExpressionError(_("There is no connector “%(name)s”.", name=name))
        return function(self.context(self.reader.place(task), task.data), **parameters)

    def about(self, task: Task) -> About:
        """Return what work a task is, or the activity that a boundary event is attached to."""
        main = reader.boundary_main(task) if isinstance(task.task_spec, BoundaryEvent) else task
        element = self.reader.element(self.reader.place(main or task))
        text, candidate = element.get("camunda", {}).get("candidateGroups"), None
        if text:
            value = expressions.literal_or_value(text, task.data)
            candidate = str(value[0] if isinstance(value, list) and value else value)
        given = {name: task.data.get(name) for name in ("klass", "severity")}
        said = {name: value for name, value in given.items() if isinstance(value, str)}
        return About(element.get("role") or None, candidate, **said)

    @contextmanager
    def guarded(self, task: Task | None = None) -> Iterator[None]:
        """Turn what the engine raises into StepFailed; our own errors and the database's stay themselves."""
        try:
            with clock.at(self.now):
                yield
        except (AppError, SQLAlchemyError):
            raise
        except Exception as error:
            own = _own_error(error)
            if own is not None:
                raise own from error
            where = getattr(error, "task", None) or task or self._current
            raise self._failed(where, _said(error), error) from error

    def _failed(self, task: Task | None, detail: str, error: Exception | None = None) -> StepFailed:
        spec = task.task_spec if task is not None else getattr(error, "task_spec", None)
        notes = "\n".join(getattr(error, "__notes__", []))
        return StepFailed(
            _("The process could not take this step. Nothing was changed; the operators have been told."),
            instance_id=self.instance.id,
            element=getattr(spec, "bpmn_id", None),
            detail=f"{detail}\n{notes}".strip()[:MAX_DETAIL],
        )


def checked_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deep copy of values as plain JSON that process data can hold.

    Raises Invalid for names that would break the instance (`typename`) and for what is no plain, small JSON.
    """
    errors = []
    copied: dict[str, Any] = {}
    for name, value in values.items():
        problem = expressions.name_problem(str(name))
        try:
            copied[name] = expressions.plain(value)
        except ExpressionError as error:
            problem = problem or error.message
        if problem:
            errors.append(FieldError(str(name), problem))
    if errors:
        raise Invalid(_("Some values cannot be kept in the process."), errors)
    return copied


def subject_values(subject: Any) -> dict[str, Any]:
    """Return a Subject as the dictionary that the instance keeps."""
    return asdict(subject) if subject is not None else {}


def _said(error: BaseException) -> str:
    """Return what went wrong with what led to it: the library's message often hides the cause."""
    words: list[str] = []
    current: BaseException | None = error
    while current is not None and len(words) < MAX_CAUSES:
        line = f"{type(current).__name__}: {current}"
        if line not in words:
            words.append(line)
        current = current.__cause__ or current.__context__
    return "\n".join(words)


def _own_error(error: BaseException) -> AppError | SQLAlchemyError | None:
    """Return the application's or database's error that the library wrapped, if there is one."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, AppError | SQLAlchemyError):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__ or getattr(current, "exception", None)
    return None

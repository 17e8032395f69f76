"""Timer events on the injected clock: due at their instant, not after it, and with clear errors.

SpiffWorkflow's own classes ask the machine's clock, read naive times in a zone fixed at import and fail with
AttributeErrors on anything but text; these keep their storage format, so waiting timers survive a save.
A cycle's expression may also give a list of instants (`ladder(…)`): it fires once at each, in order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.serializer.default.event_definition import TimerConditionalEventDefinitionConverter
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions.timer import (
    CycleTimerEventDefinition,
    DurationTimerEventDefinition,
    TimeDateEventDefinition,
)
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from app import clock
from app.engine import timer_text
from app.engine.expressions import ExpressionError, instant_text

# A ladder longer than this is a mistake, not a plan.
MAX_INSTANTS = 100


class DeskTimeDate(TimeDateEventDefinition):
    """Fires at an instant, or a duration after the token came."""

    def has_fired(self, my_task: Task) -> bool:
        """Tell whether the instant has come; the first look evaluates the expression and keeps it."""
        return _single_has_fired(self, my_task)


class DeskDuration(DurationTimerEventDefinition):
    """Fires a duration after the token came; `working_time(…)` may give the instant itself."""

    def has_fired(self, my_task: Task) -> bool:
        """Tell whether the instant has come; the first look evaluates the expression and keeps it."""
        return _single_has_fired(self, my_task)


class DeskCycle(CycleTimerEventDefinition):
    """Fires `R3/P1D` or once at each of a list of instants.

    internal_data["event_value"] is {"cycles": firings left, "next": ISO UTC, "rest": later instants of a
    list, "period": ISO duration of a repetition or None, "fired": how many}; cycles is 0 when none is left.
    """

    def cycle_complete(self, my_task: Task) -> bool:
        """Tell whether one more firing is due, and step on to the next; one call gives at most one firing."""
        value = my_task._get_internal_data("event_value")
        if value is None:
            value = _first_cycle(_evaluated(self, my_task), my_task)
        due = value["cycles"] != 0 and timer_text.instant(value["next"]) <= clock.now()
        if due:
            value = _stepped(value)
        elif value["cycles"] == 0:
            my_task.internal_data["event_fired"] = True
        my_task._set_internal_data(event_value=value)
        return due

    def update_task(self, my_task: Task) -> None:
        """Start one branch a firing.

        The library would also add a join for the boundary each time; the main activity's own join is enough,
        and each extra one is a task that waits, is saved and is walked over for nothing.
        """
        while self.cycle_complete(my_task):
            for output in my_task.task_spec.outputs:
                if isinstance(output, BoundaryEventJoin):
                    continue
                child = my_task._add_child(output, TaskState.FUTURE)
                child.task_spec._predict(child, mask=TaskState.NOT_FINISHED_MASK)
                child.task_spec._update(child)


CONVERTERS = dict.fromkeys((DeskTimeDate, DeskDuration, DeskCycle), TimerConditionalEventDefinitionConverter)


def _single_has_fired(definition: Any, my_task: Task) -> bool:
    value = my_task._get_internal_data("event_value")
    if value is None:
        raw = _evaluated(definition, my_task)
        value = instant_text(_clear(definition, my_task, lambda: timer_text.due(raw, clock.now())))
        my_task._set_internal_data(event_value=value)
    if timer_text.instant(value) <= clock.now():
        my_task._set_internal_data(event_fired=True)
    return bool(my_task._get_internal_data("event_fired", False))


def _evaluated(definition: Any, my_task: Task) -> Any:
    return my_task.workflow.script_engine.evaluate(my_task, definition.expression)


def _first_cycle(raw: Any, my_task: Task) -> dict[str, Any]:
    return _clear(my_task.task_spec.event_definition, my_task, lambda: _cycle_value(raw))


def _cycle_value(raw: Any) -> dict[str, Any]:
    if isinstance(raw, list):
        if not 0 < len(raw) <= MAX_INSTANTS:
            raise ExpressionError(_("A timer needs between 1 and %(n)s instants.", n=MAX_INSTANTS))
        instants = sorted(instant_text(timer_text.instant(value)) for value in raw)
        return {
            "cycles": len(instants),
            "next": instants[0],
            "rest": instants[1:],
            "period": None,
            "fired": 0,
        }
    if not isinstance(raw, str):
        raise ExpressionError(_("The timer has no time: its expression gave nothing."))
    cycle = timer_text.parse_cycle(raw)
    first = cycle.start or cycle.period.after(clock.now())
    period = raw.strip().rsplit("/", 1)[1]
    return {"cycles": cycle.times, "next": instant_text(first), "rest": [], "period": period, "fired": 0}


def _stepped(value: dict[str, Any]) -> dict[str, Any]:
    # A new dictionary: the old one may be shared with the task's saved history.
    following, rest = value["next"], list(value["rest"])
    if rest:
        following = rest.pop(0)
    elif value["period"]:
        following = _next_instant(value)
        # An endless repetition that was late fires once for all it missed; a counted one makes up for each.
        while value["cycles"] < 0 and timer_text.instant(following) <= clock.now():
            following = _next_instant({**value, "next": following})
    return {
        **value,
        "cycles": value["cycles"] - 1,
        "next": following,
        "rest": rest,
        "fired": value["fired"] + 1,
    }


def _next_instant(value: dict[str, Any]) -> str:
    previous: datetime = timer_text.instant(value["next"])
    return instant_text(timer_text.parse_duration(value["period"]).after(previous))


def _clear(definition: Any, my_task: Task, make: Any) -> Any:
    try:
        return make()
    except (ExpressionError, OverflowError) as error:
        message = f"{definition.name}: {error}"
        raise WorkflowTaskException(message, task=my_task, exception=error) from error

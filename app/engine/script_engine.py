"""SpiffWorkflow's scripting door, closed: every expression and script goes through the locked evaluator."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flask_babel import gettext as _
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.script_engine import BasePythonScriptEngineEnvironment, PythonScriptEngine
from SpiffWorkflow.spiff.specs.event_definitions import ErrorEventDefinition
from SpiffWorkflow.task import Task

from app.engine import expressions, functions, reckoning
from app.engine.decisions import Decided, Decision
from app.engine.expressions import ExpressionError
from app.engine.reckoning import About, Trace


class Host(Protocol):
    """Who works on the instance: knows its connectors, and what work a task is."""

    def call(self, name: str, parameters: dict[str, Any], task: Task) -> Mapping[str, Any] | None:
        """Call a connector with evaluated parameters; returns what goes into the result variable."""
        ...

    def about(self, task: Task) -> About:
        """Return what work a task, or the activity that a boundary event is attached to, is."""
        ...


class BpmnError(Exception):
    """A connector's failure that a diagram may catch with an error boundary event of the same code."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Environment(BasePythonScriptEngineEnvironment):
    """Expressions, conditions, timers, payloads and scripts over task data; nothing reaches Python's eval."""

    def __init__(self, decisions: Mapping[str, Decision] | None = None) -> None:
        super().__init__({})
        self.decisions = dict(decisions or {})

    def evaluate(
        self, expression: str, context: dict[str, Any], external_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the expression's value over the task data."""
        return self.value(expression, context, external_context)

    def value(
        self,
        expression: str,
        context: dict[str, Any],
        external_context: Mapping[str, Any] | None = None,
        about: Callable[[], About] | None = None,
        trace: Trace | None = None,
    ) -> Any:
        """Return the expression's value, knowing what work it is for; `trace` takes down how."""
        data = {**context, **external_context} if external_context else context
        return expressions.evaluate(
            expression, data, functions.build(data, self.decide, about=about, trace=trace)
        )

    def execute(
        self,
        script: str,
        context: dict[str, Any],
        external_context: Mapping[str, Any] | None = None,
        about: Callable[[], About] | None = None,
    ) -> bool:
        """Set what the script's assignments say; a script with anything else is refused."""
        data = {**context, **external_context} if external_context else context
        scope = functions.build(data, self.decide, about=about)
        context.update(expressions.assign(script or "", data, scope))
        return True

    def decide(self, name: str, values: Mapping[str, Any]) -> Decided:
        """Evaluate a decision of the bundle. Raises ExpressionError when there is none of this name."""
        decision = self.decisions.get(name)
        if decision is None:
            raise ExpressionError(_("There is no decision “%(name)s”.", name=name))
        return decision.decide(values)

    def call_service(self, context: dict[str, Any], **kwargs: Any) -> Any:
        """Never used: services go through LockedEngine.call_service, which knows the task."""
        raise NotImplementedError


class LockedEngine(PythonScriptEngine):
    """The only script engine that instances get."""

    def __init__(self, environment: Environment, host: Host | None) -> None:
        super().__init__(environment)
        self._host = host

    def validate(self, expression: str) -> None:
        """Raise SyntaxError for what the locked evaluator refuses."""
        problem = expressions.check(expression)
        if problem:
            raise SyntaxError(problem.message)

    def evaluate(self, task: Task, expression: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """Return an expression's value over the task's data; a deadline it reckons is noted at the task."""
        trace = Trace()
        try:
            value = self.environment.value(
                expression, task.data, external_context, about=lambda: self._about(task), trace=trace
            )
        except ExpressionError as error:
            why = f"Error evaluating expression '{expression}'"
            raise WorkflowTaskException(why, task=task, exception=error) from error
        if trace.deadline is not None:
            task.internal_data[reckoning.KEY] = trace.deadline
        return value

    def execute(self, task: Task, script: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """Run a script's assignments over the task's data."""
        try:
            return self.environment.execute(
                script, task.data, external_context, about=lambda: self._about(task)
            )
        except ExpressionError as error:
            raise WorkflowTaskException(
                str(error), task=task, exception=error, line_number=error.line
            ) from error

    def call_service(self, task: Task, **kwargs: Any) -> str:
        """Call a connector by name; its BpmnError goes to an error boundary event where there is one.

        Returns JSON text, as the library wants it.
        """
        parameters = {name: given["value"] for name, given in kwargs["operation_params"].items()}
        if self._host is None:
            raise ExpressionError(_("There is no connector “%(name)s”.", name=kwargs["operation_name"]))
        try:
            result = self._host.call(kwargs["operation_name"], parameters, task)
        except BpmnError as error:
            definition = ErrorEventDefinition(error.code, code=error.code)
            event = BpmnEvent(definition, payload={}, target=task.workflow)
            if not any(waiting.task_spec.catches(waiting, event) for waiting in _beside(task)):
                raise
            task.workflow.top_workflow.catch(event)
            result = None
        return json.dumps(expressions.plain(dict(result or {})), ensure_ascii=False)

    def _about(self, task: Task) -> About:
        return self._host.about(task) if self._host is not None else About()


def script_engine(decisions: Mapping[str, Decision] | None = None, host: Host | None = None) -> LockedEngine:
    """Return the engine for the instances of one version.

    decisions: the version's decision tables by id, for `decide(…)`.
    host:      runs connectors and knows roles; without it every service task fails clearly.
    """
    return LockedEngine(Environment(decisions), host)


def _beside(task: Task) -> list[Task]:
    waiting = task.workflow.top_workflow.event_manager.tasks.values()
    return [other for other in waiting if hasattr(other.task_spec, "catches")]

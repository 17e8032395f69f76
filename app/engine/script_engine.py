"""SpiffWorkflow's scripting door, closed: every expression and script goes through the locked evaluator."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from SpiffWorkflow.bpmn import BpmnEvent
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.script_engine import BasePythonScriptEngineEnvironment, PythonScriptEngine
from SpiffWorkflow.spiff.specs.event_definitions import ErrorEventDefinition
from SpiffWorkflow.task import Task

from app.engine import expressions, functions
from app.engine.decisions import Decision
from app.engine.expressions import ExpressionError

# call(connector name, evaluated parameters, task) -> what goes into the result variable
Call = Callable[[str, dict[str, Any], Task], Mapping[str, Any] | None]


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
        data = {**context, **external_context} if external_context else context
        return expressions.evaluate(expression, data, self.functions(data))

    def execute(
        self, script: str, context: dict[str, Any], external_context: Mapping[str, Any] | None = None
    ) -> bool:
        """Set what the script's assignments say; a script with anything else is refused."""
        data = {**context, **external_context} if external_context else context
        context.update(expressions.assign(script or "", data, self.functions(data)))
        return True

    def functions(self, data: Mapping[str, Any]) -> dict[str, Callable[..., Any]]:
        """Return the functions over this data, `decide` among them."""
        return functions.build(data, self.decide)

    def decide(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Evaluate a decision of the bundle; raises ExpressionError when there is none, or no row fits."""
        decision = self.decisions.get(name)
        if decision is None:
            raise ExpressionError(_("There is no decision “%(name)s”.", name=name))
        result = decision.evaluate(values)
        if result is None:
            raise ExpressionError(_("No row of the decision “%(name)s” fits.", name=name))
        return result

    def call_service(self, context: dict[str, Any], **kwargs: Any) -> Any:
        """Never used: services go through LockedEngine.call_service, which knows the task."""
        raise NotImplementedError


class LockedEngine(PythonScriptEngine):
    """The only script engine that instances get."""

    def __init__(self, environment: Environment, call: Call) -> None:
        super().__init__(environment)
        self._call = call

    def validate(self, expression: str) -> None:
        """Raise SyntaxError for what the locked evaluator refuses."""
        problem = expressions.check(expression)
        if problem:
            raise SyntaxError(problem.message)

    def execute(self, task: Task, script: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """Run a script's assignments over the task's data."""
        try:
            return self.environment.execute(script, task.data, external_context)
        except ExpressionError as error:
            raise WorkflowTaskException(
                str(error), task=task, exception=error, line_number=error.line
            ) from error

    def call_service(self, task: Task, **kwargs: Any) -> str:
        """Call a connector by name; its BpmnError goes to an error boundary event where there is one.

        Returns JSON text, as the library wants it.
        """
        parameters = {name: given["value"] for name, given in kwargs["operation_params"].items()}
        try:
            result = self._call(kwargs["operation_name"], parameters, task)
        except BpmnError as error:
            definition = ErrorEventDefinition(error.code, code=error.code)
            event = BpmnEvent(definition, payload={}, target=task.workflow)
            if not any(waiting.task_spec.catches(waiting, event) for waiting in _beside(task)):
                raise
            task.workflow.top_workflow.catch(event)
            result = None
        return json.dumps(expressions.plain(dict(result or {})), ensure_ascii=False)


def script_engine(decisions: Mapping[str, Decision] | None = None, call: Call | None = None) -> LockedEngine:
    """Return the engine for the instances of one version.

    decisions: the version's decision tables by id, for `decide(…)`.
    call:      runs a connector; without it every service task fails clearly.
    """
    return LockedEngine(Environment(decisions), call or _no_services)


def _no_services(name: str, _parameters: dict[str, Any], _task: Task) -> None:
    raise ExpressionError(_("There is no connector “%(name)s”.", name=name))


def _beside(task: Task) -> list[Task]:
    waiting = task.workflow.top_workflow.event_manager.tasks.values()
    return [other for other in waiting if hasattr(other.task_spec, "catches")]

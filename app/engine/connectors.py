"""What diagrams may call, by name, and what the layers above want to hear about.

Both registries belong to the process, filled while the application is made; handlers run inside the step's
transaction, so what they write is kept or lost with the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.engine.model import StepContext

ConnectorContext = StepContext
Connector = Callable[..., Mapping[str, Any] | None]
Handler = Callable[..., None]

# Each hook with the arguments that its handlers get after the context.
HOOKS = {
    "case_status": "status: str",
    "work_item_opened": "item: WorkItem",
    "work_item_done": "item: WorkItem",
    "work_item_cancelled": "item: WorkItem",
    "deadlines_set": "deadlines: list[DeadlineSet]",
    "overdue": "item: WorkItem, level: int (0 before the deadline, 1..), rung: {'action', 'target', …}",
    "finished": "",
    "cancelled": "reason: str",
}

_connectors: dict[str, Connector] = {}
_handlers: dict[str, list[Handler]] = {name: [] for name in HOOKS}


def connector(name: str) -> Callable[[Connector], Connector]:
    """Register a function that service tasks call: `f(ctx, **parameters)` gives a JSON dictionary or None.

    The dictionary goes into the task's result variable. A BpmnError goes to an error boundary event of its
    code; any other exception fails the step.
    """

    def register(function: Connector) -> Connector:
        _connectors[name] = function
        return function

    return register


def connector_names() -> frozenset[str]:
    """Return the names that a service task may use."""
    return frozenset(_connectors)


def find_connector(name: str) -> Connector | None:
    """Return the connector of this name, or None."""
    return _connectors.get(name)


def on(hook: str, handler: Handler) -> None:
    """Call `handler(ctx, …)` at each such event of a step; registering it again changes nothing.

    Raises KeyError for an unknown hook.
    """
    if handler not in _handlers[hook]:
        _handlers[hook].append(handler)


def off(hook: str, handler: Handler) -> None:
    """Stop calling a handler; for tests."""
    if handler in _handlers[hook]:
        _handlers[hook].remove(handler)


def tell(hook: str, context: StepContext, *arguments: Any) -> None:
    """Call the handlers of a hook, in the order of their registration."""
    for handler in _handlers[hook]:
        handler(context, *arguments)

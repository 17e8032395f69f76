"""Message events that leave finding the right instance to us.

The library correlates on the sender's payload, and evaluates the same expressions again when the message is
caught: a field that the sender left out fails the step half-way. Here the waiting_message table decides; the
diagram's expression is evaluated once, over the data of the instance that waits.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.spiff.serializer.event_definition import MessageEventDefinitionConverter
from SpiffWorkflow.spiff.specs.event_definitions import MessageEventDefinition
from SpiffWorkflow.task import Task


class DeskMessage(MessageEventDefinition):
    """A message that any payload fits."""

    @classmethod
    def of(cls, other: MessageEventDefinition) -> DeskMessage:
        """Return the library's definition as ours."""
        return cls(
            other.name,
            other.correlation_properties,
            other.expression,
            other.message_var,
            other.process_correlations,
            description=other.description,
        )

    @property
    def correlation(self) -> str | None:
        """What the diagram correlates with, over process data or payload; None means the business key."""
        properties = [*self.process_correlations, *self.correlation_properties]
        return properties[0].retrieval_expression if properties else None

    def get_correlations(self, my_task: Task, payload: Any) -> dict[str, Any]:
        """Nothing to keep in the instance."""
        return {}

    def update_task(self, my_task: Task) -> None:
        """Nothing to keep in the instance."""


CONVERTERS = {DeskMessage: MessageEventDefinitionConverter}

"""What scenarios went through of the procedures they play, and what there is to go through."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app import engine
from app.db import session
from app.engine.tables import Event
from app.procedures.usage import rules
from app.procedures.usage.rules import Place


@dataclass(frozen=True)
class Walked:
    """Elements and flows as (process id, id): those that were gone through, and all that there are."""

    elements: frozenset[Place] = frozenset()
    flows: frozenset[Place] = frozenset()
    all_elements: frozenset[Place] = frozenset()
    all_flows: frozenset[Place] = frozenset()

    def __or__(self, other: Walked) -> Walked:
        return Walked(
            self.elements | other.elements,
            self.flows | other.flows,
            self.all_elements | other.all_elements,
            self.all_flows | other.all_flows,
        )

    def missing(self) -> list[Place]:
        """Return what was never gone through, by process."""
        return sorted((self.all_elements - self.elements) | (self.all_flows - self.flows))


def walked_by(instance_id: int) -> Walked:
    """Return what an instance of the current database went through, and what there was to go through."""
    if not instance_id:
        return Walked()
    instance = engine.get_instance(instance_id)
    processes = engine.version(instance.version_id).catalog["processes"]
    steps = session().execute(
        sa.select(Event.at, Event.data)
        .where(Event.instance_id == instance_id, Event.kind == "instance.step")
        .order_by(Event.id)
    )
    trail = rules.follow(((1, at, data) for at, data in steps), processes, lambda start, end: end - start)
    return Walked(
        frozenset(place for place, n in trail.visits.items() if n),
        frozenset(flow for flow, n in trail.flows.items() if n),
        frozenset((id, element) for id, process in processes.items() for element in process["elements"]),
        frozenset((id, flow) for id, process in processes.items() for flow in process["flows"]),
    )

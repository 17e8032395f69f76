"""What the engine's callers hand in and get back: plain values, no SpiffWorkflow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.accounts.actor import Actor
from app.engine.tables import Instance, WorkItem


@dataclass(frozen=True)
class Subject:
    """What a work item says about its case, so that a list of items is one query.

    priority: 1 high to 3 low, of each of its items unless the diagram gives them another.
    """

    case_number: str | None = None
    title: str = ""
    klass: str | None = None
    severity: str | None = None
    priority: int = 2


@dataclass(frozen=True)
class StepContext:
    """What a hook or connector knows about the step it runs in.

    process_id, element: the BPMN element that caused it, "" where there is none.
    data:                the process data there; a copy.
    completers:          who completed each element last, by element.
    """

    instance_id: int
    case_id: int | None
    business_key: str | None
    subject: Mapping[str, Any]
    actor: Actor
    now: datetime
    process_id: str = ""
    element: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    completers: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True)
class StepResult:
    """What one step did.

    completed: the item that was completed, None for timers and messages.
    opened:    items that wait for people now and did not before.
    fired:     how many timer firings happened.
    finished:  the instance has ended.
    """

    instance: Instance
    completed: WorkItem | None
    opened: list[WorkItem]
    fired: int
    finished: bool

    @property
    def instance_id(self) -> int:
        """The instance that moved."""
        return self.instance.id


@dataclass(frozen=True)
class Delivered:
    """A message reached this instance."""

    instance_id: int
    result: StepResult


@dataclass(frozen=True)
class Kept:
    """Nobody waits for this message yet; it is kept until somebody does."""

    kept_message_id: int


@dataclass(frozen=True)
class Place:
    """An element of a diagram: the id of its process (never of an embedded sub-process) and its own."""

    process_id: str
    element: str


@dataclass(frozen=True)
class ElementState:
    """How an element stands, for the diagram.

    status: done | current | escalated | cancelled; rounds: how often it was entered.
    left_at: None while current.
    """

    status: str
    rounds: int
    entered_at: datetime
    left_at: datetime | None
    work_item_id: int | None = None


@dataclass(frozen=True)
class DeadlineSet:
    """A step got a deadline. reckoning: how it came about, see `reckoning.deadline`."""

    item: WorkItem
    timer_task_id: str
    reckoning: Mapping[str, Any]


@dataclass(frozen=True)
class MigrationReport:
    """Whether an instance can move to another version, and if not, why."""

    instance_id: int
    from_version: int
    to_version: int
    problems: list[str]
    dry_run: bool

"""What went on during a step: noted while the engine runs, written when the step ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.engine.model import Place
from app.engine.reader import PendingMessage, PendingTimer


@dataclass(frozen=True)
class Escalation:
    """One firing of an escalation ladder.

    tell: who is told at the 1st, 2nd, … firing, as the diagram says where the ladder has no rungs.
    rung: what this firing is for (`reckoning.Rung` as JSON values); None for ladders without.
    """

    place: Place
    task_ids: tuple[str, ...]
    tell: tuple[str, ...]
    rung: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CaseStatus:
    """An element completed that gives the case a status."""

    place: Place
    status: str


@dataclass(frozen=True)
class Made:
    """A decision table was asked. inputs: what it reads, by name; row: see `decisions.Decided`."""

    place: Place
    decision: str
    row: int | None
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass
class Happened:
    """What went on during a step, in order. brought: the process data that each element set."""

    done: list[Place] = field(default_factory=list)
    done_task_ids: set[str] = field(default_factory=set)
    brought: list[tuple[Place, Mapping[str, Any]]] = field(default_factory=list)
    fired: list[PendingTimer] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    statuses: list[CaseStatus] = field(default_factory=list)
    received: list[PendingMessage] = field(default_factory=list)
    decided: list[Made] = field(default_factory=list)
    uncaught: list[str] = field(default_factory=list)
    thrown: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)  # name, correlation, payload

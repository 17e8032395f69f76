"""What a rule sees, and how it reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.engine.bundles import Library
from app.engine.diagram import Document, Element, Flow, Process
from app.engine.problems import ERROR, WARNING, Problem
from app.engine.roles import ROLES, Role

__all__ = ["ERROR", "WARNING", "DocumentRule", "FileContext", "Findings", "ProcessContext", "ProcessRule"]

Findings = Iterator[Problem]


@dataclass(frozen=True)
class FileContext:
    """One BPMN file among all that are at hand."""

    known: Library
    path: str
    document: Document
    roles: tuple[Role, ...] = ROLES
    connectors: frozenset[str] | None = None
    now: datetime | None = None

    def problem(
        self,
        place: Element | Flow | Process | None,
        rule: str,
        message: str,
        remedy: str,
        *,
        level: str = ERROR,
        line: int = 0,
    ) -> Problem:
        """Return a finding at an element, flow or process, or at the file itself."""
        return Problem(
            file=self.path,
            line=line or (place.line if place else 0),
            element=place.id if place else "",
            name=self._called(place),
            rule=rule,
            level=level,
            message=message,
            remedy=remedy,
        )

    def _called(self, place: Element | Flow | Process | None) -> str:
        """Return the name of a place; a flow without one is called after its ends."""
        if not isinstance(place, Flow) or place.name:
            return place.name if place else ""
        known = {id: one.name for process in self.document.processes for id, one in process.elements.items()}
        return " → ".join(known.get(end) or end for end in (place.source, place.target))


@dataclass(frozen=True)
class ProcessContext(FileContext):
    """One executable process of that file."""

    process: Process = None  # type: ignore[assignment]

    def in_loop(self, element_id: str) -> bool:
        """Tell whether a token that left the element can come back to it."""
        return element_id in self.after(element_id)

    def after(self, element_id: str) -> set[str]:
        """Return the elements that a token may meet after this one."""
        following = self.following()
        found: set[str] = set()
        waiting = list(following.get(element_id, ()))
        while waiting:
            current = waiting.pop()
            if current not in found:
                found.add(current)
                waiting.extend(following.get(current, ()))
        return found

    def following(self) -> dict[str, list[str]]:
        """Return element id → what comes next: along flows, onto boundary events, into sub-processes."""
        kept: dict[str, dict[str, list[str]]] = self.known.memo.setdefault("following", {})
        key = f"{self.path}#{id(self.process)}"
        if key not in kept:
            kept[key] = self._following()
        return kept[key]

    def _following(self) -> dict[str, list[str]]:
        following: dict[str, list[str]] = {}
        for flow in self.process.flows:
            following.setdefault(flow.source, []).append(flow.target)
        for element in self.process.elements.values():
            if element.attached_to:
                following.setdefault(element.attached_to, []).append(element.id)
            if element.scope != self.process.id and element.type == "startEvent":
                following.setdefault(element.scope, []).append(element.id)
            if element.scope != self.process.id and element.type == "endEvent":
                following.setdefault(element.id, []).extend(
                    f.target for f in self.process.out_of(element.scope)
                )
        return following


DocumentRule = Callable[[FileContext], Findings]
ProcessRule = Callable[[ProcessContext], Findings]

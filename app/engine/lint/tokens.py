"""Rules about tokens: where one waits for ever, where two walk one path, where one runs in circles.

The drawing is walked, not matched against patterns: each scope (process, embedded sub-process) is a net whose
places are its flows. Only what can matter is tried out: ways that do not touch each other go in one order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, count

from flask_babel import gettext as _

from app.engine.diagram import TASKS, WORK, Element, Flow
from app.engine.lint.context import ERROR, WARNING, Findings, ProcessContext

MAX_MARKINGS = 3_000
# Looking at a marking takes as long as it has tokens: so many of these are looked at in all.
MAX_TOKENS = 100_000
MAX_SUBSETS = 4
ONE_OF = ("exclusiveGateway", "eventBasedGateway", "complexGateway")
WAITING = WORK | {"receiveTask", "intermediateCatchEvent", "eventBasedGateway"}

Marking = frozenset[str]


@dataclass
class _Seen:
    """What a walk through one scope came upon.

    stuck:   gateway id → (id of the flow that does not come, choices on the way there).
    doubled: element ids that two tokens meet at.
    """

    stuck: dict[str, tuple[str, int]] = field(default_factory=dict)
    doubled: set[str] = field(default_factory=set)


def gateways_fit_together(ctx: ProcessContext) -> Findings:
    """A choice joined by a parallel gateway waits for ever; parallel ways joined by a choice go on twice."""
    for scope in (ctx.process.id, *ctx.process.scopes):
        seen = _Net(ctx, scope).walk()
        for id, (flow_id, choices) in seen.stuck.items():
            flow = next(flow for flow in ctx.process.flows if flow.id == flow_id)
            source = ctx.process.elements.get(flow.source)
            yield ctx.problem(
                ctx.process.elements[id],
                "deadlock",
                _(
                    "It waits for all its flows, but the one from “%(source)s” does not always come: the "
                    "case would stand still here.",
                    source=(source.name or source.id) if source else flow.source,
                ),
                _(
                    "Join as it was split: ways of a choice by an exclusive gateway, parallel ones by a "
                    "parallel."
                ),
                # Two choices may hang together in ways that a drawing does not show.
                level=ERROR if choices < 2 else WARNING,
            )
        for id in sorted(seen.doubled):
            yield ctx.problem(
                ctx.process.elements[id],
                "not-synchronised",
                _("Several tokens can come here one after the other; what follows would be done as often."),
                _("Join the parallel ways with a parallel gateway before this element."),
                level=WARNING,
            )


def loops_wait_somewhere(ctx: ProcessContext) -> Findings:
    """A loop in which nothing waits spins as fast as the machine can, until the engine stops the step."""
    waiting = {element.id for element in ctx.process.elements.values() if _waits(ctx, element)}
    following = {
        id: [target for target in targets if target in ctx.process.elements and target not in waiting]
        for id, targets in ctx.following().items()
        if id in ctx.process.elements and id not in waiting
    }
    everything = ctx.following()
    for loop in _circles(following):
        first = min(loop, key=lambda id: (ctx.process.elements[id].line, id))
        gateways = [
            id for id in loop if ctx.process.elements[id].type in ("exclusiveGateway", "inclusiveGateway")
        ]
        has_exit = any(set(everything.get(id, ())) - loop for id in gateways)
        yield ctx.problem(
            ctx.process.elements[first],
            "loop-without-wait",
            _("Nothing waits in this loop; if its condition never changes, the step is stopped as endless.")
            if has_exit
            else _("Nothing waits in this loop and no way leads out: the step is stopped as endless."),
            _("Put a timer or a step for a person into the loop, or a way out of it."),
            level=WARNING if has_exit else ERROR,
        )


RULES = (gateways_fit_together, loops_wait_somewhere)


class _Net:
    """One scope: which flows come into each element, and what may leave it."""

    def __init__(self, ctx: ProcessContext, scope: str) -> None:
        inside = {e.id: e for e in ctx.process.elements.values() if e.scope == scope}
        self.elements = inside
        self.into: dict[str, list[str]] = {id: [] for id in inside}
        self.out: dict[str, list[str]] = {id: [] for id in inside}
        self.target: dict[str, str] = {}
        self.borders: dict[str, list[Element]] = {}
        for flow in ctx.process.flows:
            if _is_inside(flow, inside) and flow.id not in self.target:
                self.into[flow.target].append(flow.id)
                self.out[flow.source].append(flow.id)
                self.target[flow.id] = flow.target
        for element in inside.values():
            if element.attached_to in inside:
                self.borders.setdefault(element.attached_to or "", []).append(element)

    def walk(self) -> _Seen:
        """Try out every way that can matter, those with the fewest choices first."""
        seen, number = _Seen(), count()
        begun = [frozenset(self.out[e.id]) for e in self.elements.values() if e.type == "startEvent"]
        waiting = [(0, next(number), marking) for marking in begun]
        known: set[Marking] = set()
        looked_at = 0
        while waiting and len(known) < MAX_MARKINGS and looked_at < MAX_TOKENS:
            choices, _order, marking = heapq.heappop(waiting)
            if marking in known:
                continue
            known.add(marking)
            looked_at += len(marking)
            for following, chosen in self._step(marking, choices, seen):
                heapq.heappush(waiting, (choices + chosen, next(number), following))
        return seen

    def _step(self, marking: Marking, choices: int, seen: _Seen) -> Iterator[tuple[Marking, bool]]:
        arrived: dict[str, set[str]] = {}
        for place in marking:
            arrived.setdefault(self.target[place], set()).add(place)
        ready = [id for id in sorted(arrived) if self._is_ready(id, arrived[id])]
        if not ready:
            for id, places in arrived.items():
                missing = next((flow for flow in self.into[id] if flow not in places), None)
                if missing:
                    seen.stuck.setdefault(id, (missing, choices))
            return
        # Single steps first, so that tokens on ways of their own meet at the joins; inclusive joins last,
        # since they wait for whatever may still come.
        id = min(ready, key=lambda one: (self._rank(one), one))
        taken = arrived[id]
        if self._rank(id) == 1:
            if len(taken) > 1:
                seen.doubled.add(id)
            taken = {min(taken)}
        rest = marking - taken
        outcomes = list(self._outcomes(self.elements[id]))
        for produced in outcomes:
            if produced is None:
                yield frozenset(), False
                continue
            seen.doubled.update(self.target[flow] for flow in produced & rest)
            yield rest | produced, len(outcomes) > 1

    def _rank(self, id: str) -> int:
        """0: goes on at once; 1: several flows come in, each for itself; 2: an inclusive join."""
        if len(self.into[id]) < 2 or self.elements[id].type == "parallelGateway":
            return 0
        return 2 if self.elements[id].type == "inclusiveGateway" else 1

    def _is_ready(self, id: str, places: set[str]) -> bool:
        return self.elements[id].type != "parallelGateway" or len(places) == len(self.into[id])

    def _outcomes(self, element: Element) -> Iterator[Marking | None]:
        """Yield the flows that may have a token afterwards; None where the whole scope ends."""
        out = self.out[element.id]
        if (
            element.type == "endEvent"
            and element.event
            and element.event.split("+")[0]
            in (
                "terminate",
                "error",
                "cancel",
            )
        ):
            yield None
        elif element.type in ONE_OF and out:
            for flow in out:
                yield frozenset([flow])
        elif element.type == "inclusiveGateway" and len(out) > 1:
            sizes = range(1, len(out) + 1) if len(out) <= MAX_SUBSETS else (1, len(out))
            for size in sizes:
                yield from map(frozenset, combinations(out, size))
        else:
            yield frozenset(out)
            if element.type in TASKS:
                for border in self.borders.get(element.id, ()):
                    also = frozenset(self.out[border.id])
                    yield also if border.interrupting or "error" in border.event else frozenset(out) | also


def _is_inside(flow: Flow, inside: dict[str, Element]) -> bool:
    return flow.source in inside and flow.target in inside


def _waits(ctx: ProcessContext, element: Element) -> bool:
    if element.type in WAITING:
        return True
    if element.type == "boundaryEvent":
        return bool({"timer", "message", "signal", "conditional"} & set(element.event.split("+")))
    if element.type == "callActivity":
        called = ctx.known.processes.get(element.called or "")
        return called is None or any(e.type in WAITING for e in called[1].elements.values())
    inside = (e for e in ctx.process.elements.values() if e.scope == element.id)
    return element.id in ctx.process.scopes and any(e.type in WAITING for e in inside)


def _circles(following: dict[str, list[str]]) -> list[set[str]]:
    """Return the strongly connected parts with a way round, without recursion (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for root in following:
        if root in index:
            continue
        work = [(root, iter(following.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part: set[str] = set()
                    while node not in part:
                        part.add(stack.pop())
                    on_stack -= part
                    if len(part) > 1 or node in following.get(node, ()):
                        found.append(part)
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(following.get(target, ()))))
            elif target in on_stack:
                low[node] = min(low[node], index[target])
    return found

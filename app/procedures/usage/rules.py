"""Counting what instances went through, from what each of their steps entered and left. Plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

# (process id, element id), and for flows (process id, flow id).
Place = tuple[str, str]
Between = Callable[[datetime, datetime], timedelta]
HEATS = 5


@dataclass
class Trail:
    """What the steps of some instances went through.

    visits:    how often each element was entered; again: how often beyond an instance's first time.
    lengths:   from entered to left, a list an element, of what does not pass in one step.
    cancelled: how often it was left because something else happened.
    flows:     how often each flow was taken.
    """

    instances: int = 0
    visits: Counter[Place] = field(default_factory=Counter)
    again: Counter[Place] = field(default_factory=Counter)
    cancelled: Counter[Place] = field(default_factory=Counter)
    lengths: dict[Place, list[timedelta]] = field(default_factory=lambda: defaultdict(list))
    flows: Counter[Place] = field(default_factory=Counter)


def follow(
    steps: Iterable[tuple[int, datetime, Mapping[str, Any]]],
    processes: Mapping[str, Mapping[str, Any]],
    between: Between,
) -> Trail:
    """Return what instances went through.

    steps:     (instance id, at, {"done", "entered", "cancelled": lists of (process, element)}), by instance
               and time.
    processes: the catalogue's, {id: {"flows": {flow: (source, target)}}}, to tell the flows.
    between:   the length between two instants as it is to be counted.
    """
    trail, ways = Trail(), _ways(processes)
    instance, open_, seen = 0, dict[Place, list[datetime]](), set[Place]()
    for number, at, data in steps:
        if number != instance:
            instance, open_, seen = number, defaultdict(list), set()
            trail.instances += 1
        done = [tuple(place) for place in data.get("done", ())]
        entered = [tuple(place) for place in data.get("entered", ())]
        fresh: Counter[Place] = Counter(entered)  # come to in this very step
        for place in done:
            if open_.get(place):
                trail.lengths[place].append(between(open_[place].pop(0), at))
            else:
                fresh[place] += 1
                _visit(trail, place, seen)
        for one in data.get("cancelled", ()):
            place = tuple(one)
            trail.cancelled[place] += 1
            if open_.get(place):
                open_[place].pop(0)
        for place in entered:
            open_[place].append(at)
            _visit(trail, place, seen)
        _count_flows(trail, done, fresh, ways)
    return trail


def _visit(trail: Trail, place: Place, seen: set[Place]) -> None:
    trail.visits[place] += 1
    if place in seen:
        trail.again[place] += 1
    seen.add(place)


def _ways(processes: Mapping[str, Mapping[str, Any]]) -> dict[Place, list[tuple[str, Place]]]:
    """Return element → the flows out of it with their targets."""
    found: dict[Place, list[tuple[str, Place]]] = defaultdict(list)
    for id, process in processes.items():
        for flow, (source, target) in process.get("flows", {}).items():
            found[id, source].append((flow, (id, target)))
    return found


def _count_flows(
    trail: Trail,
    done: Sequence[Place],
    fresh: Mapping[Place, int],
    ways: Mapping[Place, Sequence[tuple[str, Place]]],
) -> None:
    """Count the flows out of what was done: the only one, or those whose targets this very step came to.

    The engine goes on until it only waits, so that what a flow leads to is done or entered in the same step.
    """
    for place in done:
        out = ways.get(place, ())
        for flow, target in out:
            if len(out) == 1 or fresh.get(target):
                trail.flows[place[0], flow] += 1


def median(lengths: Sequence[timedelta]) -> timedelta | None:
    """Return the middle of some lengths, None of none."""
    return share(lengths, 0.5)


def share(lengths: Sequence[timedelta], part: float) -> timedelta | None:
    """Return the length that this part of them does not exceed, the nearest rank; None of none."""
    if not lengths:
        return None
    ordered = sorted(lengths)
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]


def heat(value: float, most: float) -> int:
    """Return 0 for nothing, else 1 to HEATS, evenly up to the most."""
    if value <= 0 or most <= 0:
        return 0
    return min(HEATS, 1 + int(value / most * HEATS * 0.9999))

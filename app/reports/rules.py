"""The forecast over plain values: how fast work went lately, and what will be late at that pace.

All lengths are seconds of working time from now on, so that nights and holidays need no thought here. The
model in four sentences: a step takes the share of its allowed time that steps of its kind took in the last
fourteen days; a person finishes one item a `gap`, as on their good days lately; everybody takes what is due
first, and what nobody has goes to whoever is free first; an item is done when both its step and its place in
the queue allow. More work therefore never makes anything earlier.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

# Fewer finished items than this say nothing about a step, or a person; the next wider group speaks then.
FEW = 8
FEW_OF_PERSON = 5
# So many must have taken longer than an item has so far, to say how much longer.
FEW_LEFT = 4
# What a person can do in a day: as many as they finished on a good one, of which a quarter were better.
GOOD_DAY, ORDINARY_DAY = 0.75, 0.5
# The best days never make the centre look more than twice as fast, nor ordinary ones more than twice as slow.
SWIFTEST, SLOWEST = 0.5, 2.0
LATE = ("maybe", "sure")
Period = tuple[datetime, datetime]


class Ruler:
    """Working time along a calendar as one number: the seconds worked since the first period began."""

    def __init__(self, periods: Iterable[Period]) -> None:
        """periods: aware UTC pairs in order, not overlapping; at least one."""
        self.periods = list(periods)
        self.opens = [opens for opens, _closes in self.periods]
        self.before = [0.0]
        for opens, closes in self.periods:
            self.before.append(self.before[-1] + (closes - opens).total_seconds())

    def at(self, instant: datetime) -> float:
        """Return the seconds worked until an instant; what lies outside counts as the nearer end."""
        place = bisect_right(self.opens, instant) - 1
        if place < 0:
            return 0.0
        opens, closes = self.periods[place]
        return self.before[place] + (min(instant, closes) - opens).total_seconds()

    def instant(self, seconds: float) -> datetime:
        """Return when so many seconds will have been worked; the end of the ruler when that lies beyond."""
        place = min(max(bisect_left(self.before, seconds) - 1, 0), len(self.periods) - 1)
        opens, closes = self.periods[place]
        return min(opens + timedelta(seconds=max(seconds - self.before[place], 0.0)), closes)


@dataclass(frozen=True)
class Done:
    """One item finished lately.

    took:    working seconds from open to done. allowed: from open to due, None without a deadline.
    day:     a number for the local day on which it was finished.
    """

    step: str
    role: str
    person_id: int | None
    took: float
    allowed: float | None
    day: int


@dataclass(frozen=True)
class Rest:
    """How much longer a step takes, in working seconds: quartiles, and of which group (step | role | all)."""

    low: float
    middle: float
    high: float
    basis: str
    count: int


@dataclass(frozen=True)
class Pace:
    """How fast work went.

    shares: sorted shares of the time allowed that steps took, 1.0 when done at the deadline; by
        ("step", step, role), ("role", role) and ("all",).
    gaps:  person → working seconds an item, on a good day of theirs.
    usual: the gap of whoever has too little history: the middle of the others.
    swift, slow: what a gap shrinks to on everybody's best day, and stretches to on an ordinary one.
    """

    count: int
    shares: Mapping[tuple[str, ...], Sequence[float]] = field(default_factory=dict)
    gaps: Mapping[int, float] = field(default_factory=dict)
    usual: float = 0.0
    swift: float = 1.0
    slow: float = 1.0

    @property
    def known(self) -> bool:
        """Tell whether there is enough history to say anything."""
        return len(self.shares.get(("all",), ())) >= FEW and self.usual > 0

    def gap(self, person_id: int) -> float:
        """Return the working seconds between two finished items of a person."""
        return self.gaps.get(person_id, self.usual)

    def rest(self, item: Open) -> Rest:
        """Return how much longer an item takes, as the steps did that took a larger share than it has so far.

        When hardly any did, it is reckoned as if it began now. Without a deadline nothing is expected of it.
        """
        if not item.allowed:
            return Rest(0.0, 0.0, 0.0, "none", 0)
        for group in (("step", item.step, item.role), ("role", item.role), ("all",)):
            samples = self.shares.get(group, ())
            if len(samples) < FEW and group != ("all",):
                continue
            age = item.age / item.allowed
            longer = bisect_right(samples, age)
            if len(samples) - longer < FEW_LEFT:
                longer, age = 0, 0.0
            low, middle, high = ((one - age) * item.allowed for one in quartiles(samples, longer))
            return Rest(low, middle, high, group[0], len(samples))
        raise ValueError("no history")


@dataclass(frozen=True)
class Open:
    """One open item as the model sees it.

    age:    working seconds since it opened. allowed: from then to its deadline, None without one.
    due_in: working seconds until it is due, None without a deadline; overdue: due before now.
    able:   who may do it, the excluded person left out where others can.
    """

    id: int
    step: str
    role: str
    age: float
    allowed: float | None
    due_in: float | None
    overdue: bool = False
    holder: int | None = None
    able: tuple[int, ...] = ()


@dataclass(frozen=True)
class Expected:
    """What is expected of an item. place: its number in its doer's queue; doer None: nobody does this work.

    queued: working seconds until its doer gets it done, all before it included.
    early, middle, late: working seconds from now until it is done: as fast as it may go, as expected, slowly.
    verdict: overdue | sure | maybe | ontime | none (no deadline).
    """

    id: int
    doer: int | None
    place: int
    early: float
    middle: float
    late: float
    rest: Rest
    queued: float
    verdict: str


def quartiles(samples: Sequence[float], start: int = 0) -> tuple[float, float, float]:
    """Return the 25th, 50th and 75th percentile of sorted samples from a place on, interpolated."""
    low, middle, high = (percentile(samples, share, start) for share in (0.25, 0.5, 0.75))
    return low, middle, high


def percentile(samples: Sequence[float], share: float, start: int = 0) -> float:
    """Return a percentile of sorted samples from a place on, as percentile_cont does; share 0 to 1."""
    place = start + (len(samples) - 1 - start) * share
    below = int(place)
    above = min(below + 1, len(samples) - 1)
    return samples[below] + (samples[above] - samples[below]) * (place - below)


def pace_of(finished: Sequence[Done], day_seconds: float, today: int) -> Pace:
    """Reckon the pace from what was finished.

    day_seconds: working seconds of an ordinary working day. today: the number of a day that is not over yet.
    """
    shares: dict[tuple[str, ...], list[float]] = {}
    worked: dict[int, Counter[int]] = {}
    for one in finished:
        if one.allowed:
            for group in (("step", one.step, one.role), ("role", one.role), ("all",)):
                shares.setdefault(group, []).append(one.took / one.allowed)
        if one.person_id is not None and one.day != today:
            worked.setdefault(one.person_id, Counter())[one.day] += 1
    for samples in shares.values():
        samples.sort()
    # A day without any was leave or other work, and one with few had few to do: neither shows what somebody
    # can do. Their better days do.
    days = {
        person: sorted(counts.values())
        for person, counts in worked.items()
        if counts.total() >= FEW_OF_PERSON
    }
    gaps = {person: day_seconds / percentile(counts, GOOD_DAY) for person, counts in days.items()}
    usual = percentile(sorted(gaps.values()), 0.5) if gaps else 0.0
    good, best, ordinary = (
        sum(percentile(counts, share) for counts in days.values()) for share in (GOOD_DAY, 1.0, ORDINARY_DAY)
    )
    swift = max(SWIFTEST, good / best) if best else 1.0
    slow = min(SLOWEST, good / ordinary) if ordinary else 1.0
    return Pace(len(finished), shares, gaps, usual, swift, slow)


def in_order(items: Iterable[Open]) -> list[Open]:
    """Return the order in which work is taken up: what is due first, then what came first."""
    items = list(items)
    return sorted(items, key=lambda one: (one.due_in is None, not one.overdue, one.due_in or 0.0, one.id))


def forecast(items: Sequence[Open], pace: Pace) -> list[Expected]:
    """Walk through the queues and say when each item will be done; in the order of the queues.

    Needs a pace that is known.
    """
    ready: dict[int, float] = {}
    places: dict[int, int] = {}
    found = []
    for item in in_order(items):
        rest = pace.rest(item)
        doer = doer_of(item, ready, pace)
        if doer is None:
            queued, early, middle, late = 0.0, rest.low, rest.middle, rest.high
        else:
            queued = ready[doer] = ready.get(doer, 0.0) + pace.gap(doer)
            places[doer] = places.get(doer, 0) + 1
            early, middle = max(rest.low, queued * pace.swift), max(rest.middle, queued)
            late = max(rest.high, queued * pace.slow)
        verdict = _verdict(item, doer, early, middle)
        place = places[doer] if doer is not None else 0
        found.append(Expected(item.id, doer, place, early, middle, late, rest, queued, verdict))
    return found


def doer_of(item: Open, ready: Mapping[int, float], pace: Pace) -> int | None:
    """Return who does an item: its holder, else of those who may whoever would be done with it first."""
    if item.holder is not None:
        return item.holder
    return min(item.able, key=lambda one: (ready.get(one, 0.0) + pace.gap(one), one), default=None)


def _verdict(item: Open, doer: int | None, early: float, middle: float) -> str:
    if item.due_in is None:
        return "none"
    if item.overdue:
        return "overdue"
    if doer is None or early > item.due_in:
        return "sure"
    return "maybe" if middle > item.due_in else "ontime"


@dataclass(frozen=True)
class Column:
    """What falls due in one stretch of the chart, by what is expected of it."""

    ontime: int
    maybe: int
    sure: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.ontime + self.maybe + self.sure


def columns(
    verdicts: Iterable[tuple[datetime, str]], ends: Sequence[datetime], now: datetime
) -> list[Column]:
    """Count verdicts by the stretch in which they fall due: now to ends[0], ends[0] to ends[1], …"""
    verdicts = list(verdicts)
    counted = []
    for start, end in pairwise((now, *ends)):
        here = [verdict for due, verdict in verdicts if start <= due < end]
        counted.append(Column(here.count("ontime"), here.count("maybe"), here.count("sure")))
    return counted

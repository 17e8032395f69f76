"""What moving work from one person to another does to lateness: plain values, as in `rules`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.reports.rules import LATE, Expected, Open, Pace, doer_of, forecast, in_order

# How many items one suggestion moves at most, and how many of a person's items and colleagues are tried.
MOST_MOVED = 4
MOST_TRIED_ITEMS = 10
MOST_TRIED_PEOPLE = 4
# Items walked over in search of a suggestion, all tries together: what keeps the board quick when it is full.
MOST_STEPS = 120_000
# More than this in one go is no hand-over any more.
MOST_PICKED = 50


@dataclass(frozen=True)
class Suggestion:
    """Items to move off one person: item id → who takes it, and how many fewer will be late."""

    person_id: int
    moves: Mapping[int, int]
    saved: int


@dataclass(frozen=True)
class Side:
    """One person before or after a move: items, their working seconds, and how many will be late."""

    count: int
    seconds: float
    late: int


@dataclass(frozen=True)
class Effect:
    """What a move does.

    people:  person → (before, after), of those whose load or lateness changes.
    worse, better: item ids that become late, or on time.
    late_before, late_after: of everybody's items, those that will be late.
    """

    before: list[Expected]
    after: list[Expected]
    people: dict[int, tuple[Side, Side]]
    worse: list[int]
    better: list[int]
    late_before: int
    late_after: int


def moved(items: Sequence[Open], moves: Mapping[int, int]) -> list[Open]:
    """Return the items as they would be held after the moves (item id → person)."""
    return [replace(one, holder=moves[one.id]) if one.id in moves else one for one in items]


def effect(items: Sequence[Open], moves: Mapping[int, int], pace: Pace) -> Effect:
    """Compare the forecast with and without the moves."""
    before, after = forecast(items, pace), forecast(moved(items, moves), pace)
    was = {one.id: one.verdict in LATE for one in before}
    now = {one.id: one.verdict in LATE for one in after}
    sides = _sides(before, pace), _sides(after, pace)
    nothing = Side(0, 0.0, 0)
    concerned = {
        *moves.values(),
        *(one.holder for one in items if one.id in moves and one.holder is not None),
    }
    people = {}
    for person in sorted({*sides[0], *sides[1]}):
        pair = sides[0].get(person, nothing), sides[1].get(person, nothing)
        if pair[0] != pair[1] or person in concerned:
            people[person] = pair
    return Effect(
        before,
        after,
        people,
        [key for key, late in now.items() if late and not was[key]],
        [key for key, late in now.items() if not late and was[key]],
        sum(was.values()),
        sum(now.values()),
    )


def _sides(expected: Sequence[Expected], pace: Pace) -> dict[int, Side]:
    found: dict[int, Side] = {}
    for one in expected:
        if one.doer is not None:
            side = found.get(one.doer, Side(0, 0.0, 0))
            late = side.late + (one.verdict in LATE)
            found[one.doer] = Side(side.count + 1, side.seconds + pace.gap(one.doer), late)
    return found


def spread(items: Sequence[Open], picked: Sequence[int], source: int, pace: Pace) -> dict[int, int]:
    """Share picked items out: in the order of the queue, each to whoever is done with it first.

    Who holds them now is left out; an item that only they may do is not moved.
    """
    wanted = set(picked)
    ready: dict[int, float] = {}
    moves: dict[int, int] = {}
    for item in in_order(items):
        able = tuple(one for one in item.able if one != source)
        free = replace(item, holder=None, able=able) if item.id in wanted else item
        doer = doer_of(free, ready, pace)
        if item.id in wanted and doer is not None:
            moves[item.id] = doer
        doer = item.holder if doer is None else doer
        if doer is not None:
            ready[doer] = ready.get(doer, 0.0) + pace.gap(doer)
    return moves


def suggest(items: Sequence[Open], source: int, pace: Pace) -> Suggestion | None:
    """Look for a few items of a person whose move makes fewer late; None when none does.

    Greedy: each time the one move that helps most. Bounded, so not always the best there is.
    """
    walk = _Walk(items, pace)
    tries = max(20, MOST_STEPS // max(len(items), 1))
    best, start = walk.late({}), walk.late({})
    moves: dict[int, int] = {}
    own = [one for one in walk.order if one.holder == source][:MOST_TRIED_ITEMS]
    while len(moves) < MOST_MOVED and tries > 0:
        found: tuple[tuple[int, float], int, int] | None = None
        for item in own:
            if item.id in moves:
                continue
            able = sorted((one for one in item.able if one != source), key=walk.load)[:MOST_TRIED_PEOPLE]
            for person in able:
                score = walk.late({**moves, item.id: person})
                tries -= 1
                if found is None or score < found[0]:
                    found = score, item.id, person
        if found is None or found[0][0] >= best[0]:
            break
        best = found[0]
        moves[found[1]] = found[2]
    saved = start[0] - best[0]
    return Suggestion(source, moves, saved) if saved > 0 else None


class _Walk:
    """The walk of `rules.forecast` reduced to what a suggestion compares."""

    def __init__(self, items: Sequence[Open], pace: Pace) -> None:
        self.pace = pace
        self.order = in_order(items)
        self.rests = [pace.rest(one).middle for one in self.order]
        self.loads: dict[int, float] = {}
        for one in self.order:
            if one.holder is not None:
                self.loads[one.holder] = self.loads.get(one.holder, 0.0) + pace.gap(one.holder)

    def load(self, person: int) -> tuple[float, int]:
        """Return the sort key of a colleague: the least laden first."""
        return self.loads.get(person, 0.0), person

    def late(self, moves: Mapping[int, int]) -> tuple[int, float]:
        """Return how many will be late, and by how many working seconds together."""
        ready: dict[int, float] = {}
        count, seconds = 0, 0.0
        for item, rest in zip(self.order, self.rests, strict=True):
            doer = moves.get(item.id) or doer_of(item, ready, self.pace)
            if doer is None:
                continue
            ready[doer] = ready.get(doer, 0.0) + self.pace.gap(doer)
            over = max(rest, ready[doer]) - item.due_in if item.due_in is not None else 0.0
            if over > 0 and not item.overdue:
                count += 1
                seconds += over
        return count, seconds

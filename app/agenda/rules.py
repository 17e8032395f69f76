"""Decisions about the agenda over plain values: who may call, how loud a call is, how they are shared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# A call counts as late so long after its time: nobody dials on the second.
GRACE = timedelta(minutes=15)
SOON = timedelta(minutes=30)
# From here on a day's strip says that it fills up.
NEARLY = 0.9


def may_call(person_id: int, excluded_id: int | None, able: Collection[int]) -> bool:
    """Tell whether a person may make a call: one of those able, not who handled the case if another is."""
    if person_id not in able:
        return False
    return person_id != excluded_id or not any(one != excluded_id for one in able)


def urgency(due_at: datetime, outcome: str | None, now: datetime) -> str:
    """Return how loud a call is: done, overdue, soon (its time is here or near) or ontime."""
    if outcome is not None:
        return "done"
    if due_at + GRACE < now:
        return "overdue"
    return "soon" if due_at - now <= SOON else "ontime"


def fullness(calls: int, room: int) -> str:
    """Return how full a day is against the calls all callers can make: "", nearly or full."""
    if not room or calls < NEARLY * room:
        return ""
    return "full" if calls >= room else "nearly"


@dataclass(frozen=True)
class Open:
    """A call to be given to somebody: who has it now, and who may not make it."""

    id: int
    due_at: datetime
    caller_id: int | None = None
    excluded_id: int | None = None


@dataclass
class Shared:
    """How calls are shared out. given: call id → person id; left: those nobody has room for, or may make."""

    given: dict[int, int] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)


def share_out(calls: Sequence[Open], load: Mapping[int, int], room: int) -> Shared:
    """Give each call to whoever may make it and has most room left; earlier calls first.

    load: person id → calls of that day already theirs, those being shared out not counted; in order of names.
    room: how many calls one person makes a day.
    left says per call "room" when all who may are full, "nobody" when nobody may.
    """
    counts, shared = dict(load), Shared()
    able = list(load)
    for call in sorted(calls, key=lambda one: (one.due_at, one.id)):
        may = [one for one in able if may_call(one, call.excluded_id, able)]
        free = [one for one in may if counts[one] < room]
        if not free:
            shared.left[call.id] = "room" if may else "nobody"
            continue
        taker = min(free, key=lambda one: (counts[one], able.index(one)))
        counts[taker] += 1
        shared.given[call.id] = taker
    return shared

"""The clocks of a case: how long it took in all, and with whom the time was spent; plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.calendar.rules import Calendar, working_time_between
from app.deadlines.rules import Period, joined


@dataclass(frozen=True)
class Spell:
    """A time in which a role had the case in hand; `ends` is None while it has."""

    role: str
    begins: datetime
    ends: datetime | None


@dataclass(frozen=True)
class Spent:
    """Working time spent. who: total, customer, department, or a role's key; running: it grows."""

    who: str
    length: timedelta
    running: bool


def spent(
    calendar: Calendar,
    received_at: datetime,
    ended_at: datetime | None,
    spells: Sequence[Spell],
    waits: Sequence[Period],
    now: datetime,
    *,
    departments: Iterable[str],
    waiting: bool,
) -> list[Spent]:
    """Return the clocks of a case, the total first, then by length; working time by `calendar`.

    waits:       when the case waited for its customer: in no role's time, in one of its own.
    departments: the roles that count together as departments.
    waiting:     it waits for the customer now.
    """
    outside = calendar.without(waits)
    gathered: dict[str, list[Period]] = {}
    open_now: set[str] = set()
    together = frozenset(departments)
    for spell in spells:
        who = "department" if spell.role in together else spell.role
        gathered.setdefault(who, []).append((spell.begins, spell.ends or now))
        if spell.ends is None and not waiting:
            open_now.add(who)
    found = [
        Spent(who, _length(outside, joined(periods)), who in open_now) for who, periods in gathered.items()
    ]
    if waits:
        found.append(Spent("customer", _length(calendar, joined(waits)), waiting))
    total = working_time_between(calendar, received_at, ended_at or now)
    return [
        Spent("total", total, ended_at is None),
        *sorted(found, key=lambda one: (-one.length, one.who)),
    ]


def _length(calendar: Calendar, periods: Iterable[Period]) -> timedelta:
    return sum((working_time_between(calendar, begins, ends) for begins, ends in periods), timedelta(0))

"""Decisions about work items over plain values."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

OPEN = ("open", "claimed")
# The first firing reminds whoever has the item; from the second on somebody above was told.
ESCALATED_FROM = 2


def urgency(
    due_at: datetime | None, level: int, status: str, now: datetime, soon: timedelta, *, paused: bool = False
) -> str:
    """Return how loud an item is: done, paused, escalated, overdue, soon, ontime, none without a deadline.

    level: how often its timer has escalated. soon: how long before the deadline it counts as due soon.
    paused: its clock stands still while the customer is waited for.
    """
    if status not in OPEN:
        return "done"
    if paused:
        return "waiting"
    if level >= ESCALATED_FROM:
        return "escalated"
    if due_at is None:
        return "none"
    if due_at < now:
        return "overdue"
    return "soon" if due_at - now <= soon else "ontime"


def group_of(due_at: datetime | None, level: int, now: datetime, end_of_today: datetime) -> str:
    """Return under which heading of the list an item stands: late, today or later."""
    if level >= ESCALATED_FROM or (due_at is not None and due_at < now):
        return "late"
    return "today" if due_at is not None and due_at < end_of_today else "later"


def may_take(
    candidate: str,
    excluded_id: int | None,
    *,
    actor_id: int | None,
    groups: Collection[str],
    others: Collection[int],
) -> bool:
    """Tell whether a person may take an unclaimed item.

    groups: the candidate keys the person works for.
    others: the people who do this candidate's work; the excluded one gives way only where another can.
    """
    if candidate not in groups:
        return False
    return excluded_id is None or excluded_id != actor_id or not any(one != actor_id for one in others)


def percent(passed: timedelta, allowed: timedelta) -> int:
    """Return how much of an allowance is used, 0 to 100."""
    if allowed <= timedelta(0):
        return 100
    return max(0, min(100, round(100 * passed / allowed)))

"""Do what a rung of the escalation ladder says: tell people, raise the priority, give the work to others.

Called within the transaction that climbs the rung; each change of an item is recorded in its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import engine
from app.accounts import organisation
from app.accounts.actor import SYSTEM
from app.db import session
from app.deadlines import acknowledging
from app.engine.tables import WorkItem
from app.escalation.rules import ABOVE, ASSIGNEE
from app.notifications import service as notifications

HIGHEST = 1
OPEN = ("open", "claimed")


def act(
    items: Sequence[WorkItem],
    rung: Mapping[str, Any],
    *,
    params: dict[str, Any],
    url: str,
    now: datetime,
    whole_case: bool = False,
) -> None:
    """Do what a rung says with the open items that are late, and tell whom it concerns.

    whole_case: no step is late, the case is. Its steps stay with whom they are (each has its own ladder, and
            several deadlines of a case would hand them to and fro): who would get them is told.
    items:  locked, or of an instance that is. None where a whole case is late but nobody works on it: its
            supervisors are told.
    rung:   `engine.Rung` as JSON values.
    params, url: what the message says and where it leads, see `notifications.notify`.
    """
    action, target = rung["action"], rung["target"]
    # A mail about a task is pointless once that is done; one about a case is not.
    about = items[0].id if len(items) == 1 and not whole_case else None
    if whole_case and action in ("reassign", "hand_over"):
        action, target = "notify", ABOVE if target == ASSIGNEE else target
    if action == "raise_priority":
        for item in items:
            _raise_priority(item, now)
    elif action == "reassign":
        moved = [_reassign(item, target, now) for item in items]
        if not all(moved):
            # Nobody else could take it: somebody must know.
            _tell(_above(items), "escalated", params, url, rung, now, about)
    elif action == "hand_over":
        for item in items:
            _hand_over(item, target, now)
    quiet = action in ("remind", "raise_priority", "reassign") or target == ASSIGNEE
    people = (
        _holders(items) if action in ("raise_priority", "reassign", "hand_over") else _people(items, target)
    )
    if action in ("remind", "notify") and not whole_case:
        # Who has taken note is not rung up again about the same; of what is done to a task they hear.
        people = acknowledging.without_those_who_know(people, items)
    kind = "due_soon" if quiet and rung["when"] == "before" else "overdue" if quiet else "escalated"
    _tell(people, kind, params, url, rung, now, about)


def _tell(
    people: Sequence[int],
    kind: str,
    params: dict[str, Any],
    url: str,
    rung: Mapping[str, Any],
    now: datetime,
    about: int | None,
) -> None:
    notifications.notify(people, kind, params, url, now, urgent=bool(rung.get("urgent")), work_item_id=about)


def _people(items: Sequence[WorkItem], target: str) -> list[int]:
    """Return whom a rung turns to."""
    if target == ASSIGNEE:
        return _holders(items)
    if target == ABOVE:
        return _above(items)
    return [person.id for person in organisation.people_holding(target)]


def _holders(items: Sequence[WorkItem]) -> list[int]:
    """Return who has the items, of those that nobody has all who could take them."""
    found: list[int] = []
    for item in items:
        if item.assignee_id is not None:
            found.append(item.assignee_id)
        else:
            able = organisation.candidates(item.candidate)
            found += [person.id for person in able if person.id != item.excluded_id]
    return found or _supervisors()


def _above(items: Sequence[WorkItem]) -> list[int]:
    found: list[int] = []
    for item in items:
        key = organisation.post_above(item.candidate)
        found += [person.id for person in organisation.candidates(key)] if key else []
    return found or _supervisors()


def _supervisors() -> list[int]:
    return [person.id for person in organisation.people_holding("supervisor")]


def _raise_priority(item: WorkItem, now: datetime) -> None:
    before = item.priority
    if before <= HIGHEST:
        return
    item.priority = before - 1
    item.revision += 1
    _record(item, "work_item.priority_raised", {"priority": [before, item.priority]}, now)


def _reassign(item: WorkItem, target: str, now: datetime) -> bool:
    """Give an item to whoever of its people, or of a role, has the least to do; False if nobody can."""
    if target == ASSIGNEE:
        able = organisation.candidates(item.candidate)
    else:
        able = organisation.candidates(_key(item, target))
    ids = [one.id for one in able if one.id not in (item.assignee_id, item.excluded_id)]
    if not ids:
        return False
    rows = session().execute(
        sa.select(WorkItem.assignee_id, sa.func.count())
        .where(WorkItem.assignee_id.in_(ids), WorkItem.status.in_(OPEN))
        .group_by(WorkItem.assignee_id)
    )
    busy: dict[int | None, int] = {row[0]: row[1] for row in rows}
    before, chosen = item.assignee_id, min(ids, key=lambda person: (busy.get(person, 0), person))
    if target != ASSIGNEE:
        item.candidate = _key(item, target)
    item.status, item.assignee_id, item.claimed_at = "claimed", chosen, now
    item.revision += 1
    # Counted in the next choice of this very transaction.
    session().flush()
    _record(item, "work_item.assigned", {"from": before, "to": chosen}, now)
    return True


def _hand_over(item: WorkItem, target: str, now: datetime) -> None:
    """Make an item the work of another post; what was typed into it stays with who typed it."""
    key = _key(item, target)
    if not key or key == item.candidate:
        return
    before = item.candidate
    item.candidate, item.status, item.assignee_id, item.claimed_at = key, "open", None, None
    item.revision += 1
    _record(item, "work_item.delegated", {"from_role": before, "to_role": key}, now)


def _key(item: WorkItem, target: str) -> str:
    if target == ASSIGNEE:
        return item.candidate
    return organisation.post_above(item.candidate) if target == ABOVE else target


def _record(item: WorkItem, kind: str, data: dict[str, Any], now: datetime) -> None:
    engine.record_event(
        engine.stream_of(item.instance_id, item.case_id),
        kind,
        {"item": item.id, "name": item.name} | data,
        actor=SYSTEM,
        now=now,
        instance_id=item.instance_id,
        process_id=item.process_id,
        element=item.element,
    )

"""What the pages of a move show: who and what is concerned, before and after, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.db import session
from app.engine.tables import WorkItem
from app.inbox import queries as inbox
from app.reports import moving
from app.reports.moving import Side
from app.reports.outlook import Outlook, Task
from app.reports.tables import WorkMove


@dataclass(frozen=True)
class Holder:
    """Whose work is moved; also somebody who holds no post any more."""

    id: int
    name: str
    posts: list[str]


@dataclass(frozen=True)
class Shift:
    """One item of a preview. takers: who else may do it; was, becomes: verdicts, "unknown" without a pace."""

    task: Task
    to: int
    to_name: str
    takers: list[organisation.Colleague]
    was: str
    becomes: str
    finish: datetime | None


@dataclass(frozen=True)
class Concerned:
    """One person before and after."""

    name: str
    source: bool
    before: Side
    after: Side


@dataclass(frozen=True)
class Preview:
    """A move before it happens. worse, better: other people's items that become late, or on time.

    saved: how many fewer will be late (negative: more), None while no pace is known.
    """

    shifts: list[Shift]
    stuck: list[Task]
    people: list[Concerned]
    worse: list[Task]
    better: list[Task]
    late_before: int
    late_after: int
    saved: int | None


@dataclass(frozen=True)
class MovedItem:
    """One item of a move that was made. why: in words, of one refused or not given back."""

    item_id: int
    case_number: str
    title: str
    name: str
    to_name: str
    why: str


@dataclass(frozen=True)
class Moved:
    """A move that was made, and perhaps taken back."""

    id: int
    at: datetime
    by: str
    source: str
    source_id: int
    reason: str
    moved: list[MovedItem]
    refused: list[MovedItem]
    kept: list[MovedItem]
    undone_at: datetime | None
    undone_by: str


def holder(person_id: int) -> Holder | None:
    """Return whose work is to be moved; a statement only for somebody without a post."""
    colleague = organisation.find_colleague(person_id)
    if colleague is not None:
        return Holder(person_id, colleague.label, [organisation.role_label(one) for one in colleague.roles])
    name = session().scalar(sa.select(shown_name()).where(Person.id == person_id))
    return Holder(person_id, name, []) if name else None


def preview(seen: Outlook, source_id: int, moves: Mapping[int, int], stuck: list[int]) -> Preview:
    """Reckon what a move does; asks nothing."""
    people = organisation.current().people
    able = {one.id: one.able for one in seen.items}
    found = moving.effect(seen.items, moves, seen.pace) if seen.pace.known else None
    after = {one.id: one for one in found.after} if found else {}
    shifts = []
    for item_id, person in moves.items():
        takers = [people[one] for one in able[item_id] if one != source_id and one in people]
        becomes = after[item_id].verdict if item_id in after else "unknown"
        shifts.append(
            Shift(
                seen.tasks[item_id],
                person,
                people[person].label if person in people else "",
                sorted(takers, key=lambda one: (one.name, one.id)),
                seen.verdict(item_id),
                becomes,
                seen.finish(item_id, after[item_id].middle) if item_id in after else None,
            )
        )
    order = {item_id: place for place, item_id in enumerate(seen.tasks)}
    shifts.sort(key=lambda one: order[one.task.id])
    concerned = [
        Concerned(people[person].label if person in people else "", person == source_id, *sides)
        for person, sides in (found.people.items() if found else ())
        if person in people or person == source_id
    ]
    concerned.sort(key=lambda one: (not one.source, one.name))
    return Preview(
        shifts,
        [seen.tasks[one] for one in stuck],
        concerned,
        _tasks(seen, found.worse if found else [], moves),
        _tasks(seen, found.better if found else [], moves),
        found.late_before if found else 0,
        found.late_after if found else 0,
        found.late_before - found.late_after if found else None,
    )


def _tasks(seen: Outlook, ids: list[int], moves: Mapping[int, int]) -> list[Task]:
    """Return the items, of those this reader sees, that change without being moved themselves."""
    return [seen.tasks[one] for one in ids if one not in moves and one in seen.seen]


def moved(made: WorkMove, actor: Actor) -> Moved:
    """Return what a move did; two statements."""
    entries = [*made.moved, *made.refused, *(made.kept or [])]
    wanted = {one["item"] for one in entries}
    query = sa.select(WorkItem.id, WorkItem.case_number, WorkItem.title, WorkItem.name)
    rows = session().execute(query.where(WorkItem.id.in_(wanted), inbox.visible(actor)))
    items = {row.id: row for row in rows}
    people = {one["to"] for one in made.moved} | {made.by_id, made.source_id, made.undone_by_id}
    named = sa.select(Person.id, shown_name()).where(Person.id.in_({one for one in people if one}))
    names: dict[int, str] = dict(session().execute(named).all())

    def shown(one: Mapping[str, Any]) -> MovedItem:
        row = items.get(one["item"])
        return MovedItem(
            one["item"],
            (row.case_number or "") if row else "",
            row.title if row else "",
            row.name if row else "",
            names.get(one.get("to", 0), ""),
            one.get("why", ""),
        )

    return Moved(
        made.id,
        made.at,
        names.get(made.by_id, ""),
        names.get(made.source_id, ""),
        made.source_id,
        made.reason,
        [shown(one) for one in made.moved],
        [shown(one) for one in made.refused],
        [shown(one) for one in made.kept or []],
        made.undone_at,
        names.get(made.undone_by_id or 0, ""),
    )

"""Take note of what is late, so that it stops ringing: for this person, until the situation is another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app import engine
from app.accounts.actor import Actor
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.db import session
from app.deadlines.tables import Acknowledgement
from app.engine.tables import WorkItem
from app.notifications import service as notifications


@dataclass(frozen=True)
class Noted:
    """Who has taken note, and when."""

    person_id: int
    name: str
    at: datetime


def subject_of(item: WorkItem) -> str:
    """Return what a task is called here."""
    return f"item:{item.id}"


def acknowledge(item: WorkItem, *, actor: Actor, now: datetime) -> bool:
    """Take note that a task is late; once more changes nothing. Returns whether it was noted now."""
    assert actor.id is not None
    row = {"subject": subject_of(item), "person_id": actor.id, "due_at": item.due_at, "at": now}
    dialect = session().get_bind().dialect.name
    insert = postgresql.insert(Acknowledgement) if dialect == "postgresql" else sqlite.insert(Acknowledgement)
    # Of two clicks one writes; an older note is about another deadline.
    noted = session().execute(
        insert.values(**row)
        .on_conflict_do_update(
            index_elements=["subject", "person_id"],
            set_={"due_at": row["due_at"], "at": now},
            where=Acknowledgement.due_at.is_distinct_from(row["due_at"]),
        )
        .returning(Acknowledgement.subject)
    )
    if noted.first() is None:
        return False
    notifications.need_no_mail(actor.id, item.id)
    _record(item, "work_item.acknowledged", actor, now)
    return True


def withdraw(item: WorkItem, *, actor: Actor, now: datetime) -> bool:
    """Take one's note back: it rings again. Returns whether there was one."""
    gone = session().execute(
        sa.delete(Acknowledgement)
        .where(Acknowledgement.subject == subject_of(item), Acknowledgement.person_id == actor.id)
        .returning(Acknowledgement.subject)
    )
    if gone.first() is None:
        return False
    _record(item, "work_item.acknowledgement_withdrawn", actor, now)
    return True


def noted(item: WorkItem) -> list[Noted]:
    """Return who has taken note of the deadline that a task has now, oldest first; one statement."""
    rows = session().execute(
        sa.select(Acknowledgement.person_id, shown_name(), Person.username, Acknowledgement.at)
        .join(Person, Person.id == Acknowledgement.person_id)
        .where(
            Acknowledgement.subject == subject_of(item),
            Acknowledgement.due_at.is_not_distinct_from(item.due_at),
        )
        .order_by(Acknowledgement.at)
    )
    return [Noted(person_id, name or username, at) for person_id, name, username, at in rows]


def without_those_who_know(people: Collection[int], items: Collection[WorkItem]) -> list[int]:
    """Leave out who has taken note of all these tasks' present deadlines; one statement."""
    wanted = list(dict.fromkeys(people))
    if not items or not wanted:
        return wanted
    due = {subject_of(item): item.due_at for item in items}
    rows = session().execute(
        sa.select(Acknowledgement.subject, Acknowledgement.person_id, Acknowledgement.due_at).where(
            Acknowledgement.subject.in_(due), Acknowledgement.person_id.in_(wanted)
        )
    )
    known: dict[int, int] = {}
    for subject, person_id, about in rows:
        if due[subject] == about:
            known[person_id] = known.get(person_id, 0) + 1
    return [person for person in wanted if known.get(person, 0) < len(due)]


def _record(item: WorkItem, kind: str, actor: Actor, now: datetime) -> None:
    engine.record_event(
        engine.stream_of(item.instance_id, item.case_id),
        kind,
        {"item": item.id, "name": item.name},
        actor=actor,
        now=now,
        instance_id=item.instance_id,
        process_id=item.process_id,
        element=item.element,
    )

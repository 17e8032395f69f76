"""Let open deadlines follow a calendar that is given to other work: see what that does, then do it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from app import engine
from app.accounts.actor import Actor
from app.calendar import store
from app.calendar.rules import Calendar
from app.calendar.store import Book
from app.db import session
from app.deadlines import moving
from app.deadlines.tables import Deadline


def preview(present: Book, changed: Book, now: datetime) -> moving.Preview:
    """Return what open deadlines do under another book of assignments. Reads only; three statements."""
    return moving.previewed(_touched(present, changed), now)


def apply(present: Book, changed: Book, *, actor: Actor, now: datetime) -> int:
    """Let open deadlines count by the calendars of another book; returns how many moved.

    In the caller's transaction, beside the change of the assignment itself.
    """
    touched = _touched(present, changed)
    for _instance in engine.lock_instances([one.instance_id for one, _calendar in touched]):
        pass  # locked in the order that everybody keeps; read again below, behind the lock
    changes = moving.reckoned(_touched(present, changed, anew=True), now)
    moved = [one for one in changes if one.before != one.after]
    cases = {one.deadline.case_id for one in moved if one.deadline.case_id is not None}
    moving.write(
        [one for one in changes if one.before == one.after], "calendar", actor=actor, now=now, quiet=True
    )
    moving.write(moved, "calendar", actor=actor, now=now)
    moving.recount_cases(cases)
    return len(moved)


def _touched(present: Book, changed: Book, *, anew: bool = False) -> list[tuple[Deadline, Calendar]]:
    """Return the running deadlines for whose work another calendar counts, each with that one."""
    query = sa.select(Deadline).where(Deadline.status == "running").order_by(Deadline.id)
    found = []
    for one in session().scalars(query.execution_options(populate_existing=anew)):
        before, after = (_counting(one, book) for book in (present, changed))
        if before.key != after.key:
            found.append((one, after))
    return found


def _counting(one: Deadline, book: Book) -> Calendar:
    about = one.reckoning["about"]
    return store.for_work(
        role=about.get("role"), klass=about.get("klass"), candidate=about.get("candidate"), known=book
    )

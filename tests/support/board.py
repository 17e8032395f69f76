"""A centre with a past and people who have different amounts of work, for tests of the board."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import calendar, clock
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.engine.tables import WorkItem
from tests.factories import Desk

# Working days before the desk's Monday in which somebody finished something.
PAST_DAYS = 8


def people() -> dict[str, int]:
    """Return the ids of everybody by user name."""
    return dict(session().execute(sa.select(Person.username, Person.id)).all())


def with_past(desk: Desk, *, a_day: int = 8, share: float = 0.4) -> WorkItem:
    """Let two agents have finished so many analyses a day, each in this share of its time; return one item."""
    item = desk.receive(title="样本案件").item("register")
    ids = people()
    centre = calendar.current()
    rows = []
    day = clock.now()
    for _ahead in range(PAST_DAYS):
        day = last_working_day(day)
        for person in ("agent", "agent2"):
            for number in range(a_day):
                created = day + timedelta(minutes=3 * number)
                due = calendar.add_working_time(created, timedelta(hours=8))
                done = calendar.add_working_time(created, timedelta(hours=8) * share)
                rows.append(
                    _copied(item)
                    | {
                        "task_id": f"past-{len(rows)}",
                        "status": "done",
                        "created_at": created,
                        "due_at": due,
                        "completed_at": done,
                        "completed_by_id": ids[person],
                    }
                )
    assert centre.spans(day.astimezone(centre.zone).date())
    close_read_session()
    with transaction():
        session().execute(sa.insert(WorkItem), rows)
    return item


def last_working_day(instant: datetime) -> datetime:
    """Return the same time on the working day before."""
    centre = calendar.current()
    instant -= timedelta(days=1)
    while not centre.spans(instant.astimezone(centre.zone).date()):
        instant -= timedelta(days=1)
    return instant


def waiting(item: WorkItem, count: int, *, holder: int | None, start: int = 0, **more: Any) -> list[int]:
    """Put `count` copies of an open item beside it, due one working hour after the other; return their ids."""
    rows = [
        _copied(item)
        | {
            "task_id": f"waiting-{holder}-{start + number}",
            "status": "open" if holder is None else "claimed",
            "assignee_id": holder,
            "claimed_at": None if holder is None else clock.now(),
            "created_at": clock.now(),
            "due_at": calendar.add_working_time(clock.now(), timedelta(hours=1 + number)),
            "case_number": f"K26-{70000 + start + number}",
            "title": f"样本 {start + number}",
        }
        | more
        for number in range(count)
    ]
    close_read_session()
    with transaction():
        found = session().scalars(sa.insert(WorkItem).returning(WorkItem.id), rows)
        return sorted(found)


def _copied(item: WorkItem) -> dict[str, Any]:
    return {
        column.key: getattr(item, column.key) for column in WorkItem.__table__.columns if column.key != "id"
    }

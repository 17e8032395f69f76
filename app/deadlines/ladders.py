"""Climb the ladders of whole cases: what no diagram times, the scheduler looks after itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app import engine
from app.accounts.actor import SYSTEM
from app.db import Base, close_read_session, for_update, session, transaction
from app.deadlines import acting
from app.deadlines.tables import Deadline
from app.engine.tables import Instance, Timer, WorkItem

BATCH = 50


def wake_due(now: datetime, worker: str) -> int:
    """Climb every rung that is due at `now`; returns how many. Opens its own transactions.

    The row's lock is the claim: any number of schedulers share the work, each rung is climbed once.
    """
    climbed = 0
    due = next_due()
    close_read_session()
    # Look before taking SQLite's write lock: mostly there is nothing.
    if due is None or due > now:
        return 0
    while True:
        with transaction():
            found = (
                session()
                .scalars(
                    for_update(
                        sa.select(Deadline)
                        .join(Instance, Instance.id == Deadline.instance_id)
                        .where(*_waiting(), Deadline.next_rung_at <= now)
                        .order_by(Deadline.next_rung_at, Deadline.id)
                        .limit(BATCH),
                        skip_locked=True,
                        of=Deadline,
                    )
                )
                .all()
            )
            for one in found:
                _climb(one, now, worker)
            climbed += len(found)
        if len(found) < BATCH:
            return climbed


def next_due() -> datetime | None:
    """Return when the next rung of a whole case is to be climbed."""
    return session().scalar(
        sa.select(sa.func.min(Deadline.next_rung_at))
        .join(Instance, Instance.id == Deadline.instance_id)
        .where(*_waiting())
    )


def _waiting() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Deadline.status == "running",
        Deadline.next_rung_at.is_not(None),
        Instance.status == "running",
    )


def _climb(one: Deadline, now: datetime, worker: str) -> None:
    rung = one.reckoning["rungs"][one.next_rung]
    due = datetime.fromisoformat(rung["at"])
    # As evidence, beside the timers of the diagrams.
    session().add(
        Timer(
            instance_id=one.instance_id,
            task_id=f"deadline:{one.id}",
            process_id="",
            element=one.kind,
            name=one.name,
            kind="case",
            sequence=one.next_rung + 1,
            due_at=due,
            status="fired",
            attempts=1,
            worker=worker,
            fired_at=now,
            lateness_seconds=(now - due).total_seconds(),
        )
    )
    _act(one, rung, now)
    engine.record_event(
        f"case:{one.case_id}",
        "deadline.passed",
        {"deadline": one.id, "kind": one.kind, "name": one.name, "action": rung["action"]}
        | {"told": rung["target"], "policy": rung.get("policy", 0), "due_at": one.due_at.isoformat()},
        actor=SYSTEM,
        now=now,
        instance_id=one.instance_id,
    )
    one.next_rung, one.next_rung_at = _following(one)


def _following(one: Deadline) -> tuple[int, datetime | None]:
    number = one.next_rung + 1
    rungs = one.reckoning["rungs"]
    return number, datetime.fromisoformat(rungs[number]["at"]) if number < len(rungs) else None


def _act(one: Deadline, rung: Mapping[str, Any], now: datetime) -> None:
    cases = Base.metadata.tables["cases"]
    case = session().execute(sa.select(cases.c.number, cases.c.title).where(cases.c.id == one.case_id)).one()
    params = {"number": case.number, "title": case.title, "item": one.name, "due": one.due_at.isoformat()}
    still_open = WorkItem.case_id == one.case_id, WorkItem.status.in_(acting.OPEN)
    # Passed over where somebody is at work this very moment: waiting for them might wait for us.
    items = session().scalars(
        for_update(sa.select(WorkItem).where(*still_open).order_by(WorkItem.id), skip_locked=True)
    )
    acting.act(list(items), rung, params=params, url=f"/deadlines/{one.id}", now=now, whole_case=True)

"""Stop the clocks of a case while we wait for its customer, and let them go on.

While paused no timer of the case fires and nothing is late; afterwards each deadline has moved by exactly the
working time that was lost.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import calendar, engine
from app.accounts.actor import Actor
from app.db import session
from app.deadlines import moving, rules
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import WorkItem


def pause(
    case_id: int,
    *,
    awaited: str,
    until_at: datetime,
    status_before: str,
    actor: Actor,
    now: datetime,
) -> Pause:
    """Stop all clocks of a case: the pause's row, its deadlines, timers and work items.

    awaited: what the customer is to send or say, in a few words. until_at: when we go on by ourselves.
    The caller has locked the case's instance and case, and has seen that no pause is open.
    """
    made = Pause(
        case_id=case_id,
        reason=rules.CUSTOMER,
        awaited=awaited,
        started_at=now,
        started_by_id=actor.id,
        until_at=until_at,
        status_before=status_before,
    )
    session().add(made)
    session().flush()
    found, _stops = moving.of_case(case_id, Deadline.status == "running")
    holds: dict[int, dict[str, Any]] = {}
    for one in found:
        one.status, one.next_rung_at = "paused", None
        if one.timer_task_id is not None:
            holds.setdefault(one.instance_id, {})[one.timer_task_id] = None
    engine.move_timers(holds, now)
    items = [one.work_item_id for one in found if one.work_item_id is not None]
    session().execute(
        sa.update(WorkItem)
        .where(WorkItem.id.in_(items), WorkItem.status.in_(("open", "claimed")))
        .values(due_at=None, paused_at=now, revision=WorkItem.revision + 1)
        .execution_options(synchronize_session="fetch")
    )
    data = {"pause": made.id, "deadlines": len(found), "until": until_at.isoformat()}
    engine.record_event(f"case:{case_id}", "deadline.paused", data, actor=actor, now=now)
    return made


def resume(case_id: int, *, actor: Actor, now: datetime) -> Pause | None:
    """Let the clocks go on; returns the pause that ended, None when there was none."""
    made = open_pause(case_id)
    if made is None:
        return None
    made.ended_at, made.ended_by_id = now, actor.id
    session().flush()
    found, stops = moving.of_case(case_id, Deadline.status == "paused")
    changes = [moving.Change(one, moving.anew(one, calendar.get(one.calendar), stops, now)) for one in found]
    moving.write(changes, "resumed", actor=actor, now=now, status="running")
    moving.recount_cases([case_id])
    seconds = int((now - made.started_at) / timedelta(seconds=1))
    data = {"pause": made.id, "seconds": seconds, "deadlines": len(changes)}
    engine.record_event(f"case:{case_id}", "deadline.resumed", data, actor=actor, now=now)
    return made


def open_pause(case_id: int) -> Pause | None:
    """Return the pause in which a case waits for its customer now."""
    return session().scalar(
        sa.select(Pause).where(
            Pause.case_id == case_id, Pause.ended_at.is_(None), Pause.reason == rules.CUSTOMER
        )
    )


def pauses_over(now: datetime, limit: int) -> list[int]:
    """Return the cases that have waited as long as they were to, longest first."""
    return list(
        session().scalars(
            sa.select(Pause.case_id)
            .where(Pause.ended_at.is_(None), Pause.until_at <= now)
            .order_by(Pause.until_at)
            .limit(limit)
        )
    )


def next_over() -> datetime | None:
    """Return when the next pause ends by itself."""
    return session().scalar(sa.select(sa.func.min(Pause.until_at)).where(Pause.ended_at.is_(None)))

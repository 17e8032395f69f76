"""What the verbs of a case do to its deadlines: start them, end them, stop and classify them anew."""

from __future__ import annotations

from datetime import datetime

from app import calendar, engine, settings_store
from app.accounts.actor import SYSTEM, Actor
from app.cases.tables import Case
from app.db import session
from app.deadlines import pausing, rules
from app.deadlines import service as timed
from app.engine.tables import Instance, WorkItem


def subject(case: Case) -> timed.Subject | None:
    """Return what the case's deadlines depend on; None before its procedure has started."""
    instance = session().get(Instance, case.instance_id) if case.instance_id is not None else None
    if instance is None:
        return None
    return timed.Subject(case.id, instance.id, instance.version_id, case.klass, case.severity)


def begin(case: Case, *, now: datetime) -> None:
    """Start the deadlines that the procedure names for the whole case."""
    case.responded_at = None
    found = subject(case)
    if found is not None:
        timed.open_for_case(found, engine.case_deadlines(found.version_id), now=now)


def step_done(case: Case | None, item: WorkItem, *, now: datetime) -> None:
    """End the deadline of a step; the first one of a round answers the customer."""
    answers = case is not None and case.responded_at is None
    if case is not None and answers:
        case.responded_at = now
    timed.step_done(item, answers=answers, now=now)


def status_changed(
    case: Case, before: str, resolved_at: datetime | None, *, actor: Actor, now: datetime
) -> None:
    """End deadlines with a case's status, or take them up again when the customer is not satisfied.

    resolved_at: when the case was resolved last, before the change.
    """
    found = subject(case)
    if case.status == "resolved":
        timed.end_for_case(case.id, [rules.RESOLUTION, rules.ROUND], now=now)
    elif case.status == "withdrawn":
        timed.end_for_case(case.id, rules.OF_CASE, now=now, status="cancelled")
    elif case.status == "closed" and before != "resolved":
        timed.end_for_case(case.id, rules.OF_CASE, now=now)
    elif before == "resolved" and case.status in ("open", "waiting") and found and resolved_at:
        timed.reopened(found, resolved_at, actor=actor, now=now)


def classified(case: Case, *, actor: Actor, now: datetime, steps: bool) -> int:
    """Reckon the case's deadlines by its class and severity; returns how many moved."""
    found = subject(case)
    return timed.classified(found, actor=actor, now=now, steps=steps) if found is not None else 0


def pause(case: Case, awaited: str, *, actor: Actor, now: datetime) -> None:
    """Stop the clocks of a case until its customer answers, at the longest as long as the settings say."""
    days = int(settings_store.get("deadlines.longest_wait_days"))
    pausing.pause(
        case.id,
        awaited=awaited,
        until_at=calendar.working_day(now, days),
        status_before=case.status,
        actor=actor,
        now=now,
    )
    case.paused_at = now


def go_on(case: Case, *, actor: Actor = SYSTEM, now: datetime) -> str | None:
    """Let the clocks go on; returns the status that the case had before, None when nothing stood still."""
    ended = pausing.resume(case.id, actor=actor, now=now)
    case.paused_at = None
    return ended.status_before if ended is not None else None

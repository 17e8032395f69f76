"""What the engine tells us during a step, and what diagrams may call; all in the step's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts import organisation
from app.cases import clocks, rules, service, waiting
from app.cases.tables import Case
from app.db import session
from app.deadlines import acting
from app.engine.tables import WorkItem
from app.errors import Refused
from app.notifications import service as notifications

OPEN = ("open", "claimed")
RECOUNTED = "recounted_case"


def register() -> None:
    """Listen to the engine and offer the connectors."""
    engine.on("case_status", case_status)
    engine.on("work_item_opened", work_item_opened)
    engine.on("work_item_done", work_item_done)
    engine.on("work_item_cancelled", work_item_gone)
    engine.on("overdue", overdue)
    engine.on("finished", finished)
    engine.on("cancelled", cancelled)
    engine.connector("archive_case")(archive_case)
    engine.connector("notify")(notify)


def case_status(context: engine.StepContext, status: str) -> None:
    """An element completed whose diagram gives the case a status (`caseStatus`)."""
    case = _case(context)
    if case is not None:
        service.set_status(case, status, actor=context.actor, now=context.now)


def work_item_opened(context: engine.StepContext, _item: WorkItem) -> None:
    """The case is due when the first of its open steps is."""
    # Where the step completed an item before, that hook has seen this one already.
    if context.case_id is not None and session().info.get(RECOUNTED) != context.case_id:
        _recount(context.case_id)


def work_item_done(context: engine.StepContext, item: WorkItem) -> None:
    """Somebody did a step: the customer is answered, nobody waits for them any more, its deadline is over."""
    case = _case(context)
    if case is not None and case.paused_at is not None:
        waiting.go_on(case, actor=context.actor, now=context.now)
    clocks.step_done(case, item, now=context.now)
    work_item_gone(context, item)


def work_item_gone(context: engine.StepContext, item: WorkItem) -> None:
    """A step is over: the deadline and escalation of the case are those of what stays open."""
    if context.case_id is not None:
        _recount(context.case_id, without=item.id)


def _recount(case_id: int, *, without: int | None = None) -> None:
    """Let the case take the deadline and escalation of its open steps; reckoned when the session is flushed.

    without: an item that is over, though its row may not say so yet.
    """
    case = session().get(Case, case_id)
    if case is None:
        return
    still_open = WorkItem.case_id == case_id, WorkItem.status.in_(OPEN), WorkItem.id.is_distinct_from(without)
    highest = sa.select(sa.func.max(WorkItem.escalation_level)).where(*still_open).scalar_subquery()
    case.due_at = sa.select(sa.func.min(WorkItem.due_at)).where(*still_open).scalar_subquery()
    case.escalation_level = sa.func.coalesce(highest, 0)
    session().info[RECOUNTED] = case_id


def overdue(context: engine.StepContext, item: WorkItem, level: int, rung: Mapping[str, Any]) -> None:
    """A step is late, or will be: do what the ladder says at this rung."""
    case = _case(context)
    if case is not None:
        _recount(case.id)
    params = {
        # A step without a case has its instance's subject for a title: a regular call.
        "number": case.number if case is not None else "—",
        "title": case.title if case is not None else item.title,
        "item": item.name,
        "due": (item.due_at or context.now).isoformat(),
    }
    acting.act([item], rung, params=params, url=f"/inbox/{item.id}", now=context.now)


def finished(context: engine.StepContext) -> None:
    """The procedure has ended: so has the case, also where the diagram does not say so."""
    case = _case(context)
    if case is not None and case.instance_id == context.instance_id:
        if case.status not in rules.ENDED:
            service.set_status(case, "closed", actor=context.actor, now=context.now)
        case.due_at, case.escalation_level = None, 0


def cancelled(context: engine.StepContext, reason: str) -> None:
    """Somebody stopped the procedure: the case is taken back with it, and the calls promised."""
    case = _case(context)
    if case is not None and case.instance_id == context.instance_id and case.status not in rules.ENDED:
        service.end_withdrawn(case, actor=context.actor, now=context.now)


def archive_case(context: engine.StepContext) -> dict[str, Any]:
    """Connector: close the case. Class, cause, solution and satisfaction must be on file. Raises Refused."""
    case = _case(context)
    if case is None:
        return {}
    missing = [name for name in ("klass", "cause", "solution") if not getattr(case, name)]
    if missing:
        raise Refused(
            _(
                "Case %(number)s cannot be archived without: %(what)s.",
                number=case.number,
                what=", ".join(missing),
            )
        )
    service.set_status(case, "closed", actor=context.actor, now=context.now)
    return {"archived_at": context.now.isoformat()}


def notify(context: engine.StepContext, role: str, words: str = "") -> dict[str, Any]:
    """Connector: tell the people of a role ("supervisor", "repairpoint:WP003") something about the case."""
    case = _case(context)
    people = [one.id for one in organisation.candidates(role)]
    number = case.number if case else ""
    params = {"number": number, "title": case.title if case else "", "subject": number, "words": words}
    url = f"/cases/{number}" if number else "/inbox"
    return {"told": notifications.notify(people, "message", params, url, context.now)}


def _case(context: engine.StepContext) -> Case | None:
    """Return the case of a step; the session has it after the first hook asked."""
    return session().get(Case, context.case_id) if context.case_id is not None else None

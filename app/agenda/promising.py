"""What diagrams call and the engine tells us about promised calls; all in the step's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import calendar, engine, settings_store
from app.accounts import organisation
from app.agenda import rules
from app.agenda.queries import CALLERS
from app.callbacks import service as callbacks
from app.callbacks.rules import CallTime, within_hours
from app.callbacks.tables import Callback
from app.cases import service as cases
from app.cases import telling
from app.cases.tables import Case
from app.cases.values import NewCase
from app.customers.tables import Customer
from app.db import session
from app.engine.tables import Instance, WorkItem
from app.inbox.background import form_of


def register() -> None:
    """Offer the connectors and listen to the engine."""
    engine.connector("promise_callback")(promise_callback)
    engine.connector("tell_unreached")(tell_unreached)
    engine.connector("open_case")(open_case)
    engine.on("work_item_opened", work_item_opened)
    engine.on("cancelled", cancelled)


def promise_callback(
    context: engine.StepContext, due: str, attempt: int, most: int | None = None, agreed: bool = False
) -> dict[str, Any]:
    """Connector: write down a call at `due` (ISO, aware); returns {"at": ISO}, when it will really be.

    attempt: counts from 1. most: how many there will be at most. agreed: the customer named this time, so it
    is kept; otherwise the customer's allowed hours may move it (`callbacks.rules.within_hours`).
    """
    case = session().get(Case, context.case_id) if context.case_id is not None else None
    whose = case.customer_id if case is not None else context.data.get("customer_id")
    customer = session().get(Customer, whose) if whose is not None else None
    wanted = datetime.fromisoformat(due)
    when = CallTime(wanted) if agreed else free_time(customer, wanted)
    # Who spoke with the customer goes on with them, where there was a call before.
    again = agreed or attempt > 1
    planned_for = context.actor.id if again else context.data.get("caller_id")
    callbacks.promise(
        context.case_id,
        context.instance_id,
        due_at=when.at,
        attempt=attempt,
        now=context.now,
        customer_id=customer.id if customer is not None else None,
        most=most,
        agreed=agreed,
        moved=when.moved,
        kind="closing" if context.case_id is not None else str(context.data.get("kind") or "regular"),
        schedule_id=context.data.get("schedule_id") if context.case_id is None else None,
        planned_for_id=planned_for,
        excluded_id=_excluded(context),
    )
    data = {"due": when.at.isoformat(), "attempt": attempt, "moved": when.moved}
    engine.record_event(
        engine.stream_of(context.instance_id, context.case_id),
        "callback.promised",
        data,
        actor=context.actor,
        now=context.now,
        instance_id=context.instance_id,
    )
    return {"at": when.at.isoformat()}


def free_time(customer: Customer | None, start: datetime) -> CallTime:
    """Return when to call from `start` on, a time at which we call: when the customer may be called, and some
    caller has no other call yet.

    Calls are a slot apart for each caller (`callbacks.slot_minutes`); a day that is full already takes its
    calls at the first moment all the same: the agenda shows it as full. One statement.
    """
    first = call_time(customer, start)
    callers = len(organisation.candidates(CALLERS))
    slot = timedelta(minutes=int(settings_store.get("callbacks.slot_minutes")))
    if not callers or not slot:
        return first
    centre = calendar.current()
    day = first.at.astimezone(centre.zone).date()
    end = datetime.combine(day + timedelta(days=1), time(0), centre.zone)
    query = sa.select(Callback.due_at).where(
        Callback.outcome.is_(None), Callback.due_at > first.at - slot, Callback.due_at < end
    )
    taken = list(session().scalars(query))
    found = first
    while sum(1 for at in taken if found.at - slot < at < found.at + slot) >= callers:
        found = call_time(customer, calendar.call_time(found.at + slot))
        if found.at >= end:
            return first
    return CallTime(found.at, first.moved or found.moved if customer and customer.call_hours else None)


def call_time(customer: Customer | None, start: datetime) -> CallTime:
    """Return when a customer may be called from `start` on, which is a time at which we call."""
    if customer is None:
        return CallTime(start)
    begins, ends = settings_store.get("callbacks.quiet_hours")
    quiet = (time.fromisoformat(begins), time.fromisoformat(ends))
    return within_hours(calendar.current(), start, quiet, customer.call_hours or [])


def tell_unreached(context: engine.StepContext, mail: bool = True) -> dict[str, Any]:
    """Connector: write to a customer whom no call has reached, where the table says so and we can."""
    case = session().get(Case, context.case_id) if context.case_id is not None else None
    if case is not None and mail:
        telling.tell_customer(case, "customer_unreached", now=context.now)
    return {}


def open_case(context: engine.StepContext, channel: str = "phone") -> dict[str, Any]:
    """Connector: a customer said in a call without a case what is wrong: file it as a case of its own."""
    found = _last(context.instance_id)
    if found is None or found.customer_id is None:
        return {}
    words = (found.words or "").strip()
    title = words.splitlines()[0][:60] if words else _("Problem reported in a regular call")
    new = NewCase(channel=channel, title=title, description=words, customer_id=found.customer_id)
    case = cases.create(new, actor=context.actor, now=context.now)
    found.led_to_case_id = case.id
    return {"case": case.number}


def work_item_opened(_context: engine.StepContext, item: WorkItem) -> None:
    """The day has come: the call's step is tied to its promise, and handed to whom it was planned for."""
    if not any((one.bind or "").startswith("callback.") for one in form_of(item).fields):
        return
    call = callbacks.find_open(instance_id=item.instance_id)
    if call is None:
        return
    call.work_item_id = item.id
    planned = call.planned_for_id
    if planned is None or item.assignee_id is not None:
        return
    able = [one.id for one in organisation.candidates(item.candidate)]
    if rules.may_call(planned, item.excluded_id, able):
        item.status, item.assignee_id, item.claimed_at = "claimed", planned, _context.now


def cancelled(context: engine.StepContext, _reason: str) -> None:
    """A call's procedure was stopped: what it promised is taken back."""
    if context.case_id is None:
        callbacks.cancel_open_of(context.instance_id)


def _last(instance_id: int) -> Callback | None:
    return session().query(Callback).filter_by(instance_id=instance_id).order_by(Callback.id.desc()).first()


def _excluded(context: engine.StepContext) -> int | None:
    """Return who may not call because of an earlier step, as the work item will say when it opens."""
    instance = session().get(Instance, context.instance_id)
    if instance is None:
        return None
    catalog = engine.version(instance.version_id).catalog
    owner = catalog["scopes"].get(context.process_id, context.process_id)
    elements: Mapping[str, Any] = catalog["processes"].get(owner, {}).get("elements", {})
    for element in elements.values():
        for name in str(element.get("properties", {}).get("separateFrom", "")).split(","):
            if (found := context.completers.get(name.strip())) is not None:
                return found
    return None

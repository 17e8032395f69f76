"""Regular calls 定期回访: schedules over the customer archive, what they would do, and doing it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app import calendar, clock, engine
from app.accounts.actor import SYSTEM, Actor
from app.agenda import regular_rules as rules
from app.callbacks.rules import REGULAR
from app.callbacks.tables import Callback, CallSchedule, CallScheduleDay
from app.cases import rules as case_rules
from app.cases.tables import Case
from app.customers import service as customers
from app.customers.tables import Asset, Customer
from app.db import for_update, session, transaction
from app.errors import Conflict, FieldError, Forbidden, Invalid, NotFound

PROCEDURE = "regular_call"
MOST_A_DAY = 500


def all_schedules() -> list[tuple[CallSchedule, int, datetime | None]]:
    """Return every schedule with how many calls it has made or planned, and when last; one statement."""
    tally = (
        sa.select(
            CallScheduleDay.schedule_id,
            sa.func.sum(CallScheduleDay.planned).label("calls"),
            sa.func.max(CallScheduleDay.at).label("last"),
        )
        .group_by(CallScheduleDay.schedule_id)
        .subquery()
    )
    query = (
        sa.select(CallSchedule, tally.c.calls, tally.c.last)
        .outerjoin(tally, tally.c.schedule_id == CallSchedule.id)
        .order_by(CallSchedule.paused, CallSchedule.name, CallSchedule.id)
    )
    return [(row[0], int(row[1] or 0), row[2]) for row in session().execute(query)]


def get(schedule_id: int) -> CallSchedule:
    """Return a schedule; raises NotFound."""
    found = session().get(CallSchedule, schedule_id)
    if found is None:
        raise NotFound(_("There is no such schedule."))
    return found


def save(
    schedule_id: int | None, values: Mapping[str, Any], *, actor: Actor, now: datetime, revision: int = 0
) -> CallSchedule:
    """Make or change a schedule; a new one rests until somebody has looked at what it would do.

    Raises Forbidden, Invalid, Conflict when somebody changed it meanwhile.
    """
    _check_may(actor)
    cleaned = clean(values)
    if schedule_id is None:
        row = CallSchedule(**cleaned, paused=True, revision=0, created_at=now, created_by_id=actor.id)
        session().add(row)
    else:
        row = _locked(schedule_id)
        if row.revision != revision:
            raise Conflict(_("Somebody has changed this schedule in the meantime. Look at it again."))
        for name, value in cleaned.items():
            setattr(row, name, value)
        row.revision += 1
    session().flush()
    kind = "schedule.created" if schedule_id is None else "schedule.changed"
    engine.record_event(f"schedule:{row.id}", kind, {"name": row.name}, actor=actor, now=now)
    return row


def set_paused(schedule_id: int, paused: bool, *, actor: Actor, now: datetime) -> CallSchedule:
    """Start a schedule, or let it rest: calls it has planned already are still made. Raises Forbidden."""
    _check_may(actor)
    row = _locked(schedule_id)
    if row.paused != paused:
        row.paused, row.revision = paused, row.revision + 1
        kind = "schedule.paused" if paused else "schedule.started"
        engine.record_event(f"schedule:{row.id}", kind, {}, actor=actor, now=now)
    return row


def preview(row: CallSchedule, now: datetime) -> rules.Preview:
    """Return whom a schedule would call in four weeks, from today or its first day; one statement."""
    centre = calendar.current()
    today = now.astimezone(centre.zone).date()
    return rules.preview(rules_of(row), people(row), max(today, row.active_from), centre)


def plan_due(now: datetime, _worker: str = "") -> int:
    """Plan today's calls of every schedule whose day it is; return how many calls.

    Safe to run anywhere, any number of times: the row of the day is written with its calls, so that of two
    schedulers one is refused, and a killed one leaves nothing behind. Opens one transaction a schedule.
    """
    centre = calendar.current()
    today = now.astimezone(centre.zone).date()
    planned = sa.select(CallScheduleDay.schedule_id).where(CallScheduleDay.day == today)
    query = sa.select(CallSchedule).where(CallSchedule.paused.is_(False), CallSchedule.id.not_in(planned))
    due = [row.id for row in session().scalars(query) if rules.is_day(rules_of(row), today, centre)]
    done = 0
    for schedule_id in due:
        try:
            with transaction():
                done += plan_day(schedule_id, today, now=now)
        except IntegrityError:
            continue  # another scheduler planned this day
    return done


def plan_day(schedule_id: int, day: date, *, now: datetime) -> int:
    """Plan a schedule's calls of a day, once; return how many."""
    row = _locked(schedule_id)
    centre = calendar.current()
    if row.paused or session().get(CallScheduleDay, (schedule_id, day)) is not None:
        return 0
    known = rules_of(row)
    called = rules.chosen(known, people(row), day, centre)
    session().add(CallScheduleDay(schedule_id=schedule_id, day=day, planned=len(called), at=now))
    session().flush()  # before the calls: who was second stops here
    for person, at in zip(called, rules.times(known, len(called), day, centre, now), strict=True):
        start_call(person.id, at, title=row.name, kind=REGULAR, schedule_id=row.id, actor=SYSTEM, now=now)
    data = {"day": day.isoformat(), "calls": len(called)}
    engine.record_event(f"schedule:{row.id}", "schedule.planned", data, actor=SYSTEM, now=now)
    return len(called)


def book(
    customer_id: int,
    at: datetime,
    *,
    title: str,
    caller_id: int | None,
    actor: Actor,
    now: datetime,
) -> Callback:
    """Promise a customer a call at a time they named, without a case. Raises Invalid, Forbidden, NotFound."""
    if not actor.may("callback.view") or not actor.may("work.claim"):
        raise Forbidden(_("Your roles do not allow this."))
    title = title.strip()
    errors = []
    if not title:
        errors.append(FieldError("title", _("Say what the call is about.")))
    elif len(title) > 80:
        errors.append(FieldError("title", _("At most %(n)s characters.", n=80)))
    if at <= now:
        errors.append(FieldError("at", _("Choose a time to come.")))
    if not customers.get(customer_id).phone:
        errors.append(FieldError("customer", _("This customer has no phone number on file.")))
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return start_call(
        customer_id, at, title=title, kind="booked", caller_id=caller_id, agreed=True, actor=actor, now=now
    )


def start_call(
    customer_id: int,
    at: datetime,
    *,
    title: str,
    kind: str,
    actor: Actor,
    now: datetime,
    schedule_id: int | None = None,
    caller_id: int | None = None,
    agreed: bool = False,
) -> Callback:
    """Start the procedure of a call without a case; returns the promise it made."""
    variables: dict[str, Any] = {
        "klass": REGULAR,
        "severity": "normal",
        "kind": kind,
        "customer_id": customer_id,
        "agreed": agreed,
        "callback_at": (at if agreed else max(at, calendar.call_time(at))).isoformat(),
    }
    if schedule_id is not None:
        variables["schedule_id"] = schedule_id
    if caller_id is not None:
        variables["caller_id"] = caller_id
    instance = engine.start(
        PROCEDURE, variables, actor=actor, now=now, subject=engine.Subject(title=title, priority=3)
    )
    session().flush()
    made = session().scalar(sa.select(Callback).where(Callback.instance_id == instance.id))
    if made is None:
        raise RuntimeError(f"{PROCEDURE} promised no call")
    return made


def people(row: CallSchedule) -> list[rules.Person]:
    """Return the customers a schedule looks at, those whose company and area fit; one statement."""
    last_case = (
        sa.select(sa.func.max(Case.id))
        .where(Case.customer_id == Customer.id)
        .correlate(Customer)
        .scalar_subquery()
    )
    cases = (
        sa.select(
            Case.customer_id.label("customer_id"),
            sa.func.max(Case.received_at).label("received"),
            sa.func.sum(sa.case((Case.status.in_(case_rules.ENDED), 0), else_=1)).label("open"),
        )
        .group_by(Case.customer_id)
        .subquery()
    )
    calls = (
        sa.select(
            Callback.customer_id.label("customer_id"),
            sa.func.max(Callback.called_at).label("called"),
            sa.func.sum(sa.case((Callback.outcome.is_(None), 1), else_=0)).label("open"),
        )
        .group_by(Callback.customer_id)
        .subquery()
    )
    fitted = (
        sa.select(Asset.customer_id.label("customer_id"), sa.func.min(Asset.fitted_on).label("fitted"))
        .group_by(Asset.customer_id)
        .subquery()
    )
    query = (
        sa.select(
            Customer.id, Customer.name, Customer.created_at, Customer.phone, Customer.do_not_call,
            cases.c.received, cases.c.open, calls.c.called, calls.c.open, Case.klass, fitted.c.fitted,
        )
        .outerjoin(cases, cases.c.customer_id == Customer.id)
        .outerjoin(calls, calls.c.customer_id == Customer.id)
        .outerjoin(fitted, fitted.c.customer_id == Customer.id)
        .outerjoin(Case, Case.id == last_case)
        .order_by(Customer.id)
    )  # fmt: skip
    if row.company:
        query = query.where(Customer.company.ilike(case_rules.like(row.company), escape="\\"))
    if row.region:
        query = query.where(Customer.region.ilike(case_rules.like(row.region), escape="\\"))
    return [
        rules.Person(
            id=one[0],
            name=one[1],
            last=max(at for at in (one[2], one[5], one[7]) if at is not None),
            klass=one[9],
            fitted=one[10],
            has_phone=bool(one[3]),
            opted_out=bool(one[4]),
            open_case=bool(one[6]),
            planned=bool(one[8]),
        )
        for one in session().execute(query)
    ]


def rules_of(row: CallSchedule) -> rules.Rules:
    """Return a schedule's criteria and pace as plain values."""
    return rules.Rules(
        row.idle_days, row.weekdays, row.working_days, row.from_time, row.until_time, row.most_a_day,
        row.active_from, row.active_until, row.klass, row.asset_months,
    )  # fmt: skip


def clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return column values of a schedule from posted text; raises Invalid with one error a field.

    weekdays: a list of texts "1" to "7".
    """
    errors: list[FieldError] = []
    found: dict[str, Any] = {}

    def number(name: str, low: int, high: int, *, blank: bool = False) -> None:
        text = str(values.get(name) or "").strip()
        if blank and not text:
            found[name] = None
        elif not text.isdecimal() or not low <= int(text[:9]) <= high:
            errors.append(FieldError(name, _("A whole number from %(a)s to %(b)s.", a=low, b=high)))
        else:
            found[name] = int(text)

    def words(name: str, longest: int, *, blank: bool = True) -> None:
        text = str(values.get(name) or "").strip()
        if len(text) > longest:
            errors.append(FieldError(name, _("At most %(n)s characters.", n=longest)))
        elif not text and not blank:
            errors.append(FieldError(name, _("Give it a name.")))
        found[name] = text or None

    def day(name: str, *, blank: bool = False) -> None:
        text = str(values.get(name) or "").strip()
        try:
            found[name] = date.fromisoformat(text) if text or not blank else None
        except ValueError:
            errors.append(FieldError(name, _("This is no date.")))

    words("name", 80, blank=False)
    number("idle_days", 1, 3650)
    number("asset_months", 1, 240, blank=True)
    number("most_a_day", 1, MOST_A_DAY)
    words("company", 120)
    words("region", 60)
    day("active_from")
    day("active_until", blank=True)
    klass = str(values.get("klass") or "")
    found["klass"] = klass if klass in case_rules.CLASSES else None
    found["weekdays"] = sorted({int(text) for text in values.get("weekdays") or [] if str(text) in "1234567"})
    found["working_days"] = bool(values.get("working_days"))
    if not found["weekdays"]:
        errors.append(FieldError("weekdays", _("Choose at least one weekday.")))
    for name in ("from_time", "until_time"):
        try:
            found[name] = f"{time.fromisoformat(str(values.get(name) or '')):%H:%M}"
        except ValueError:
            errors.append(FieldError(name, _("This is no time of day. Example: 18:00.")))
    if {"from_time", "until_time"} <= found.keys() and found["from_time"] >= found["until_time"]:
        errors.append(FieldError("until_time", _("The hours must end after they begin.")))
    ends, begins = found.get("active_until"), found.get("active_from")
    if ends is not None and begins is not None and ends < begins:
        errors.append(FieldError("active_until", _("The last day must not be before the first.")))
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return found


def _locked(schedule_id: int) -> CallSchedule:
    query = for_update(sa.select(CallSchedule).where(CallSchedule.id == schedule_id))
    row = session().scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(_("There is no such schedule."))
    return row


def _check_may(actor: Actor) -> None:
    if actor != SYSTEM and not actor.may("callback.manage"):
        raise Forbidden(_("Your roles do not allow this."))


def today() -> date:
    """Return the centre's own day."""
    return clock.now().astimezone(calendar.current().zone).date()

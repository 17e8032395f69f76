"""One function per verb: make a case, write what a step learned, take it back, open it again."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine, settings_store
from app.accounts.actor import Actor
from app.callbacks import service as callbacks
from app.cases import clocks, rules, solutions, telling
from app.cases.access import check_may
from app.cases.numbers import next_number
from app.cases.tables import Case, CaseRound, Comment
from app.cases.values import PROCEDURE, NewCase, check, clean
from app.customers import service as customers
from app.customers.tables import Asset, Customer
from app.db import for_update, session
from app.engine.tables import Instance
from app.errors import FieldError, Invalid, NotFound, Refused

WITHDRAWAL = "customer_withdraws"


def get(case_id: int) -> Case:
    """Return a case; free when the session has it already. Raises NotFound."""
    found = session().get(Case, case_id)
    if found is None:
        raise NotFound(_("There is no such case."))
    return found


def get_by_number(number: str) -> Case:
    """Return a case by its number. Raises NotFound."""
    found = session().scalar(sa.select(Case).where(Case.number == number.upper()))
    if found is None:
        raise NotFound(_("There is no case %(number)s.", number=number[:16]))
    return found


def find_by_token(token: str | None) -> Case | None:
    """Return the case that this form has already made, or None."""
    return session().scalar(sa.select(Case).where(Case.intake_token == token)) if token else None


def create(new: NewCase, *, actor: Actor, now: datetime) -> Case:
    """File a case, its customer and asset, and start its procedure.

    A form sent twice (`new.token`) returns the case of the first time. Raises Invalid.
    """
    return create_once(new, actor=actor, now=now)[0]


def create_once(new: NewCase, *, actor: Actor, now: datetime) -> tuple[Case, bool]:
    """Do what `create` does; also tell whether the case was made now and not when the form first came."""
    check(new)
    number = next_number(now)  # locks: two agents at once wait for each other here
    if (made := find_by_token(new.token)) is not None:
        return made, False
    customer = _customer(new, actor, now)
    asset = _asset(new, customer, actor, now)
    case = Case(
        number=number,
        track_code="".join(secrets.choice(rules.CODE_ALPHABET) for _i in range(rules.CODE_LENGTH)),
        channel=new.channel,
        kind=new.kind,
        title=new.title.strip(),
        description=new.description.strip(),
        klass=new.klass,
        severity=new.severity,
        other_type=new.other_type,
        preferred_time=new.preferred_time or (customer.preferred_time if customer else None),
        customer_id=customer.id if customer else None,
        asset_id=asset.id if asset else None,
        received_at=new.received_at or now,
        received_by_id=actor.id,
        intake_token=new.token,
        import_source=new.import_source,
        import_key=new.import_key,
    )
    case.search = search_text(case, customer, asset)
    session().add(case)
    session().flush()
    engine.record_event(
        _stream(case.id), "case.created", {"channel": case.channel, "kind": case.kind}, actor=actor, now=now
    )
    _start_round(case, new.procedure, actor=actor, now=now)
    if new.import_source is None:  # who wrote to another system long ago expects no receipt from this one
        telling.tell_customer(case, "customer_received", now=now)
    return case, True


def apply(case_id: int, bound: Mapping[str, Any], *, actor: Actor, now: datetime) -> list[str]:
    """Write what a step learned to the records it belongs to; returns the names of those that changed.

    bound: "case.…", "customer.…", "asset.…", "callback.…", "solution.…" to values, as `x-bind` names them.
    The event quotes choices and numbers before and after; of words it says only that they changed.
    """
    parts: dict[str, dict[str, Any]] = {
        "case": {}, "customer": {}, "asset": {}, "callback": {}, "solution": {}
    }  # fmt: skip
    for path, value in bound.items():
        record, _dot, name = path.partition(".")
        if record not in parts or not name:
            raise ValueError(f"nothing is bound to {path}")
        parts[record][name] = value
    if not bound:
        return []
    case = get(case_id)
    if parts["callback"]:
        callbacks.record(case_id, parts["callback"], actor=actor, now=now)
        if parts["callback"].get("score") is not None:
            parts["case"].setdefault("satisfaction", parts["callback"]["score"])
    if parts["solution"]:
        learnt = parts["case"]
        learnt["solution"] = solutions.use(
            case,
            parts["solution"],
            klass=learnt.get("class", case.klass),
            cause=learnt.get("cause", case.cause),
            actor=actor,
            now=now,
        )
    _link(case, parts, actor, now)
    columns = {rules.COLUMNS.get(name, name): value for name, value in clean(parts["case"]).items()}
    changed = {
        name: [getattr(case, name), value] for name, value in columns.items() if getattr(case, name) != value
    }
    _check_filed(changed)
    for name, value in columns.items():
        setattr(case, name, value)
    named = [f"case.{name}" for name in changed]
    if parts["customer"] and case.customer_id is not None:
        done = customers.change(
            case.customer_id, parts["customer"], actor=actor, now=now, stream=_stream(case_id)
        )
        named += [f"customer.{name}" for name in done]
    if parts["asset"] and case.asset_id is not None:
        done = customers.change_asset(
            case.asset_id, parts["asset"], actor=actor, now=now, stream=_stream(case_id)
        )
        named += [f"asset.{name}" for name in done]
    if changed:
        case.revision += 1
        record_change(case, changed, actor, now)
        if any(name in rules.SEARCHED for name in changed):
            refresh_search(case)
        if any(name in rules.SUBJECT for name in changed) and case.instance_id is not None:
            engine.update_subject(case.instance_id, **asdict(subject(case)))
        if any(name in rules.TIMED for name in changed):
            clocks.classified(case, actor=actor, now=now, steps=False)
    return named


def _check_filed(changed: Mapping[str, list[Any]]) -> None:
    """Refuse to link a case to a customer or asset that is not on file. Raises NotFound."""
    for name, get_record in (("customer_id", customers.get), ("asset_id", customers.get_asset)):
        if name in changed and changed[name][1] is not None:
            get_record(changed[name][1])


def set_status(case: Case, status: str, *, actor: Actor, now: datetime) -> None:
    """Move a case to another status, with its instants; the diagrams say when (`caseStatus`)."""
    if status not in rules.STATUSES:
        raise ValueError(f"no case is {status}")
    if case.status == status:
        return
    before, case.status, resolved_at = case.status, status, case.resolved_at
    case.resolved_at = now if status == "resolved" else case.resolved_at if status in rules.ENDED else None
    case.closed_at = now if status in rules.ENDED else None
    case.revision += 1
    if status in rules.ENDED:
        case.due_at, case.escalation_level = None, 0
    engine.record_event(
        _stream(case.id), "case.status_changed", {"status": [before, status]}, actor=actor, now=now
    )
    clocks.status_changed(case, before, resolved_at, actor=actor, now=now)
    if status in telling.MAILED:
        telling.tell_customer(case, telling.MAILED[status], now=now)


def withdraw(case_id: int, reason: str, *, actor: Actor, now: datetime, by_name: str | None = None) -> Case:
    """Take a case back at the customer's wish: whatever was open ends. Raises Refused, Invalid, Forbidden.

    by_name: who says so when it is not the actor: the customer on the tracking page (the actor is SYSTEM).
    """
    check_may(actor, "case.withdraw")
    if (instance_id := get(case_id).instance_id) is not None:
        # A step locks its instance and then writes the case; the other way round both would wait for ever.
        engine.lock_instance(instance_id)
    case = locked(case_id)
    if not rules.may_withdraw(case.status):
        raise Refused(_("Case %(number)s has ended already.", number=case.number))
    reason = _words(reason, "reason")
    engine.record_event(_stream(case.id), "case.withdrawal_asked", {}, actor=actor, now=now)
    _keep_reason(case, reason, _("Withdrawn"), by_name, actor, now)
    telling.tell_workers(case, "case_withdrawn", "", but=actor.id, now=now)
    engine.send_message(WITHDRAWAL, correlation=case.number, payload={}, now=now, actor=actor)
    # A diagram that does not listen (any more) must not keep a customer from taking the case back.
    instance = session().get(Instance, case.instance_id) if case.instance_id else None
    if instance is not None and instance.status in ("running", "suspended"):
        engine.cancel(instance.id, "withdrawn", actor=actor, now=now)
    end_withdrawn(case, actor=actor, now=now)
    return case


def end_withdrawn(case: Case, *, actor: Actor, now: datetime) -> None:
    """Give a case whose procedure has stopped its last status; nobody is called back about it any more."""
    callbacks.cancel_open(case.id)
    set_status(case, "withdrawn", actor=actor, now=now)


def reopen(case_id: int, reason: str, *, actor: Actor, now: datetime, by_name: str | None = None) -> Case:
    """Take up an ended case again within `cases.reopen_days`: a new round of its procedure, linked to it.

    Raises Refused when the period is over or the case has not ended, Invalid, Forbidden.
    """
    check_may(actor, "case.reopen")
    case = locked(case_id)
    days = int(settings_store.get("cases.reopen_days"))
    if case.status not in rules.ENDED:
        raise Refused(_("Case %(number)s is still open.", number=case.number))
    if not rules.may_reopen(case.status, case.closed_at, days, now):
        raise Refused(
            _("A case can be reopened for %(n)s days after it ended. Please open a new one.", n=days)
        )
    reason = _words(reason, "reason")
    case.round += 1
    set_status(case, "open", actor=actor, now=now)
    _keep_reason(case, reason, _("Reopened"), by_name, actor, now)
    engine.record_event(_stream(case.id), "case.reopened", {"round": case.round}, actor=actor, now=now)
    telling.tell_receiver(case, "case_reopened", but=actor.id, now=now)
    _start_round(case, PROCEDURE, actor=actor, now=now, reason=reason)
    return case


def search_text(case: Case, customer: Customer | None, asset: Asset | None) -> str:
    """Return what the list's search reads of a case."""
    return rules.search_text(
        case.number,
        case.title,
        case.description,
        customer.name if customer else None,
        customer.company if customer else None,
        customer.phone_digits if customer else None,
        asset.plate_folded if asset else None,
        asset.serial if asset else None,
        asset.serial_folded if asset else None,
    )


def refresh_search(case: Case) -> None:
    """Write the search text anew from the case, its customer and its asset."""
    customer = session().get(Customer, case.customer_id) if case.customer_id else None
    asset = session().get(Asset, case.asset_id) if case.asset_id else None
    case.search = search_text(case, customer, asset)


def customer_changed(customer_id: int | None, asset_id: int | None) -> None:
    """Keep the search text of all cases of a customer or an asset that changed."""
    which = Case.customer_id == customer_id if customer_id is not None else Case.asset_id == asset_id
    for case in session().scalars(sa.select(Case).where(which)):
        refresh_search(case)


def locked(case_id: int) -> Case:
    """Lock a case's row and return it as it is now. Raises NotFound."""
    # Read anew: what the page looked at a moment ago may have changed while we waited for the lock.
    query = for_update(sa.select(Case).where(Case.id == case_id))
    case = session().scalar(query.execution_options(populate_existing=True))
    if case is None:
        raise NotFound(_("There is no such case."))
    return case


def _customer(new: NewCase, actor: Actor, now: datetime) -> Customer | None:
    if new.customer_id is not None:
        customer = customers.get(new.customer_id)
        given = {name: value for name, value in new.customer.items() if value}
        if given:
            customers.change(customer.id, given, actor=actor, now=now)
        return customer
    if not any(new.customer.values()):
        return None
    return customers.create(new.customer, actor=actor, now=now, fill=new.channel != "web")


def _asset(new: NewCase, customer: Customer | None, actor: Actor, now: datetime) -> Asset | None:
    if new.asset_id is not None:
        return customers.get_asset(new.asset_id)
    owner = customer.id if customer else None
    return customers.find_or_create_asset(owner, new.asset, actor=actor, now=now)


def _start_round(
    case: Case, procedure: str | int, *, actor: Actor, now: datetime, reason: str | None = None
) -> None:
    """Start the procedure for the case's present round; process data holds no personal data."""
    variables: dict[str, Any] = {"case_no": case.number, "channel": case.channel, "case_round": case.round}
    variables |= {
        name: getattr(case, name) for name in ("klass", "severity", "other_type") if getattr(case, name)
    }
    instance = engine.start(
        procedure,
        variables,
        actor=actor,
        now=now,
        case_id=case.id,
        business_key=case.number,
        subject=subject(case),
    )
    case.instance_id = instance.id
    session().add(
        CaseRound(case_id=case.id, round=case.round, instance_id=instance.id, reason=reason, started_at=now)
    )
    session().flush()
    clocks.begin(case, now=now)


def subject(case: Case) -> engine.Subject:
    """Return what the inbox shows of a case on each of its work items."""
    return engine.Subject(
        case_number=case.number,
        title=case.title,
        klass=case.klass,
        severity=case.severity,
        priority=rules.priority(case.severity),
    )


def _link(case: Case, parts: dict[str, dict[str, Any]], actor: Actor, now: datetime) -> None:
    """File the customer or asset of a case that came without one."""
    if case.customer_id is None and parts["customer"].get("name"):
        parts["case"]["customer_id"] = customers.create(parts.pop("customer"), actor=actor, now=now).id
        parts["customer"] = {}
    if case.asset_id is None and (parts["asset"].get("plate") or parts["asset"].get("serial")):
        made = customers.find_or_create_asset(case.customer_id, parts.pop("asset"), actor=actor, now=now)
        parts["case"]["asset_id"] = made.id if made else None
        parts["asset"] = {}


def record_change(case: Case, changed: dict[str, list[Any]], actor: Actor, now: datetime) -> None:
    quoted = {name: pair for name, pair in changed.items() if name in rules.QUOTED}
    named = [name for name in changed if name not in rules.QUOTED]
    engine.record_event(
        _stream(case.id), "case.changed", {"changes": quoted, "changed": named}, actor=actor, now=now
    )


def _keep_reason(
    case: Case, reason: str, what: str, by_name: str | None, actor: Actor, now: datetime
) -> None:
    """Keep the words as a comment: they may be erased, an event may not."""
    session().add(
        Comment(
            case_id=case.id,
            kind="information",
            audience="staff",
            body=f"{what}: {reason}",
            at=now,
            by_id=actor.id,
            by_name=by_name or actor.display_name,
        )  # fmt: skip
    )


def _words(text: str, name: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(_("A reason is needed."), [FieldError(name, _("A reason is needed."))])
    return text[:1000]


def _stream(case_id: int) -> str:
    return f"case:{case_id}"

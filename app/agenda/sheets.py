"""The call sheet: what is printed of a day, and whose numbers may stand on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.agenda import queries
from app.callbacks.tables import Callback
from app.cases.tables import Case
from app.customers import hours
from app.customers.rules import mask_phone, show_phone
from app.customers.tables import Customer
from app.db import session
from app.errors import Forbidden


@dataclass(frozen=True)
class Extra:
    """What else stands beside a call: when the customer may be called, and what was done."""

    hours: str
    solution: str


def pages(calls: Sequence[queries.Call]) -> list[tuple[str, list[queries.Call]]]:
    """Return one page a caller, by name; those nobody has come last, under ""."""
    names = sorted({one.caller for one in calls if one.caller})
    found = [(name, [one for one in calls if one.caller == name]) for name in names]
    unassigned = [one for one in calls if not one.caller]
    return found + ([("", unassigned)] if unassigned else [])


def numbers(calls: Sequence[queries.Call], *, actor: Actor, now: datetime) -> dict[int, str]:
    """Return the number to dial by call; an event for each customer says who had it and why.

    Raises Forbidden without `customer.reveal`.
    """
    if not actor.may("customer.reveal"):
        raise Forbidden(_("Your roles may not see hidden numbers."))
    found: dict[int, str] = {}
    for callback, phone in _phones(calls):
        if not phone:
            continue
        found[callback.id] = show_phone(phone)
        stream = (
            f"case:{callback.case_id}" if callback.case_id is not None else f"customer:{callback.customer_id}"
        )
        data = {"reason": "call_sheet", "customer": callback.customer_id}
        engine.record_event(stream, "customer.revealed", data, actor=actor, now=now)
    return found


def masked(calls: Sequence[queries.Call]) -> dict[int, str]:
    """Return the masked number by call; one statement."""
    return {callback.id: mask_phone(phone) for callback, phone in _phones(calls) if phone}


def extras(calls: Sequence[queries.Call]) -> dict[int, Extra]:
    """Return what else stands on the sheet, by call; one statement."""
    query = (
        sa.select(
            Callback.id, Customer.call_hours, Customer.preferred_time, Case.preferred_time, Case.solution
        )
        .outerjoin(Customer, Customer.id == Callback.customer_id)
        .outerjoin(Case, Case.id == Callback.case_id)
        .where(Callback.id.in_([one.id for one in calls]))
    )
    return {
        row[0]: Extra(hours.words(row[1]) or row[3] or row[2] or "", row[4] or "")
        for row in session().execute(query)
    }


def _phones(calls: Sequence[queries.Call]) -> list[tuple[Callback, str | None]]:
    query = (
        sa.select(Callback, Customer.phone)
        .join(Customer, Customer.id == Callback.customer_id)
        .where(Callback.id.in_([one.id for one in calls]))
        .order_by(Callback.id)
    )
    return [(row[0], row[1]) for row in session().execute(query)]

"""One call with all that its panel shows: the masked customer, the attempts so far, form and questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.agenda import queries, questions, rules
from app.callbacks import service as callbacks
from app.callbacks.tables import Callback
from app.cases.access import visible
from app.cases.tables import Case
from app.customers.queries import CustomerView, show_customer
from app.customers.tables import Asset, Customer
from app.db import session
from app.errors import NotFound
from app.inbox import background
from app.inbox import service as inbox
from app.inbox.queries import name_of

MOST_ATTEMPTS = 20


@dataclass(frozen=True)
class Attempt:
    """One attempt that was made."""

    outcome: str
    detail: str | None
    at: datetime
    by: str
    score: int | None
    words: str | None
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    """A call, what was tried so far, and how its result is recorded.

    work:     the step that waits, None before its day, when it is over, or not this person's to see.
    drawn:    its form, None where there is none.
    may_work: it may be recorded by the reader now. blocked: why not, where they would otherwise.
    alone:    the reader handled the case, but nobody else could call.
    """

    call: queries.Call
    row: Callback
    customer: CustomerView | None
    hours: list[Mapping[str, Any]]
    do_not_call: bool
    asset: Asset | None
    cause: str | None
    solution: str | None
    preferred_time: str | None
    case_visible: bool
    led_to: str | None
    attempts: list[Attempt]
    asked: questions.Asked
    answered: list[tuple[str, str]]
    typed: Mapping[str, Any]
    work: background.Work | None
    drawn: Any
    mine: bool
    may_work: bool
    may_take: bool
    blocked: str
    alone: bool
    takers: list[organisation.Colleague]

    @property
    def tried(self) -> int:
        """How many attempts were made."""
        return len(self.attempts)


def panel(
    callback_id: int,
    actor: Actor,
    now: datetime,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Any = (),
    suggestions: Mapping[str, Any] | None = None,
) -> Panel:
    """Return a call's panel; about ten statements however many attempts there were. Raises NotFound.

    typed: what was sent in and refused, to be shown again; else the draft of the step.
    """
    row = callbacks.get(callback_id)
    call = queries.one_call(callback_id, now)
    if call is None:
        raise NotFound(_("There is no such call."))
    case, asset, led_to = _case(row, actor)
    customer = session().get(Customer, row.customer_id) if row.customer_id is not None else None
    asked = questions.asked_in(row)
    work = _work(call, actor, now)
    kept: Mapping[str, Any] = (
        typed if typed is not None else (work.draft.values if work and work.draft else {})
    )
    able = organisation.candidates(queries.CALLERS)
    ids = [one.id for one in able]
    mine = work is not None and work.item.assignee_id == actor.id
    free = work is not None and work.item.assignee_id is None
    may_take = free and inbox.may_take(work.item, actor) if work is not None else False
    drawn = None
    if work is not None:
        choices = {**work.sources.choices, **(suggestions or {})}
        drawn = forms.draw(work.form, kept or None, errors, work.sources.context, choices)
    excluded = call.excluded_id is not None and call.excluded_id == actor.id
    return Panel(
        call=call,
        row=row,
        customer=show_customer(customer) if customer is not None else None,
        hours=list(customer.call_hours or []) if customer is not None else [],
        do_not_call=customer.do_not_call if customer is not None else False,
        asset=asset,
        cause=case.cause if case else None,
        solution=case.solution if case else None,
        preferred_time=case.preferred_time if case else None,
        case_visible=case is not None,
        led_to=led_to,
        attempts=_attempts(row),
        asked=asked,
        answered=questions.shown(asked, row.answers),
        typed=kept,
        work=work,
        drawn=drawn,
        mine=mine,
        may_work=mine or may_take,
        may_take=may_take,
        blocked=name_of(call.excluded_id)
        if excluded and not rules.may_call(actor.id or 0, actor.id, ids)
        else "",
        alone=excluded and rules.may_call(actor.id or 0, call.excluded_id, ids),
        takers=[one for one in able if rules.may_call(one.id, call.excluded_id, ids)],
    )


def _case(row: Callback, actor: Actor) -> tuple[Case | None, Asset | None, str | None]:
    led_to = None
    if row.led_to_case_id is not None:
        led_to = session().scalar(sa.select(Case.number).where(Case.id == row.led_to_case_id))
    if row.case_id is None:
        return None, None, led_to
    query = (
        sa.select(Case, Asset)
        .outerjoin(Asset, Asset.id == Case.asset_id)
        .where(Case.id == row.case_id, visible(actor))
    )
    found = session().execute(query).first()
    return (found[0], found[1], led_to) if found else (None, None, led_to)


def _work(call: queries.Call, actor: Actor, now: datetime) -> background.Work | None:
    if call.item_id is None:
        return None
    groups_see = actor.may("work.view_all") or queries.CALLERS in actor.groups
    if not groups_see and call.caller_id != actor.id:
        return None
    return background.work(call.item_id, actor, now)


def _attempts(row: Callback) -> list[Attempt]:
    """Return what was tried before and, of a finished call, itself; newest first."""
    query = (
        sa.select(Callback)
        .where(
            Callback.instance_id == row.instance_id, Callback.id <= row.id, Callback.called_at.is_not(None)
        )
        .order_by(Callback.id.desc())
        .limit(MOST_ATTEMPTS)
    )
    asked: dict[int, questions.Asked] = {}
    found = []
    for one in session().scalars(query):
        if one.question_set_id is not None and one.question_set_id not in asked:
            asked[one.question_set_id] = questions.asked_in(one)
        answers = questions.shown(asked[one.question_set_id], one.answers) if one.question_set_id else []
        found.append(
            Attempt(
                one.outcome or "",
                one.detail,
                one.called_at or one.due_at,
                name_of(one.called_by_id),
                one.score,
                one.words,
                answers,
            )  # fmt: skip
        )
    return found

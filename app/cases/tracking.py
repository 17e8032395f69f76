"""What a customer sees of a case: where it stands in plain words, never who said what among staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from app import settings_store
from app.callbacks.tables import Callback
from app.cases import labels, rules
from app.cases.tables import Attachment, Case, Comment
from app.customers.rules import mask_phone, mask_plate, mask_serial
from app.customers.tables import Asset, Customer
from app.db import session
from app.engine.tables import WorkItem


@dataclass(frozen=True)
class Step:
    """One line. kind: done | now | todo."""

    kind: str
    name: str
    words: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class View:
    """The tracking page: a headline, a sentence, the steps, and what the customer may do."""

    headline: str
    sentence: str
    due_at: datetime | None
    steps: list[Step]
    asset: str
    phone: str
    cost: int | None
    comments: list[Comment]
    files: list[Attachment]
    may_withdraw: bool
    may_reopen: bool
    ended: bool


def view(case: Case, now: datetime) -> View:
    """Return what the customer of this case sees; six statements."""
    items = list(
        session().scalars(
            sa.select(WorkItem).where(WorkItem.instance_id == case.instance_id).order_by(WorkItem.id)
        )
    )
    calls = list(
        session().scalars(sa.select(Callback).where(Callback.case_id == case.id).order_by(Callback.id))
    )
    comments = list(
        session().scalars(
            sa.select(Comment)
            .where(Comment.case_id == case.id, Comment.audience == "customer")
            .order_by(Comment.id.desc())
        )
    )
    files = list(
        session().scalars(
            sa.select(Attachment)
            .where(Attachment.case_id == case.id, Attachment.by_id.is_(None))
            .order_by(Attachment.id)
        )
    )
    customer = session().get(Customer, case.customer_id) if case.customer_id else None
    asset = session().get(Asset, case.asset_id) if case.asset_id else None
    current = next((item for item in reversed(items) if item.status in ("open", "claimed")), None)
    coming = next((call for call in reversed(calls) if call.outcome is None), None)
    headline, sentence, due_at = _headline(case, current, coming, now)
    days = int(settings_store.get("cases.reopen_days"))
    return View(
        headline=headline,
        sentence=sentence,
        due_at=due_at,
        steps=_steps(case, items, current, coming, comments, files),
        asset=_asset(asset),
        phone=mask_phone(customer.phone) if customer else "",
        cost=case.cost,
        comments=comments,
        files=files,
        may_withdraw=rules.may_withdraw(case.status),
        may_reopen=rules.may_reopen(case.status, case.closed_at, days, now),
        ended=case.status in rules.ENDED,
    )


def _headline(
    case: Case, current: WorkItem | None, coming: Callback | None, now: datetime
) -> tuple[str, str, datetime | None]:
    if case.status == "withdrawn":
        return (
            _("Your case is withdrawn"),
            _("Nothing more happens. If it comes back, open it again or tell us."),
            None,
        )
    if case.status == "closed":
        return (
            _("Your case is closed"),
            _("Thank you for your patience. If it comes back, open it again."),
            None,
        )
    if coming is not None and coming.due_at > now:
        return (
            _("The problem is dealt with"),
            _("We will call you to ask whether all is well:"),
            coming.due_at,
        )
    if case.status == "resolved":
        return _("The problem is dealt with"), _("We will call you soon to ask whether all is well."), None
    if current is None:
        return _("We are on it"), _("We will tell you as soon as there is news."), None
    headline = _("Now: %(step)s", step=_(current.name))
    if current.due_at is not None and current.due_at > now:
        return headline, _("This step will be done by:"), current.due_at
    return headline, _("It takes longer than it should. Our supervisors have been told."), None


def _steps(
    case: Case,
    items: list[WorkItem],
    current: WorkItem | None,
    coming: Callback | None,
    comments: list[Comment],
    files: list[Attachment],
) -> list[Step]:
    steps = [Step("done", _("We got your report"), at=case.received_at)]
    told = [
        *(one.at for one in comments if one.by_id is None),
        *(one.at for one in files if one.at > case.received_at),
    ]
    if told:
        steps.append(Step("done", _("We got what you added"), at=max(told)))
    ended, solved = case.status in rules.ENDED, case.status in ("resolved", "closed")
    looked = next((item for item in items if item.completed_at is not None), None)
    if looked is not None:
        steps.append(Step("done", _("We looked at it and filed it"), at=looked.completed_at))
    if case.status == "withdrawn":
        return [*steps, Step("done", _("Withdrawn"), at=case.closed_at)]
    if current is not None and not solved:
        steps.append(Step("now", _(current.name), _("%(who)s is on it", who=labels.who(current.candidate))))
    elif not solved and not ended:
        steps.append(Step("now", _("We are working on it")))
    steps.append(Step("done" if solved else "todo", _("The problem is dealt with"), at=case.resolved_at))
    call = "done" if ended else "now" if solved else "todo"
    words = ""
    steps.append(
        Step(call, _("We call to ask how it went"), words, coming.due_at if coming and solved else None)
    )
    steps.append(Step("done" if ended else "todo", _("Closed"), at=case.closed_at))
    return steps


def _asset(asset: Asset | None) -> str:
    if asset is None:
        return ""
    return mask_plate(asset.plate) if asset.plate else (asset.model or mask_serial(asset.serial))

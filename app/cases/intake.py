"""Taking a case in while the customer is on the line: file it, and be done with its registration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine, forms
from app.accounts.actor import Actor
from app.cases import filing, rules, service
from app.cases.tables import Case, Submission
from app.cases.values import NewCase
from app.customers.tables import Asset, Customer
from app.db import session
from app.engine.tables import WorkItem
from app.errors import FieldError, Invalid

# Where the intake page asks for what a registration form binds; an error beside the form's field goes there.
FIELDS = {
    "case.title": "title",
    "case.description": "description",
    "case.kind": "kind",
    "case.severity": "severity",
    "case.preferred_time": "preferred_time",
    "customer.name": "customer_name",
    "customer.phone": "customer_phone",
    "customer.company": "customer_company",
    "customer.region": "customer_region",
    "asset.kind": "asset_kind",
    "asset.plate": "plate",
    "asset.serial": "serial",
    "asset.model": "model",
}


def register(new: NewCase, *, attachments: Iterable[int] = (), actor: Actor, now: datetime) -> Case:
    """File a case from an agent's conversation and complete the step that waits for its registration.

    In one transaction: nobody finds a case half registered. Where the registration form asks for more
    than the page, or the step is not theirs, it stays open. Raises Invalid with the page's field names.
    """
    case, fresh = service.create_once(new, actor=actor, now=now)
    if not fresh:
        return case
    files = list(attachments)
    filing.file_with(case, files, actor=actor, now=now)
    if new.channel in rules.SPOKEN:
        complete_registration(case, files, actor=actor, now=now)
    return case


def complete_registration(case: Case, files: list[int], *, actor: Actor, now: datetime) -> bool:
    """Complete the case's first step with what the agent has typed; tells whether that was possible."""
    item = session().scalar(
        sa.select(WorkItem)
        .where(WorkItem.instance_id == case.instance_id, WorkItem.status.in_(("open", "claimed")))
        .order_by(WorkItem.id)
        .limit(1)
    )
    if item is None or not item.form or item.candidate not in actor.groups or not actor.may("work.claim"):
        return False
    schema = engine.form_schema(item.version_id, item.form)
    context = {
        "case": case,
        "customer": session().get(Customer, case.customer_id) if case.customer_id else None,
        "asset": session().get(Asset, case.asset_id) if case.asset_id else None,
        "data": {"case_no": case.number, "channel": case.channel},
    }
    parsed = forms.parse(schema, _answers(schema, context, files), context=context)
    if parsed.errors:
        _refuse(schema, parsed.errors)
        return False
    service.apply(case.id, parsed.bound, actor=actor, now=now)
    session().add(
        Submission(
            case_id=case.id,
            work_item_id=item.id,
            version_id=item.version_id,
            form=item.form,
            element=item.element,
            name=item.name,
            values=parsed.submission,
            at=now,
            by_id=actor.id,
        )  # fmt: skip
    )
    engine.complete(item.id, parsed.process, actor=actor, now=now)
    return True


def _answers(schema: Mapping[str, Any], context: Mapping[str, Any], files: list[int]) -> dict[str, Any]:
    """Return what the form's bound fields would hold had the agent opened it: what is on file now."""
    answers: dict[str, Any] = {}
    for name, part in schema.get("properties", {}).items():
        record, _dot, attribute = str(part.get("x-bind", "")).partition(".")
        row = context.get(record)
        value = (
            getattr(row, rules.COLUMNS.get(attribute, attribute), None)
            if attribute and row is not None
            else None
        )
        if value not in (None, ""):
            answers[name] = value
        elif part.get("x-widget") == "file" and files:
            answers[name] = files
    return answers


def _refuse(schema: Mapping[str, Any], errors: list[FieldError]) -> None:
    """Raise Invalid for what the intake page can mend; anything else is left for the registration step."""
    found = []
    for error in errors:
        bind = schema.get("properties", {}).get(error.field, {}).get("x-bind")
        if bind in FIELDS:
            found.append(FieldError(FIELDS[bind], error.message))
    if found:
        raise Invalid(_("Some fields do not fit."), found)

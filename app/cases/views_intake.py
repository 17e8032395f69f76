"""The agent's phone form: who calls, about what, and off to the next call."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.cases import drafts, filing, intake, queries, rules
from app.cases.access import get_visible
from app.cases.labels import label
from app.cases.values import NewCase
from app.cases.views_file import today
from app.clock import now
from app.customers import service as customers
from app.customers.queries import assets_of, show_customer
from app.db import transaction
from app.errors import FieldError, Invalid

bp = Blueprint("intake", __name__, template_folder="templates")

# What the page posts and a draft keeps; files are sent with the form.
FIELDS = (
    "token", "channel", "kind", "customer_id", "customer_name", "customer_phone", "customer_company",
    "customer_region", "asset_id", "asset_kind", "plate", "serial", "model", "title", "description",
    "severity", "preferred_time",
)  # fmt: skip


@bp.get("/cases/new")
@requires("case.create")
def new() -> str:
    """Show the form: empty, with the draft that was left, or for a customer."""
    actor, saved_at = current_actor(), None
    values: dict[str, Any] = {}
    if (kept := drafts.load(actor)) is not None:
        values, saved_at = kept
    if request.args.get("customer", type=int):
        values = {
            **values,
            "customer_id": request.args["customer"],
            "customer_name": "",
            "customer_phone": "",
        }
    elif request.args.get("phone"):
        values = {**values, "customer_phone": request.args["phone"]}
    return _page(values, saved_at=saved_at)


@bp.post("/cases/new")
@requires("case.create")
def create() -> Any:
    """Register the call; go to the case, or to the next call. Sending the form twice makes one case."""
    actor, at = current_actor(), now()
    ids = [int(text) for text in request.form.getlist("file_ids") if text.isdecimal()]
    try:
        # Files are kept first and filed with the case afterwards: a refused form would otherwise lose them.
        with transaction():
            sent = [one for one in request.files.getlist("files") if one.filename]
            ids += [
                filing.attach(None, one.filename or "", one.read(), actor=actor, now=at).id for one in sent
            ]
        with transaction():
            case = intake.register(_new_case(request.form), attachments=ids, actor=actor, now=at)
            drafts.drop(actor)
    except Invalid as error:
        errors = _with_gaps(request.form, error.errors)
        return _page(request.form, errors=errors, refused=str(error), file_ids=ids), 422
    flash(_("Case %(number)s is registered.", number=case.number))
    if request.form.get("then") == "next":
        return redirect(url_for(".new"), 303)
    return redirect(url_for("cases.show", number=case.number), 303)


@bp.post("/cases/<number>/calls")
@requires("case.comment")
def add_to(number: str) -> Any:
    """File what was typed as further information on a case that is open already."""
    actor = current_actor()
    words = "\n".join(
        text for text in (request.form.get("title", ""), request.form.get("description", "")) if text
    )
    try:
        with transaction():
            case = get_visible(number, actor)
            filing.add_information(case.id, words, actor=actor, now=now())
            for one in request.files.getlist("files"):
                if one.filename:
                    filing.attach(case.id, one.filename, one.read(), actor=actor, now=now())
            drafts.drop(actor)
    except Invalid as error:
        return _page(request.form, errors=error.errors, refused=str(error)), 422
    flash(_("Added to case %(number)s.", number=case.number))
    return redirect(url_for("cases.show", number=case.number), 303)


@bp.post("/cases/new/draft")
@requires("case.create")
def draft() -> Any:
    """Keep what is typed so far."""
    values = {name: request.form[name][:8000] for name in FIELDS if request.form.get(name)}
    with transaction():
        drafts.save(values, actor=current_actor(), now=now())
    return "", 204


@bp.post("/cases/new/draft/drop")
@requires("case.create")
def drop_draft() -> Any:
    """Begin with an empty form."""
    with transaction():
        drafts.drop(current_actor())
    return redirect(url_for(".new"), 303)


@bp.get("/cases/new/customers/<int:customer_id>")
@requires("case.create")
def customer(customer_id: int) -> str:
    """Give what the page shows of a chosen customer: vehicles to choose from, cases that are open."""
    chosen = customers.get(customer_id)
    return render_template("cases/_chosen.html", **_chosen(chosen.id), values=request.args)


def _chosen(customer_id: int) -> dict[str, Any]:
    return {
        "chosen": show_customer(customers.get(customer_id)),
        "assets": assets_of(customer_id, today()),
        "open_cases": queries.open_cases_of(customer_id, current_actor(), now()),
    }


def _page(
    values: Mapping[str, Any],
    *,
    errors: Any = (),
    refused: str = "",
    saved_at: Any = None,
    file_ids: Any = (),
) -> str:
    customer_id = str(values.get("customer_id") or "")
    found = (
        _chosen(int(customer_id))
        if customer_id.isdecimal()
        else {"chosen": None, "assets": [], "open_cases": []}
    )
    return render_template(
        "cases/new.html",
        values=values,
        errors=list(errors),
        error={one.field: one.message for one in errors},
        refused=refused,
        saved_at=saved_at,
        kept_files=filing.own_loose(file_ids, current_actor()) if file_ids else [],
        token=values.get("token") or secrets.token_urlsafe(16),
        channels=[(name, label("channel", name)) for name in (*rules.SPOKEN, "mail", "message")],
        **found,
    )


def _with_gaps(form: Mapping[str, str], errors: list[FieldError]) -> list[FieldError]:
    """Add the page's empty required fields, so that all are told at once."""
    gaps = {
        "customer_name": "" if form.get("customer_id") else _("%(label)s: fill this in.", label=_("Name")),
        "title": _("Say in one line what is wrong."),
        "description": _("%(label)s: fill this in.", label=_("The customer's own words")),
        "severity": _("%(label)s: choose an answer.", label=_("How urgent?")),
    }
    known = {one.field for one in errors}
    missing = [
        FieldError(name, words)
        for name, words in gaps.items()
        if words and name not in known and not form.get(name, "").strip()
    ]
    order = list(FIELDS)
    return sorted([*errors, *missing], key=lambda one: order.index(one.field) if one.field in order else 99)


def _new_case(form: Mapping[str, str]) -> NewCase:
    """Read the posted form; raises Invalid for what the case itself would not notice."""
    customer_id, asset_id = form.get("customer_id", ""), form.get("asset_id", "")
    chosen = int(customer_id) if customer_id.isdecimal() else None
    person = {
        "name": form.get("customer_name", ""),
        "phone": form.get("customer_phone", ""),
        "company": form.get("customer_company", ""),
        "region": form.get("customer_region", ""),
    }
    thing = {
        "kind": form.get("asset_kind", ""),
        "plate": form.get("plate", ""),
        "serial": form.get("serial", ""),
        "model": form.get("model", ""),
    }
    try:
        if chosen is None:
            customers.clean_customer(person)
    except Invalid as error:
        raise renamed(error, "customer_") from error
    return NewCase(
        channel=form.get("channel", "phone"),
        kind=form.get("kind", "complaint"),
        title=form.get("title", ""),
        description=form.get("description", ""),
        severity=form.get("severity") or None,
        preferred_time=form.get("preferred_time") or None,
        customer_id=chosen,
        customer={} if chosen else person,
        asset_id=int(asset_id) if asset_id.isdecimal() else None,
        asset={} if asset_id.isdecimal() else thing,
        token=form.get("token") or None,
    )


def renamed(error: Invalid, prefix: str) -> Invalid:
    """Return the error with the page's own field names."""
    return Invalid(error.message, [type(one)(f"{prefix}{one.field}", one.message) for one in error.errors])

"""The customer archive: list, page, look-up while typing, changes, and numbers shown for a reason."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.clock import now
from app.customers import archive, hours, queries, service
from app.customers.tables import Customer
from app.db import transaction
from app.errors import Invalid

bp = Blueprint("customers", __name__, template_folder="templates")

SHOWN_SECONDS = 60


def today() -> date:
    """Return the centre's own day."""
    return now().astimezone(ZoneInfo(current_app.config["SETTINGS"].centre_timezone)).date()


@bp.get("/customers")
@requires("customer.view")
def index() -> Response:
    """Show the archive, newest first; asked by htmx, the list alone."""
    text, after = request.args.get("q", "").strip()[:60], request.args.get("after", 0, type=int)
    part = request.headers.get("HX-Request") is not None
    response = make_response(
        render_template(
            "customers/_found.html" if part else "customers/index.html",
            page=queries.archive(text, after, today()),
            q=text,
            after=after,
            actor=current_actor(),
        )
    )
    response.headers["Vary"] = "HX-Request"
    return response


@bp.get("/customers/lookup")
@requires("customer.view", "case.create")
def lookup() -> Response:
    """Find customers and what they own while an agent types; HTML for htmx, else JSON; two statements."""
    found = queries.lookup(request.args.get("q", ""), today())
    if request.headers.get("HX-Request"):
        return make_response(
            render_template("customers/_lookup.html", found=found, q=request.args.get("q", "").strip())
        )
    if request.args.get("kind") == "asset":
        owned = [
            {"id": asset.id, "label": asset.name, "detail": view.name}
            for view in found
            for asset in view.assets
        ]
        return jsonify(items=owned)
    return jsonify(
        items=[
            {
                "id": view.id,
                "label": view.name,
                "detail": " · ".join([view.phone, *(asset.name for asset in view.assets)]),
            }
            for view in found
        ],
    )


@bp.route("/customers/new", methods=["GET", "POST"])
@requires("case.edit")
def new() -> Any:
    """Enter a customer by hand; one with the same phone number is opened instead."""
    if request.method == "GET":
        return render_template("customers/new.html", values={}, errors=[])
    try:
        with transaction():
            made = service.create(request.form, actor=current_actor(), now=now())
            service.find_or_create_asset(made.id, _asset_values(), actor=current_actor(), now=now())
    except Invalid as error:
        return render_template("customers/new.html", values=request.form, errors=error.errors), 422
    return redirect(url_for(".show", customer_id=made.id), 303)


@bp.get("/customers/<int:customer_id>")
@requires("customer.view")
def show(customer_id: int) -> str:
    """Show a customer's file: what they own, and what other packages know of them."""
    return _page(service.get(customer_id))


@bp.post("/customers/<int:customer_id>")
@requires("case.edit")
def change(customer_id: int) -> Any:
    """Change a customer; a phone number left blank stays as it is, since its field is never filled."""
    values = {
        name: value
        for name, value in request.form.items()
        if name not in ("phone", "email", "address") or value
    }
    try:
        with transaction():
            service.change(customer_id, values, actor=current_actor(), now=now())
    except Invalid as error:
        return _page(service.get(customer_id), values=request.form, errors=error.errors), 422
    flash(_("Saved."))
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.post("/customers/<int:customer_id>/assets")
@requires("case.edit")
def add_asset(customer_id: int) -> Any:
    """Add a vehicle or device; one with this number that nobody owns becomes theirs."""
    try:
        with transaction():
            service.get(customer_id)
            made = service.find_or_create_asset(
                customer_id, _asset_values(), actor=current_actor(), now=now()
            )
    except Invalid as error:
        return _page(service.get(customer_id), values=request.form, errors=error.errors), 422
    flash(_("Saved.") if made else _("Enter a plate or a serial number."), "message" if made else "error")
    return redirect(url_for(".show", customer_id=customer_id), 303)


@bp.get("/customers/<int:customer_id>/personal")
@requires("customer.view")
def personal(customer_id: int) -> str:
    """Give the masked lines again, when sixty seconds have passed."""
    view = queries.show_customer(service.get(customer_id))
    return render_template(
        "customers/_personal.html", view=view, actor=current_actor(), **addresses(customer_id)
    )


@bp.post("/customers/<int:customer_id>/reveal")
@requires("customer.view")
def reveal(customer_id: int) -> Response:
    """Show the hidden numbers for sixty seconds, for a reason that is recorded."""
    form = request.form
    with transaction():
        shown = service.reveal(
            service.get(customer_id), None, form.get("reason", ""), form.get("words", ""),
            stream=f"customer:{customer_id}", actor=current_actor(), now=now(),
        )  # fmt: skip
    return revealed(shown, **addresses(customer_id))


def addresses(customer_id: int) -> dict[str, str]:
    """Return where the lines are revealed, masked again, and which page they stand on."""
    return {
        "reveal_url": url_for("customers.reveal", customer_id=customer_id),
        "personal_url": url_for("customers.personal", customer_id=customer_id),
        "back_url": url_for("customers.show", customer_id=customer_id),
    }


def revealed(shown: service.Revealed, **urls: str) -> Response:
    """Answer with what was hidden: lines for htmx, else a page that goes back by itself; never cached."""
    part = request.headers.get("HX-Request") is not None
    response = make_response(
        render_template(
            "customers/_revealed.html" if part else "customers/revealed.html",
            shown=shown,
            seconds=SHOWN_SECONDS,
            **urls,
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/customers/<int:customer_id>/hours")
@requires("case.edit")
def change_hours(customer_id: int) -> Any:
    """Write down when a customer may be called, and that they want no regular calls."""
    try:
        with transaction():
            hours.change(customer_id, request.form, actor=current_actor(), now=now())
    except Invalid as error:
        return _page(service.get(customer_id), errors=error.errors), 422
    flash(_("Saved."))
    return redirect(url_for(".show", customer_id=customer_id), 303)


def _asset_values() -> dict[str, str]:
    return {name: request.form[name] for name in service.ASSET_FIELDS if request.form.get(name)}


def _page(customer: Customer, values: Any = None, errors: Any = ()) -> str:
    actor = current_actor()
    return render_template(
        "customers/show.html",
        view=queries.show_customer(customer),
        assets=queries.assets_of(customer.id, today()),
        sections=archive.sections(customer.id, actor, now()),
        actor=actor,
        values=values if values is not None else customer.__dict__,
        hours=customer.call_hours or [],
        do_not_call=customer.do_not_call,
        hours_words=hours.words(customer.call_hours),
        weekdays=hours.weekdays(),
        errors=list(errors),
        error={error.field: error.message for error in errors},
        **addresses(customer.id),
    )

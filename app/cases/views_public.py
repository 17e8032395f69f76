"""What customers reach without an account: report a problem, follow it, add to it, take it back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _

from app import settings_store
from app.accounts.actor import SYSTEM
from app.cases import filing, public, service, tracking
from app.cases.tables import Attachment, Case
from app.cases.values import NewCase
from app.cases.views_file import send_attachment
from app.cases.views_intake import renamed
from app.clock import now
from app.customers import service as customers
from app.db import session as database
from app.db import transaction
from app.errors import FieldError, Invalid, NotFound

bp = Blueprint("public", __name__, template_folder="templates")

# One visitor's browser may follow a few cases; the code is typed once.
TRACKED = "tracked"
MOST_TRACKED = 5
MOST_FILES = 6


@bp.get("/report")
def report() -> str:
    """Show the form for customers."""
    return _report_page({})


@bp.post("/report")
def send_report() -> Any:
    """File a customer's problem. A form sent twice is one case; a form that a robot filled is none."""
    form, at, who = request.form, now(), public.visitor(request.remote_addr)
    if form.get("website"):  # no person sees this field
        return redirect(url_for(".reported"), 303)
    try:
        new = _reported_case(form)
        with transaction():
            public.check_rate(who, "report", at)
            case, fresh = service.create_once(new, actor=SYSTEM, now=at)
            if fresh:
                public.note(who, "report", at)
                _attach(case, form.get("name", ""), at)
    except Invalid as error:
        return _report_page(form, error.errors, str(error)), 422
    session["reported"] = [case.number, case.track_code]
    _remember(case)
    return redirect(url_for(".reported"), 303)


@bp.get("/report/done")
def reported() -> Any:
    """Show the number and the code, to be written down."""
    number, code = session.get("reported") or (None, None)
    if number is None:
        return redirect(url_for(".report"))
    return render_template("cases/reported.html", number=number, code=code)


@bp.get("/track")
def track() -> str:
    """Ask for number and code."""
    return render_template("cases/track_ask.html", values=request.args, refused="")


@bp.post("/track")
def open_track() -> Any:
    """Open a case by number and code; a wrong one is counted, and always said in the same words."""
    at, who = now(), public.visitor(request.remote_addr)
    with transaction():
        public.check_rate(who, "track", at)
        try:
            case = public.find_tracked(request.form.get("number", ""), request.form.get("code", ""))
        except NotFound as error:
            public.note(who, "track", at)
            page = render_template("cases/track_ask.html", values=request.form, refused=str(error))
            return page, 404
    _remember(case)
    return redirect(url_for(".show", number=case.number), 303)


@bp.get("/track/<number>")
def show(number: str) -> Any:
    """Show a customer how far their case is."""
    return _track_page(_tracked(number))


@bp.post("/track/<number>/information")
def inform(number: str) -> Any:
    """Add words and photos."""
    at, case = now(), _tracked(number)
    body = request.form.get("body", "").strip()
    sent = [one for one in request.files.getlist("files") if one.filename]
    try:
        if not body and not sent:
            raise Invalid(
                _("Write a few words or choose a photo."),
                [FieldError("body", _("Write a few words or choose a photo."))],
            )
        with transaction():
            _count_write(at)
            if body:
                filing.add_information(case.id, body, actor=SYSTEM, now=at, by_name=_("Customer"))
            _attach(case, _("Customer"), at)
    except Invalid as error:
        return _track_page(_tracked(number), typed=request.form, errors=error.errors), 422
    flash(_("Thank you. Your colleague here will read it."))
    return redirect(url_for(".show", number=number), 303)


@bp.post("/track/<number>/withdraw")
def withdraw(number: str) -> Any:
    """Take the case back."""
    case, reason = (
        _tracked(number),
        request.form.get("reason", "").strip() or _("The customer gave no reason."),
    )
    with transaction():
        _count_write(now())
        service.withdraw(case.id, reason, actor=SYSTEM, now=now(), by_name=_("Customer"))
    flash(_("Your case is withdrawn."))
    return redirect(url_for(".show", number=number), 303)


@bp.post("/track/<number>/reopen")
def reopen(number: str) -> Any:
    """Open the case again within the period."""
    case = _tracked(number)
    try:
        with transaction():
            _count_write(now())
            service.reopen(
                case.id, request.form.get("reason", ""), actor=SYSTEM, now=now(), by_name=_("Customer")
            )
    except Invalid as error:
        return _track_page(_tracked(number), typed=request.form, errors=error.errors), 422
    flash(_("We look into it again."))
    return redirect(url_for(".show", number=number), 303)


@bp.get("/track/<number>/files/<int:attachment_id>")
def file(number: str, attachment_id: int) -> Response:
    """Give a file that the customer sent; what staff filed is not theirs to see."""
    case, found = _tracked(number), database().get(Attachment, attachment_id)
    if found is None or found.case_id != case.id or found.by_id is not None:
        abort(404)
    return send_attachment(found)


def _count_write(at: datetime) -> None:
    """Refuse a visitor who writes to their case all the time: each reopening starts a procedure anew."""
    who = public.visitor(request.remote_addr)
    public.check_rate(who, "inform", at)
    public.note(who, "inform", at)


def _tracked(number: str) -> Case:
    """Return a case whose code this browser has given. Raises NotFound in the words of a wrong code."""
    code = (session.get(TRACKED) or {}).get(number.upper(), "")
    return public.find_tracked(number, code)


def _remember(case: Case) -> None:
    kept = dict(session.get(TRACKED) or {})
    kept.pop(case.number, None)
    kept[case.number] = case.track_code
    session[TRACKED] = dict(list(kept.items())[-MOST_TRACKED:])


def _track_page(case: Case, *, typed: Mapping[str, str] | None = None, errors: Any = ()) -> Any:
    view = tracking.view(case, now())
    response = make_response(
        render_template(
            "cases/track.html",
            view=view,
            case=case,
            typed=typed or {},
            errors=list(errors),
            phone=settings_store.get("centre.phone"),
        )
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _report_page(values: Mapping[str, str], errors: Any = (), refused: str = "") -> str:
    return render_template(
        "cases/report.html",
        values=values,
        errors=list(errors),
        error={one.field: one.message for one in errors},
        refused=refused,
        token=values.get("token") or secrets.token_urlsafe(16),
    )


def _reported_case(form: Mapping[str, str]) -> NewCase:
    """Read a customer's form; raises Invalid with all that does not fit at once."""
    person = {"name": form.get("name", ""), "phone": form.get("phone", ""), "email": form.get("email", "")}
    thing = {"plate": form.get("plate", ""), "serial": form.get("serial", "")}
    words = form.get("description", "").strip()
    errors = []
    for check, values in ((customers.clean_customer, person), (customers.clean_asset, thing)):
        try:
            check(values)
        except Invalid as error:
            errors += renamed(error, "").errors
    if not person["phone"].strip():
        errors.append(FieldError("phone", _("We call you back at this number.")))
    if len(words) < 4:
        errors.append(FieldError("description", _("Please say in a few words what happened.")))
    if len(words) > 4000:
        errors.append(FieldError("description", _("At most %(n)s characters.", n=4000)))
    if form.get("consent") != "yes":
        errors.append(FieldError("consent", _("Without your consent we may not keep your report.")))
    if errors:
        order = ("description", "plate", "serial", "name", "phone", "email", "consent")
        errors.sort(key=lambda one: order.index(one.field) if one.field in order else len(order))
        raise Invalid(_("Some fields do not fit."), errors)
    first = words.splitlines()[0]
    return NewCase(
        channel="web",
        kind=form.get("kind") if form.get("kind") in ("complaint", "question", "suggestion") else "complaint",  # type: ignore[arg-type]
        title=first if len(first) <= 60 else f"{first[:58]}…",
        description=words,
        preferred_time=form.get("preferred_time", "").strip()[:80] or None,
        customer={name: value for name, value in person.items() if value.strip()},
        asset=thing,
        token=form.get("token", "")[:64] or None,
    )


def _attach(case: Case, by_name: str, at: Any) -> None:
    for one in [one for one in request.files.getlist("files") if one.filename][:MOST_FILES]:
        filing.attach(case.id, one.filename or "", one.read(), actor=SYSTEM, now=at, by_name=by_name[:80])

"""The case file: its page, diagrams, files, and what one can do with a case."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import (
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from app import engine
from app.accounts.actor import Actor
from app.accounts.web import current_actor, requires
from app.callbacks.tables import Callback
from app.cases import casefile, files, filing, queries, service, timeline
from app.cases.access import get_visible
from app.cases.tables import Attachment, Case, CaseRound
from app.cases.views import SEE, bp
from app.clock import now
from app.customers import service as customers
from app.customers.queries import show_customer
from app.customers.tables import Asset, Customer
from app.customers.views import revealed
from app.db import session, transaction
from app.engine.tables import Instance, ProcedureVersion
from app.errors import Invalid, NotFound
from app.procedures.diagrams import translated


def today() -> date:
    """Return the centre's own day."""
    return now().astimezone(ZoneInfo(current_app.config["SETTINGS"].centre_timezone)).date()


@bp.get("/cases/<number>")
@requires(*SEE)
def show(number: str) -> Any:
    """Show the file of a case."""
    actor = current_actor()
    file = casefile.case_file(number, actor, now(), today(), request.args.get("round", type=int))
    return _page(file, actor)


def _page(file: casefile.CaseFile, actor: Actor, **extra: Any) -> Any:
    names = {one.id: one.name for one in file.attachments}
    response = make_response(
        render_template(
            "cases/show.html",
            file=file,
            case=file.case,
            actor=actor,
            entries=timeline.entries(file.events, file.names, names),
            groups=timeline.GROUPS,
            diagram_states=_diagram_states,
            shown_images=files.SHOWN,
            **_addresses(file.case.number),
            **extra,
        )
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _diagram_states(file: casefile.CaseFile) -> list[dict[str, Any]]:
    """Return what diagram.js draws: states by element, what is called, where the files are."""
    language = str(get_locale())
    round_ = next((one.number for one in file.rounds if one.instance_id == file.progress.instance_id), 1)
    return [
        {
            "id": one.id,
            "name": _(one.name),
            "url": url_for(
                "cases.diagram", number=file.case.number, round_=round_, process_id=one.id, lang=language
            ),
            "elements": one.elements,
            "calls": one.calls,
        }
        for one in file.progress.processes
    ]


def _addresses(number: str) -> dict[str, str]:
    return {
        "reveal_url": url_for("cases.reveal", number=number),
        "personal_url": url_for("cases.personal", number=number),
        "back_url": url_for("cases.show", number=number),
    }


# ---------------------------------------------------------------- diagrams


@bp.get("/cases/<number>/diagrams/<int:round_>/<process_id>.bpmn")
@requires(*SEE)
def diagram(number: str, round_: int, process_id: str) -> Response:
    """Give the file that holds a process of the version a round runs on; it never changes."""
    case = get_visible(number, current_actor())
    row = (
        session()
        .execute(
            sa.select(ProcedureVersion.id, ProcedureVersion.catalog)
            .join(Instance, Instance.version_id == ProcedureVersion.id)
            .join(CaseRound, CaseRound.instance_id == Instance.id)
            .where(CaseRound.case_id == case.id, CaseRound.round == round_)
        )
        .one_or_none()
    )
    if row is None or process_id not in row.catalog["processes"]:
        raise NotFound(_("There is no such diagram."))
    content = engine.get_file(row.id, row.catalog["processes"][process_id]["file"])
    response = make_response(content if request.args.get("lang") == "zh" else translated(content))
    response.headers["Content-Type"] = "application/xml; charset=utf-8"
    # Never shown as a page: a diagram may hold anything that a designer wrote.
    response.headers["Content-Disposition"] = "attachment"
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.add_etag()
    response.make_conditional(request)
    return response


# ---------------------------------------------------------------- what one can do


@bp.post("/cases/<number>/comments")
@requires("case.comment")
def comment(number: str) -> Any:
    """Write a remark for colleagues."""
    return act_on(
        number,
        lambda case, actor: filing.comment(case.id, request.form.get("body", ""), actor=actor, now=now()),
    )


@bp.post("/cases/<number>/information")
@requires("case.comment")
def add_information(number: str) -> Any:
    """File what the customer said later, with files."""

    def write(case: Case, actor: Actor) -> None:
        sent = [one for one in request.files.getlist("files") if one.filename]
        if request.form.get("body", "").strip() or not sent:
            filing.add_information(case.id, request.form.get("body", ""), actor=actor, now=now())
        for one in sent:
            filing.attach(case.id, one.filename or "", one.read(), actor=actor, now=now())

    return act_on(number, write)


@bp.post("/cases/<number>/files")
@requires("case.comment")
def upload(number: str) -> Any:
    """Add files to a case."""

    def write(case: Case, actor: Actor) -> None:
        sent = [one for one in request.files.getlist("files") if one.filename]
        if not sent:
            raise Invalid(_("Choose a file first."))
        for one in sent:
            filing.attach(case.id, one.filename or "", one.read(), actor=actor, now=now())

    return act_on(number, write)


@bp.post("/cases/<number>/withdraw")
@requires("case.withdraw")
def withdraw(number: str) -> Any:
    """Take the case back at the customer's wish."""
    return act_on(
        number,
        lambda case, actor: service.withdraw(case.id, request.form.get("reason", ""), actor=actor, now=now()),
        _("Case %(number)s is withdrawn.", number=number),
    )


@bp.post("/cases/<number>/reopen")
@requires("case.reopen")
def reopen(number: str) -> Any:
    """Begin another round."""
    return act_on(
        number,
        lambda case, actor: service.reopen(case.id, request.form.get("reason", ""), actor=actor, now=now()),
        _("Case %(number)s is open again.", number=number),
    )


def act_on(number: str, act: Any, words: str = "") -> Any:
    """Act on a case that this person may see; a refused form comes back on the page with what was typed."""
    actor = current_actor()
    try:
        with transaction():
            case = get_visible(number, actor)
            act(case, actor)
    except Invalid as error:
        file = casefile.case_file(number, actor, now(), today())
        page = _page(file, actor, typed=request.form, errors=error.errors, refused=str(error))
        return page, 422
    flash(words or _("Saved."))
    return redirect(url_for("cases.show", number=case.number), 303)


# ---------------------------------------------------------------- hidden numbers


@bp.get("/cases/<number>/personal")
@requires(*SEE)
def personal(number: str) -> str:
    """Give the customer's masked lines again, when sixty seconds have passed."""
    case = get_visible(number, current_actor())
    customer = session().get(Customer, case.customer_id) if case.customer_id else None
    if customer is None:
        abort(404)
    view = show_customer(customer)
    return render_template(
        "customers/_personal.html", view=view, actor=current_actor(), **_addresses(case.number)
    )


@bp.post("/cases/<number>/reveal")
@requires("customer.reveal")
def reveal(number: str) -> Response:
    """Show the customer's numbers for sixty seconds, for a reason that stands in the case's timeline."""
    actor, form = current_actor(), request.form
    with transaction():
        case = get_visible(number, actor)
        customer = session().get(Customer, case.customer_id) if case.customer_id else None
        if customer is None:
            raise NotFound(_("There is no such customer."))
        asset = session().get(Asset, case.asset_id) if case.asset_id else None
        shown = customers.reveal(
            customer, asset, form.get("reason", ""), form.get("words", ""),
            stream=f"case:{case.id}", actor=actor, now=now(),
        )  # fmt: skip
    return revealed(shown, **_addresses(number))


# ---------------------------------------------------------------- files


@bp.get("/files/<int:attachment_id>")
@requires()
def file(attachment_id: int) -> Response:
    """Give a file of a case that this person may see; only pictures are shown, all else is saved."""
    actor = current_actor()
    found = session().get(Attachment, attachment_id)
    if found is None:
        raise NotFound(_("There is no such file."))
    if found.case_id is None:
        if found.by_id != actor.id:
            raise NotFound(_("There is no such file."))
    else:
        case = session().get(Case, found.case_id)
        get_visible(case.number if case else "", actor)
    return send_attachment(found)


def send_attachment(found: Attachment) -> Response:
    """Answer with the bytes of a file, so that no browser runs what a stranger has sent."""
    path = files.path_of(found.digest)
    if not path.exists():
        raise NotFound(_("This file is not kept any more."))
    response = send_file(
        path,
        mimetype=found.media_type,
        as_attachment=found.media_type not in files.SHOWN or "save" in request.args,
        download_name=found.name,
        etag=found.digest,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; img-src 'self'; sandbox"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


# ---------------------------------------------------------------- on the customer's page


def cases_of_customer(customer_id: int, actor: Actor, at: datetime) -> Markup:
    """Return the card of a customer's cases."""
    rows = queries.cases_of(customer_id, actor, at)
    return Markup(render_template("cases/_of_customer.html", rows=rows))  # noqa: S704 (a template's output)


def callbacks_of_customer(customer_id: int, actor: Actor, at: datetime) -> Markup:
    """Return the card of the calls promised to a customer and what came of them."""
    if not actor.may("callback.view"):
        return Markup("")
    found = session().execute(
        sa.select(Callback, Case.number)
        .outerjoin(Case, Case.id == Callback.case_id)
        .where(
            Callback.customer_id == customer_id,
            sa.or_(Callback.outcome.is_(None), Callback.outcome != "cancelled"),
        )
        .order_by(Callback.id.desc())
        .limit(20)
    )
    return Markup(render_template("cases/_calls_of_customer.html", calls=list(found)))  # noqa: S704

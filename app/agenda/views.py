"""The agenda's pages: a day by caller or by time, one call beside it, and what is done with one call."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

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
from flask import session as session_cookie
from flask_babel import format_date
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app import calendar
from app.accounts import organisation
from app.accounts.web import current_actor, requires
from app.agenda import panel as panels
from app.agenda import queries, questions, service
from app.agenda.filters import Filters
from app.callbacks import service as callbacks
from app.clock import now
from app.customers import hours
from app.customers import service as customers
from app.customers.views import revealed
from app.db import session, transaction
from app.errors import Conflict, Invalid, NotFound, StepFailed
from app.inbox import answers
from app.inbox import service as inbox
from app.inbox.filters import Filters as InboxFilters
from app.inbox.queries import name_of

# The session's key for the handing over that can be taken back.
UNDO = "callbacks_undo"

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks", template_folder="templates")


@bp.get("")
@requires("callback.view")
def index() -> Response:
    """Show one day's calls, today unless `?day=2026-11-23` names another."""
    return _page(None)


@bp.get("/<int:call_id>")
@requires("callback.view")
def show(call_id: int) -> Response:
    """Show a call beside its day; htmx gets the call alone."""
    shown = panels.panel(call_id, current_actor(), now())
    return _panel(shown) if answers.is_partial() else _page(shown)


@bp.post("/<int:call_id>/record")
@requires("work.claim")
def record(call_id: int) -> Response:
    """Record what came of a call; the call after it in the caller's day opens."""
    actor, instant = current_actor(), now()
    posted, said = _typed()
    try:
        with transaction():
            result = service.record(
                call_id, posted, said=said, actor=actor, now=instant, files=request.files,
                revision=request.form.get("revision", type=int),
            )  # fmt: skip
    except inbox.Unfit as refused:
        return _refused(call_id, {**refused.parsed.typed, **said}, refused.errors, refused.parsed.suggestions)
    except Conflict as conflict:
        item_id = callbacks.get(call_id).work_item_id
        if item_id is None:
            raise
        return answers.lost(item_id, conflict, posted, InboxFilters())
    except Invalid as invalid:
        return _refused(call_id, {**{name: posted[name] for name in posted}, **said}, invalid.errors, {})
    except StepFailed:
        with transaction():
            service.save_draft(call_id, posted, said, actor=actor, now=instant)
        raise
    flash(_came_of(call_id, answers.completed_words(result)), "success")
    following = queries.next_call(call_id, actor, now())
    return _go(call_id if following is None else following)


@bp.post("/<int:call_id>/preview")
@requires("work.claim")
def preview(call_id: int) -> Response:
    """Say what the answers so far would lead to, by trying it out and taking it back."""
    posted, _said = _typed()
    try:
        outlook = service.try_out(call_id, posted, actor=current_actor(), now=now())
    except (Conflict, StepFailed):
        outlook = None  # what stands in the way is said when the form is sent
    return answers.fresh(
        render_template("agenda/_outlook.html", outlook=outlook, outcome=posted.get("outcome"))
    )


@bp.post("/<int:call_id>/draft")
@requires("work.claim")
def draft(call_id: int) -> Response:
    """Keep what was typed so far; answers with the time it was kept."""
    instant = now()
    posted, said = _typed()
    with transaction():
        service.save_draft(call_id, posted, said, actor=current_actor(), now=instant)
    return jsonify({"saved": _("Saved %(t)s", t=_clock(instant))})


@bp.post("/<int:call_id>/assign")
@requires("work.claim", "work.assign")
def assign(call_id: int) -> Response:
    """Give a call to somebody, oneself or nobody."""
    person_id = request.form.get("to", type=int)
    with transaction():
        service.assign(call_id, person_id, actor=current_actor(), now=now())
    name = name_of(person_id)
    flash(_("%(name)s makes this call", name=name) if name else _("Nobody has this call now"), "success")
    return _go(call_id)


@bp.post("/<int:call_id>/hours")
@requires("case.edit")
def set_hours(call_id: int) -> Response:
    """Write down when the customer may be called; calls planned already stay where they are."""
    call = callbacks.get(call_id)
    if call.customer_id is None:
        raise NotFound(_("There is no such customer."))
    try:
        with transaction():
            hours.change(call.customer_id, request.form, actor=current_actor(), now=now())
    except Invalid as invalid:
        flash(invalid.errors[0].message if invalid.errors else str(invalid), "error")
        return _go(call_id)
    flash(_("Saved."), "success")
    return _go(call_id)


# ---------------------------------------------------------------- hidden numbers


@bp.post("/<int:call_id>/reveal")
@requires("customer.reveal")
def reveal(call_id: int) -> Response:
    """Show the customer's number for sixty seconds, for a reason that is recorded."""
    call = callbacks.get(call_id)
    if call.customer_id is None:
        raise NotFound(_("There is no such customer."))
    stream = f"case:{call.case_id}" if call.case_id is not None else f"customer:{call.customer_id}"
    with transaction():
        shown = customers.reveal(
            customers.get(call.customer_id),
            None,
            request.form.get("reason", ""),
            request.form.get("words", ""),
            stream=stream,
            actor=current_actor(),
            now=now(),
        )
    return revealed(shown, **_reveal_urls(call_id))


@bp.get("/<int:call_id>/personal")
@requires("callback.view")
def personal(call_id: int) -> Response:
    """Give the masked line again."""
    shown = panels.panel(call_id, current_actor(), now())
    return answers.fresh(
        render_template("agenda/_personal.html", panel=shown, actor=current_actor(), **_reveal_urls(call_id))
    )


# ---------------------------------------------------------------- inside


def _page(shown: panels.Panel | None, status: int = 200) -> Response:
    filters = Filters.read(request.args)
    if shown is not None and filters.day is None:
        filters = Filters(**{**filters.__dict__, "day": _day_of(shown)})
    agenda = queries.agenda(filters, calendar.current(), now())
    body = render_template(
        "agenda/index.html",
        agenda=agenda,
        filters=filters,
        undo=session_cookie.pop(UNDO, None),
        people=organisation.candidates(queries.CALLERS),
        **_values(shown),
    )
    return answers.fresh(body, status)


def _panel(shown: panels.Panel, status: int = 200) -> Response:
    return answers.fresh(render_template("agenda/_panel.html", **_values(shown)), status)


def _values(shown: panels.Panel | None) -> dict[str, Any]:
    """Return what a panel, and the page around it, are drawn with."""
    filters = Filters.read(request.args)
    values: dict[str, Any] = {
        "panel": shown,
        "actor": current_actor(),
        "query": filters.query(),
        "weekday": weekday,
        "day_words": day_words,
        "options": questions.options,
        "question_text": questions.text,
        "hours_words": hours.words,
        "name_of": name_of,
        "weekdays": hours.weekdays(),
    }
    return values | (_reveal_urls(shown.call.id) if shown else {})


def _refused(call_id: int, typed: Any, errors: Any, suggestions: Any) -> Response:
    """Show the form again, filled as it was sent, with what is wrong beside the fields."""
    shown = panels.panel(call_id, current_actor(), now(), typed=typed, errors=errors, suggestions=suggestions)
    return _panel(shown, 422) if answers.is_partial() else _page(shown, 422)


def _go(call_id: int) -> Response:
    """Answer a write: the whole page again, since columns, loads and counts changed with it."""
    query: dict[str, Any] = Filters.read(request.args).query()
    where = url_for(".show", call_id=call_id, **query)
    if answers.is_partial():
        return make_response("", 204, {"HX-Redirect": where})
    return make_response(redirect(where, 303))


def _typed() -> tuple[MultiDict[str, str], dict[str, str]]:
    """Return the form's own fields, and the answers to the questions."""
    posted = answers.typed_values()
    said = {name: value for name, value in posted.items() if name.startswith(questions.PREFIX)}
    for name in said:
        posted.poplist(name)
    return posted, said


def _came_of(call_id: int, words: str) -> str:
    """Say what the step led to: the next attempt, with its time, or the next step."""
    call = callbacks.get(call_id)
    following = callbacks.find_open(case_id=call.case_id, instance_id=call.instance_id)
    session().expire_all()
    if following is None:
        return words
    return _("Recorded. The next call is planned for %(t)s.", t=_local(following.due_at))


def _local(instant: datetime) -> str:
    return str(current_app.jinja_env.filters["local_time"](instant))


def _clock(instant: datetime) -> str:
    return str(current_app.jinja_env.filters["clock_time"](instant))


def _day_of(shown: panels.Panel) -> date:
    return shown.call.at.astimezone(calendar.current().zone).date()


def _reveal_urls(call_id: int) -> dict[str, str]:
    return {
        "reveal_url": url_for("callbacks.reveal", call_id=call_id),
        "personal_url": url_for("callbacks.personal", call_id=call_id),
        "back_url": url_for("callbacks.show", call_id=call_id),
    }


def weekday(day: date) -> str:
    """Return a short weekday in the reader's language."""
    return str(format_date(day, "EEE"))


def day_words(day: date) -> str:
    """Return a day as a heading says it: 11月26日 周四, Thursday 26 November."""
    return str(format_date(day, _("EEEE d MMMM")))

"""Several calls at once: handed over after a look at what it does, taken back, printed on a sheet."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import calendar
from app.accounts.web import current_actor, requires
from app.agenda import queries, service, sheets
from app.agenda.filters import NOBODY, Filters
from app.agenda.views import UNDO, bp, day_words
from app.clock import now
from app.db import transaction
from app.errors import Invalid


@bp.post("/hand-over")
@requires("work.assign")
def hand_over() -> Response:
    """Show what handing over the ticked calls would do; `do=1` does it."""
    actor, ids, to = current_actor(), _ids(), request.form.get("to", "")
    query: dict[str, Any] = Filters.read(request.args).query()
    try:
        if not request.form.get("do"):
            made = service.plan(ids, to, actor=actor, now=now())
            body = render_template("agenda/hand_over.html", plan=made, to=to, query=query)
            return make_response(body)
        with transaction():
            made, before = service.apply(ids, to, actor=actor, now=now())
    except Invalid as invalid:
        flash(str(invalid), "error")
        return make_response(redirect(url_for(".index", **query), 303))
    words = ngettext("One call handed over", "%(num)s calls handed over", len(before))
    if before:
        session[UNDO] = {"words": words, "before": json.dumps(before)}
    for move in made.refused[:5]:
        flash(f"{move.call.case_number or move.call.title}: {move.refused}", "error")
    return make_response(redirect(url_for(".index", **query), 303))


@bp.post("/hand-over/undo")
@requires("work.assign")
def undo() -> Response:
    """Give the calls handed over last back to whom they were with."""
    try:
        kept = json.loads(request.form.get("before", ""))
        before = {int(key): None if person is None else int(person) for key, person in kept.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise Invalid(_("There is nothing to take back.")) from error
    with transaction():
        done = service.give_back(before, actor=current_actor(), now=now())
    flash(ngettext("One call given back", "%(num)s calls given back", done), "success")
    query: dict[str, Any] = Filters.read(request.args).query()
    return make_response(redirect(url_for(".index", **query), 303))


@bp.get("/sheet")
@requires("callback.view")
def sheet() -> Response:
    """Show the call sheet of a day, one page a caller, the numbers masked."""
    return _sheet(with_numbers=False)


@bp.post("/sheet")
@requires("customer.reveal")
def sheet_with_numbers() -> Response:
    """Show it with the numbers to dial; each customer's is recorded as revealed for a call sheet."""
    return _sheet(with_numbers=True)


def _sheet(*, with_numbers: bool) -> Response:
    centre, actor = calendar.current(), current_actor()
    try:
        day = date.fromisoformat(request.values.get("day", ""))
    except ValueError:
        day = now().astimezone(centre.zone).date()
    caller = request.values.get("caller", "")
    caller = caller if caller == NOBODY or (caller.isdecimal() and len(caller) < 10) else ""
    calls = queries.calls_for_sheet(day, caller, centre, now())
    if with_numbers:
        with transaction():
            numbers = sheets.numbers(calls, actor=actor, now=now())
    else:
        numbers = sheets.masked(calls)
    body = render_template(
        "agenda/sheet.html",
        day=day,
        day_words=day_words,
        caller=caller,
        pages=sheets.pages(calls),
        extras=sheets.extras(calls),
        numbers=numbers,
        with_numbers=with_numbers,
        actor=actor,
    )
    response = make_response(body)
    response.headers["Cache-Control"] = "no-store"
    return response


def _ids() -> list[int]:
    return [int(text) for text in request.form.getlist("call") if text.isdecimal() and len(text) < 10]

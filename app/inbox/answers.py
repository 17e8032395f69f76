"""How the inbox answers: a page, a pane, what a write leads to, a refused form, a lost race."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app import engine, forms
from app.accounts.actor import Actor
from app.accounts.web import current_actor
from app.cases.tables import Submission
from app.clock import now
from app.customers.queries import show_asset, show_customer
from app.db import session, transaction
from app.deadlines import acknowledging
from app.errors import Conflict, FieldError, Invalid
from app.inbox import background, beginning, queries, service
from app.inbox.filters import Filters


def filters_here() -> Filters:
    """Read the filters from the address; a write carries them in its own."""
    return Filters.read(request.args, may_see_all=current_actor().may("work.view_all"))


def is_partial() -> bool:
    """Tell whether htmx asks for a part of the page."""
    restored = request.headers.get("HX-History-Restore-Request")
    return request.headers.get("HX-Request") == "true" and restored is None


def fresh(body: str, status: int = 200) -> Response:
    """Answer with what is true only now, and depends on who asks how."""
    response = make_response(body, status)
    response.headers["Vary"] = "HX-Request"
    response.headers["Cache-Control"] = "no-store"
    return response


def page(work: background.Work | None, filters: Filters, status: int = 200, **more: Any) -> Response:
    """Show the three panes; `more` overrides what the item's pane shows."""
    actor, instant = current_actor(), now()
    values = {
        **_pane_values(work, filters),
        "counts": queries.counts(filters, actor, instant),
        "page": queries.page(filters, actor, instant),
        "views": queries.saved_views(actor),
        "startable": beginning.offered(actor),
        "open_id": work.item.id if work else None,
        **more,
    }
    return fresh(render_template("inbox/index.html", **values), status)


def pane(work: background.Work | None, filters: Filters, status: int = 200, **more: Any) -> Response:
    """Show one item's pane alone, or an empty one."""
    return fresh(render_template("inbox/_work.html", **{**_pane_values(work, filters), **more}), status)


def _pane_values(work: background.Work | None, filters: Filters) -> dict[str, Any]:
    actor = current_actor()
    values: dict[str, Any] = {"work": work, "filters": filters, "actor": actor, "query": filters.query()}
    if work is None:
        return values
    typed = work.draft.values if work.draft else None
    takers = service.takers(work.item) if work.open else []
    mine = work.item.assignee_id == actor.id
    may_take = work.open and work.item.assignee_id is None and service.may_take(work.item, actor)
    context = work.sources.context if mine or may_take else _masked(work.sources.context)
    return values | {
        "drawn": forms.draw(work.form, typed, (), context, work.sources.choices),
        "takers": takers,
        "mine": mine,
        "may_take": may_take,
        "noted": acknowledging.noted(work.item) if work.open and work.item.escalation_level else [],
    }


def _masked(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form reads as those who only look on may see it: plates and addresses are hidden."""
    shown = dict(context)
    if shown.get("customer") is not None:
        shown["customer"] = show_customer(shown["customer"])
    if shown.get("asset") is not None:
        shown["asset"] = show_asset(shown["asset"], now().date())
    return shown


def stay(item_id: int | None, words: str) -> Response:
    """Answer a write: the item's pane for htmx, else its page; the list hears that it changed."""
    filters, actor = filters_here(), current_actor()
    query = filters.query()
    where = url_for(".show", item_id=item_id, **query) if item_id else url_for(".index", **query)
    if not is_partial():
        flash(words, "success")
        return make_response(redirect(where, 303))
    work = background.work(item_id, actor, now()) if item_id else None
    response = pane(work, filters, said=words)
    response.headers["HX-Trigger"] = "inbox-changed"
    response.headers["HX-Push-Url"] = where
    return response


def refused(item_id: int, refused: service.Unfit, filters: Filters) -> Response:
    """Show the form again, filled as it was sent, with what is wrong beside the fields."""
    work = background.work(item_id, current_actor(), now())
    choices = {**work.sources.choices, **refused.parsed.suggestions}
    drawn = forms.draw(work.form, refused.parsed.typed, refused.errors, work.sources.context, choices)
    answer = pane if is_partial() else page
    return answer(work, filters, 422, drawn=drawn)


def lost(item_id: int, conflict: Conflict, posted: MultiDict[str, str], filters: Filters) -> Response:
    """Show who was first, what they sent and what was typed here; nothing of it is lost."""
    actor, instant = current_actor(), now()
    work = background.work(item_id, actor, instant)
    parsed = forms.parse(work.form, posted, context=work.sources.context, choices=work.sources.choices)
    sent = session().query(Submission).filter_by(work_item_id=item_id).first()
    typed_lines = _typed_lines(work, parsed)
    values = {
        "work": work,
        "conflict": conflict,
        "typed": typed_lines,
        "sent": forms.display(work.form, sent.values, choices=work.sources.choices) if sent else [],
        "note": "\n".join(f"{label}: {text}" for label, text in typed_lines),
        "filters": filters,
        "query": filters.query(),
    }
    if is_partial():
        response = fresh(render_template("inbox/_conflict.html", **values), 409)
        response.headers["HX-Trigger"] = "inbox-changed"
        return response
    return fresh(render_template("inbox/conflict.html", **values), 409)


def _typed_lines(work: background.Work, parsed: forms.Parsed) -> list[tuple[str, str]]:
    """Name what was typed; what could not be read is shown as it was typed."""
    lines = dict(forms.display(work.form, parsed.values, choices=work.sources.choices, reveal=True))
    for one in work.form.fields:
        raw = parsed.typed.get(one.name)
        label = _(one.label)
        if raw and one.name not in parsed.values and label not in lines:
            lines[label] = ", ".join(raw) if isinstance(raw, list) else str(raw)
    return list(lines.items())


def keep_typed(item_id: int, posted: MultiDict[str, str], actor: Actor, instant: datetime) -> None:
    """After a step that failed keep the answers as a draft: the page that says so cannot hold the form."""
    with transaction():
        service.save_draft(item_id, posted, actor=actor, now=instant)


def completed_words(result: engine.StepResult) -> str:
    done = _(result.completed.name) if result.completed and result.completed.name else ""
    if result.opened:
        following = _(result.opened[0].name)
        return _("“%(done)s” is done; next comes “%(next)s”.", done=done, next=following)
    return _("“%(done)s” is done.", done=done)


def typed_values() -> MultiDict[str, str]:
    """Return the form's own fields, without what the page adds."""
    pairs = request.form.items(multi=True)
    return MultiDict((name, value) for name, value in pairs if name not in ("csrf_token", "revision"))


def instant_of(text: str) -> datetime | None:
    """Read <input type=datetime-local> in the centre's zone; "" is None. Raises Invalid."""
    if not text.strip():
        return None
    try:
        local = datetime.fromisoformat(text.strip())
    except ValueError as error:
        words = _("This is not a date and time.")
        raise Invalid(words, [FieldError("follow_up", words)]) from error
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return local if local.tzinfo else local.replace(tzinfo=zone)

"""The inbox's pages and writes. All of them work without script."""

from __future__ import annotations

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
from flask_babel import ngettext

from app.accounts.web import current_actor, requires
from app.cases import waiting
from app.cases.tables import SavedView
from app.clock import now
from app.db import session, transaction
from app.errors import Conflict, FieldError, Invalid, StepFailed
from app.inbox import answers, background, queries, service
from app.inbox.beside import beside
from app.inbox.filters import Filters

bp = Blueprint("inbox", __name__, template_folder="templates")


# Where those go who have no tasks.
ELSEWHERE = (("procedures.index", "procedure.view"), ("cases.index", "case.view_own"))


# ---------------------------------------------------------------- pages


@bp.get("/")
@requires()
def home() -> Response:
    """Lead to the inbox, or to what somebody without tasks works on."""
    actor = current_actor()
    if not actor.may("work.claim") and not actor.may("work.view_all"):
        for endpoint, permission in ELSEWHERE:
            if endpoint in current_app.view_functions and actor.may(permission):
                return make_response(redirect(url_for(endpoint), 302))
    return make_response(redirect(url_for(".index"), 302))


@bp.get("/inbox")
@requires()
def index() -> Response:
    """Show the list; nothing is open."""
    return answers.page(None, answers.filters_here())


@bp.get("/inbox/<int:item_id>")
@requires()
def show(item_id: int) -> Response:
    """Show one item in its pane, within the page or alone for htmx."""
    actor, filters = current_actor(), answers.filters_here()
    work = background.work(item_id, actor, now())
    return (answers.pane if answers.is_partial() else answers.page)(work, filters)


@bp.get("/inbox/<int:item_id>/beside")
@requires()
def beside_item(item_id: int) -> Response:
    """Give what may come a moment later: files, similar solutions, the latest history."""
    return answers.fresh(render_template("inbox/_beside.html", beside=beside(item_id, current_actor())))


@bp.get("/inbox/list")
@requires()
def listing() -> Response:
    """Give the list alone: for a refresh, or its next page."""
    actor, filters, instant = current_actor(), answers.filters_here(), now()
    page = queries.page(filters, actor, instant)
    counts = queries.counts(filters, actor, instant) if not filters.after else None
    return answers.fresh(
        render_template(
            "inbox/_rows.html" if filters.after else "inbox/_list.html",
            filters=filters,
            page=page,
            counts=counts,
            open_id=request.args.get("open", type=int),
        )
    )


@bp.get("/inbox/counts")
@requires()
def counts() -> Response:
    """Give the numbers beside the filters; asked every few seconds, so two statements and no more."""
    actor, filters = current_actor(), answers.filters_here()
    numbers = queries.counts(filters, actor, now())
    shown = {f"view:{key}": n for key, n in numbers.views.items()}
    shown |= {f"role:{key}": n for key, n in numbers.roles}
    shown |= {f"class:{key}": n for key, n in numbers.classes}
    total = ngettext("%(num)s open", "%(num)s open", numbers.views.get("all", 0))
    response = jsonify(counts=shown, urgent=numbers.urgent, stamp=numbers.stamp, total=total)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/inbox/badge")
@requires()
def badge() -> Response:
    """Give the number on the rail: escalated, overdue and due today."""
    numbers = queries.counts(Filters(), current_actor(), now())
    return make_response(f'<span data-n="{numbers.urgent}"></span>')


# ---------------------------------------------------------------- verbs


@bp.post("/inbox/<int:item_id>/claim")
@requires("work.claim")
def claim(item_id: int) -> Response:
    """Take an item."""
    with transaction():
        service.claim(item_id, actor=current_actor(), now=now())
    return answers.stay(item_id, _("Claimed"))


@bp.post("/inbox/next")
@requires("work.claim")
def claim_next() -> Response:
    """Take the most urgent item that nobody has."""
    with transaction():
        item = service.claim_next(actor=current_actor(), now=now())
    if item is None:
        return answers.stay(None, _("Nothing is left to claim."))
    return answers.stay(item.id, _("Claimed"))


@bp.post("/inbox/<int:item_id>/release")
@requires("work.claim", "work.assign")
def release(item_id: int) -> Response:
    """Give an item back."""
    with transaction():
        service.release(item_id, actor=current_actor(), now=now())
    return answers.stay(item_id, _("Released"))


@bp.post("/inbox/<int:item_id>/assign")
@requires("work.claim", "work.assign")
def assign(item_id: int) -> Response:
    """Hand an item over."""
    person_id, reason = request.form.get("assignee", 0, type=int), request.form.get("reason", "")
    actor, filters = current_actor(), answers.filters_here()
    with transaction():
        item = service.assign(item_id, person_id, reason=reason, actor=actor, now=now())
        name = queries.name_of(item.assignee_id)
        mine = item.assignee_id == actor.id
        following = None if mine else queries.next_after(item, filters, actor, now())
    return answers.stay(item_id if mine else following, _("Handed over to %(name)s", name=name))


@bp.post("/inbox/<int:item_id>/complete")
@requires("work.claim")
def complete(item_id: int) -> Response:
    """Send in the form; the next item of the list opens."""
    actor, filters, instant = current_actor(), answers.filters_here(), now()
    revision = request.form.get("revision", type=int)
    posted = answers.typed_values()
    try:
        with transaction():
            result = service.complete(
                item_id, posted, actor=actor, now=instant, files=request.files, revision=revision
            )
    except service.Unfit as refused:
        return answers.refused(item_id, refused, filters)
    except Conflict as conflict:
        return answers.lost(item_id, conflict, posted, filters)
    except StepFailed:
        answers.keep_typed(item_id, posted, actor, instant)
        raise
    following = queries.next_after(result.completed, filters, actor, instant) if result.completed else None
    return answers.stay(following, answers.completed_words(result))


@bp.post("/inbox/<int:item_id>/comment")
@requires("case.comment")
def comment(item_id: int) -> Response:
    """Write a remark on the item's case."""
    with transaction():
        service.comment(item_id, request.form.get("body", ""), actor=current_actor(), now=now())
    return answers.stay(item_id, _("Note saved"))


@bp.post("/inbox/<int:item_id>/wait")
@requires("case.comment")
def wait(item_id: int) -> Response:
    """Stop the clocks of the item's case: the next word is the customer's."""
    actor = current_actor()
    with transaction():
        waiting.wait_for_customer(
            service.case_of(item_id, actor), request.form.get("awaited", ""), actor=actor, now=now()
        )
    return answers.stay(item_id, _("Waiting for the customer"))


@bp.post("/inbox/<int:item_id>/go-on")
@requires("case.comment")
def go_on(item_id: int) -> Response:
    """Let the clocks of the item's case go on."""
    actor = current_actor()
    with transaction():
        waiting.stop_waiting(service.case_of(item_id, actor), actor=actor, now=now())
    return answers.stay(item_id, _("The clocks go on"))


@bp.post("/inbox/<int:item_id>/attach")
@requires("case.comment", "work.claim")
def attach(item_id: int) -> Response:
    """Keep files with the item's case; a script gets their ids at once."""
    actor, instant = current_actor(), now()
    sent = [one for one in request.files.getlist("file") if one.filename]
    if not sent:
        raise Invalid(_("Choose a file."), [FieldError("file", _("Choose a file."))])
    with transaction():
        item = service.get(item_id, actor)
        kept = [
            service.attach(item, one.filename or "", one.read(), actor=actor, now=instant) for one in sent
        ]
        answer = [{"id": one.id, "name": one.name, "size": one.size} for one in kept]
    if request.headers.get("Accept", "").startswith("application/json"):
        return jsonify(answer)
    return answers.stay(item_id, ngettext("One file attached", "%(num)s files attached", len(answer)))


@bp.post("/inbox/<int:item_id>/acknowledge")
@requires()
def acknowledge(item_id: int) -> Response:
    """Take note that the item is late."""
    with transaction():
        service.acknowledge(item_id, actor=current_actor(), now=now())
    return answers.stay(item_id, _("Noted: it rings no more for you"))


@bp.post("/inbox/<int:item_id>/ring-again")
@requires()
def ring_again(item_id: int) -> Response:
    """Take the note back."""
    with transaction():
        service.ring_again(item_id, actor=current_actor(), now=now())
    return answers.stay(item_id, _("It rings again"))


@bp.post("/inbox/<int:item_id>/follow-up")
@requires("work.claim", "work.assign")
def follow_up(item_id: int) -> Response:
    """Note when to look again, or take the note away."""
    with transaction():
        at = answers.instant_of(request.form.get("follow_up", ""))
        service.follow_up(item_id, at, actor=current_actor(), now=now())
    return answers.stay(item_id, _("Follow-up date saved"))


@bp.post("/inbox/<int:item_id>/draft")
@requires("work.claim")
def draft(item_id: int) -> Response:
    """Keep what was typed so far; answers with the time it was kept."""
    instant = now()
    with transaction():
        service.save_draft(item_id, answers.typed_values(), actor=current_actor(), now=instant)
    at = current_app.jinja_env.filters["clock_time"](instant)
    return jsonify({"saved": _("Saved %(t)s", t=at)})


@bp.post("/inbox/bulk")
@requires("work.claim", "work.assign")
def bulk() -> Response:
    """Claim, release or hand over the ticked items."""
    ids = [int(text) for text in request.form.getlist("item") if text.isdecimal()][:200]
    with transaction():
        outcome = service.bulk(
            request.form.get("verb", ""),
            ids,
            actor=current_actor(),
            now=now(),
            person_id=request.form.get("assignee", type=int),
            reason=request.form.get("reason", ""),
        )
    if outcome.done:
        flash(ngettext("One task done", "%(num)s tasks done", len(outcome.done)), "success")
    for number, why in outcome.refused[:5]:
        flash(f"{number}: {why}", "error")
    return make_response(redirect(url_for(".index", **answers.filters_here().query()), 303))


@bp.get("/inbox/bulk/people")
@requires("work.claim", "work.assign")
def bulk_people() -> Response:
    """Give the people who may do every ticked item."""
    actor = current_actor()
    ids = [int(text) for text in request.args.getlist("item") if text.isdecimal()][:200]
    people = queries.common_takers(ids, actor)
    return answers.fresh(render_template("inbox/_people.html", people=people))


@bp.post("/inbox/views")
@requires()
def keep_view() -> Response:
    """Keep this look at the inbox under a name; an empty name forgets `id`."""
    actor, filters = current_actor(), answers.filters_here()
    name = request.form.get("name", "").strip()[:60]
    with transaction():
        if request.form.get("forget", type=int):
            kept = session().get(SavedView, request.form.get("forget", 0, type=int))
            if kept is not None and kept.person_id == actor.id:
                session().delete(kept)
        elif name:
            service.keep_view(name, filters.query(), actor=actor)
    return make_response(redirect(url_for(".index", **filters.query()), 303))

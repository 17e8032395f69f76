"""The list of drafts and what is done with a whole draft: begin, discard, bring back, publish."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import engine
from app.accounts import roles
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import publication, queries, service
from app.designer.impact import impact
from app.engine.deploy import latest_files
from app.engine.problems import errors_of
from app.errors import Conflict, FieldError, Invalid, Refused
from app.procedures.differences import compare, words

bp = Blueprint("designer", __name__, template_folder="templates", url_prefix="/designer")

EDIT = "procedure.deploy"
# Lanes that a new procedure starts with unless others are chosen.
USUAL_LANES = ("agent",)


@bp.get("")
@requires(EDIT)
def index() -> str:
    """List the drafts."""
    opened, ended = queries.list_drafts()
    return render_template("designer/index.html", drafts=opened, ended=ended, procedures=queries.procedures())


@bp.get("/new")
@requires(EDIT)
def new() -> str:
    """Ask what the new procedure is called and who works in it."""
    return _new({"lanes": USUAL_LANES})


@bp.post("/new")
@requires(EDIT)
def begin() -> Any:
    """Make a draft: of the procedure `procedure`, else of a new one."""
    if request.form.get("procedure"):
        number = request.form.get("version", type=int)
        with transaction():
            draft = service.open_version(request.form["procedure"], number, actor=current_actor(), now=now())
        if number is not None:
            comment = _("Back to version %(n)s", n=number)
            return redirect(url_for(".ask_publish", draft_id=draft.id, comment=comment), 303)
        return redirect(url_for(".show", draft_id=draft.id), 303)
    values = {name: request.form.get(name, "") for name in ("key", "name", "english", "area")}
    lanes = request.form.getlist("lanes")
    try:
        with transaction():
            draft = service.start(
                values["key"],
                values["name"],
                values["area"],
                lanes,
                english=values["english"],
                actor=current_actor(),
                now=now(),
            )
    except Invalid as error:
        return _new({**values, "lanes": lanes}, {one.field: one.message for one in error.errors}), 422
    return redirect(url_for(".show", draft_id=draft.id), 303)


@bp.get("/<int:draft_id>")
@requires(EDIT)
def show(draft_id: int) -> Any:
    """Go to the draft's root diagram."""
    return redirect(url_for(".edit", draft_id=draft_id, path=queries.root_path(draft_id)))


@bp.post("/<int:draft_id>/discard")
@requires(EDIT)
def discard(draft_id: int) -> Any:
    """Put a draft away; the list offers to bring it back."""
    with transaction():
        service.discard(draft_id, actor=current_actor(), now=now())
    flash(_("The draft is discarded. It stands below, to be brought back."))
    return redirect(url_for(".index"), 303)


@bp.post("/<int:draft_id>/restore")
@requires(EDIT)
def restore(draft_id: int) -> Any:
    """Bring a discarded draft back."""
    with transaction():
        service.restore(draft_id, actor=current_actor(), now=now())
    flash(_("The draft is back, as it was."))
    return redirect(url_for(".index"), 303)


@bp.get("/<int:draft_id>/publish")
@requires(EDIT)
def ask_publish(draft_id: int) -> str:
    """Say what publishing would do, and ask what has changed."""
    return _publish(draft_id, comment=request.args.get("comment", ""))


@bp.post("/<int:draft_id>/publish")
@requires(EDIT)
def publish(draft_id: int) -> Any:
    """Publish a draft, at `publish_at` if given; do=ask a second person, who says do=agree; do=call_off."""
    comment, overwrite = request.form.get("comment", ""), request.form.get("overwrite") == "1"
    do, actor, at = request.form.get("do", "publish"), current_actor(), now()
    if do == "publish" and request.form.get("publish_at", "").strip():
        do = "ask"
    made: list[engine.Deployed] = []
    try:
        with transaction():
            if do == "ask":
                publication.ask(draft_id, comment, publish_at=_wanted_at(), actor=actor, now=at)
            elif do == "call_off":
                publication.call_off(draft_id, actor=actor, now=at)
            elif do == "agree":
                made = publication.agree(draft_id, actor=actor, now=at)
            else:
                made = service.publish(draft_id, comment, overwrite=overwrite, actor=actor, now=at)
    except engine.ProblemsFound:
        return _publish(draft_id, comment=comment), 422
    except Invalid as error:
        said = {one.field: one.message for one in error.errors}
        error_at = said.get("publish_at", "")
        return _publish(draft_id, comment=comment, error=said.get("comment", ""), when=error_at), 422
    except (Conflict, Refused) as error:
        return _publish(draft_id, comment=comment, conflict=str(error)), 409
    if not made:
        flash(
            _("Asked for.")
            if do == "ask"
            else _("Agreed; it is published at its time.")
            if do == "agree"
            else _("Called off.")
        )
        return redirect(url_for(".ask_publish", draft_id=draft_id), 303)
    flash(ngettext("One new version published.", "%(num)s new versions published.", len(made)))
    key = queries.get(draft_id).key
    mine = [one.key for one in made]
    shown = key if key in mine else mine[0] if mine else key
    return redirect(url_for("procedures.show", key=shown), 303)


def _new(values: dict[str, Any], errors: dict[str, str] | None = None) -> str:
    given = {"key": "", "name": "", "english": "", "area": "complaints"} | values
    return render_template("designer/new.html", values=given, errors=errors or {}, roles=roles.ROLES)


def _wanted_at() -> datetime | None:
    """Return the instant that was typed, in the centre's zone. Raises Invalid."""
    text = request.form.get("publish_at", "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        words = _("Enter a day and an hour.")
        raise Invalid(words, [FieldError("publish_at", words)]) from error
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _publish(
    draft_id: int, *, comment: str = "", error: str = "", conflict: str = "", when: str = ""
) -> str:
    draft = queries.get(draft_id)
    rows = queries.files(draft_id)
    problems = queries.problems(rows)
    changed = {row.path: row.content for row in rows if row.changed}
    running = latest_files()
    differences = compare({path: running[path] for path in changed if path in running}, changed)
    return render_template(
        "designer/publish.html",
        differences=differences,
        impact=impact(changed, differences) if changed and draft.is_open else None,
        words=words,
        draft=draft,
        changed=[one for one in queries.entries(rows) if one.changed],
        problems=problems,
        errors=errors_of(problems),
        behind=queries.behind(draft_id),
        comment=comment or draft.comment,
        error=error,
        conflict=conflict,
        when=when,
        publish_at=request.form.get("publish_at", ""),
        second=publication.needs_second(),
        asked_by=queries.name_of(draft.asked_by_id),
        mine=draft.asked_by_id == current_actor().id,
    )

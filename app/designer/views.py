"""The list of drafts and what is done with a whole draft: begin, discard, bring back, publish."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import engine
from app.accounts import roles
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import queries, service
from app.designer.impact import impact
from app.engine.deploy import latest_files
from app.engine.problems import errors_of
from app.errors import Conflict, Invalid
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
    values = {name: request.form.get(name, "") for name in ("key", "name", "area")}
    lanes = request.form.getlist("lanes")
    try:
        with transaction():
            draft = service.start(
                values["key"], values["name"], values["area"], lanes, actor=current_actor(), now=now()
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
    """Publish a draft."""
    comment, overwrite = request.form.get("comment", ""), request.form.get("overwrite") == "1"
    try:
        with transaction():
            made = service.publish(draft_id, comment, overwrite=overwrite, actor=current_actor(), now=now())
    except engine.ProblemsFound:
        return _publish(draft_id, comment=comment), 422
    except Invalid as error:
        return _publish(draft_id, comment=comment, error=error.errors[0].message), 422
    except Conflict as error:
        return _publish(draft_id, comment=comment, conflict=str(error)), 409
    flash(ngettext("One new version published.", "%(num)s new versions published.", len(made)))
    key = queries.get(draft_id).key
    mine = [one.key for one in made]
    shown = key if key in mine else mine[0] if mine else key
    return redirect(url_for("procedures.show", key=shown), 303)


def _new(values: dict[str, Any], errors: dict[str, str] | None = None) -> str:
    given = {"key": "", "name": "", "area": "complaints"} | values
    return render_template("designer/new.html", values=given, errors=errors or {}, roles=roles.ROLES)


def _publish(draft_id: int, *, comment: str = "", error: str = "", conflict: str = "") -> str:
    draft = queries.get(draft_id)
    rows = queries.files(draft_id)
    problems = queries.problems(rows)
    changed = {row.path: row.content for row in rows if row.changed}
    running = latest_files()
    differences = compare({path: running[path] for path in changed if path in running}, changed)
    return render_template(
        "designer/publish.html",
        differences=differences,
        impact=impact(changed, differences) if changed else None,
        words=words,
        draft=draft,
        changed=[one for one in queries.entries(rows) if one.changed],
        problems=problems,
        errors=errors_of(problems),
        behind=queries.behind(draft_id),
        comment=comment,
        error=error,
        conflict=conflict,
    )

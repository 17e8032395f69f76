"""What designers see of the procedures that run, and the way to new versions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import engine
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.errors import Invalid, NotFound
from app.procedures import comparing, queries, uploads
from app.procedures.diagrams import compared, translated
from app.procedures.differences import words
from app.web.i18n import choose, content

bp = Blueprint("procedures", __name__, template_folder="templates", url_prefix="/procedures")

SEE = "procedure.view"
DEPLOY = "procedure.deploy"
MEDIA_TYPES = {"bpmn": "application/xml", "dmn": "application/xml", "json": "application/json"}


@bp.get("")
@requires(SEE)
def index() -> str:
    """List the procedures."""
    return render_template("procedures/index.html", rows=queries.list_procedures(), actor=current_actor())


@bp.get("/<key>")
@requires(SEE)
def show(key: str) -> str:
    """Show a procedure at its newest version, or at ?version=."""
    page = queries.procedure_page(key, request.args.get("version", type=int))
    return render_template(
        "procedures/show.html",
        page=page,
        actor=current_actor(),
        states=diagram_states(page.diagrams, lambda one: _diagram_url(page, one.file)),
    )


@bp.get("/<key>/compare")
@requires(SEE)
def compare_versions(key: str) -> str:
    """Show what differs between the versions ?from= and ?to=."""
    before, after = (request.args.get(name, type=int) for name in ("from", "to"))
    return render_template(
        "procedures/compare.html", page=comparing.compare_page(key, before, after), words=words
    )


@bp.get("/<key>/versions/<int:number>/files/<path:path>")
@requires(SEE)
def file(key: str, number: int, path: str) -> Response:
    """Give a file of a version as it was deployed; it never changes."""
    return send_file_of(queries.version_id(key, number), path)


@bp.get("/<key>/versions/<int:number>/diagrams/<locale>/<path:path>")
@requires(SEE)
def diagram(key: str, number: int, locale: str, path: str) -> Response:
    """Give a diagram for drawing; `locale` is in the address since the browser keeps the answer."""
    return send_file_of(queries.version_id(key, number), path, translate=True)


@bp.get("/<key>/versions/<int:number>/forms/<path:path>")
@requires(SEE)
def form(key: str, number: int, path: str) -> str:
    """Draw a form as the people at its steps see it, to try it out."""
    version = queries.version_id(key, number)
    schema = engine.form_schema(version, path)
    return render_template(
        "procedures/form.html",
        key=key,
        number=number,
        path=path,
        schema=schema,
        steps=queries.form_steps(version, path),
    )


# ---------------------------------------------------------------- new versions


@bp.get("/upload")
@requires(DEPLOY)
def upload() -> str:
    """Ask for the files of a new version."""
    return _upload()


@bp.post("/upload")
@requires(DEPLOY)
def check() -> Any:
    """Check what was sent and say what deploying it would do; nothing is deployed."""
    folder = request.form.get("folder", "")
    try:
        files, ignored = uploads.received(request.files.getlist("files"), folder)
        checked = uploads.check(files, ignored, actor=current_actor(), now=now())
        _files, mendable = uploads.mended(files)
        parcel = uploads.pack(files) if mendable or not checked.errors else ""
    except Invalid as error:
        return _upload(errors=error.errors, folder=folder), 422
    status = 422 if checked.errors else 200
    return _upload(checked=checked, parcel=parcel, folder=folder, mendable=mendable), status


@bp.post("/upload/mend")
@requires(DEPLOY)
def mend() -> Any:
    """Check the files again with what can be mended mechanically; nothing is deployed."""
    try:
        before = uploads.unpack(request.form.get("parcel", ""))
        files, changes = uploads.mended(before)
        checked = uploads.check(files, [], actor=current_actor(), now=now())
        parcel = uploads.pack(files)
    except Invalid as error:
        return _upload(errors=error.errors), 422
    drawn = {}
    for path in dict.fromkeys(path for path, _change in changes):
        marks = {change.element: "changed" for one, change in changes if one == path and change.element}
        drawn[path] = compared(before[path], files[path], marks)
    status = 422 if checked.errors else 200
    return _upload(checked=checked, parcel=parcel, mended=changes, drawn=drawn), status


@bp.post("/upload/file")
@requires(DEPLOY)
def take_back() -> Any:
    """Give one of the mended files, to go on with it elsewhere."""
    try:
        content_of = uploads.unpack(request.form.get("parcel", ""))
    except Invalid as error:
        return _upload(errors=error.errors), 422
    path = request.form.get("path", "")
    if path not in content_of:
        raise NotFound(_("There is no such file."))
    return _attached(content_of[path], path)


@bp.post("/deploy")
@requires(DEPLOY)
def deploy() -> Any:
    """Make new versions of what was checked; it is checked again."""
    uploads.refuse_alone()
    try:
        files = uploads.unpack(request.form.get("parcel", ""))
        with transaction():
            made = engine.deploy(files, actor=current_actor(), now=now())
    except engine.ProblemsFound as error:
        return _upload(checked=uploads.Checked(files, [], error.problems, [])), 422
    except Invalid as error:
        return _upload(errors=error.errors), 422
    done = [one for one in made if one.created]
    flash(
        ngettext("One new version published.", "%(num)s new versions published.", len(done))
        if done
        else _("Nothing has changed, so there is no new version.")
    )
    return redirect(url_for(".show", key=done[0].key) if len(done) == 1 else url_for(".index"), 303)


# ---------------------------------------------------------------- inside


def _upload(**values: Any) -> str:
    given: dict[str, Any] = {"checked": None, "parcel": "", "errors": [], "folder": ""}
    given |= {"mendable": [], "mended": [], "drawn": {}} | values
    return render_template("procedures/upload.html", **given)


def send_file_of(version: int, path: str, *, translate: bool = False) -> Response:
    """Answer with a file of a version, `translate`: as a diagram to draw in the reader's language."""
    found = engine.get_file(version, path)
    response = _attached(translated(found) if translate else found, path)
    response.headers["Cache-Control"] = "private, max-age=86400"
    return response


def _attached(found: bytes, path: str) -> Response:
    response = make_response(found)
    response.headers["Content-Type"] = (
        MEDIA_TYPES.get(path.rpartition(".")[2], "application/octet-stream") + "; charset=utf-8"
    )
    # Never shown as a page: a diagram may hold anything that a designer wrote.
    response.headers.set("Content-Disposition", "attachment", filename=path.rpartition("/")[2])
    return response


def _diagram_url(page: queries.ProcedurePage, path: str) -> str:
    return url_for(".diagram", key=page.key, number=page.version.number, locale=choose(), path=path)


def diagram_states(diagrams: list[queries.DiagramView], address: Any) -> dict[str, Any]:
    """Return what diagram.js draws: the shapes' states, names in the reader's language, called processes."""
    return {
        "processes": [
            {
                "id": one.id,
                "name": content(one.name),
                "url": address(one),
                "elements": one.elements,
                "names": {},  # the file comes with its names translated
                "calls": one.calls,
            }
            for one in diagrams
        ]
    }

"""The editor of one file: its page, and what its scripts ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import (
    Response,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import force_locale
from flask_babel import gettext as _

from app import engine, forms
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import checks, form_words, panel, queries, service
from app.designer.views import EDIT, bp
from app.engine import bundles
from app.engine.deploy import latest_files
from app.engine.problems import errors_of
from app.errors import Conflict, FieldError, Invalid
from app.web.i18n import LOCALES, choose, content

PAGES = {"bpmn": "designer/diagram.html", "dmn": "designer/table.html", "form": "designer/form.html"}
FRAMED = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'self'"
)


@bp.get("/<int:draft_id>/files/<path:path>")
@requires(EDIT)
def edit(draft_id: int, path: str) -> str:
    """Show the editor of one file; a closed draft is shown and cannot be changed."""
    draft, row = queries.get(draft_id), queries.file(draft_id, path)
    rows = queries.files(draft_id)
    entries = queries.entries(rows)
    library = bundles.library({**latest_files(), **{one.path: one.content for one in rows}})
    problems = queries.problems(rows)
    kind = bundles.kind(path) or "form"
    return render_template(
        PAGES[kind],
        draft=draft,
        file=next(one for one in entries if one.path == path),
        entries=entries,
        counts=_counts(problems),
        problems=problems,
        mendable=queries.mendable(rows),
        running=queries.running(draft.key),
        form_words=form_words.describe(library, path) if kind == "form" else None,
        setup={
            "kind": kind,
            "path": path,
            "revision": row.revision,
            "changed": row.changed,
            "readonly": not draft.is_open,
            "locale": choose(),
            "raw": url_for(".raw", draft_id=draft_id, path=path),
            "save": url_for(".save", draft_id=draft_id, path=path),
            "copy": url_for(".copy", draft_id=draft_id, path=path),
            "check": url_for(".check", draft_id=draft_id),
            "present": url_for(".present", draft_id=draft_id),
            "files": url_for(".edit", draft_id=draft_id, path=""),
            "mend": url_for(".ask_mend", draft_id=draft_id, path=""),
            "preview": url_for(".preview", draft_id=draft_id, path=path),
            "homes": _homes(library),
            "findings": [finding(one) for one in problems],
            "panel": panel.describe(entries, library),
        },
    )


@bp.get("/<int:draft_id>/raw/<path:path>")
@requires(EDIT)
def raw(draft_id: int, path: str) -> Response:
    """Give a draft's file byte by byte."""
    response = make_response(queries.file(draft_id, path).content)
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers.set("Content-Disposition", "attachment", filename=path.rpartition("/")[2])
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/<int:draft_id>/raw/<path:path>")
@requires(EDIT)
def save(draft_id: int, path: str) -> Any:
    """Keep what was drawn, and say what checking the whole draft finds.

    The body is the file; ?revision= is the one its writer saw. 409: {"message", "by", "at", "revision"}.
    """
    revision = request.args.get("revision", type=int) or 0
    if request.args.get("overwrite") == "1":
        revision = queries.file(draft_id, path).revision
    try:
        with transaction():
            saved = service.save(
                draft_id, path, request.get_data(), revision=revision, actor=current_actor(), now=now()
            )
    except Conflict as error:
        return _conflict(draft_id, path, error)
    return {
        "revision": saved.revision,
        "written": saved.written,
        "changed": saved.changed,
        "at": _shown(saved.at),
        **_checked(draft_id),
    }


@bp.get("/<int:draft_id>/problems")
@requires(EDIT)
def problems(draft_id: int) -> Any:
    """Say what checking the draft finds."""
    queries.get(draft_id)
    return _checked(draft_id)


@bp.post("/<int:draft_id>/copies/<path:path>")
@requires(EDIT)
def copy(draft_id: int, path: str) -> Any:
    """Keep what was drawn as another draft, where somebody else has saved this one since."""
    with transaction():
        made = service.copy(draft_id, path=path, content=request.get_data(), actor=current_actor(), now=now())
    flash(_("Yours is kept as draft %(id)s; this is theirs.", id=made.id))
    return {"id": made.id, "url": url_for(".edit", draft_id=made.id, path=path)}, 201


@bp.post("/<int:draft_id>/check")
@requires(EDIT)
def check(draft_id: int) -> Any:
    """Say what the engine makes of one value: {"kind", "text"} gives {"level", "message"}."""
    asked = request.get_json(silent=True) or {}
    kind, text = str(asked.get("kind", "condition")), str(asked.get("text", ""))
    files = {**latest_files(), **{one.path: one.content for one in queries.files(draft_id)}}
    known = checks.known_names(bundles.library(files)) | set(map(str, asked.get("names") or ()))
    return checks.check(kind, text, known=known, now=now()).as_dict()


@bp.post("/<int:draft_id>/present")
@requires(EDIT)
def present(draft_id: int) -> Any:
    """Note that somebody has the draft open; say who else has, and which revision each file is at."""
    with transaction():
        service.seen(draft_id, actor=current_actor(), now=now())
    others = queries.present(draft_id, but=current_actor().id, now=now())
    return {
        "others": [{"name": one.name, "at": _shown(one.seen_at)} for one in others],
        "files": {row.path: row.revision for row in queries.files(draft_id)},
    }


@bp.post("/<int:draft_id>/files")
@requires(EDIT)
def add(draft_id: int) -> Any:
    """Add a new diagram, table or form, and open it."""
    values = {name: request.form.get(name, "") for name in ("kind", "name", "title")}
    try:
        with transaction():
            row = service.add_file(draft_id, **values, actor=current_actor(), now=now())
    except Invalid as error:
        return render_template(
            "designer/add.html",
            draft=queries.get(draft_id),
            values=values,
            errors={one.field: one.message for one in error.errors},
        ), 422
    return redirect(url_for(".edit", draft_id=draft_id, path=row.path), 303)


@bp.get("/<int:draft_id>/add")
@requires(EDIT)
def ask_add(draft_id: int) -> str:
    """Ask what to add to the draft."""
    values = {"kind": request.args.get("kind", "form"), "name": "", "title": ""}
    return render_template("designer/add.html", draft=queries.get(draft_id), values=values, errors={})


@bp.post("/<int:draft_id>/remove/<path:path>")
@requires(EDIT)
def remove(draft_id: int, path: str) -> Any:
    """Take a new file out of the draft."""
    with transaction():
        service.remove_file(draft_id, path, actor=current_actor(), now=now())
    flash(_("The file is out of the draft."))
    return redirect(url_for(".show", draft_id=draft_id), 303)


@bp.post("/<int:draft_id>/replace/<path:path>")
@requires(EDIT)
def replace(draft_id: int, path: str) -> Any:
    """Put a file from the designer's computer in the place of one of the draft, as it is."""
    sent = request.files.get("file")
    content = sent.read() if sent is not None and sent.filename else b""
    if not content:
        words = _("Choose a file that is not empty.")
        raise Invalid(words, [FieldError("file", words)])
    with transaction():
        seen = queries.file(draft_id, path).revision
        service.save(draft_id, path, content, revision=seen, actor=current_actor(), now=now())
    flash(_("The file from your computer is in the draft."))
    return redirect(url_for(".edit", draft_id=draft_id, path=path), 303)


@bp.post("/<int:draft_id>/revert/<path:path>")
@requires(EDIT)
def revert(draft_id: int, path: str) -> Any:
    """Put a file back to what runs."""
    with transaction():
        service.revert_file(draft_id, path, actor=current_actor(), now=now())
    flash(_("The file is as it was published."))
    return redirect(url_for(".edit", draft_id=draft_id, path=path), 303)


@bp.get("/<int:draft_id>/preview/<path:path>")
@requires(EDIT)
def preview(draft_id: int, path: str) -> Response:
    """Draw a form as the people at its steps see it, in the language ?lang=; stands in a frame."""
    try:
        schema = bundles.form_schema(queries.file(draft_id, path).content)
        broken = forms.problems(schema)
    except ValueError as error:
        schema, broken = {}, [str(error)]
    if request.args.get("lang") in LOCALES:
        g.locale_choice = request.args["lang"]
    with force_locale(choose()):
        page = render_template("designer/preview.html", schema=schema, broken=broken)
    response = make_response(page)
    # The only page of ours that stands in a frame, and only in our own.
    response.headers["Content-Security-Policy"] = FRAMED
    response.headers["Cache-Control"] = "no-store"
    return response


def finding(one: engine.Problem) -> dict[str, Any]:
    """Return a finding as JSON for the page."""
    return {**one.as_dict(), "name": content(one.name), "why": getattr(one, "why", "")}


def _shown(at: datetime) -> str:
    words: str = current_app.jinja_env.filters["local_time"](at)
    return words


def _checked(draft_id: int) -> dict[str, Any]:
    rows = queries.files(draft_id)
    found = queries.problems(rows)
    return {
        "findings": [finding(one) for one in found],
        "counts": _counts(found),
        "changed_files": [row.path for row in rows if row.changed],
        "mendable": queries.mendable(rows),
    }


def _counts(found: list[engine.Problem]) -> dict[str, Any]:
    errors = errors_of(found)
    files: dict[str, int] = {}
    for one in errors:
        files[one.file] = files.get(one.file, 0) + 1
    return {"errors": len(errors), "warnings": len(found) - len(errors), "files": files}


def _conflict(draft_id: int, path: str, error: Conflict) -> Any:
    return jsonify(
        message=str(error),
        by=error.by or "",
        at=_shown(error.at) if error.at else "",
        revision=queries.file(draft_id, path).revision,
    ), 409


def _homes(library: bundles.Library) -> dict[str, str]:
    """Return process and decision ids with the paths of their files, to open them from a step."""
    return {id: path for id, (path, _process) in library.processes.items()} | dict(library.decisions)

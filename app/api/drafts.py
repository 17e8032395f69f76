"""Drafts of procedures over REST: what the editor does, for scripts and other editors."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from app import engine
from app.api import access, schemas_drafts
from app.api.problems import install, problem
from app.designer import queries, service
from app.errors import FieldError, Invalid

bp = Blueprint("api_drafts", __name__, url_prefix="/api/v1", description="Drafts of procedures.")
bp.before_request(access.authenticate)
bp.before_request(access.check_request)
install(bp)

EDIT = "procedure.deploy"
BYTES = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


@bp.route("/drafts")
class Drafts(MethodView):
    """The drafts that are open."""

    @bp.response(200, schemas_drafts.DraftOut(many=True))
    def get(self) -> list[dict[str, Any]]:
        """List the open drafts, changed last first."""
        access.check_permission(EDIT)
        opened, _ended = queries.list_drafts()
        return [_shown(one.id) for one in opened]

    @bp.arguments(schemas_drafts.DraftIn)
    @bp.response(201, schemas_drafts.DraftOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Open a draft of a procedure's newest version, byte by byte; or, without `procedure`, a new one."""
        access.check_permission(EDIT)
        with access.writing() as (actor, instant):
            if body["procedure"]:
                made = service.open_version(body["procedure"], actor=actor, now=instant)
            else:
                made = service.start(
                    body["key"], body["name"], body["area"], body["lanes"], actor=actor, now=instant
                )
            draft_id = made.id
        return _shown(draft_id)


@bp.route("/drafts/<int:draft_id>")
class Draft(MethodView):
    """One draft."""

    @bp.response(200, schemas_drafts.DraftOut)
    def get(self, draft_id: int) -> dict[str, Any]:
        """Return a draft with its files."""
        access.check_permission(EDIT)
        return _shown(draft_id)

    @bp.response(204)
    def delete(self, draft_id: int) -> None:
        """Discard a draft; it can be brought back on its page."""
        access.check_permission(EDIT)
        with access.writing() as (actor, instant):
            service.discard(draft_id, actor=actor, now=instant)


@bp.route("/drafts/<int:draft_id>/problems")
@bp.response(200, schemas_drafts.FindingOut(many=True))
def problems(draft_id: int) -> list[dict[str, Any]]:
    """Check a draft laid over what runs; an empty list may be published."""
    access.check_permission(EDIT)
    queries.get(draft_id)
    return [dict(one.as_dict()) for one in queries.problems(queries.files(draft_id))]


@bp.route("/drafts/<int:draft_id>/files/<path:path>")
class DraftFile(MethodView):
    """One file of a draft."""

    @bp.response(200, {"type": "string"}, content_type="application/octet-stream")
    def get(self, draft_id: int, path: str) -> Response:
        """Return a file byte by byte; the header X-Revision says which it is."""
        access.check_permission(EDIT)
        row = queries.file(draft_id, path)
        response = current_app.response_class(row.content, mimetype="application/octet-stream")
        response.headers["Content-Disposition"] = "attachment"
        response.headers["X-Revision"] = str(row.revision)
        return response

    @bp.arguments(schemas_drafts.SaveQuery, location="query")
    @bp.response(200, schemas_drafts.SavedOut)
    @bp.doc(requestBody=BYTES)
    def put(self, args: dict[str, Any], draft_id: int, path: str) -> dict[str, Any]:
        """Save a file. `revision`: the one that was seen; 409 says who has saved it since.

        Content that is there already changes nothing.
        """
        access.check_permission(EDIT)
        if not request.get_data():
            words = _("Send the file's content.")
            raise Invalid(words, [FieldError("content", words)])
        with access.writing() as (actor, instant):
            saved = service.save(
                draft_id, path, request.get_data(), revision=args["revision"], actor=actor, now=instant
            )
        return {"path": path, "revision": saved.revision, "written": saved.written, "changed": saved.changed}


@bp.route("/drafts/<int:draft_id>/publish", methods=["POST"])
@bp.arguments(schemas_drafts.PublishIn)
@bp.response(200, schemas_drafts.PublishedOut)
def publish(body: dict[str, Any], draft_id: int) -> dict[str, Any]:
    """Make new versions of what the draft changes, and close it; 422 lists the errors in the way."""
    access.check_permission(EDIT)
    with access.writing() as (actor, instant):
        made = service.publish(
            draft_id, body["comment"], overwrite=body["overwrite"], actor=actor, now=instant
        )
    return {"procedures": [{"key": one.key, "version": one.version} for one in made]}


def _shown(draft_id: int) -> dict[str, Any]:
    draft = queries.get(draft_id)
    state = "published" if draft.published_at else "discarded" if draft.discarded_at else "open"
    return {
        "id": draft.id,
        "procedure": draft.key,
        "name": draft.name,
        "base": draft.base,
        "status": state,
        "revision": draft.revision,
        "updated_at": draft.updated_at,
        "files": [
            {"path": one.path, "kind": one.kind, "revision": one.revision, "changed": one.changed}
            for one in queries.entries(queries.files(draft_id))
        ],
    }


def _refused(found: engine.ProblemsFound) -> Response:
    return problem(
        422, _("These files cannot be deployed."), problems=[one.as_dict() for one in found.problems]
    )


bp.register_error_handler(engine.ProblemsFound, _refused)

"""Procedures, instances and messages over REST."""

from __future__ import annotations

from itertools import chain
from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from app import engine
from app.accounts.web import current_actor
from app.api import access, queries, schemas
from app.api.problems import install, problem
from app.errors import FieldError, Invalid
from app.inbox import beginning
from app.procedures import uploads

bp = Blueprint(
    "api_processes", __name__, url_prefix="/api/v1", description="Procedures and what runs on them."
)
bp.before_request(access.authenticate)
bp.before_request(access.check_request)
install(bp)

UPLOAD = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                },
            }
        }
    },
}
MEDIA_TYPES = {"bpmn": "application/xml", "dmn": "application/xml", "json": "application/json"}


@bp.route("/procedures")
class Procedures(MethodView):
    """The procedures that are deployed."""

    @bp.response(200, schemas.ProcedureOut(many=True))
    def get(self) -> list[dict[str, Any]]:
        """List procedures with their newest version."""
        access.check_permission("procedure.view")
        return queries.procedures()

    @bp.arguments(schemas.DeployQuery, location="query")
    @bp.response(201, schemas.DeployedOut)
    @bp.alt_response(200, schema=schemas.DeployedOut, description="Unchanged content, or only checked")
    @bp.doc(requestBody=UPLOAD)
    def post(self, args: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Deploy files sent as multipart (BPMN, DMN, forms); ?dry_run=1 only checks them.

        A file is known by its name, with folders when several have that name. `key` and `version` are those
        of the first procedure that has a new version; `procedures` names all that the files belong to.
        """
        access.check_permission("procedure.deploy")
        files = _sent_files()
        if not args["dry_run"]:
            uploads.refuse_alone()
        with access.writing() as (actor, instant):
            made = engine.deploy(files, actor=actor, now=instant, dry_run=args["dry_run"])
        shown = [{"key": one.key, "version": one.version, "created": one.created} for one in made]
        first = next((one for one in shown if one["created"]), shown[0] if shown else {})
        created = first.get("created", False) and not args["dry_run"]
        return {**first, "procedures": shown}, 201 if created else 200


def _sent_files() -> dict[str, bytes]:
    """Return name → content of what was sent; several parts may have the same field name. Raises Invalid."""
    found: dict[str, bytes] = {}
    for one in chain.from_iterable(request.files.listvalues()):
        name = (one.filename or "").replace("\\", "/").lstrip("/")
        suffix = name.rpartition(".")[2].lower()
        if suffix not in MEDIA_TYPES or "\0" in name or ".." in name.split("/"):
            raise _bad_files(_("%(name)s is no BPMN, DMN or JSON file.", name=name[:80]))
        if name in found:
            raise _bad_files(_("Two files are named %(name)s.", name=name))
        found[name] = one.read()
    if not found:
        raise _bad_files(_("Send at least one file, as multipart/form-data."))
    return found


def _bad_files(words: str) -> Invalid:
    return Invalid(words, [FieldError("files", words)])


@bp.route("/procedures/<string:key>/versions")
@bp.response(200, schemas.VersionOut(many=True))
def versions(key: str) -> list[dict[str, Any]]:
    """List a procedure's versions, newest first, with their files and how many instances run on each."""
    access.check_permission("procedure.view")
    return queries.versions(key)


@bp.route("/procedures/<string:key>/versions/<int:number>/files/<path:name>")
@bp.response(200, {"type": "string"}, content_type="application/xml")
def file(key: str, number: int, name: str) -> Response:
    """Return one file of a version as it was deployed."""
    access.check_permission("procedure.view")
    content = engine.get_file(queries.get_version_id(key, number), name)
    kind = MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    response = current_app.response_class(content, mimetype=kind)
    # What designers wrote is a file to keep, never a page of this site.
    response.headers["Content-Disposition"] = "attachment"
    return response


@bp.route("/procedures/<string:key>/instances", methods=["POST"])
@bp.arguments(schemas.StartIn)
@bp.response(201, schemas.StartedOut)
def start(body: dict[str, Any], key: str) -> dict[str, Any]:
    """Start an instance of a procedure's newest version, without a case.

    Needs the permission to manage instances or to deploy, or a role that may begin this procedure by hand.
    """
    if not any(one.key == key for one in beginning.offered(current_actor())):
        access.check_permission("instance.manage", "procedure.deploy")
    with access.writing() as (actor, instant):
        made = engine.start(key, body["variables"], actor=actor, now=instant)
        return {"id": made.id, "status": made.status}


@bp.route("/instances/<int:instance_id>")
@bp.response(200, schemas.InstanceOut)
def instance(instance_id: int) -> dict[str, Any]:
    """Return an instance: its elements, incidents and timers."""
    access.check_permission("instance.manage", "procedure.deploy", "audit.view")
    return queries.instance(instance_id)


def _manage(instance_id: int, verb: Any, *arguments: Any) -> dict[str, Any]:
    access.check_permission("instance.manage")
    with access.writing() as (actor, instant):
        verb(instance_id, *arguments, actor=actor, now=instant)
    return queries.instance(instance_id)


@bp.route("/instances/<int:instance_id>/suspend", methods=["POST"])
@bp.arguments(schemas.NoteIn)
@bp.response(200, schemas.InstanceOut)
def suspend(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """Let an instance stand still: its timers do not fire, its items cannot be completed."""
    return _manage(instance_id, engine.suspend, body["reason"])


@bp.route("/instances/<int:instance_id>/resume", methods=["POST"])
@bp.arguments(schemas.NoteIn)
@bp.response(200, schemas.InstanceOut)
def resume(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """Let a suspended instance go on."""
    return _manage(instance_id, engine.resume, body["reason"])


@bp.route("/instances/<int:instance_id>/cancel", methods=["POST"])
@bp.arguments(schemas.ReasonIn)
@bp.response(200, schemas.InstanceOut)
def cancel(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """End an instance; whatever was open in it ends."""
    return _manage(instance_id, engine.cancel, body["reason"])


@bp.route("/instances/<int:instance_id>/migrate", methods=["POST"])
@bp.arguments(schemas.MigrateIn)
@bp.response(200, schemas.MigrationOut)
def migrate(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """Move an instance to another version of its procedure; dry_run tells what would stand in the way."""
    access.check_permission("instance.manage")
    procedure = queries.get_procedure_of(instance_id)
    version_id = queries.find_version_id(procedure["key"], body["version"])
    if version_id is None:
        words = _("There is no version %(n)s of %(key)s.", n=body["version"], key=procedure["key"])
        raise Invalid(words, [FieldError("version", words)])
    with access.writing() as (actor, instant):
        report = engine.migrate(instance_id, version_id, dry_run=body["dry_run"], actor=actor, now=instant)
    return {
        "id": instance_id,
        "from_version": report.from_version,
        "to_version": report.to_version,
        "dry_run": report.dry_run,
        "problems": report.problems,
    }


@bp.route("/messages", methods=["POST"])
@bp.arguments(schemas.MessageIn)
@bp.response(202, schemas.DeliveryOut)
def message(body: dict[str, Any]) -> dict[str, Any]:
    """Send a message: delivered now, or kept until somebody waits for it."""
    access.check_permission("instance.manage", "case.edit")
    with access.writing() as (actor, instant):
        result = engine.send_message(
            body["name"],
            correlation=body["correlation"],
            payload=body["payload"],
            now=instant,
            actor=actor,
        )
    if isinstance(result, engine.Delivered):
        return {"delivered": True, "instance": result.instance_id}
    return {"delivered": False, "instance": None}


def _problems(found: engine.ProblemsFound) -> Response:
    shown = [_problem(one) for one in found.problems]
    return problem(422, _("These files cannot be deployed."), problems=shown)


def _problem(one: Any) -> dict[str, Any]:
    names = ("file", "element", "name", "line", "rule", "level", "message", "why", "remedy")
    return {name: getattr(one, name) for name in names}


bp.register_error_handler(engine.ProblemsFound, _problems)

"""Procedures, instances and messages over REST."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from app import engine
from app.accounts.web import current_actor
from app.api import access, queries, schemas
from app.api.problems import install, problem
from app.clock import now
from app.db import transaction
from app.errors import Invalid

bp = Blueprint(
    "api_processes", __name__, url_prefix="/api/v1", description="Procedures and what runs on them."
)
bp.before_request(access.authenticate)
install(bp)

MEDIA_TYPES = {"bpmn": "application/xml", "dmn": "application/xml", "json": "application/json"}


@bp.route("/procedures")
class Procedures(MethodView):
    """The procedures that are deployed."""

    @bp.response(200, schemas.ProcedureOut(many=True))
    def get(self) -> list[dict[str, Any]]:
        """List procedures with their newest version."""
        access.check_permission("procedure.view")
        return queries.procedures()

    @bp.response(201)
    @bp.alt_response(200, description="Unchanged content makes no new version.")
    def post(self) -> Response | tuple[dict[str, Any], int]:
        """Deploy files sent as multipart (BPMN, DMN, forms); ?dry_run=1 only checks them."""
        access.check_permission("procedure.deploy")
        files = {one.filename: one.read() for one in request.files.values() if one.filename}
        if not files:
            raise Invalid(_("Send at least one file."))
        dry_run = request.args.get("dry_run") in ("1", "true")
        try:
            with transaction():
                made = engine.deploy(files, actor=current_actor(), now=now(), dry_run=dry_run)
        except engine.ProblemsFound as found:
            return problem(
                422, _("These files cannot be deployed."), problems=[_problem(one) for one in found.problems]
            )
        shown = [{"key": one.key, "version": one.version, "created": one.created} for one in made]
        first = next((one for one in shown if one["created"]), shown[0] if shown else {})
        return {**first, "procedures": shown}, 201 if any(
            one["created"] for one in shown
        ) and not dry_run else 200


@bp.route("/procedures/<string:key>/versions")
@bp.response(200, schemas.VersionOut(many=True))
def versions(key: str) -> list[dict[str, Any]]:
    """List a procedure's versions, newest first, with their files and how many instances run on each."""
    access.check_permission("procedure.view")
    return queries.versions(key)


@bp.route("/procedures/<string:key>/versions/<int:number>/files/<path:name>")
@bp.response(200)
def file(key: str, number: int, name: str) -> Response:
    """Return one file of a version as it was deployed."""
    access.check_permission("procedure.view")
    content = engine.get_file(queries.version_id(key, number), name)
    kind = MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    return current_app.response_class(content, mimetype=kind)


@bp.route("/procedures/<string:key>/instances", methods=["POST"])
@bp.arguments(schemas.StartIn)
@bp.response(201)
def start(body: dict[str, Any], key: str) -> dict[str, Any]:
    """Start an instance of a procedure's newest version."""
    access.check_permission("instance.manage", "procedure.deploy")
    with transaction():
        instance = engine.start(key, body["variables"], actor=current_actor(), now=now())
    return {"id": instance.id}


@bp.route("/instances/<int:instance_id>")
@bp.response(200, schemas.InstanceOut)
def instance(instance_id: int) -> dict[str, Any]:
    """Return an instance: its elements, incidents and timers."""
    access.check_permission("instance.manage", "procedure.deploy", "audit.view")
    return queries.instance(instance_id)


def _manage(instance_id: int, verb: Any, *arguments: Any) -> dict[str, Any]:
    access.check_permission("instance.manage")
    with transaction():
        verb(instance_id, *arguments, actor=current_actor(), now=now())
    return queries.instance(instance_id)


@bp.route("/instances/<int:instance_id>/suspend", methods=["POST"])
@bp.arguments(schemas.ReasonIn)
@bp.response(200, schemas.InstanceOut)
def suspend(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """Let an instance stand still: its timers do not fire, its items cannot be completed."""
    return _manage(instance_id, engine.suspend, body["reason"])


@bp.route("/instances/<int:instance_id>/resume", methods=["POST"])
@bp.arguments(schemas.ReasonIn)
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
@bp.response(200)
def migrate(body: dict[str, Any], instance_id: int) -> dict[str, Any]:
    """Move an instance to another version of its procedure; dry_run tells whether it would work."""
    access.check_permission("instance.manage")
    ref = queries.procedure_of(instance_id)
    if ref is None:
        queries.instance(instance_id)
        raise Invalid(_("This instance has no procedure."))
    version_id = queries.version_id(ref["key"], body["version"])
    with transaction():
        report = engine.migrate(
            instance_id, version_id, dry_run=body["dry_run"], actor=current_actor(), now=now()
        )
    return {
        "id": instance_id,
        "from_version": report.from_version,
        "to_version": report.to_version,
        "problems": report.problems,
        "dry_run": report.dry_run,
    }


@bp.route("/messages", methods=["POST"])
@bp.arguments(schemas.MessageIn)
@bp.response(202)
def message(body: dict[str, Any]) -> dict[str, Any]:
    """Send a message: delivered now, or kept until somebody waits for it."""
    access.check_permission("instance.manage", "case.edit")
    with transaction():
        result = engine.send_message(
            body["name"],
            correlation=body["correlation"] or None,
            payload=body["payload"],
            now=now(),
            actor=current_actor(),
        )
    if isinstance(result, engine.Delivered):
        return {"delivered": True, "instance": result.instance_id}
    return {"delivered": False}


def _problem(one: Any) -> dict[str, Any]:
    names = ("file", "element", "name", "line", "rule", "level", "message", "remedy")
    return {name: getattr(one, name) for name in names}

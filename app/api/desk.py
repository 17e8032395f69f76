"""Cases and work items over REST: the faces of the services that the pages use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.web import current_actor
from app.api import access, queries, schemas
from app.api.problems import install
from app.cases import service as cases
from app.cases.access import get_visible
from app.cases.tables import Case
from app.cases.values import NewCase
from app.errors import FieldError, Invalid
from app.inbox import service as inbox

bp = Blueprint("api_desk", __name__, url_prefix="/api/v1", description="Cases and the work on them.")
bp.before_request(access.authenticate)
bp.before_request(access.check_request)
install(bp)

ONCE = {
    "in": "header",
    "name": access.KEY,
    "schema": {"type": "string", "maxLength": access.LONGEST_KEY},
    "description": "The same key and body: the write happens once, and its answer is given again.",
}


@bp.route("/cases")
class Cases(MethodView):
    """The cases that the caller may see."""

    @bp.arguments(schemas.CaseQuery, location="query")
    @bp.response(200, schemas.CasePage)
    def get(self, args: dict[str, Any]) -> dict[str, Any]:
        """List cases, newest first; `q` finds number, phone, plate, serial number and text."""
        access.check_permission("case.view_all", "case.view_own")
        return queries.case_page(args, current_actor())

    @bp.arguments(schemas.CaseIn)
    @bp.response(201, schemas.CaseCreated)
    @bp.doc(parameters=[ONCE])
    def post(self, body: dict[str, Any]) -> Response:
        """Make a case and start its procedure; one Idempotency-Key makes one case."""
        access.check_permission("case.create")

        def make(actor: Actor, instant: datetime) -> tuple[int, dict[str, Any]]:
            case = _create(body, actor, instant)
            return 201, schemas.CaseCreated().dump(queries.case_created(case))

        return access.once(make)


@bp.route("/cases/<string:number>")
class OneCase(MethodView):
    """One case."""

    @bp.response(200, schemas.CaseOut)
    def get(self, number: str) -> dict[str, Any]:
        """Return a case with its open items, deadlines and timeline (newest first)."""
        access.check_permission("case.view_all", "case.view_own")
        return queries.case(get_visible(number, current_actor()))


@bp.route("/work-items")
class WorkItems(MethodView):
    """The work items that the caller may see."""

    @bp.arguments(schemas.WorkItemQuery, location="query")
    @bp.response(200, schemas.WorkItemPage)
    def get(self, args: dict[str, Any]) -> dict[str, Any]:
        """List work items; scope: mine, group (my roles'), all (that I may see)."""
        return queries.item_page(args, current_actor())


@bp.route("/work-items/<int:item_id>")
class OneWorkItem(MethodView):
    """One work item with its form."""

    @bp.response(200, schemas.WorkItemOut)
    def get(self, item_id: int) -> dict[str, Any]:
        """Return an item with the JSON Schema of its form and the values it starts with, or was done with."""
        return queries.item(inbox.get(item_id, current_actor()), current_actor())


@bp.route("/work-items/<int:item_id>/claim", methods=["POST"])
@bp.response(200, schemas.WorkItemOut)
def claim(item_id: int) -> dict[str, Any]:
    """Take an unclaimed item; 409 when somebody was first."""
    with access.writing() as (actor, instant):
        return queries.item(inbox.claim(item_id, actor=actor, now=instant), actor)


@bp.route("/work-items/<int:item_id>/release", methods=["POST"])
@bp.response(200, schemas.WorkItemOut)
def release(item_id: int) -> dict[str, Any]:
    """Give an item back to its role."""
    with access.writing() as (actor, instant):
        return queries.item(inbox.release(item_id, actor=actor, now=instant), actor)


@bp.route("/work-items/<int:item_id>/acknowledge", methods=["POST"])
@bp.response(200, schemas.WorkItemOut)
def acknowledge(item_id: int) -> dict[str, Any]:
    """Take note that an item is late, so that you are not reminded of it again; 409 when it is not late."""
    with access.writing() as (actor, instant):
        return queries.item(inbox.acknowledge(item_id, actor=actor, now=instant), actor)


@bp.route("/work-items/<int:item_id>/assign", methods=["POST"])
@bp.arguments(schemas.AssignIn)
@bp.response(200, schemas.WorkItemOut)
def assign(body: dict[str, Any], item_id: int) -> dict[str, Any]:
    """Hand an item over to somebody who may do it."""
    with access.writing() as (actor, instant):
        inbox.get(item_id, actor)  # who may not see the item learns nothing about people either
        colleague = organisation.find_colleague(username=body["username"])
        if colleague is None:
            raise _nobody(_("There is nobody of this name."))
        try:
            item = inbox.assign(item_id, colleague.id, reason=body["reason"], actor=actor, now=instant)
        except Invalid as error:
            raise _nobody(str(error)) from error
        return queries.item(item, actor)


@bp.route("/work-items/<int:item_id>/complete", methods=["POST"])
@bp.arguments(schemas.CompleteIn)
@bp.response(200, schemas.WorkItemOut)
def complete(body: dict[str, Any], item_id: int) -> dict[str, Any]:
    """Complete an item; 409 when it is done or changed already, 422 with the fields that do not fit."""
    with access.writing() as (actor, instant):
        result = inbox.complete(
            item_id, body["values"], actor=actor, now=instant, revision=body.get("revision")
        )
        return queries.item(result.completed or inbox.get(item_id, actor), actor)


def _create(body: dict[str, Any], actor: Actor, instant: datetime) -> Case:
    new = NewCase(**{name: value for name, value in body.items() if value is not None})
    try:
        return cases.create(new, actor=actor, now=instant)
    except Invalid as error:
        # The services name a field of a customer or asset alone; outside it stands within its object.
        named = [FieldError(_place(one.field, body), one.message) for one in error.errors]
        raise Invalid(error.message, named) from error


def _place(field: str, body: dict[str, Any]) -> str:
    if field in body:
        return field
    parts = [part for part in ("customer", "asset") if field in (body.get(part) or {})]
    return f"{parts[0]}.{field}" if parts else field


def _nobody(words: str) -> Invalid:
    return Invalid(words, [FieldError("username", words)])

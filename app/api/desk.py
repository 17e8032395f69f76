"""Cases and work items over REST: the faces of the services that the pages use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from app import forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.accounts.web import current_actor
from app.api import access, queries, schemas
from app.api.problems import install
from app.cases import service as cases
from app.cases.access import get_visible
from app.cases.values import NewCase
from app.clock import now
from app.db import session, transaction
from app.engine.tables import WorkItem
from app.errors import FieldError, Invalid
from app.inbox import service as inbox
from app.inbox.background import form_of, form_sources

bp = Blueprint("api_desk", __name__, url_prefix="/api/v1", description="Cases and the work on them.")
bp.before_request(access.authenticate)
install(bp)


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
    @bp.doc(parameters=[{"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}}])
    def post(self, body: dict[str, Any]) -> Response:
        """Make a case and start its procedure; one Idempotency-Key makes one case, and gives one answer."""
        access.check_permission("case.create")

        def make(actor: Actor, instant: datetime) -> tuple[int, str]:
            case = cases.create(NewCase(**body), actor=actor, now=instant)
            return 201, schemas.CaseCreated().dumps(queries.case_created(case))

        return access.once(make)


@bp.route("/cases/<string:number>")
class OneCase(MethodView):
    """One case."""

    @bp.response(200, schemas.CaseOut)
    def get(self, number: str) -> dict[str, Any]:
        """Return a case with its open items, deadlines and timeline (newest first)."""
        return queries.case(get_visible(number, current_actor()))


@bp.route("/work-items")
class WorkItems(MethodView):
    """The work items that the caller may see."""

    @bp.arguments(schemas.WorkItemQuery, location="query")
    @bp.response(200, schemas.WorkItemPage)
    def get(self, args: dict[str, Any]) -> dict[str, Any]:
        """List work items by key; scope: mine, group (my roles'), all (that I may see)."""
        return queries.item_page(args, current_actor())


@bp.route("/work-items/<int:item_id>")
class OneWorkItem(MethodView):
    """One work item with its form."""

    @bp.response(200, schemas.WorkItemOut)
    def get(self, item_id: int) -> dict[str, Any]:
        """Return an item with the JSON Schema of its form and the values it starts with."""
        return _item(inbox.get(item_id, current_actor()))


@bp.route("/work-items/<int:item_id>/claim", methods=["POST"])
@bp.response(200, schemas.WorkItemOut)
def claim(item_id: int) -> dict[str, Any]:
    """Take an unclaimed item; 409 when somebody was first."""
    with transaction():
        return _item(inbox.claim(item_id, actor=current_actor(), now=now()))


@bp.route("/work-items/<int:item_id>/release", methods=["POST"])
@bp.response(200, schemas.WorkItemOut)
def release(item_id: int) -> dict[str, Any]:
    """Give an item back to its role."""
    with transaction():
        return _item(inbox.release(item_id, actor=current_actor(), now=now()))


@bp.route("/work-items/<int:item_id>/assign", methods=["POST"])
@bp.arguments(schemas.AssignIn)
@bp.response(200, schemas.WorkItemOut)
def assign(body: dict[str, Any], item_id: int) -> dict[str, Any]:
    """Hand an item over to somebody who may do it."""
    colleague = organisation.find_colleague(username=body["username"])
    if colleague is None:
        raise Invalid("", [FieldError("username", _("There is nobody of this name."))])
    with transaction():
        item = inbox.assign(item_id, colleague.id, reason=body["reason"], actor=current_actor(), now=now())
        return _item(item)


@bp.route("/work-items/<int:item_id>/complete", methods=["POST"])
@bp.arguments(schemas.CompleteIn)
@bp.response(200, schemas.WorkItemOut)
def complete(body: dict[str, Any], item_id: int) -> dict[str, Any]:
    """Complete an item; 409 when it is done or changed already, 422 with the fields that do not fit."""
    with transaction():
        inbox.complete(
            item_id, body["values"], actor=current_actor(), now=now(), revision=body.get("revision")
        )
        return _item(inbox.get(item_id, current_actor()))


def _item(item: WorkItem) -> dict[str, Any]:
    username = session().scalar(sa.select(Person.username).where(Person.id == item.assignee_id))
    shown = queries.item_brief(item, username)
    if item.form is None:
        return shown | {"form": None}
    form = form_of(item)
    sources = form_sources(item, form)
    values = {part.name: forms.initial(part, sources.context) for part in form.fields}
    return shown | {"form": {"schema": form.schema, "values": values}}

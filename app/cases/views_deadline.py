"""The page of a deadline: how it came about. And what stops, starts and classifies the clocks of a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import settings_store
from app.accounts.actor import Actor
from app.accounts.web import current_actor, requires
from app.cases import waiting
from app.cases.access import get_visible
from app.cases.tables import Case
from app.cases.views import bp
from app.cases.views_file import act_on
from app.clock import now
from app.db import session
from app.deadlines import queries
from app.deadlines.tables import Deadline
from app.engine.tables import WorkItem
from app.errors import NotFound


@bp.get("/deadlines/<int:deadline_id>")
@requires()
def deadline(deadline_id: int) -> str:
    """Explain a deadline: table, drawing, rule, ladder, what moved it."""
    actor = current_actor()
    found = queries.get(deadline_id)
    if found is None:
        raise _unknown()
    case = _case_of(found, actor)
    soon = timedelta(hours=float(settings_store.get("work.due_soon_hours")))
    shown = queries.explained(found, now(), soon)
    return render_template("cases/deadline.html", shown=shown, deadline=found, case=case, actor=actor)


@bp.get("/deadlines/of/<int:work_item_id>")
@requires()
def deadline_of(work_item_id: int) -> Response:
    """Lead to the deadline of a work item."""
    deadline_id = queries.of_item(work_item_id)
    if deadline_id is None:
        raise NotFound(_("This date was not counted in working time: the procedure or a person has set it."))
    return make_response(redirect(url_for("cases.deadline", deadline_id=deadline_id), 302))


@bp.post("/cases/<number>/wait")
@requires("case.comment")
def wait(number: str) -> Any:
    """Stop the clocks until the customer answers."""
    awaited = request.form.get("awaited", "")
    return act_on(
        number,
        lambda case, actor: waiting.wait_for_customer(case.id, awaited, actor=actor, now=now()),
        _("Waiting for the customer. No clock of this case runs."),
    )


@bp.post("/cases/<number>/go-on")
@requires("case.comment")
def go_on(number: str) -> Any:
    """Let the clocks go on."""
    return act_on(
        number,
        lambda case, actor: waiting.stop_waiting(case.id, actor=actor, now=now()),
        _("The clocks go on; the deadlines have moved by the time that was lost."),
    )


@bp.post("/cases/<number>/classify")
@requires("case.edit")
def classify(number: str) -> Any:
    """Give a case another class or severity."""
    form = request.form

    def change(case: Case, actor: Actor) -> None:
        count = waiting.classify(case.id, form.get("class"), form.get("severity"), actor=actor, now=now())
        flash(
            ngettext("One deadline has moved.", "%(num)s deadlines have moved.", count)
            if count
            else _("No deadline has moved.")
        )

    return act_on(number, change)


def _case_of(found: Deadline, actor: Actor) -> Case | None:
    """Return the deadline's case, if it has one; raises NotFound for what is not theirs to see."""
    if found.case_id is not None:
        case = session().get(Case, found.case_id)
        return get_visible(case.number if case else "", actor)
    item = session().get(WorkItem, found.work_item_id) if found.work_item_id is not None else None
    theirs = item is not None and (item.candidate in actor.groups or item.assignee_id == actor.id)
    if not theirs and not actor.may("work.view_all"):
        raise _unknown()
    return None


def _unknown() -> NotFound:
    return NotFound(_("There is no such deadline, or it is not yours to see."))

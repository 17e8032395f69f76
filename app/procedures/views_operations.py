"""What operators see and do: steps that could not be done, instances, their timers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app import engine
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.errors import Refused, StepFailed
from app.procedures import bulk, operations, queries
from app.procedures.views import bp, diagram_states, send_file_of
from app.web.i18n import choose

LONGEST_REASON = 500
WATCH = ("instance.manage", "incident.manage")


@bp.get("/incidents")
@requires("incident.manage")
def incidents() -> str:
    """Show what stands still and waits for somebody to mend it, and below what was mended lately."""
    return render_template(
        "procedures/incidents.html",
        open=operations.incidents(True),
        resolved=operations.incidents(False),
        actor=current_actor(),
    )


@bp.post("/incidents/<int:incident_id>/retry")
@requires("incident.manage")
def retry(incident_id: int) -> Any:
    """Take the step again; one that fails again stays, with one attempt more."""
    try:
        with transaction():
            engine.retry_incident(incident_id, actor=current_actor(), now=now())
    except StepFailed as error:
        with transaction():
            engine.record_incident(error, now=now(), actor=current_actor())
        flash(_("It failed again. The cause is not mended yet; nothing was changed."), "error")
    except Refused as error:
        flash(str(error), "error")
    else:
        flash(_("Done: the case goes on."))
    return redirect(url_for(".incidents"), 303)


@bp.get("/instances")
@requires(*WATCH)
def instances() -> str:
    """List instances, newest first."""
    key, status = request.args.get("procedure", ""), request.args.get("status", "")
    version, element = request.args.get("version", 0, type=int), request.args.get("element", "")[:120]
    before = request.args.get("before", 0, type=int)
    rows = operations.instances(key, status, before, version=version, element=element)
    shown = rows[: operations.INSTANCES_SHOWN]
    return render_template(
        "procedures/instances.html",
        rows=shown,
        more=shown[-1].id if len(rows) > len(shown) else None,
        key=key,
        status=status,
        version=version,
        element=element,
        procedures=queries.list_procedures(),
        statuses=operations.STATUSES,
        verbs=bulk.verbs(),
    )


@bp.get("/instances/<int:instance_id>")
@requires(*WATCH)
def instance(instance_id: int) -> str:
    """Show where an instance stands, what it waits for and what went wrong in it."""
    page = operations.instance_page(instance_id)
    return render_template(
        "procedures/instance.html",
        page=page,
        actor=current_actor(),
        states=diagram_states(page.diagrams, lambda one: _diagram_url(instance_id, one.id)),
    )


@bp.get("/instances/<int:instance_id>/diagrams/<locale>/<process_id>.bpmn")
@requires(*WATCH)
def instance_diagram(instance_id: int, locale: str, process_id: str) -> Response:
    """Give the diagram of a process of the version that an instance runs on."""
    return send_file_of(*operations.diagram_file(instance_id, process_id), translate=True)


@bp.post("/instances/<int:instance_id>/suspend")
@requires("instance.manage")
def suspend(instance_id: int) -> Any:
    """Let an instance stand still."""
    return _manage(instance_id, engine.suspend, _("It stands still until it is resumed."))


@bp.post("/instances/<int:instance_id>/resume")
@requires("instance.manage")
def resume(instance_id: int) -> Any:
    """Let a suspended instance go on."""
    return _manage(instance_id, engine.resume, _("It goes on."), needs_reason=False)


@bp.post("/instances/<int:instance_id>/cancel")
@requires("instance.manage")
def cancel(instance_id: int) -> Any:
    """End an instance with everything that is open in it."""
    return _manage(instance_id, engine.cancel, _("It has ended; nothing is open in it any more."))


def _diagram_url(instance_id: int, process_id: str) -> str:
    return url_for(".instance_diagram", instance_id=instance_id, locale=choose(), process_id=process_id)


def _manage(instance_id: int, verb: Callable[..., Any], done: str, *, needs_reason: bool = True) -> Any:
    reason = " ".join(request.form.get("reason", "").split())[:LONGEST_REASON]
    back = redirect(url_for(".instance", instance_id=instance_id), 303)
    if needs_reason and not reason:
        flash(_("Say why; it stays in the history."), "error")
        return back
    try:
        with transaction():
            verb(instance_id, reason, actor=current_actor(), now=now())
    except Refused as error:
        flash(str(error), "error")
        return back
    flash(done)
    return back

"""Pages: what an instance knows where it waits, and moving it by hand to another step."""

from __future__ import annotations

import json
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app import engine
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import rehearsal, transaction
from app.errors import AppError, FieldError, Invalid, StepFailed
from app.procedures import operations
from app.procedures.masking import masked
from app.procedures.views import bp
from app.procedures.views_operations import LONGEST_REASON

MOST_VALUES = 20_000


@bp.get("/instances/<int:instance_id>/move")
@requires("instance.manage")
def move(instance_id: int) -> str:
    """Show where an instance waits, what it knows there, and where it could be moved to."""
    return _page(instance_id)


@bp.post("/instances/<int:instance_id>/move")
@requires("instance.manage")
def move_token(instance_id: int) -> Any:
    """Say what a move would do; done once that has been seen and a reason is given."""
    try:
        given = _given()
        if request.form.get("do") != "move":
            return _page(instance_id, preview=_tried(instance_id, given))
        if not given["reason"]:
            raise Invalid(
                "", [FieldError(f"reason-{given['task_id']}", _("Say why; it stays in the history."))]
            )
        with transaction():
            done = engine.move_token(instance_id, **given, actor=current_actor(), now=now())
    except Invalid as error:
        return _page(instance_id, errors=error.errors or [FieldError("", str(error))]), 422
    except AppError as error:
        return _page(instance_id, errors=[FieldError("", _why(error))]), 409
    flash(_("Moved: it waits elsewhere now.") if not done.ends else _("Moved: it has ended."))
    return redirect(url_for(".instance", instance_id=instance_id), 303)


def _tried(instance_id: int, given: dict[str, Any]) -> engine.TokenMove:
    with rehearsal():
        return engine.move_token(instance_id, **given, dry_run=True, actor=current_actor(), now=now())


def typed_values(field: str) -> dict[str, Any]:
    """Return the process data that was typed as JSON, {} for none. Raises Invalid for `field`."""
    text = request.form.get("values", "").strip()[:MOST_VALUES]
    try:
        values = json.loads(text or "{}")
    except ValueError as error:
        raise Invalid("", [FieldError(field, _("This is no JSON: %(why)s", why=str(error)))]) from error
    if not isinstance(values, dict):
        raise Invalid("", [FieldError(field, _('Write names with their values: {"amount": 120}'))])
    return values


def _given() -> dict[str, Any]:
    task_id, _bar, element = request.form.get("token", "").partition("/")
    target = request.form.get("target", "")[:200]
    errors = []
    if not element:
        errors.append(FieldError("token", _("Choose where it waits.")))
    elif not target:
        errors.append(FieldError(f"target-{task_id}", _("Choose the step to move it to.")))
    values: dict[str, Any] = {}
    try:
        values = typed_values(f"values-{task_id}")
    except Invalid as error:
        errors += error.errors
    if errors:
        raise Invalid("", errors)
    reason = " ".join(request.form.get("reason", "").split())[:LONGEST_REASON]
    return {"element": element, "target": target, "task_id": task_id, "values": values, "reason": reason}


def _why(error: AppError) -> str:
    if isinstance(error, StepFailed):
        return _("The way on from there cannot be gone: %(why)s", why=error.detail)
    return str(error)


def _page(instance_id: int, *, errors: Any = (), preview: engine.TokenMove | None = None) -> str:
    page = operations.instance_page(instance_id)
    reached = {(process_id, element) for process_id, elements in page.states.items() for element in elements}
    try:
        tokens = engine.tokens(instance_id, now())
    except StepFailed as error:
        tokens, errors = [], [*errors, FieldError("", error.detail)]
    return render_template(
        "procedures/move.html",
        page=page,
        tokens=tokens,
        data={one.task_id: {name: masked(name, value) for name, value in one.data.items()} for one in tokens},
        reached=reached,
        errors=errors,
        preview=preview,
        form=request.form,
    )

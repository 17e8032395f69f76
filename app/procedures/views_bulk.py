"""Pages: one thing done to many instances, looked at before."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from app.accounts.web import current_actor, requires
from app.clock import now
from app.errors import Invalid
from app.procedures import bulk
from app.procedures.views import bp
from app.procedures.views_operations import LONGEST_REASON


@bp.post("/instances/bulk")
@requires("instance.manage")
def look_at_many() -> Any:
    """Show what would happen to each instance that was ticked; nothing changes."""
    return _look()


@bp.post("/instances/bulk/do")
@requires("instance.manage")
def do_to_many() -> Any:
    """Do it, and show what came of it."""
    verb, ids = request.form.get("verb", ""), request.form.getlist("instance", type=int)
    reason = " ".join(request.form.get("reason", "").split())[:LONGEST_REASON]
    try:
        fates = bulk.carry_out(verb, ids, reason, actor=current_actor(), now=now())
    except Invalid as error:
        return _look(error.errors)
    return render_template(
        "procedures/bulk.html", verb=verb, verbs=bulk.verbs(), fates=fates, done=True, reason=reason
    )


def _look(errors: Any = ()) -> Any:
    verb, ids = request.form.get("verb", ""), request.form.getlist("instance", type=int)
    try:
        fates = bulk.look(verb, ids, actor=current_actor(), now=now())
    except Invalid as error:
        flash(str(error), "error")
        return redirect(url_for(".instances"), 303)
    page = render_template(
        "procedures/bulk.html",
        verb=verb,
        verbs=bulk.verbs(),
        fates=fates,
        done=False,
        reason="",
        errors=errors,
    )
    return page, 422 if errors else 200

"""Pages: one thing done to many instances, looked at before."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.clock import now
from app.errors import FieldError, Invalid
from app.procedures import bulk
from app.procedures.bulk import Route
from app.procedures.views import bp
from app.procedures.views_operations import LONGEST_REASON
from app.procedures.views_tokens import typed_values


@bp.post("/instances/bulk")
@requires("instance.manage")
def look_at_many() -> Any:
    """Show what would happen to each instance that was ticked; nothing changes."""
    return _look()


@bp.post("/instances/bulk/do")
@requires("instance.manage")
def do_to_many() -> Any:
    """Do it, and show what came of it."""
    verb, ids = _chosen()
    try:
        route = _route() if verb == "move" else None
        fates = bulk.carry_out(verb, ids, _reason(), route=route, actor=current_actor(), now=now())
    except Invalid as error:
        return _look(error.errors)
    return _page(fates, done=True)


def _look(errors: Any = ()) -> Any:
    """Show the look before; for a move without a way, ask which way first."""
    verb, ids = _chosen()
    route = None
    ways = []
    try:
        if verb == "move":
            ways = bulk.ways(ids, now())
            if "route" in request.form:
                try:
                    route = _route()
                except Invalid as error:
                    errors = [*errors, *error.errors]
        fates = bulk.look(verb, ids, route=route, actor=current_actor(), now=now())
    except Invalid as error:
        flash(str(error), "error")
        return redirect(url_for(".instances"), 303)
    page = _page(fates, ways=ways, route=route, errors=errors)
    return page, 422 if errors else 200


def _page(
    fates: Any, *, ways: Any = (), route: Route | None = None, errors: Any = (), done: bool = False
) -> str:
    return render_template(
        "procedures/bulk.html",
        verb=request.form.get("verb", ""),
        verbs=bulk.verbs(),
        fates=fates,
        ways=ways,
        route=route,
        form=request.form,
        errors=errors,
        done=done,
    )


def _chosen() -> tuple[str, list[int]]:
    return request.form.get("verb", ""), request.form.getlist("instance", type=int)


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:LONGEST_REASON]


def _route() -> Route:
    source, _bar, target = request.form.get("route", "")[:400].partition("/")
    errors = [] if source and target else [FieldError("route", _("Choose from where to where."))]
    try:
        values = typed_values("values")
    except Invalid as error:
        errors += error.errors
    if errors:
        raise Invalid("", errors)
    return Route(source, target, values)

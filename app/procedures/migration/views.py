"""Pages: choose instances and a version, see which can move and why others cannot, move, take back."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.errors import Invalid, Refused
from app.procedures.migration import job, queries, service
from app.procedures.views import bp

MIGRATE = ("instance.manage", "procedure.deploy")


@bp.get("/<key>/migrate")
@requires(*MIGRATE)
def migrate(key: str) -> str:
    """Choose a version and the instances that are to move to it."""
    return _choose(key)


@bp.post("/<key>/migrate")
@requires(*MIGRATE)
def begin_migration(key: str) -> Any:
    """Check the chosen instances; nothing is moved."""
    form = request.form
    every = form.get("which") != "selected"
    try:
        with transaction():
            run_id = service.begin(
                key,
                form.get("version", 0, type=int),
                instances=None if every else form.getlist("instance", type=int),
                from_version=form.get("from", type=int) if every else None,
                actor=current_actor(),
                now=now(),
            ).id
    except Invalid as error:
        return _choose(key, errors=error.errors), 422
    job.run_batch(run_id, now())
    return redirect(url_for(".migration", run_id=run_id), 303)


@bp.get("/migrations/<int:run_id>")
@requires(*MIGRATE)
def migration(run_id: int) -> str:
    """Show a run: its progress, what moved, what did not and why."""
    return _run(run_id)


@bp.post("/migrations/<int:run_id>/step")
@requires(*MIGRATE)
def step_migration(run_id: int) -> Any:
    """Carry a run on by a batch: the page that watches asks for it, beside the scheduler."""
    service.get(run_id)
    job.run_batch(run_id, now())
    if request.headers.get("HX-Request"):
        return render_template("procedures/_migration.html", page=queries.run_page(run_id))
    return redirect(url_for(".migration", run_id=run_id), 303)


@bp.post("/migrations/<int:run_id>/move")
@requires(*MIGRATE)
def move_migration(run_id: int) -> Any:
    """Move the instances that the check found movable."""
    return _follow(run_id, service.move_checked)


@bp.post("/migrations/<int:run_id>/undo")
@requires(*MIGRATE)
def undo_migration(run_id: int) -> Any:
    """Take a move back where nothing has happened since."""
    return _follow(run_id, service.take_back)


def _follow(run_id: int, verb: Any) -> Any:
    try:
        with transaction():
            next_id = verb(run_id, reason=request.form.get("reason", ""), actor=current_actor(), now=now()).id
    except (Invalid, Refused) as error:
        flash(str(error), "error")
        return redirect(url_for(".migration", run_id=run_id), 303)
    job.run_batch(next_id, now())
    flash(_("Begun; this page shows how far it is."))
    return redirect(url_for(".migration", run_id=next_id), 303)


def _choose(key: str, errors: Any = ()) -> str:
    given = request.values
    from_version = given.get("from", type=int)
    page = queries.choices(key, given.get("version", type=int), from_version)
    return render_template(
        "procedures/migrate.html",
        page=page,
        from_version=from_version,
        chosen=set(given.getlist("instance", type=int)),
        which=given.get("which", "all"),
        errors=errors,
    )


def _run(run_id: int) -> str:
    page = queries.run_page(run_id, request.args.get("after", 0, type=int))
    return render_template("procedures/migration.html", page=page)

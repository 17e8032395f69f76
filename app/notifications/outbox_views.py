"""Outgoing mail as operators see it: what waits, what failed and why, try again."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import clock
from app.accounts.web import requires
from app.db import transaction
from app.notifications import outbox, queries

bp = Blueprint("outbox", __name__, template_folder="templates", url_prefix="/admin/outbox")


@bp.get("")
@requires("incident.manage")
def index() -> str:
    """List outgoing mail, failed first to be looked at."""
    counts = queries.outbox_counts()
    status = request.args.get("status", "failed" if counts["failed"] else "")
    lines, before = queries.list_outbox(status=status, before=request.args.get("before", type=int))
    return render_template(
        "notifications/outbox.html",
        lines=lines,
        before=before,
        counts=counts,
        status=status,
        most=outbox.MOST_ATTEMPTS,
    )


@bp.post("/<int:outbox_id>/retry")
@requires("incident.manage")
def retry(outbox_id: int) -> Response:
    """Let one be tried again."""
    return _retry(outbox_id)


@bp.post("/retry")
@requires("incident.manage")
def retry_all() -> Response:
    """Let all that failed be tried again."""
    return _retry(None)


def _retry(outbox_id: int | None) -> Response:
    with transaction():
        count = outbox.retry(outbox_id, clock.now())
    if count:
        flash(ngettext("One mail will be tried again.", "%(num)d mails will be tried again.", count))
    else:
        flash(_("Nothing to try again: it went out or was retried already."))
    return make_response(redirect(url_for(".index"), 303))

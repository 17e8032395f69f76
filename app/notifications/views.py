"""The bell and the list of one's own notifications."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from app import clock
from app.accounts.web import current_actor, requires, safe_next
from app.db import transaction
from app.notifications import queries, service

bp = Blueprint("notifications", __name__, template_folder="templates", url_prefix="/notifications")


@bp.get("")
@requires()
def index() -> str:
    """List one's own notifications; with htmx only the rows that follow."""
    unread_only = request.args.get("show") == "unread"
    before = request.args.get("before", type=int)
    page = queries.list_for(_me(), unread_only=unread_only, before=before)
    more = before is not None and request.headers.get("HX-Request")
    template = "notifications/_lines.html" if more else "notifications/index.html"
    return render_template(template, page=page, unread_only=unread_only, unread=queries.unread_count(_me()))


@bp.get("/bell")
def bell() -> str | tuple[str, int]:
    """Return the bell's number. Asked every half minute: who was signed out meanwhile may go on typing."""
    person_id = current_actor().id
    if person_id is None:
        return "", 204
    return render_template("notifications/_bell.html", unread=queries.unread_count(person_id))


@bp.post("/<int:notification_id>/open")
@requires()
def follow(notification_id: int) -> Response:
    """Mark one read and go to its page."""
    with transaction():
        row = service.mark_read(notification_id, _me(), clock.now())
    return make_response(redirect(safe_next(row.url) if row.url else url_for(".index"), 303))


@bp.post("/<int:notification_id>/read")
@requires()
def read(notification_id: int) -> Response:
    """Mark one read and stay."""
    with transaction():
        service.mark_read(notification_id, _me(), clock.now())
    return _back()


@bp.post("/read-all")
@requires()
def read_all() -> Response:
    """Mark all read."""
    with transaction():
        service.mark_all_read(_me(), clock.now())
    return _back()


def _back() -> Response:
    show = "unread" if request.form.get("show") == "unread" else None
    return make_response(redirect(url_for(".index", show=show), 303))


def _me() -> int:
    person_id = current_actor().id
    assert person_id is not None  # every view that asks is guarded by @requires
    return person_id

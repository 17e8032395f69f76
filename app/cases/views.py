"""The case list: search, filters, saved views, export."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from app.accounts.roles import DEPARTMENTS
from app.accounts.web import current_actor, requires
from app.cases import queries
from app.cases.filters import Filters
from app.cases.labels import label
from app.cases.tables import SavedView
from app.clock import now
from app.db import session, transaction
from app.errors import FieldError, Invalid

bp = Blueprint("cases", __name__, template_folder="templates")

SEE = ("case.view_all", "case.view_own")


@bp.get("/cases")
@requires(*SEE)
def index() -> Response:
    """Show the cases that fit; asked by htmx, the list alone."""
    filters, actor = Filters.read(request.args), current_actor()
    page = queries.case_list(filters, actor, now())
    part = request.headers.get("HX-Request") is not None
    response = make_response(
        render_template(
            "cases/_found.html" if part else "cases/index.html",
            filters=filters,
            page=page,
            page_size=queries.PAGE,
            actor=actor,
            departments=DEPARTMENTS,
        )
    )
    response.headers["Vary"] = "HX-Request"
    return response


@bp.get("/cases.csv")
@requires(*SEE)
def export() -> Response:
    """Give the filtered cases as a spreadsheet that Excel opens in Chinese."""
    rows = queries.export(Filters.read(request.args), current_actor(), now())
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        [
            _("Case"), _("Problem"), _("Status"), _("Class"), _("Severity"), _("Channel"), _("Round"),
            _("Now at"), _("Received"), _("Deadline"), _("Customer"), _("Vehicle or device"),
        ]
    )  # fmt: skip
    for row in rows:
        cells = [
            row.number, row.title, label("status", row.status), label("class", row.klass),
            label("severity", row.severity), label("channel", row.channel), row.round,
            " / ".join(step.name for step in row.steps), _spreadsheet_time(row.received_at),
            _spreadsheet_time(row.due_at), row.customer or "", row.label,
        ]  # fmt: skip
        writer.writerow([_harmless(cell) for cell in cells])
    response = make_response(("\ufeff" + text.getvalue()).encode())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="cases-{now():%Y%m%d}.csv"'
    return response


@bp.post("/cases/views")
@requires(*SEE)
def keep_view() -> Any:
    """Keep the present filter under a name; a name kept before is overwritten."""
    name = request.form.get("name", "").strip()[:60]
    query = Filters.read(_args(request.form.get("query", ""))).query()
    if not name:
        raise Invalid(_("The view needs a name."), [FieldError("name", _("The view needs a name."))])
    with transaction():
        own = (SavedView.person_id == current_actor().id, SavedView.page == "cases", SavedView.name == name)
        kept = session().scalar(sa.select(SavedView).where(*own))
        if kept is None:
            kept = SavedView(person_id=current_actor().id, page="cases", name=name)
            session().add(kept)
        kept.query = query
    flash(_("View “%(name)s” saved.", name=name))
    return redirect(f"{url_for('.index')}?{query}", 303)


@bp.post("/cases/views/<int:view_id>/delete")
@requires(*SEE)
def forget_view(view_id: int) -> Any:
    """Delete one of one's own views."""
    with transaction():
        session().execute(
            sa.delete(SavedView).where(SavedView.id == view_id, SavedView.person_id == current_actor().id)
        )
    query = Filters.read(_args(request.form.get("next", ""))).query()
    return redirect(f"{url_for('.index')}?{query}", 303)


def _args(query: str) -> dict[str, str]:
    return dict(parse_qsl(query))


def _harmless(cell: Any) -> Any:
    """Keep a spreadsheet from running a customer's words as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _spreadsheet_time(instant: Any) -> str:
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M") if instant else ""

"""The case list: search, filters, saved views, export."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
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
from app.cases.export import spreadsheet
from app.cases.filters import Filters
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
    body = spreadsheet(Filters.read(request.args), current_actor(), now())
    response: Response = make_response(b"".join(body))
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

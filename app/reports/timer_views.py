"""The record of timers: when each was due and when it fired, the figures of each day, an export."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, current_app, render_template, request, stream_with_context
from flask_babel import gettext as _

from app import calendar, clock
from app.accounts.web import current_actor, requires
from app.errors import NotFound
from app.reports import drawing, export, timing
from app.reports.filters import STATUSES, TimerFilters
from app.reports.views import fresh, is_partial

bp = Blueprint("timers", __name__, url_prefix="/timers", template_folder="templates")

WATCH = ("incident.manage", "report.view")
PAGE = 50
DAYS = 14


@bp.get("")
@requires(*WATCH)
def index() -> Response:
    """Show the timers of a day, and the figures of the days up to it."""
    zone, actor = calendar.current().zone, current_actor()
    today = clock.now().astimezone(zone).date()
    filters = TimerFilters.read(request.args, today)
    page = timing.page(filters, zone, size=PAGE)
    values = {"page": page, "filters": filters, "cases": actor.may("case.view_all")}
    if is_partial():
        return fresh(render_template("reports/_timer_rows.html", **values))
    last = max(filters.day, min(today, filters.day + timedelta(days=3)))
    days = timing.figures([last - timedelta(days=ahead) for ahead in reversed(range(DAYS))], zone)
    pairs = timing.elements_of(filters.day, zone)
    return fresh(
        render_template(
            "reports/timers.html",
            **values,
            days=days,
            bars=drawing.heights([one.count for one in days], 100),
            one_day=timedelta(days=1),
            statuses=STATUSES,
            procedures=sorted({process for process, _element in pairs}),
            elements=sorted({element for _process, element in pairs}),
        )
    )


@bp.get("/export.<kind>")
@requires(*WATCH)
def export_file(kind: str) -> Response:
    """Give the timers of the filters as a file, sent as it is read."""
    zone = calendar.current().zone
    filters = TimerFilters.read(request.args, clock.now().astimezone(zone).date())
    cases = current_actor().may("case.view_all")
    titles = export.headings()
    if kind == "csv":
        lines = export.rows(filters, zone, export.MOST_CSV, cases=cases)
        body, media = export.as_csv(titles, lines), "text/csv; charset=utf-8"
    elif kind == "xlsx":
        lines = export.rows(filters, zone, export.MOST_XLSX, cases=cases)
        body, media = export.as_xlsx(titles, lines), export.XLSX
    else:
        raise NotFound(_("There is no such file."))
    response: Response = current_app.response_class(stream_with_context(body), content_type=media)
    name = f"timers-{filters.day:%Y%m%d}.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response

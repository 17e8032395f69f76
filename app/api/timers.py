"""The record of timers over REST."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_smorest import Blueprint

from app import calendar, clock
from app.accounts.web import current_actor
from app.api import access, schemas
from app.api.problems import install
from app.errors import FieldError, Invalid
from app.reports import timing
from app.reports.filters import TimerFilters

bp = Blueprint("api_timers", __name__, url_prefix="/api/v1", description="When timers were due and fired.")
bp.before_request(access.authenticate)
bp.before_request(access.check_request)
install(bp)

# Days near the ends of what a date can be have no midnight in every zone.
YEARS = range(1970, 9001)


@bp.route("/timers")
@bp.arguments(schemas.TimerQuery, location="query")
@bp.response(200, schemas.TimerPage)
def timers(args: dict[str, Any]) -> dict[str, Any]:
    """List the timers of a day, newest first: fired ones by when they fired, others by when they are due."""
    access.check_permission("incident.manage", "report.view")
    zone = calendar.current().zone
    cursor = args.get("cursor") or ""
    if cursor and timing.start_of(cursor) is None:
        words = _("This is no `next` of a page with the same sort.")
        raise Invalid(_("The values do not fit."), [FieldError("cursor", words)])
    filters = TimerFilters(
        day=_day(args, zone),
        procedure=args["procedure"],
        element=args["element"],
        status=args["status"],
        late=args.get("late"),
        after=cursor,
    )
    page = timing.page(filters, zone, size=args["limit"])
    # The number of a case belongs to those who may see cases.
    cases = current_actor().may("case.view_all")
    items = [vars(one) | ({} if cases else {"case_number": None}) for one in page.rows]
    return {"items": items, "next": page.after or None}


@bp.route("/timers/summary")
@bp.arguments(schemas.TimerSummaryQuery, location="query")
@bp.response(200, schemas.TimerDay(many=True))
def summary(args: dict[str, Any]) -> list[timing.DayFigures]:
    """Return how late timers fired on each of the days up to one, the newest last; `early` is always 0."""
    access.check_permission("incident.manage", "report.view")
    zone = calendar.current().zone
    last = _day(args, zone)
    return timing.figures([last - timedelta(days=ahead) for ahead in reversed(range(args["days"]))], zone)


def _day(args: dict[str, Any], zone: ZoneInfo) -> date:
    day: date = args.get("day") or clock.now().astimezone(zone).date()
    if day.year not in YEARS:
        words = _("A date is expected, such as 2026-03-31.")
        raise Invalid(_("The values do not fit."), [FieldError("day", words)])
    return day

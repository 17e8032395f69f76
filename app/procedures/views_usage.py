"""The page of what really happens in a procedure: the heat map and its table."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import requires
from app.clock import now
from app.procedures.decision_tables import STEPS
from app.procedures.usage import queries, rules
from app.procedures.usage.queries import MEASURES, StepUse, UsagePage
from app.procedures.views import SEE, bp, diagram_states
from app.web.i18n import choose

DAYS = 30


@bp.get("/<key>/usage")
@requires(SEE)
def usage(key: str) -> Any:
    """Show what happened in a period: ?since=, ?until=, ?version=, ?with= another one, ?by= a measure."""
    errors, (since, until) = _period()
    by = request.args.get("by", "")
    by = by if by in MEASURES else MEASURES[0]
    zone = _zone()
    begin = datetime.combine(since, time(), zone)
    end = datetime.combine(until + timedelta(days=1), time(), zone)
    page = queries.usage_page(
        key,
        begin,
        end,
        version=request.args.get("version", type=int),
        other=request.args.get("with", type=int),
    )
    other = {(step.process, step.element): step for step in page.other.steps} if page.other else {}
    return render_template(
        "procedures/usage.html",
        page=page,
        by=by,
        since=since,
        until=until,
        errors=errors,
        other=other,
        most=queries.MOST,
        shown=STEPS,
        states=_heated(page, by),
    ), 422 if errors else 200


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.config["SETTINGS"].centre_timezone)


def _period() -> tuple[list[str], tuple[date, date]]:
    today = now().astimezone(_zone()).date()
    usual = today - timedelta(days=DAYS - 1), today
    try:
        since = date.fromisoformat(request.args.get("since") or usual[0].isoformat())
        until = date.fromisoformat(request.args.get("until") or usual[1].isoformat())
    except ValueError:
        return [_("Enter days such as 2026-03-02.")], usual
    if until < since:
        return [_("The last day lies before the first.")], usual
    return [], (since, until)


def _measured(step: StepUse, by: str) -> float:
    if by == "time":
        return step.middle.total_seconds() if step.middle else 0.0
    return float({"visits": step.visits, "escalations": step.escalations, "again": step.again}[by])


def _label(step: StepUse, by: str) -> str:
    if by == "time":
        said = current_app.jinja_env.filters["duration"]
        return str(said(step.middle, compact=True)) if step.middle else ""
    number = int(_measured(step, by))
    return str(number) if number or by == "visits" else ""


def _heated(page: UsagePage, by: str) -> dict[str, Any]:
    """Return what diagram.js draws: each element's heat and figure, each flow's, what was never reached."""

    def address(one: Any) -> str:
        return url_for(".diagram", key=page.key, number=page.version, locale=choose(), path=one.file)

    data = diagram_states(page.diagrams, address)
    most = max((_measured(step, by) for step in page.usage.steps), default=0.0)
    widest = max(page.usage.flows.values(), default=0)
    for process in data["processes"]:
        process["elements"] = {
            step.element: {
                "heat": rules.heat(_measured(step, by), most),
                "label": _label(step, by),
                "never": not step.visits,
            }
            for step in page.usage.steps
            if step.process == process["id"]
        }
        never = {one.flow: 0 for one in page.usage.never if one.process == process["id"]}
        taken = {
            flow: rules.heat(n, widest)
            for (owner, flow), n in page.usage.flows.items()
            if owner == process["id"]
        }
        process["flows"] = {**never, **taken}
    return data

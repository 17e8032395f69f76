"""The callback desk's agenda."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template, request
from flask_babel import format_date

from app import calendar, clock
from app.accounts.web import requires
from app.callbacks import queries

bp = Blueprint("callbacks", __name__, url_prefix="/callbacks", template_folder="templates")


@bp.get("")
@requires("callback.view")
def index() -> str:
    """Show one day's calls, today unless `?day=2026-11-23` names another."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = None  # a hand-written address that names no day shows today
    agenda = queries.agenda(day, calendar.current(), clock.now())
    return render_template(
        "callbacks/index.html", agenda=agenda, weekday=_weekday, callers=queries.by_caller(agenda.calls)
    )


def _weekday(day: date) -> str:
    return str(format_date(day, "EEE"))

"""How the reports write instants to the second, lateness, and lengths of working time."""

from __future__ import annotations

from datetime import datetime

from flask import Flask, current_app
from flask_babel import gettext as _

from app import calendar, clock

# Up to here lateness is told in seconds and tenths.
IN_SECONDS = 120


def init(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(
        clock_seconds=clock_seconds, lateness=lateness, working_minutes=working_minutes
    )


def clock_seconds(instant: datetime | None) -> str:
    """Write an instant to the second: 14:40:00 today, else with its day."""
    if instant is None:
        return ""
    zone = calendar.current().zone
    local = instant.astimezone(zone)
    if local.date() == clock.now().astimezone(zone).date():
        return f"{local:%H:%M:%S}"
    return f"{current_app.jinja_env.filters['local_date'](instant)} {local:%H:%M:%S}"


def lateness(seconds: float | None) -> str:
    """Write how late a timer fired: 0.8 秒 / 0.8 s; from two minutes on in minutes and hours."""
    if seconds is None:
        return "–"
    if abs(seconds) < IN_SECONDS:
        return _("%(n)s s", n=f"{seconds:.1f}")
    words: str = current_app.jinja_env.filters["duration"](seconds)
    return f"-{words}" if seconds < 0 else words


def working_minutes(seconds: float) -> str:
    """Write a length of working time: 25 分 / 25 min, 3 小时 40 分 / 3 h 40 min; never in days."""
    minutes = max(1, round(seconds / 60))
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(m)s min", m=rest)
    return _("%(h)s h %(m)s min", h=hours, m=f"{rest:02d}") if rest else _("%(h)s h", h=hours)

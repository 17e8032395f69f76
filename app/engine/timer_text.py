"""What designers write into timers: durations, dates and cycles in ISO 8601, bare or as expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, has_app_context
from flask_babel import gettext as _

from app.engine.expressions import ExpressionError

DEFAULT_ZONE = "Asia/Shanghai"
MAX_YEARS = 100

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?")
_CYCLE = re.compile(r"R(?P<times>\d*)/(?:(?P<start>[^/]+)/)?(?P<period>P[^/]+)")


@dataclass(frozen=True)
class Duration:
    """A length of time: calendar months and days by the wall clock, seconds by the stopwatch."""

    months: int
    days: int
    seconds: int

    def after(self, start: datetime) -> datetime:
        """Return the instant this long after `start`, aware; the result is UTC."""
        local = start.astimezone(zone())
        month = local.month - 1 + self.months
        year, month = local.year + month // 12, month % 12 + 1
        day = min(local.day, _days_in(year, month))
        moved = local.replace(year=year, month=month, day=day) + timedelta(days=self.days)
        return moved.astimezone(UTC) + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Cycle:
    """`times` firings (-1 for ever), one every `period`, from `start` or else one period from now."""

    times: int
    start: datetime | None
    period: Duration


def zone() -> ZoneInfo:
    """Return the centre's zone: what a date without zone means."""
    name = current_app.config["SETTINGS"].centre_timezone if has_app_context() else DEFAULT_ZONE
    return ZoneInfo(name)


def parse_duration(text: str) -> Duration:
    """Read P1Y2M3W4DT5H6M7S; raises ExpressionError for anything else."""
    match = _DURATION.fullmatch(text.strip().upper())
    if match is None:
        raise ExpressionError(_("“%(text)s” is not a duration such as PT8H or P1D.", text=text[:60]))
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    seconds = part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
    months = part["years"] * 12 + part["months"]
    days = part["weeks"] * 7 + part["days"]
    if months > MAX_YEARS * 12 or days > MAX_YEARS * 366 or seconds > MAX_YEARS * 366 * 86400:
        raise ExpressionError(_("“%(text)s” is longer than a hundred years.", text=text[:60]))
    return Duration(months, days, seconds)


def parse_cycle(text: str) -> Cycle:
    """Read R3/P1D, R/PT1H or R3/2026-12-01T09:00/P1D; raises ExpressionError for anything else."""
    match = _CYCLE.fullmatch(text.strip())
    if match is None:
        raise ExpressionError(_("“%(text)s” is not a repetition such as R3/P1D.", text=text[:60]))
    start = match["start"]
    period = parse_duration(match["period"])
    if not (period.months or period.days or period.seconds):
        raise ExpressionError(_("“%(text)s” repeats without any time in between.", text=text[:60]))
    return Cycle(int(match["times"] or -1), instant(start) if start else None, period)


def instant(value: Any) -> datetime:
    """Read an ISO text, date or datetime as an aware UTC instant; without zone the centre's is meant.

    A date is its midnight. Raises ExpressionError for anything else, None included.
    """
    if isinstance(value, str):
        value = _parse_instant(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ExpressionError(_("“%(text)s” is not a date such as 2026-12-01T09:00.", text=str(value)[:60]))
    return (value if value.tzinfo else value.replace(tzinfo=zone())).astimezone(UTC)


def due(value: Any, start: datetime) -> datetime:
    """Return when a timer with this value fires: a duration after `start`, or an instant. UTC.

    Raises ExpressionError for None, an empty text and everything else that is neither.
    """
    if isinstance(value, timedelta):
        return start.astimezone(UTC) + value
    if isinstance(value, str) and _DURATION.fullmatch(value.strip().upper()):
        return parse_duration(value).after(start)
    if value is None or value == "":
        raise ExpressionError(_("The timer has no time: its expression gave nothing."))
    return instant(value)


def is_bare(text: str) -> bool:
    """Tell whether this is a duration, date or repetition written without quotes."""
    text = text.strip()
    return bool(_DURATION.fullmatch(text) or _DATE.fullmatch(text) or _CYCLE.fullmatch(text))


def normalised(text: str | None) -> str:
    """Return the expression that the text means: P1D and 2026-12-01 are quoted, expressions stay."""
    text = (text or "").strip()
    if text.startswith("${") and text.endswith("}"):
        text = text[2:-1].strip()
    return f'"{text}"' if is_bare(text) else text


def _parse_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ExpressionError(
            _("“%(text)s” is not a date such as 2026-12-01T09:00.", text=text[:60])
        ) from error


def _days_in(year: int, month: int) -> int:
    following = date(year + month // 12, month % 12 + 1, 1)
    return (following - timedelta(days=1)).day

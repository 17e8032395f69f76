"""The functions that expressions may call; everything else is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _

from app import calendar, clock, settings_store
from app.engine import timer_text
from app.engine.expressions import ExpressionError, plain

MAX_NUMBER_TEXT = 40

Decide = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def build(data: Mapping[str, Any], decide: Decide | None = None) -> dict[str, Callable[..., Any]]:
    """Return the functions by name, for an expression over `data`.

    decide: evaluates a decision by id over the given values, `data` among them; None where there are none.
    """

    def _decide(name: str, **extra: Any) -> dict[str, Any]:
        if decide is None:
            raise ExpressionError(_("There are no decisions here."))
        return decide(name, {**data, **extra})

    return {**_PLAIN, "decide": _decide}


def working_time(allowance: str | timedelta, start: str | datetime | None = None) -> datetime:
    """working_time("PT8H"): when so much of the centre's working time has passed since now or `start`."""
    return calendar.add_working_time(_start(start), _duration(allowance))


def working_day(count: int, start: str | datetime | None = None) -> datetime:
    """working_day(3): the opening of the third working day after now or `start`."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= 1000:
        raise ExpressionError(_("working_day needs a whole number of days from 0 to 1000."))
    return calendar.working_day(_start(start), count)


def call_time(start: str | datetime) -> datetime:
    """call_time(working_day(3)): from then on, when the centre is open and the hours are not quiet."""
    return calendar.call_time(_start(start))


def ladder(allowance: Mapping[str, Any]) -> list[datetime]:
    """ladder({"allowed": "PT8H", "then": "PT4H"}): when to remind and to escalate twice, in working time."""
    if not isinstance(allowance, Mapping) or not {"allowed", "then"} <= allowance.keys():
        raise ExpressionError(_("ladder needs the two durations “allowed” and “then”."))
    first = working_time(allowance["allowed"])
    second = working_time(allowance["then"], first)
    return [first, second, working_time(allowance["then"], second)]


def _start(value: str | datetime | None) -> datetime:
    return clock.now() if value is None else timer_text.instant(value)


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return calendar.parse_duration(value)
    except (ValueError, AttributeError, TypeError) as error:
        raise ExpressionError(
            _("“%(text)s” is not a duration such as PT8H or P1D.", text=str(value)[:60])
        ) from error


def _days(count: float) -> timedelta:
    return timedelta(days=count)


def _hours(count: float) -> timedelta:
    return timedelta(hours=count)


def _today() -> date:
    return clock.now().astimezone(timer_text.zone()).date()


def _setting(key: str) -> Any:
    return settings_store.get(key)


def _text(value: Any) -> str:
    # Measured first: a short expression can name the same large list hundreds of times.
    return str(plain(value))


def _whole(value: Any) -> int:
    return int(_number_text(value))


def _decimal(value: Any) -> float:
    return float(_number_text(value))


def _number_text(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_NUMBER_TEXT:
        raise ExpressionError(_("The number is too large."))
    return value


def _sum(values: list[Any]) -> Any:
    if not all(isinstance(value, int | float) for value in values):
        raise ExpressionError(_("sum needs a list of numbers."))
    return sum(values)


def _round(value: float, digits: int = 0) -> float:
    return round(value, digits) if digits else round(value)


_PLAIN: dict[str, Callable[..., Any]] = {
    "working_time": working_time,
    "working_day": working_day,
    "call_time": call_time,
    "ladder": ladder,
    "setting": _setting,
    "now": clock.now,
    "today": _today,
    "days": _days,
    "hours": _hours,
    "len": len,
    "min": min,
    "max": max,
    "abs": abs,
    "round": _round,
    "str": _text,
    "int": _whole,
    "float": _decimal,
    "sum": _sum,
}

NAMES = frozenset({*_PLAIN, "decide"})

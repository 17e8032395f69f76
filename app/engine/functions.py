"""The functions that expressions may call; everything else is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from app import calendar, clock, settings_store
from app.calendar import rules
from app.calendar.rules import Calendar
from app.engine import reckoning, timer_text
from app.engine.expressions import ExpressionError, plain
from app.engine.reckoning import About, Trace

MAX_NUMBER_TEXT = 40
MAX_WORKING_DAYS = 1000

if TYPE_CHECKING:
    from app.engine.decisions import Decided

Decide = Callable[[str, Mapping[str, Any]], "Decided"]


def build(
    data: Mapping[str, Any],
    decide: Decide | None = None,
    *,
    about: Callable[[], About] | None = None,
    trace: Trace | None = None,
) -> dict[str, Callable[..., Any]]:
    """Return the functions by name, for an expression over `data`.

    decide: evaluates a decision by id over the given values, `data` among them; None where there are none.
    about:  tells what work the expression is for, asked only by functions that count working time.
    trace:  takes down what was decided and reckoned.
    """
    here = _Here(data, decide, about or About, trace or Trace())
    return {**_PLAIN, **{name: getattr(here, name) for name in _OF_PLACE}}


class _Here:
    """The functions whose answer depends on where they are asked."""

    def __init__(
        self, data: Mapping[str, Any], decide: Decide | None, about: Callable[[], About], trace: Trace
    ) -> None:
        self._data = data
        self._decide = decide
        self._about = about
        self._trace = trace

    def decide(self, name: str, **extra: Any) -> dict[str, Any]:
        """decide("allowance", step="refer"): what a table says about the process data and `extra`."""
        if self._decide is None:
            raise ExpressionError(_("There are no decisions here."))
        decided = self._decide(name, {**self._data, **extra})
        if decided.outputs is None:
            raise ExpressionError(_("No row of the decision “%(name)s” fits.", name=name))
        self._trace.decision = {
            "id": name,
            "row": decided.row,
            "inputs": decided.inputs,
            "fixed": extra,
        }
        return decided.outputs

    def working_time(self, allowance: str | timedelta, start: str | datetime | None = None) -> datetime:
        """working_time("PT8H"): when so much working time has passed since now or `start`."""
        return rules.add_working_time(self._calendar(), _start(start), _duration(allowance)).at

    def working_days(self, count: int, start: str | datetime | None = None) -> datetime:
        """working_days(3): the opening of the third working day after now or `start`."""
        if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_WORKING_DAYS:
            raise ExpressionError(_("working_days needs a whole number of days from 0 to 1000."))
        return rules.working_day(self._calendar(), _start(start), count).at

    # The name that diagrams of the first release use.
    working_day = working_days

    def next_opening(self, start: str | datetime | None = None) -> datetime:
        """next_opening(): now or `start` where that is working time, else the next instant that is."""
        return rules.add_working_time(self._calendar(), _start(start), timedelta(0)).at

    def ladder(self, allowance: Mapping[str, Any]) -> list[datetime]:
        """ladder(decide("allowance", step="refer")): when a deadline reminds and escalates.

        allowance: {"allowed": "PT8H", "then": "PT4H"}, working time.
        """
        if not isinstance(allowance, Mapping) or not {"allowed", "then"} <= allowance.keys():
            raise ExpressionError(_("ladder needs the two durations “allowed” and “then”."))
        lengths = {name: _duration(allowance[name]) for name in ("allowed", "then")}
        found = reckoning.deadline(clock.now(), lengths, about=self._about(), decision=self._trace.decision)
        self._trace.deadline = found
        return [datetime.fromisoformat(rung["at"]) for rung in found["rungs"]]

    def _calendar(self) -> Calendar:
        return self._about().calendar()


def call_time(start: str | datetime) -> datetime:
    """call_time(working_days(3)): from then on, when the centre is open and the hours are not quiet."""
    return calendar.call_time(_start(start))


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
    "call_time": call_time,
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

_OF_PLACE = ("decide", "working_time", "working_days", "working_day", "next_opening", "ladder")
NAMES = frozenset({*_PLAIN, *_OF_PLACE})

"""China's official year from the `holidays` library: public holidays and make-up working days 调休."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.calendar.rules import Calendar, Day, Span

OFFICE: tuple[Span, ...] = ((time(8, 30), time(12)), (time(13, 30), time(18)))
# A fresh centre's week, until its staff write their own: eight hours, Monday to Friday.
WEEK = {day: OFFICE if day < 6 else () for day in range(1, 8)}
MAKE_UP = "调休上班"


@dataclass(frozen=True)
class Year:
    """The exceptions of one year. published: its make-up days have been announced; before, it is a guess."""

    days: dict[date, Day]
    published: bool


@lru_cache(maxsize=32)
def year(number: int, spans: tuple[Span, ...] = OFFICE) -> Year:
    """Return the official exceptions of a year; make-up days are worked as `spans`.

    Only days that differ from Monday to Friday are exceptions: a holiday on a Sunday changes nothing.
    """
    import holidays  # only a new or outdated calendar needs it, and it takes a while to load

    # Days of the new year's holiday may lie in the year before, and be announced with it.
    known = holidays.country_holidays("CN", years=range(number - 1, number + 2), language="zh_CN")
    make_up = {day for day in known.weekend_workdays if day.year == number}
    days = {day: Day(name, ()) for day, name in known.items() if day.year == number and day.isoweekday() < 6}
    days |= {day: Day(MAKE_UP, spans) for day in make_up}
    # A year without a single make-up day has not been announced yet.
    return Year(dict(sorted(days.items())), bool(make_up))


def around(zone: str, number: int) -> Calendar:
    """Return the official calendar from the year before to the year after `number`."""
    years = {one: year(one) for one in range(number - 1, number + 2)}
    days = {day: exception for one in years.values() for day, exception in one.days.items()}
    announced = max((one for one, found in years.items() if found.published), default=number)
    return Calendar.weekly(ZoneInfo(zone), WEEK, days, known_until=date(announced, 12, 31))

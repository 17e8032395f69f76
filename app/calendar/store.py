"""The centre's calendar from its rows; before there are any, the official Chinese one."""

from __future__ import annotations

import time as monotonic_clock
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app

from app import settings_store
from app.calendar import rules
from app.calendar.tables import CalendarDay, CentreCalendar
from app.clock import now
from app.db import session

# A fresh centre's week, until its staff write their own: eight hours, Monday to Friday.
WEEK = {str(day): [["08:30", "12:00"], ["13:30", "18:00"]] for day in range(1, 6)} | {"6": [], "7": []}
KEPT_SECONDS = 30.0


def current() -> rules.Calendar:
    """Return the centre's calendar; other processes see a change within half a minute."""
    kept: tuple[float, rules.Calendar] | None = current_app.extensions.get("centre_calendar")
    if kept is None or monotonic_clock.monotonic() - kept[0] > KEPT_SECONDS:
        kept = (monotonic_clock.monotonic(), _load())
        current_app.extensions["centre_calendar"] = kept
    return kept[1]


def get(key: str) -> rules.Calendar:
    """Return a calendar."""
    return current()


def get_version(key: str, number: int) -> rules.Calendar:
    """Return one version of a calendar."""
    return current()


def for_work(
    *, role: str | None = None, klass: str | None = None, candidate: str | None = None
) -> rules.Calendar:
    """Return the calendar that counts for this work."""
    return current()


def forget() -> None:
    """Let the next reader load the calendar anew; call it after a change."""
    current_app.extensions.pop("centre_calendar", None)


def seed(instant: datetime) -> None:
    """Write the default calendar as rows that staff can edit; does nothing when there is one."""
    if session().scalar(sa.select(sa.func.count()).select_from(CentreCalendar)):
        return
    zone: str = current_app.config["SETTINGS"].centre_timezone
    default = official(zone, instant.year)
    row = CentreCalendar(name="centre", zone=zone, week=WEEK, known_until=default.known_until)
    session().add(row)
    session().flush()
    session().add_all(
        CalendarDay(
            calendar_id=row.id,
            day=day,
            name=exception.name,
            spans=[[opens.strftime("%H:%M"), closes.strftime("%H:%M")] for opens, closes in exception.spans],
        )
        for day, exception in sorted(default.days.items())
    )
    forget()


def _load() -> rules.Calendar:
    row = session().scalar(sa.select(CentreCalendar).where(CentreCalendar.name == "centre"))
    if row is None:
        return official(current_app.config["SETTINGS"].centre_timezone, now().year)
    days = session().scalars(sa.select(CalendarDay).where(CalendarDay.calendar_id == row.id))
    return rules.Calendar(
        zone=ZoneInfo(row.zone),
        week={int(day): _spans(spans) for day, spans in row.week.items()},
        days={day.day: rules.Day(day.name, _spans(day.spans)) for day in days},
        known_until=row.known_until,
        version=row.version,
    )


@lru_cache(maxsize=8)
def official(zone: str, year: int) -> rules.Calendar:
    """Return the Chinese calendar around `year`: public holidays and make-up working days 调休."""
    week = {int(day): _spans(spans) for day, spans in WEEK.items()}
    import holidays  # only a new or outdated calendar needs it, and it takes a while to load

    published = holidays.country_holidays("CN", years=range(year - 1, year + 2), language="zh_CN")
    make_up = {day for day in published.weekend_workdays if abs(day.year - year) <= 1}
    days = {day: rules.Day(name, ()) for day, name in published.items() if week[day.isoweekday()]}
    days |= {day: rules.Day("调休上班", week[1]) for day in make_up}
    # A year without a single make-up day has not been announced yet: its public holidays are only a guess.
    announced = max((day.year for day in make_up), default=year)
    return rules.Calendar(ZoneInfo(zone), week, days, known_until=date(announced, 12, 31))


def _spans(rows: list[list[str]]) -> tuple[rules.Span, ...]:
    return tuple((time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in rows)


def add_working_time(start: datetime, allowance: timedelta) -> datetime:
    """Return when `allowance` of the centre's working time has passed since `start`, UTC."""
    return rules.add_working_time(current(), start, allowance).at


def working_day(start: datetime, count: int) -> datetime:
    """Return the opening instant of the `count`-th working day after `start`, UTC."""
    return rules.working_day(current(), start, count).at


def call_time(start: datetime) -> datetime:
    """Return when a customer may be called, from `start` on: in working time, outside quiet hours; UTC."""
    begins, ends = settings_store.get("callbacks.quiet_hours")
    quiet = (time.fromisoformat(begins), time.fromisoformat(ends))
    return rules.outside_quiet_hours(current(), start, quiet).at


def working_time_between(start: datetime, end: datetime) -> timedelta:
    """Return the centre's working time from `start` to `end`."""
    return rules.working_time_between(current(), start, end)

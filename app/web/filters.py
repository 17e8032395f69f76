"""How instants, durations, money and personal numbers are written, in Chinese and in English."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from flask_babel import gettext as _

from app import clock
from app.customers import rules
from app.web.i18n import choose

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = {
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
# From here on hours say less than days.
DAYS_FROM = timedelta(hours=72)


def init(app: Flask) -> None:
    """Register the filters."""
    app.jinja_env.filters.update(
        local_time=local_time,
        local_date=local_date,
        clock_time=clock_time,
        hour=hour,
        week_day=week_day,
        month_name=month_name,
        duration=duration,
        working_hours=working_hours,
        ago=ago,
        money=money,
        mask_phone=mask_phone,
        mask_plate=rules.mask_plate,
        mask_serial=rules.mask_serial,
        num=num,
        initial=initial,
        tone=tone,
        isotime=isotime,
        input_time=input_time,
    )
    app.jinja_env.globals.update(deadline_words=deadline_words, now=clock.now, today=today)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def zone() -> ZoneInfo:
    """Return the centre's zone; every instant is shown in it."""
    return ZoneInfo(current_app.config["SETTINGS"].centre_timezone)


def local_time(instant: datetime | None) -> str:
    """Write an instant: 10-08 15:05 / 8 Oct 15:05; with the weekday within a week; other years in full."""
    if instant is None:
        return ""
    local = instant.astimezone(zone())
    return f"{_day(local.date())} {local:%H:%M}"


def local_date(value: datetime | date | None) -> str:
    """Write a day by the same rules."""
    if value is None:
        return ""
    return _day(value.astimezone(zone()).date() if isinstance(value, datetime) else value)


def clock_time(instant: datetime | None) -> str:
    """Write the hour alone for today (15:55), else day and hour."""
    if instant is None:
        return ""
    local = instant.astimezone(zone())
    return f"{local:%H:%M}" if local.date() == today() else local_time(instant)


def hour(instant: datetime | None) -> str:
    """Write the hour alone, whatever the day: 15:55."""
    return f"{instant.astimezone(zone()):%H:%M}" if instant else ""


def week_day(value: datetime | date) -> str:
    """Write a day with its weekday always: 10-08 周四 / Thu 8 Oct."""
    day = value.astimezone(zone()).date() if isinstance(value, datetime) else value
    locale = choose()
    words, year = WEEKDAYS[locale][day.weekday()], day.year != today().year
    if locale == "zh":
        return f"{day:%Y-%m-%d} {words}" if year else f"{day:%m-%d} {words}"
    return f"{words} {day.day} {MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def month_name(number: int) -> str:
    """Write a month, 1 to 12: 3 月 / Mar."""
    return f"{number} 月" if choose() == "zh" else MONTHS[number - 1]


def isotime(instant: datetime | None) -> str:
    """Write what <time datetime> wants."""
    return instant.astimezone(zone()).isoformat(timespec="minutes") if instant else ""


def input_time(instant: datetime | None) -> str:
    """Write what <input type=datetime-local> holds, in the centre's zone."""
    return instant.astimezone(zone()).strftime("%Y-%m-%dT%H:%M") if instant else ""


def today() -> date:
    """Return the centre's day."""
    return clock.now().astimezone(zone()).date()


def _day(day: date) -> str:
    current, locale = today(), choose()
    if day.year != current.year:
        return f"{day:%Y-%m-%d}" if locale == "zh" else f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    text = f"{day:%m-%d}" if locale == "zh" else f"{day.day} {MONTHS[day.month - 1]}"
    return f"{WEEKDAYS[locale][day.weekday()]} {text}" if abs((day - current).days) < 7 else text


def duration(value: timedelta | float | int | None, *, compact: bool = False) -> str:
    """Write a timedelta or seconds: 1 小时 23 分 / 1 h 23 min; compact, for tables: 1:23."""
    if value is None:
        return ""
    length = abs(value if isinstance(value, timedelta) else timedelta(seconds=value))
    minutes = int(length.total_seconds() // 60)
    if compact:
        return f"{minutes // 60}:{minutes % 60:02d}"
    if minutes == 0:
        return _("under 1 min")
    if length >= DAYS_FROM:
        days, hours = divmod(minutes // 60, 24)
        # In a month nobody counts the hours.
        return _("%(d)s d %(h)s h", d=days, h=hours) if hours and days < 30 else _("%(d)s d", d=f"{days:,}")
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(m)s min", m=rest)
    return _("%(h)s h %(m)s min", h=hours, m=f"{rest:02d}") if rest else _("%(h)s h", h=hours)


def working_hours(value: timedelta | None) -> str:
    """Write an allowance in the centre's time: 20 工时 / 20 working hours."""
    if value is None:
        return ""
    hours = f"{value.total_seconds() / 3600:.1f}".removesuffix(".0")
    return _("%(n)s working hours", n=hours)


def ago(instant: datetime | None) -> str:
    """Write how long ago: 刚刚 / just now, 5 分钟前 / 5 min ago, 3 小时前 / 3 h ago; after a day the date."""
    if instant is None:
        return ""
    passed = clock.now() - instant
    if passed < timedelta(minutes=1):
        return _("just now")
    if passed < timedelta(hours=1):
        return _("%(m)s min ago", m=passed // timedelta(minutes=1))
    if passed < timedelta(days=1):
        return _("%(h)s h ago", h=passed // timedelta(hours=1))
    return local_time(instant)


def deadline_words(due_at: datetime | None, urgency: str) -> str:
    """Say where a deadline stands. urgency: escalated overdue soon ontime waiting paused done."""
    if urgency == "waiting":
        return _("Waiting for customer")
    if urgency == "paused":
        return _("Paused")
    if due_at is None:
        return _("No deadline")
    late = duration(clock.now() - due_at)
    if urgency == "escalated":
        return _("%(d)s late · escalated", d=late) if due_at < clock.now() else _("Escalated")
    if urgency == "overdue":
        return _("%(d)s late", d=late)
    if urgency == "soon":
        return _("%(t)s · %(d)s left", t=clock_time(due_at), d=late)
    return clock_time(due_at)


def money(fen: int | None) -> str:
    """Write an amount in fen: 38000 becomes ¥380.00."""
    if fen is None:
        return ""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def num(value: float | int | None) -> str:
    """Write a number with thousands: 12,480."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def mask_phone(phone: str | None) -> str:
    """Hide the middle of a number as it was written or kept: 138****5678."""
    digits = re.sub(r"[^\d+]", "", phone or "")
    return rules.mask_phone(digits if digits.startswith("+") or not digits else f"+86{digits}")


def initial(name: str | None) -> str:
    """Return what stands in an avatar: 林 for 林晓雯, LX for Lin Xiaowen."""
    name = (name or "").strip()
    if not name:
        return "?"
    if "\u4e00" <= name[0] <= "\u9fff":
        return name[0]
    return "".join(part[0] for part in name.split()[:2]).upper()


def tone(name: str | None) -> str:
    """Pick an avatar colour that stays with the name: "", "b", "c", "d" or "e"."""
    return ("", "b", "c", "d", "e")[sum((name or "").encode()) % 5]

"""The editor's form of a calendar: posted text to content and back, nothing typed lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.calendar import content
from app.calendar.rules import Calendar, Day
from app.errors import FieldError

# Rows for more exceptions, and the longest run of days that one row may stand for.
EMPTY_ROWS, LONGEST_RUN = 4, 60


@dataclass
class WeekForm:
    """One week: from when it holds ("" from the beginning) and the hours of each weekday as typed."""

    since: str
    hours: dict[int, str]


@dataclass
class DayForm:
    """One exception as typed; `until` makes it a run of days."""

    day: str
    name: str
    hours: str
    until: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.day or self.name or self.hours or self.until)


@dataclass
class CalendarForm:
    """All that the editor shows. Exceptions are those of `year`; those of other years are kept aside."""

    year: int
    zone: str
    known_until: str
    comment: str
    weeks: list[WeekForm]
    days: list[DayForm]
    others: dict[str, Any] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def error(self, name: str) -> str:
        """Return what is wrong with a field, "" when nothing is."""
        return next((one.message for one in self.errors if one.field == name), "")


def of_calendar(calendar: Calendar, year: int) -> CalendarForm:
    """Return the form of a calendar as it is."""
    whole = content.write(calendar)
    return CalendarForm(
        year=year,
        zone=whole["zone"],
        known_until=whole["known_until"] or "",
        comment="",
        weeks=[
            WeekForm(
                since.isoformat() if since else "",
                {day: content.hours_text(week.get(day, ())) for day in range(1, 8)},
            )
            for since, week in calendar.weeks
        ],
        days=[
            DayForm(day.isoformat(), one.name, content.hours_text(one.spans))
            for day, one in sorted(calendar.days.items())
            if day.year == year
        ],
        others={day: one for day, one in whole["days"].items() if not day.startswith(f"{year}-")},
    )


def parse(posted: MultiDict[str, str], calendar: Calendar, year: int) -> CalendarForm:
    """Return what was typed; days of other years are those of `calendar`."""
    form = of_calendar(calendar, year)
    form.zone, form.known_until = posted.get("zone", "").strip(), posted.get("known_until", "").strip()
    form.comment = posted.get("comment", "")[:200]
    form.weeks = []
    for number in range(content.MAX_WEEKS):
        if f"week.{number}.1" not in posted:
            break
        since = posted.get(f"week.{number}.from", "").strip()
        hours = {day: posted.get(f"week.{number}.{day}", "").strip() for day in range(1, 8)}
        if number == 0 or since:  # a later week without its date was not wanted
            form.weeks.append(WeekForm("" if number == 0 else since, hours))
    rows = zip(*(posted.getlist(f"day.{name}") for name in ("day", "name", "hours", "until")), strict=False)
    form.days = [
        row for row in (DayForm(*(text.strip() for text in texts)) for texts in rows) if not row.empty
    ]
    return form


def to_content(form: CalendarForm) -> dict[str, Any]:
    """Return the content that the form says; what cannot be read is noted in `form.errors`."""
    form.errors = []
    weeks = [
        {
            "from": week.since or None,
            "spans": {
                str(day): _hours(form, f"week.{number}.{day}", text) for day, text in week.hours.items()
            },
        }
        for number, week in enumerate(form.weeks)
    ]
    days: dict[str, Any] = dict(form.others)
    for number, row in enumerate(form.days):
        path = f"day.{number}"
        spans = _hours(form, path, row.hours)
        for day in _run(form, path, row):
            if day.isoformat() in days and day.year == form.year:
                form.errors.append(FieldError(path, _("%(day)s stands here twice.", day=day.isoformat())))
            days[day.isoformat()] = {"name": row.name, "spans": spans}
    return {"zone": form.zone, "weeks": weeks, "days": days, "known_until": form.known_until or None}


def take(form: CalendarForm, days: Mapping[date, Day]) -> int:
    """Put days into the form in place of its own of the same dates; returns how many are new or other."""
    there = {row.day: row for row in form.days if not row.until}
    changed = 0
    for day, one in sorted(days.items()):
        row = DayForm(day.isoformat(), one.name, content.hours_text(one.spans))
        if there.get(row.day) != row:
            changed += 1
        there[row.day] = row
    form.days = [*(there[day] for day in sorted(there)), *(row for row in form.days if row.until)]
    return changed


def _hours(form: CalendarForm, path: str, text: str) -> list[list[str]]:
    try:
        return content.hours_read(text)
    except ValueError as error:
        form.errors.append(
            FieldError(path, _("“%(text)s” is no span such as 08:30–12:00.", text=str(error)[:40]))
        )
        return []


def _run(form: CalendarForm, path: str, row: DayForm) -> Iterable[date]:
    try:
        first = date.fromisoformat(row.day)
        last = date.fromisoformat(row.until) if row.until else first
    except ValueError:
        words = _("“%(text)s” is no date such as 2026-12-01.", text=f"{row.day} {row.until}".strip()[:40])
        form.errors.append(FieldError(path, words))
        return []
    if not 0 <= (last - first).days <= LONGEST_RUN:
        words = _("The last day comes after the first, by at most %(n)s days.", n=LONGEST_RUN)
        form.errors.append(FieldError(path, words))
        return []
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]

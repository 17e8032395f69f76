"""A calendar as JSON: what a version keeps and an editor sends, checked; and how two of them differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from app.calendar.rules import Calendar, Day, Span, Week

MAX_SPANS, MAX_DAYS, MAX_WEEKS, MAX_NAME = 8, 2000, 20, 60
_CLOCK = re.compile(r"(?:[01]?\d|2[0-3]):[0-5]\d|24:00")
_SPAN = re.compile(r"\s*(\d{1,2}:\d{2})\s*[-–—~至到]\s*(\d{1,2}:\d{2})\s*")


class BadContent(Exception):
    """A calendar that cannot be: `errors` are (path, message), e.g. ("days.2026-10-01", "…")."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(message for _path, message in errors))
        self.errors = errors


@dataclass(frozen=True)
class Difference:
    """One thing that two versions say differently. what: zone | hours | day | known_until.

    where: the weekday 1..7 of hours (with the date they hold from), the date of a day.
    before, after: as text, "" where there was or is nothing.
    """

    what: str
    where: str
    before: str
    after: str


def read(content: Mapping[str, Any], *, key: str, name: str, version: int) -> Calendar:
    """Return the calendar that this content says.

    content: {"zone": "Asia/Shanghai",
              "weeks": [{"from": None or "2026-12-01", "spans": {"1": [["08:30", "12:00"], …], … "7": []}}],
              "days": {"2026-10-01": {"name": "国庆节", "spans": []}}, "known_until": "2026-12-31" or None}
    Raises BadContent with everything that is wrong.
    """
    errors: list[tuple[str, str]] = []
    zone = _zone(content.get("zone"), errors)
    weeks = _weeks(content.get("weeks"), errors)
    days = _days(content.get("days"), errors)
    until = content.get("known_until")
    known = _date(until, "known_until", errors) if until else date.max
    if errors or zone is None or known is None:
        raise BadContent(errors)
    return Calendar(zone, weeks, days, known, version, key, name)


def write(calendar: Calendar) -> dict[str, Any]:
    """Return the content of a calendar."""
    return {
        "zone": calendar.zone.key,
        "weeks": [
            {
                "from": since.isoformat() if since else None,
                "spans": {str(day): _pairs(week.get(day, ())) for day in range(1, 8)},
            }
            for since, week in calendar.weeks
        ],
        "days": {
            day.isoformat(): {"name": one.name, "spans": _pairs(one.spans)}
            for day, one in sorted(calendar.days.items())
        },
        "known_until": None if calendar.known_until == date.max else calendar.known_until.isoformat(),
    }


def hours_text(spans: Iterable[Span]) -> str:
    """Write spans as people type them: 08:30–12:00, 13:30–18:00; "" for a closed day."""
    return ", ".join(f"{opens:%H:%M}–{_end(closes)}" for opens, closes in spans)


def hours_read(text: str) -> list[list[str]]:
    """Read spans as people type them; raises ValueError with the part that is none."""
    found = []
    for part in re.split(r"[,，;；、\n]", text):
        if not part.strip():
            continue
        match = _SPAN.fullmatch(part)
        if match is None:
            raise ValueError(part.strip())
        found.append([match[1].zfill(5), match[2].zfill(5)])
    return found


def differences(old: Calendar, new: Calendar) -> list[Difference]:
    """Return what a new version says differently, hours first, then days in order."""
    found = []
    if old.zone != new.zone:
        found.append(Difference("zone", "", old.zone.key, new.zone.key))
    before, after = (dict(calendar.weeks) for calendar in (old, new))
    for since in sorted({*before, *after}, key=lambda one: one or date.min):
        for day in range(1, 8):
            texts = [
                hours_text(weeks[since].get(day, ())) if since in weeks else "" for weeks in (before, after)
            ]
            if texts[0] != texts[1] or (since in before) != (since in after):
                where = f"{day}" if since is None else f"{day} {since.isoformat()}"
                found.append(Difference("hours", where, *texts))
    for date_ in sorted({*old.days, *new.days}):
        one, other = old.days.get(date_), new.days.get(date_)
        if one != other:
            found.append(Difference("day", date_.isoformat(), _day_text(one), _day_text(other)))
    if old.known_until != new.known_until:
        texts = ["" if end == date.max else end.isoformat() for end in (old.known_until, new.known_until)]
        found.append(Difference("known_until", "", *texts))
    return found


def _day_text(day: Day | None) -> str:
    return "" if day is None else f"{day.name} {hours_text(day.spans)}".strip() or "–"


def _pairs(spans: Iterable[Span]) -> list[list[str]]:
    return [[f"{opens:%H:%M}", _end(closes)] for opens, closes in spans]


def _end(closes: time) -> str:
    return "24:00" if closes == time(0) else f"{closes:%H:%M}"


def _zone(name: Any, errors: list[tuple[str, str]]) -> ZoneInfo | None:
    try:
        if not isinstance(name, str) or not name or len(name) > 40:
            raise ValueError
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        errors.append(("zone", _("“%(name)s” is no time zone such as Asia/Shanghai.", name=str(name)[:40])))
        return None


def _weeks(given: Any, errors: list[tuple[str, str]]) -> tuple[tuple[date | None, Week], ...]:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_WEEKS:
        errors.append(("weeks", _("A calendar needs between 1 and %(n)s weeks.", n=MAX_WEEKS)))
        return ()
    found: list[tuple[date | None, Week]] = []
    for number, week in enumerate(given):
        since = _date(week["from"], f"weeks.{number}.from", errors) if week.get("from") else None
        spans = week.get("spans") or {}
        found.append(
            (
                since,
                {
                    day: _spans(spans.get(str(day)) or [], f"weeks.{number}.{day}", errors)
                    for day in range(1, 8)
                },
            )
        )
    starts = [since for since, _week in found]
    if starts.count(None) != 1:
        errors.append(("weeks", _("Exactly one week holds from the beginning, without a date.")))
    elif len(set(starts)) != len(starts):
        errors.append(("weeks", _("Two weeks begin on the same day.")))
    return tuple(sorted(found, key=lambda one: one[0] or date.min))


def _days(given: Any, errors: list[tuple[str, str]]) -> dict[date, Day]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or len(given) > MAX_DAYS:
        errors.append(("days", _("A calendar has at most %(n)s days of its own.", n=MAX_DAYS)))
        return {}
    found = {}
    for text, one in given.items():
        path = f"days.{text}"
        day = _date(text, path, errors)
        spans = _spans(one.get("spans") or [], path, errors)
        if day is not None:
            found[day] = Day(str(one.get("name") or "").strip()[:MAX_NAME], spans)
    return dict(sorted(found.items()))


def _date(text: Any, path: str, errors: list[tuple[str, str]]) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        errors.append((path, _("“%(text)s” is no date such as 2026-12-01.", text=str(text)[:40])))
        return None


def _spans(given: Any, path: str, errors: list[tuple[str, str]]) -> tuple[Span, ...]:
    found: list[tuple[int, int, Span]] = []
    if not isinstance(given, list) or len(given) > MAX_SPANS:
        errors.append((path, _("A day has at most %(n)s spans of opening hours.", n=MAX_SPANS)))
        return ()
    for pair in given:
        texts = [str(part) for part in pair] if isinstance(pair, list | tuple) else []
        if len(texts) != 2 or not all(_CLOCK.fullmatch(text) for text in texts) or texts[0] == "24:00":
            errors.append((path, _("“%(text)s” is no span such as 08:30–12:00.", text="–".join(texts)[:40])))
            continue
        opens, closes = (time(0) if text == "24:00" else time.fromisoformat(text.zfill(5)) for text in texts)
        begins = opens.hour * 60 + opens.minute
        ends = closes.hour * 60 + closes.minute
        found.append((begins, ends if ends > begins else ends + 24 * 60, (opens, closes)))
    found.sort()
    for (_b, ends, _s), (begins, _e, span) in zip(found, found[1:], strict=False):
        if begins < ends:
            errors.append((path, _("%(span)s overlaps the span before it.", span=hours_text([span]))))
    return tuple(span for _begins, _ends, span in found)

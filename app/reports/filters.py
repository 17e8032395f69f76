"""What the timer list and the forecast are narrowed to: from a query string and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from app.reports.rules import LATE

STATUSES = ("fired", "waiting", "paused", "cancelled")
VERDICTS = ("late", *LATE, "ontime", "overdue", "paused", "none")
CLASSES = ("device", "platform", "other")
# More seconds than a timer can be late by.
MOST_LATE = 10**8


@dataclass(frozen=True)
class TimerFilters:
    """One look at the timers of a day. late: more seconds than this; None does not ask."""

    day: date
    procedure: str = ""
    element: str = ""
    status: str = "fired"
    late: int | None = None
    after: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str], today: date) -> TimerFilters:
        """Read a query string; what it cannot say is left out, and the day is today."""
        late = args.get("late", "").strip()
        return cls(
            day=_day(args.get("day")) or today,
            procedure=args.get("procedure", "")[:120],
            element=args.get("element", "")[:120],
            status=args["status"] if args.get("status") in STATUSES else "fired",
            late=min(int(late), MOST_LATE) if late.isascii() and late.isdigit() else None,
            after=args.get("after", "")[:200],
        )

    def query(self, **changes: object) -> dict[str, str]:
        """Return the query string's parts with changes, without what is the default."""
        one = replace(self, **{"after": "", **changes})  # type: ignore[arg-type]
        parts = {
            "day": one.day.isoformat(),
            "procedure": one.procedure,
            "element": one.element,
            "status": "" if one.status == "fired" else one.status,
            "late": "" if one.late is None else str(one.late),
            "after": one.after,
        }
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True)
class ForecastFilters:
    """One look at the forecast's table. verdict "late": may be or almost surely is; person: who does it."""

    verdict: str = "late"
    role: str = ""
    person: int | None = None
    klass: str = ""
    day: date | None = None
    start: int = 0

    @classmethod
    def read(cls, args: Mapping[str, str]) -> ForecastFilters:
        """Read a query string; what it cannot say is left out."""
        verdict, person, start = args.get("verdict", "late"), args.get("person", ""), args.get("start", "")
        return cls(
            verdict=verdict if verdict in (*VERDICTS, "all") else "late",
            role=args.get("role", "")[:40],
            person=int(person) if person.isascii() and person.isdigit() and len(person) < 10 else None,
            klass=args.get("class", "") if args.get("class") in CLASSES else "",
            day=_day(args.get("day")),
            start=int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0,
        )

    def query(self, **changes: object) -> dict[str, str]:
        """Return the query string's parts with changes, without what is the default."""
        one = replace(self, **{"start": 0, **changes})  # type: ignore[arg-type]
        parts = {
            "verdict": "" if one.verdict == "late" else one.verdict,
            "role": one.role,
            "person": str(one.person or ""),
            "class": one.klass,
            "day": one.day.isoformat() if one.day else "",
            "start": str(one.start or ""),
        }
        return {name: value for name, value in parts.items() if value}


def _day(value: str | None) -> date | None:
    try:
        day = date.fromisoformat(value or "")
    except ValueError:
        return None
    # Beyond these a day has no instant in every zone.
    return day if 1970 <= day.year <= 9000 else None

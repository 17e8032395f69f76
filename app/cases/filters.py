"""What the case list is narrowed to and sorted by: from a query string and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from urllib.parse import urlencode

from app.cases import rules

SORTS = ("received", "oldest", "due")
STATUSES = ("active", *rules.STATUSES)


@dataclass(frozen=True)
class Filters:
    """One view of the case list; an empty text narrows nothing. since, until: days in the centre's zone."""

    q: str = ""
    status: str = ""
    klass: str = ""
    severity: str = ""
    channel: str = ""
    department: str = ""
    overdue: bool = False
    since: date | None = None
    until: date | None = None
    sort: str = "received"
    cursor: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """Read a query string; what it cannot say is left out, so an old link still opens."""
        return cls(
            q=args.get("q", "").strip()[:100],
            status=_one_of(args.get("status"), STATUSES),
            klass=_one_of(args.get("class"), rules.CLASSES),
            severity=_one_of(args.get("severity"), rules.SEVERITIES),
            channel=_one_of(args.get("channel"), rules.CHANNELS),
            department=args.get("department", "")[:40],
            overdue=args.get("overdue") == "1",
            since=_day(args.get("since")),
            until=_day(args.get("until")),
            sort=_one_of(args.get("sort"), SORTS) or "received",
            cursor=args.get("cursor", "")[:200],
        )

    @property
    def narrowed(self) -> int:
        """How many filters are on, the search not counted."""
        values = (self.status, self.klass, self.severity, self.channel, self.department, self.overdue)
        return sum(bool(value) for value in (*values, self.since, self.until))

    def query(self, **changes: object) -> str:
        """Return the query string of this view with changes, without a cursor unless one is given."""
        changed = replace(self, **{"cursor": "", **changes})  # type: ignore[arg-type]
        pairs = {
            "q": changed.q,
            "status": changed.status,
            "class": changed.klass,
            "severity": changed.severity,
            "channel": changed.channel,
            "department": changed.department,
            "overdue": "1" if changed.overdue else "",
            "since": changed.since.isoformat() if changed.since else "",
            "until": changed.until.isoformat() if changed.until else "",
            "sort": changed.sort if changed.sort != "received" else "",
            "cursor": changed.cursor,
        }
        return urlencode({name: value for name, value in pairs.items() if value})


def write_cursor(instant: datetime | None, row_id: int) -> str:
    """Return where the next page begins: after this row of the sorted list."""
    text = json.dumps([instant.isoformat() if instant else None, row_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime | None, int] | None:
    """Return (instant, row id) of a cursor, None when it is none: the list then starts at its top."""
    try:
        instant, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        read = datetime.fromisoformat(instant) if instant else None
        return (read, int(row_id)) if read is None or read.tzinfo else None
    except (ValueError, TypeError):
        return None


def _one_of(value: str | None, known: tuple[str, ...]) -> str:
    return value if value in known else ""


def _day(value: str | None) -> date | None:
    try:
        return date.fromisoformat(value or "")
    except ValueError:
        return None

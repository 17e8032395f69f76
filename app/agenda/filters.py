"""What the agenda shows: the day, by caller or by time, and which calls of it; read from the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

VIEWS = ("caller", "time")
STATES = ("todo", "late", "done")
KINDS = ("closing", "regular", "booked")
CLASSES = ("platform", "device", "other")
NOBODY = "none"


@dataclass(frozen=True)
class Filters:
    """caller: a person's id, NOBODY, or "" for all. page: counts from 1, of the list by time."""

    day: date | None = None
    view: str = "caller"
    caller: str = ""
    klass: str = ""
    kind: str = ""
    state: str = ""
    page: int = 1

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Filters:
        """Read an address; what it says wrongly is as if it were not there."""
        try:
            day = date.fromisoformat(args.get("day", ""))
        except ValueError:
            day = None
        caller = args.get("caller", "")
        page = args.get("page", "1")
        return cls(
            day,
            _one_of(args, "view", VIEWS) or "caller",
            caller if caller == NOBODY or (caller.isdecimal() and len(caller) < 10) else "",
            _one_of(args, "klass", CLASSES),
            _one_of(args, "kind", KINDS),
            _one_of(args, "state", STATES),
            int(page) if page.isdecimal() and 0 < len(page) < 5 else 1,
        )

    def query(self, **changes: Any) -> dict[str, str]:
        """Return the address's arguments, with some changed; what is as usual is left out."""
        one = replace(self, **changes)
        values = {
            "day": one.day.isoformat() if one.day else "",
            "view": one.view if one.view != "caller" else "",
            "caller": one.caller,
            "klass": one.klass,
            "kind": one.kind,
            "state": one.state,
            "page": str(one.page) if one.page > 1 else "",
        }
        return {name: value for name, value in values.items() if value}

    @property
    def narrowed(self) -> bool:
        """Whether some calls of the day are left out."""
        return bool(self.caller or self.klass or self.kind or self.state)


def _one_of(args: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    value = args.get(name, "")
    return value if value in known else ""

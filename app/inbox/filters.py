"""What the inbox shows: the filters of its address, and the keys its pages start after."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

VIEWS = ("all", "mine", "unclaimed", "team", "escalated", "overdue", "today", "followup", "done")
SORTS = ("due", "newest", "priority", "followup")
CLASSES = ("device", "platform", "other")


@dataclass(frozen=True)
class Filters:
    """One look at the inbox. role: a candidate key or the role of several; scope "all": everybody's work."""

    view: str = "all"
    role: str = ""
    klass: str = ""
    q: str = ""
    sort: str = "due"
    scope: str = ""
    after: str = ""

    @classmethod
    def read(cls, args: Mapping[str, str], *, may_see_all: bool) -> Filters:
        """Read the query string; what it cannot mean is left out."""
        view, sort = args.get("view", ""), args.get("sort", "")
        return cls(
            view=view if view in VIEWS else "all",
            role=args.get("role", "")[:80],
            klass=args.get("class", "") if args.get("class") in CLASSES else "",
            q=args.get("q", "").strip()[:80],
            sort=sort if sort in SORTS else "due",
            scope="all" if args.get("scope") == "all" and may_see_all else "",
            after=args.get("after", ""),
        )

    def query(self, **changes: str) -> dict[str, Any]:
        """Return the query string's parts, with changes, without what is the default."""
        one = replace(self, **{"after": "", **changes})
        parts = {"view": one.view, "role": one.role, "class": one.klass, "q": one.q, "sort": one.sort}
        parts |= {"scope": one.scope, "after": one.after}
        return {name: value for name, value in parts.items() if value and (name, value) not in DEFAULTS}

    @property
    def narrowed(self) -> bool:
        """Tell whether more than a view was chosen."""
        return bool(self.role or self.klass or self.q)


DEFAULTS = (("view", "all"), ("sort", "due"))


def write_cursor(key: list[Any]) -> str:
    """Write the key of a page's last row, for the address of the next page."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_cursor(text: str, kinds: list[type]) -> list[Any] | None:
    """Read it back; None when there is none or it is not ours. kinds: the types of its parts."""
    if not text:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not isinstance(parts, list) or len(parts) != len(kinds):
            return None
        key = [
            datetime.fromisoformat(part) if kind is datetime else kind(part)
            for part, kind in zip(parts, kinds, strict=True)
        ]
    except (ValueError, TypeError):
        return None
    return None if any(isinstance(part, datetime) and part.tzinfo is None for part in key) else key

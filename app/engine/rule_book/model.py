"""What the book says of one rule."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, EITHER = "error", "warning", "error or warning"


@dataclass(frozen=True)
class Rule:
    """level: "error", "warning" or "error or warning"; why, remedy: lazy texts in the reader's language."""

    group: str
    level: str
    why: str
    remedy: str

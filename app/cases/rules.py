"""Decisions about cases over plain values."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta

STATUSES = ("open", "waiting", "resolved", "closed", "withdrawn")
ENDED = ("closed", "withdrawn")
CLASSES = ("platform", "device", "other")
SEVERITIES = ("low", "normal", "high", "critical")
CHANNELS = ("phone", "visit", "web", "mail", "message", "import", "api")
KINDS = ("complaint", "question", "suggestion")
OTHER_TYPES = ("renew", "add", "deregister")
# The channels where an agent speaks with the customer: what they type is the registration itself.
SPOKEN = ("phone", "visit")

# Attributes that a form may write (`x-bind: "case.…"`), with the longest text kept; 0: no text.
FIELDS = {
    "kind": 16, "title": 200, "description": 8000, "class": 16, "severity": 16, "other_type": 16,
    "cause": 4000, "solution": 4000, "cost": 0, "satisfaction": 0, "department": 40, "repair_point": 40,
    "preferred_time": 80, "parts_used": 2000, "repair_hours": 0, "customer_id": 0, "asset_id": 0,
}  # fmt: skip
COLUMNS = {"class": "klass"}
# What an event may quote, before and after: choices and numbers. Of words it says only that they changed.
QUOTED = (
    "kind", "klass", "severity", "other_type", "cost", "satisfaction", "department", "repair_point",
    "repair_hours", "status",
)  # fmt: skip
SEARCHED = ("title", "description", "customer_id", "asset_id")
SUBJECT = ("title", "klass", "severity")
# What the allowances depend on.
TIMED = ("klass", "severity")

# No 0 O 1 I L: the code is read out over the phone.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8


def case_number(year: int, running: int) -> str:
    """Return K26-10001 for 2026 and 10001."""
    return f"K{year % 100:02d}-{running}"


def fold(text: str) -> str:
    """Return text as the search compares it: full-width and half-width, capitals and small letters alike."""
    return unicodedata.normalize("NFKC", text).casefold()


def search_text(*parts: str | None) -> str:
    """Return what a text search reads; a plate or serial number also without its separators."""
    words = [fold(part) for part in parts if part]
    return "\n".join(words)


def search_words(query: str) -> list[str]:
    """Return the words that must all be found; a phone number written in groups is one word, a plate too."""
    text = fold(query.strip())
    if re.fullmatch(r"\+?[\d\s\-()]{6,}", text):
        digits = re.sub(r"\D", "", text)
        return [digits[2:] if text.startswith("+86") else digits]
    return [re.sub(r"(?<=[\u4e00-\u9fff][a-z])[·•・](?=[0-9a-z])", "", word) for word in text.split()][:8]


def like(word: str) -> str:
    r"""Return a LIKE pattern that finds `word` anywhere, with `\` as the escape."""
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    return f"%{escaped}%"


def priority(severity: str | None) -> int:
    """Return the priority of a case's tasks: 1 high, 2 normal, 3 low."""
    return {"critical": 1, "high": 1, "low": 3}.get(severity or "", 2)


def may_wait(status: str, paused: bool) -> bool:
    """Tell whether the clocks of a case can be stopped for its customer."""
    return status in ("open", "waiting") and not paused


def may_withdraw(status: str) -> bool:
    """Tell whether a case can still be taken back."""
    return status not in ENDED


def reopen_until(closed_at: datetime | None, days: int) -> datetime | None:
    """Return the last instant at which a case that ended then may be reopened."""
    return closed_at + timedelta(days=days) if closed_at else None


def may_reopen(status: str, closed_at: datetime | None, days: int, now: datetime) -> bool:
    """Tell whether an ended case is still within the period."""
    until = reopen_until(closed_at, days)
    return status in ENDED and until is not None and now <= until


def urgency(status: str, due_at: datetime | None, level: int, now: datetime, soon: timedelta) -> str:
    """Return how loud a case is: done, waiting, escalated, overdue, soon or ontime."""
    if status in ENDED:
        return "done"
    if level >= 2:
        return "escalated"
    if due_at is None:
        return "waiting" if status in ("waiting", "resolved") else "ontime"
    if due_at < now:
        return "overdue"
    return "soon" if due_at - now <= soon else "ontime"


# How much of the words must be shared before an old solution is worth showing.
LIKE_ENOUGH = 0.12


def letter_pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a text, without punctuation: what words are in Chinese."""
    runs = re.findall(r"\w+", fold(text))
    return frozenset(run[place : place + 2] for run in runs for place in range(len(run) - 1))


def likeness(wanted: frozenset[str], text: str) -> float:
    """Return how much of the shorter of two texts the other shares, 0..1."""
    there = letter_pairs(text)
    smaller = min(len(wanted), len(there))
    return len(wanted & there) / smaller if smaller else 0.0

"""What the history may keep of process data: it is never erased, so nothing that could be about a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# A telephone or identity number is longer; an instant has its parts apart.
LONGEST_NUMBER = 1_000_000_000
LONGEST_TEXT = 80
LONGEST_LIST = 20
_LONG_NUMBER = re.compile(r"\d{7}|@")
# Keys of choices, ids, instants, durations: words that people write are none.
_KEY = re.compile(r"[A-Za-z0-9_.:+/-]*")
# Names of values that hold a person's name, number or address, in the words that designers use.
_PERSONAL = re.compile(
    r"(^|_)(name|customer|contact|caller|phone|mobile|tel|email|mail|address|plate|vin|serial|idcard|id_number)(_|$)",
    re.IGNORECASE,
)


def personal(name: str) -> bool:
    """Tell whether the name of a value says that it identifies a person."""
    return bool(_PERSONAL.search(name))


def of_decision(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a decision: short texts, numbers, truth values; no person's number."""
    return {name: value for name, value in values.items() if _short(value)}


def of_step(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of what a step set: numbers, truth values and keys, and short lists of those.

    Fewer than of a decision: a step sets whatever its form asks for, a table reads what steers the process.
    """
    return {name: value for name, value in values.items() if not personal(name) and _is_key(value)}


def _short(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and not _LONG_NUMBER.search(value)
    if isinstance(value, int | float):
        return isinstance(value, bool) or abs(value) < LONGEST_NUMBER
    return value is None


def _is_key(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= LONGEST_LIST and all(not isinstance(one, list) and _is_key(one) for one in value)
    return _short(value) and (not isinstance(value, str) or bool(_KEY.fullmatch(value)))

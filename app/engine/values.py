"""Values that process data may hold: plain JSON, and small, since all of it is saved with every step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _

MAX_DEPTH = 40
MAX_INT = 10**18
MAX_VALUES = 5_000
MAX_CHARACTERS = 50_000

# Words that would break or bend an instance if process data used them as a name.
RESERVED = frozenset({"typename", "dmninputexpr"})


class ExpressionError(ValueError):
    """The text cannot be evaluated; the message says why, in the reader's language.

    position: 1-based column within the text, 0 if unknown.
    line:     1-based line within a script, 0 if it is a single expression.
    """

    def __init__(self, message: str, *, position: int = 0, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.line = line


def plain(value: Any) -> Any:
    """Return the value as plain JSON: instants and dates as ISO text, tuples as lists; refuse the rest.

    Raises ExpressionError when it is too large: data is saved with every step.
    """
    counter = _Counter()
    return counter.copy(value, 0)


class _Counter:
    """Copies a value while counting: a small-looking one that unfolds to millions is stopped early."""

    def __init__(self) -> None:
        self.values = 0
        self.characters = 0

    def copy(self, value: Any, depth: int) -> Any:
        self.values += 1
        if self.values > MAX_VALUES or depth > MAX_DEPTH:
            raise ExpressionError(_("The value is too large for process data."))
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return small(value)
        if isinstance(value, str):
            self.characters += len(value)
            if self.characters > MAX_CHARACTERS:
                raise ExpressionError(_("The value is too large for process data."))
            return value
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value]
        if isinstance(value, Mapping):
            return {self._key(key): self.copy(item, depth + 1) for key, item in value.items()}
        if isinstance(value, datetime):
            return instant_text(value)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, timedelta):
            return f"PT{int(value.total_seconds())}S"
        raise ExpressionError(
            _("A %(kind)s is not a value that process data can hold.", kind=type(value).__name__)
        )

    def _key(self, key: Any) -> str:
        if not isinstance(key, str) or key in RESERVED:
            raise ExpressionError(_("“%(name)s” cannot be a key in process data.", name=str(key)[:40]))
        self.characters += len(key)
        return key


def instant_text(value: datetime) -> str:
    """Return an aware instant as ISO text in UTC; such texts sort as the instants do."""
    if value.tzinfo is None:
        raise ExpressionError(_("An instant needs a time zone."))
    return value.astimezone(UTC).replace(microsecond=0).isoformat()


def small(value: int) -> int:
    """Return the number; raises ExpressionError when it is too large to be meant."""
    if abs(value) > MAX_INT:
        raise ExpressionError(_("The number is too large."))
    return value

"""The one place that asks what time it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_offset = timedelta(0)


def now() -> datetime:
    """Return the present instant, aware UTC: frozen by `at`, or the machine's moved by the demo's offset."""
    frozen = _frozen.get()
    return frozen if frozen is not None else datetime.now(UTC) + _offset


@contextmanager
def at(instant: datetime) -> Iterator[None]:
    """Stand still at an aware instant within this context: scenario tests, `timers fire`, the demo loader."""
    token = _frozen.set(instant.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


def set_offset(offset: timedelta) -> None:
    """Move this process's clock by `offset` from the machine's; the demo bar's fast-forward."""
    global _offset
    _offset = offset


def offset() -> timedelta:
    """Return how far the clock stands from the machine's."""
    return _offset

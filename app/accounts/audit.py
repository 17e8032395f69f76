"""What changes in accounts is told to whoever keeps the history; this package does not know who that is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from app.accounts.actor import Actor


class Listener(Protocol):
    """Called inside the transaction that makes the change; raising undoes the change."""

    def __call__(
        self, stream: str, kind: str, data: dict[str, Any], *, actor: Actor, now: datetime
    ) -> None: ...


# Filled by create_app's wiring: the engine's record_event.
on_change: list[Listener] = []


def tell(stream: str, kind: str, data: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    """Tell every listener, e.g. ("person:3", "person.disabled", {"username": "li"}); never a password."""
    for listener in on_change:
        listener(stream, kind, data, actor=actor, now=now)

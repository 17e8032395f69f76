"""Messages that came before anybody waited for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.db import for_update, session
from app.engine.reader import PendingMessage
from app.engine.tables import KeptMessage


def keep(name: str, correlation: str, payload: Mapping[str, Any], now: datetime) -> int:
    """Keep a message until somebody waits for it; return its id."""
    row = KeptMessage(name=name, correlation=correlation, payload=dict(payload), received_at=now)
    session().add(row)
    session().flush()
    return row.id


def take_kept(waits: Iterable[PendingMessage]) -> list[tuple[PendingMessage, dict[str, Any]]]:
    """Take the oldest kept message for each of these waits out of the table; each goes to one wait."""
    waiting = list(waits)
    statement = (
        sa.select(KeptMessage)
        .where(KeptMessage.name.in_({one.name for one in waiting}))
        .where(KeptMessage.correlation.in_({one.correlation for one in waiting}))
        .order_by(KeptMessage.id)
    )
    # Skip what another transaction is taking: it would be gone when the lock is free.
    rows = list(session().scalars(for_update(statement, skip_locked=True)))
    taken = []
    for wait in waiting:
        row = next(
            (row for row in rows if (row.name, row.correlation) == (wait.name, wait.correlation)), None
        )
        if row is not None:
            rows.remove(row)
            taken.append((wait, row.payload))
            session().delete(row)
    if taken:
        session().flush()
    return taken

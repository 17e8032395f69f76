"""The intake page's unsent values. Their table belongs to the inbox, above us: known here by its name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.accounts.actor import Actor
from app.db import Base, session

SUBJECT = "case.new"


def _table() -> sa.Table:
    return Base.metadata.tables["draft"]


def load(actor: Actor) -> tuple[dict[str, Any], datetime] | None:
    """Return what this person typed and when it was kept, or None."""
    table = _table()
    found = (
        session()
        .execute(
            sa.select(table.c["values"], table.c.saved_at).where(
                table.c.person_id == actor.id, table.c.subject == SUBJECT
            )
        )
        .one_or_none()
    )
    return (dict(found[0]), found[1]) if found else None


def save(values: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Keep what this person has typed so far, in place of what was kept before."""
    drop(actor)
    session().execute(
        sa.insert(_table()).values(person_id=actor.id, subject=SUBJECT, values=dict(values), saved_at=now)
    )


def drop(actor: Actor) -> None:
    """Forget the draft."""
    table = _table()
    session().execute(sa.delete(table).where(table.c.person_id == actor.id, table.c.subject == SUBJECT))

"""Which procedures people may begin by hand: those whose start says so (`startedBy`), as last deployed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.db import session
from app.engine.tables import Procedure, ProcedureVersion, newest_versions
from app.revised import Revised

REVISION = "procedures.startable"
STARTED_BY = "startedBy"


@dataclass(frozen=True)
class Startable:
    """A procedure that the holders of `roles` may begin. variables: what whoever begins it gives."""

    key: str
    name: str
    roles: frozenset[str]
    variables: tuple[str, ...]


def startable() -> tuple[Startable, ...]:
    """Return them by name; at most five seconds old."""
    return _startable.get()


def procedures_changed(*, actor_id: int | None, now: datetime) -> None:
    """Note, within the transaction that deploys a version, that they may be others."""
    _startable.changed(actor_id=actor_id, now=now)


def listed(text: str | None) -> list[str]:
    """Return the words of a property that are separated by commas."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _load() -> tuple[Startable, ...]:
    newest = newest_versions()
    rows = session().execute(
        sa.select(Procedure.key, Procedure.name, ProcedureVersion.catalog)
        .join(newest, newest.c.procedure_id == Procedure.id)
        .join(
            ProcedureVersion,
            (ProcedureVersion.procedure_id == Procedure.id) & (ProcedureVersion.number == newest.c.number),
        )
        .order_by(Procedure.name)
    )
    found = []
    for row in rows:
        starts = _starts(row.catalog, row.key)
        roles = frozenset(role for one in starts for role in listed(one.get(STARTED_BY)))
        variables = tuple(name for one in starts for name in listed(one.get("variables")))
        if roles:
            found.append(Startable(row.key, row.name, roles, variables))
    return tuple(found)


def _starts(catalog: dict[str, Any], key: str) -> list[dict[str, str]]:
    process = catalog["processes"].get(key, {"elements": {}})
    return [
        element.get("properties", {})
        for element in process["elements"].values()
        if element["type"] == "startEvent" and not element.get("scope")
    ]


_startable = Revised(REVISION, _load)

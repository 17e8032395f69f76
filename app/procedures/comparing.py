"""Two versions of a procedure beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.db import session
from app.engine.tables import FileContent, Procedure, ProcedureFile, ProcedureVersion
from app.procedures.differences import FileDifference, compare
from app.procedures.queries import no_version


@dataclass(frozen=True)
class ComparePage:
    """Two versions of a procedure. numbers: all there are, newest first."""

    key: str
    name: str
    before: int
    after: int
    numbers: list[int]
    differences: list[FileDifference]


def compare_page(key: str, before: int | None, after: int | None) -> ComparePage:
    """Return what differs between two versions, the newest two unless given. Three statements.

    Raises NotFound.
    """
    rows = (
        session()
        .execute(
            sa.select(ProcedureVersion.number, ProcedureVersion.id, Procedure.name)
            .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
            .where(Procedure.key == key)
            .order_by(ProcedureVersion.number.desc())
        )
        .all()
    )
    ids = {row.number: row.id for row in rows}
    if not rows:
        raise no_version()
    new = after if after is not None else rows[0].number
    old = before if before is not None else next((n for n in ids if n < new), new)
    if old not in ids or new not in ids:
        raise no_version()
    return ComparePage(
        key, rows[0].name, old, new, list(ids), compare(contents_of(ids[old]), contents_of(ids[new]))
    )


def contents_of(version: int) -> dict[str, bytes]:
    """Return path → content of a version's files."""
    query = (
        sa.select(ProcedureFile.path, FileContent.content)
        .join(FileContent, FileContent.digest == ProcedureFile.digest)
        .where(ProcedureFile.version_id == version)
    )
    return {path: bytes(content) for path, content in session().execute(query)}

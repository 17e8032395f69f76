"""Runs over many instances: to check whether they can move to a version, to move them, to take that back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class MigrationRun(Base):
    """One run over a selection of instances of one procedure.

    kind:        check (changes nothing) | move | undo.
    version_id:  the version to move to; of an undo: the one that is left.
    of_id:       of a move: the check it follows, if any; of an undo: the move that it takes back.
    finished_at: None while instances wait for their turn.
    """

    __tablename__ = "migration_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(8))
    procedure_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure.id"), index=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_version.id"))
    of_id: Mapped[int | None] = mapped_column(sa.ForeignKey("migration_run.id"), index=True)
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(index=True)


class MigrationRow(Base):
    """One instance of a run.

    status:  pending | ok (can move, has moved, was taken back: by the kind of the run) | refused.
    reasons: why it was refused, one a line, in the language of who began the run.
    before_version_id, before_state, after_revision: what taking a move back needs.
    """

    __tablename__ = "migration_row"
    __table_args__ = (
        sa.Index("ix_migration_row_status", "run_id", "status", "instance_id"),
        sa.Index("ix_migration_row_instance_id", "instance_id"),
    )

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("migration_run.id"), primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"), primary_key=True)
    status: Mapped[str] = mapped_column(sa.String(8), default="pending")
    reasons: Mapped[str] = mapped_column(sa.Text, default="")
    before_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("procedure_version.id"))
    before_state: Mapped[str | None] = mapped_column(sa.Text)
    after_revision: Mapped[int | None]

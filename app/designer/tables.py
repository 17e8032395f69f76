"""Drafts of procedures: their files as they were saved last, and who has them open."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ProcedureDraft(Base):
    """A set of files of one procedure that is worked on and runs nowhere yet.

    key:      process id of its root.
    base:     number of the version that it was made from; None for a new procedure.
    revision: one more with each write to any of its files.
    made:     what publishing made, [{"key", "version"}]; None while it is not published.
    played:   how its scenarios went last, see `playing.play`, and at which "revision"; None before that.
    asked_at, asked_by_id, asked_revision: who wants it published, as it was then.
    publish_at: when, None for as soon as that is agreed.
    agreed_at, agreed_by_id: since when nothing is missing any more, and by whom; nobody where one is enough.
    A draft that was discarded or published stays, so that discarding can be taken back and history be read.
    """

    __tablename__ = "procedure_draft"
    __table_args__ = (sa.Index("ix_procedure_draft_key", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(120))
    name: Mapped[str] = mapped_column(sa.String(200))
    base: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    updated_at: Mapped[datetime]
    updated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    discarded_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(sa.String(500), default="")
    made: Mapped[list[Any] | None]
    played: Mapped[dict[str, Any] | None]
    asked_at: Mapped[datetime | None]
    asked_by_id: Mapped[int | None]
    asked_revision: Mapped[int | None]
    publish_at: Mapped[datetime | None]
    agreed_at: Mapped[datetime | None]
    agreed_by_id: Mapped[int | None]

    @property
    def is_open(self) -> bool:
        """Tell whether it can be changed."""
        return self.discarded_at is None and self.published_at is None


class ProcedureDraftFile(Base):
    """One file of a draft, byte by byte as it was saved.

    base_digest: sha256 of the file it was made from; None for a new file.
    revision:    the draft's revision that wrote it; who saves says which one they saw.
    """

    __tablename__ = "procedure_draft_file"

    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_draft.id"), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    content: Mapped[bytes]
    digest: Mapped[str] = mapped_column(sa.String(64))
    base_digest: Mapped[str | None] = mapped_column(sa.String(64))
    revision: Mapped[int]
    updated_at: Mapped[datetime]
    updated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

    @property
    def changed(self) -> bool:
        """Tell whether it is another file than the one it was made from."""
        return self.digest != self.base_digest


class ProcedureDraftEditor(Base):
    """Who had a draft open, and when their browser last said so."""

    __tablename__ = "procedure_draft_editor"

    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_draft.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    seen_at: Mapped[datetime]

"""Exports asked for, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Export(Base):
    """One file that somebody asked for.

    query:  the filters it was asked with, as texts.
    status: waiting | making | ready | failed.
    lease_until: while one worker makes it; a killed one's is made anew afterwards.
    size:   bytes of the file, once it is ready; it lies in VAR_DIR/exports under the row's id.
    """

    __tablename__ = "export"
    __table_args__ = (
        sa.Index("ix_export_person", "person_id", "id"),
        sa.Index("ix_export_status", "status", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    query: Mapped[dict[str, Any]]
    locale: Mapped[str] = mapped_column(sa.String(2))
    status: Mapped[str] = mapped_column(sa.String(8), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(sa.String(80))
    size: Mapped[int | None]
    created_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]

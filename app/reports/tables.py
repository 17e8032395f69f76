"""Hand-overs of several items at once, kept so that they can be looked at and taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class WorkMove(Base):
    """One move of work off a person.

    key:     of the preview it was made from; sent twice, it happens once.
    moved:   [{"item", "to"}]: what was handed over to whom.
    refused: [{"item", "why"}]: what was not, in the words the mover read.
    kept:    [{"item", "why"}]: what an undo left with its new holder.
    """

    __tablename__ = "work_move"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    source_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(sa.String(500), default="")
    moved: Mapped[list[Any]]
    refused: Mapped[list[Any]]
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    kept: Mapped[list[Any] | None]

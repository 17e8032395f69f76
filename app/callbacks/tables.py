"""Promises to call a customer back, and what came of them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Callback(Base):
    """One promised call.

    outcome: satisfied | dissatisfied | no_answer | another_time | cancelled; None: still to come.
    """

    __tablename__ = "callback"
    __table_args__ = (sa.Index("ix_callback_due", "outcome", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"))
    attempt: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(sa.String(16))
    score: Mapped[int | None]
    words: Mapped[str | None] = mapped_column(sa.Text)
    next_at: Mapped[datetime | None]
    called_at: Mapped[datetime | None]
    called_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]

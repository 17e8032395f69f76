"""The escalation policy's versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class EscalationPolicy(Base):
    """What the policy said from one change to the next; the highest number counts. Never changed.

    content: see `rules.read`.
    """

    __tablename__ = "escalation_policy"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None]

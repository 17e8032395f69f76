"""What somebody typed and has not sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Draft(Base):
    """One person's unsent values for one form: a work item's, or a page's ("case.new")."""

    __tablename__ = "draft"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(40), primary_key=True)  # "work_item:12" | "case.new"
    values: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]

"""The calendars of the centre as data: several, each with versions that never change, and their use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class WorkCalendar(Base):
    """One calendar by its key; `version` is the number of the version that counts now."""

    __tablename__ = "calendar"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    version: Mapped[int] = mapped_column(default=1)


class CalendarVersion(Base):
    """What a calendar said from one change to the next; see `content.read` for its form. Never changed."""

    __tablename__ = "calendar_version"

    calendar_id: Mapped[int] = mapped_column(sa.ForeignKey("calendar.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]]
    comment: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None]


class CalendarAssignment(Base):
    """Whose work a calendar counts for.

    kind:    default | role | class | unit.
    subject: a role's key, a class, a unit's key; "" for the default.
    """

    __tablename__ = "calendar_assignment"
    __table_args__ = (sa.UniqueConstraint("kind", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    subject: Mapped[str] = mapped_column(sa.String(80), default="")
    calendar_id: Mapped[int] = mapped_column(sa.ForeignKey("calendar.id"))

"""The centre's opening hours as data."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class CentreCalendar(Base):
    """Opening spans, local time: `week` maps "1" (Monday) to "7" to [["08:30","12:00"],["13:30","18:00"]].

    known_until: past this day holidays are not known; an answer beyond it is flagged.
    """

    __tablename__ = "centre_calendar"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    zone: Mapped[str] = mapped_column(sa.String(40))
    week: Mapped[dict[str, Any]]
    known_until: Mapped[date]
    version: Mapped[int] = mapped_column(default=1)


class CalendarDay(Base):
    """A day unlike its weekday: a holiday (no spans) or a make-up working day 调休 (spans)."""

    __tablename__ = "calendar_day"

    calendar_id: Mapped[int] = mapped_column(sa.ForeignKey("centre_calendar.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), default="")
    spans: Mapped[list[Any]]

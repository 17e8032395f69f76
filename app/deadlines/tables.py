"""Deadlines of steps and of whole cases, and the pauses that do not count towards them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Deadline(Base):
    """One promise of time: by `due_at` a step is done, or a case answered, solved, gone round.

    kind:       step | first_response | resolution | round; the last three are of the whole case.
    status:     running | paused | met | missed | cancelled; while paused `due_at` is that before the pause.
    timer_task_id: the timer event on the step's border; None for a whole case, which no diagram times.
    reckoning:  how it came about, see `engine.reckoning.deadline`.
    provisional: it rests on days whose holidays have not been published yet.
    next_rung_at, next_rung: when and which step of the ladder comes next, for a whole case; the ladder of a
                step is its timer.
    """

    __tablename__ = "deadline"
    __table_args__ = (
        sa.Index("ix_deadline_calendar", "calendar", "status"),
        sa.Index("ix_deadline_rung", "status", "next_rung_at"),
        sa.Index("ix_deadline_ended", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"))
    work_item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("work_item.id"), index=True)
    timer_task_id: Mapped[str | None] = mapped_column(sa.String(36))
    kind: Mapped[str] = mapped_column(sa.String(16))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    status: Mapped[str] = mapped_column(sa.String(10), default="running")
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    calendar: Mapped[str] = mapped_column(sa.String(40))
    calendar_version: Mapped[int]
    provisional: Mapped[bool] = mapped_column(default=False)
    reckoning: Mapped[dict[str, Any]]
    next_rung_at: Mapped[datetime | None]
    next_rung: Mapped[int] = mapped_column(default=0)


class Acknowledgement(Base):
    """Somebody has taken note that something is late: they are not reminded of it again.

    subject: "item:12" for a task, "deadline:7" for a whole case.
    due_at:  the deadline it was about; another one rings again.
    """

    __tablename__ = "acknowledgement"

    subject: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    due_at: Mapped[datetime | None]
    at: Mapped[datetime]


class Pause(Base):
    """A time in which the clocks of a case stood still; open while `ended_at` is None.

    reason:   customer (we wait for the customer) | verdict (solved, until the customer says whether they are
              satisfied; it stops the clock of the resolution alone).
    until_at: when we stop waiting by ourselves.
    status_before: the case's status, which comes back when the pause ends.
    """

    __tablename__ = "pause"
    __table_args__ = (
        sa.Index("ix_pause_case", "case_id", "started_at"),
        sa.Index("ix_pause_until", "ended_at", "until_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"))
    reason: Mapped[str] = mapped_column(sa.String(12))
    awaited: Mapped[str] = mapped_column(sa.String(80), default="")
    started_at: Mapped[datetime]
    started_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    until_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    status_before: Mapped[str] = mapped_column(sa.String(12), default="open")

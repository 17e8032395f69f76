"""Promises to call a customer, what came of them, what is asked, and the schedules of regular calls."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Callback(Base):
    """One promised call; each attempt has a row of its own.

    kind:     closing (a case was solved) | regular (a schedule's) | booked (by hand, without a case).
    outcome:  satisfied | dissatisfied | no_answer | another_time | cancelled; None: still to come.
    detail:   of no_answer: ringing | busy | off | rejected | wrong.
    most:     how many attempts the decision table allows.
    agreed:   the customer named this time, so nothing moved it.
    moved:    why `due_at` is not what the procedure reckoned: hours (the customer's allowed hours, in working
              time) | outside (their hours and ours never meet: theirs win); None: nothing moved it.
    planned_for_id: who is to call, before the work item exists; then its assignee counts.
    excluded_id:    who handled the case, known before the work item is.
    answers:  {question key: "yes", 4, "choice" or {"words": …}} of the set named; words may be erased.
    """

    __tablename__ = "callback"
    __table_args__ = (
        sa.Index("ix_callback_due", "outcome", "due_at"),
        sa.Index("ix_callback_called", "called_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer.id"), index=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"), index=True)
    work_item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("work_item.id"), index=True)
    schedule_id: Mapped[int | None] = mapped_column(sa.ForeignKey("call_schedule.id"), index=True)
    kind: Mapped[str] = mapped_column(sa.String(12), default="closing")
    attempt: Mapped[int] = mapped_column(default=1)
    most: Mapped[int | None]
    due_at: Mapped[datetime]
    agreed: Mapped[bool] = mapped_column(default=False)
    moved: Mapped[str | None] = mapped_column(sa.String(12))
    planned_for_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    excluded_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    outcome: Mapped[str | None] = mapped_column(sa.String(16))
    detail: Mapped[str | None] = mapped_column(sa.String(16))
    score: Mapped[int | None]
    words: Mapped[str | None] = mapped_column(sa.Text)
    next_at: Mapped[datetime | None]
    called_at: Mapped[datetime | None]
    called_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    question_set_id: Mapped[int | None] = mapped_column(sa.ForeignKey("question_set.id"))
    answers: Mapped[dict[str, Any] | None]
    led_to_case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"))
    created_at: Mapped[datetime]


class QuestionSet(Base):
    """What is asked in a call about one class of cases; a change makes a new version, the newest is asked.

    klass:     platform | device | other | regular, or "" for all that have no set of their own.
    questions: [{"key", "zh", "en", "kind": yesno | score | choice | words, "choices": [{"zh", "en"}]}].
    """

    __tablename__ = "question_set"
    __table_args__ = (sa.UniqueConstraint("klass", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    klass: Mapped[str] = mapped_column(sa.String(16))
    version: Mapped[int]
    questions: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class CallSchedule(Base):
    """A plan to call customers regularly, whether or not they have a case.

    idle_days:   only who had no contact for so long (no case received, no call made).
    klass:       only whose last case was of this class; asset_months: only who owns something fitted so long
                 ago at least; company and region: only where these words stand; None: whoever.
    weekdays:    ISO weekdays on which calls are planned; working_days: only those the centre works on.
    from_time, until_time: local "09:00", when the first and before when the last call of a day is made.
    most_a_day:  so many calls a day at most.
    """

    __tablename__ = "call_schedule"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    idle_days: Mapped[int]
    klass: Mapped[str | None] = mapped_column("class", sa.String(16))
    asset_months: Mapped[int | None]
    company: Mapped[str | None] = mapped_column(sa.String(120))
    region: Mapped[str | None] = mapped_column(sa.String(60))
    weekdays: Mapped[list[Any]]
    working_days: Mapped[bool] = mapped_column(default=True)
    from_time: Mapped[str] = mapped_column(sa.String(5))
    until_time: Mapped[str] = mapped_column(sa.String(5))
    most_a_day: Mapped[int]
    active_from: Mapped[date]
    active_until: Mapped[date | None]
    paused: Mapped[bool] = mapped_column(default=True)
    revision: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class CallScheduleDay(Base):
    """A day whose calls a schedule has planned: its key keeps two schedulers from planning it twice."""

    __tablename__ = "call_schedule_day"

    schedule_id: Mapped[int] = mapped_column(sa.ForeignKey("call_schedule.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    planned: Mapped[int]
    at: Mapped[datetime]

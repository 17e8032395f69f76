"""Procedures, their versions, instances, and what mirrors them: work items, timers, messages, events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, JSONText


class Procedure(Base):
    """A root process definition under its key, e.g. `customer_issue`."""

    __tablename__ = "procedure"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime]


class ProcedureVersion(Base):
    """One immutable bundle: the root BPMN with every BPMN, DMN and form it uses.

    specs:   what SpiffWorkflow parsed, serialised once; restored specs are shared by a process's instances.
    catalog: what the pages need without parsing: elements, lanes, names, forms, timers per process id.
    """

    __tablename__ = "procedure_version"
    # Going back to older content is a new version with the same digest: only the number is unique.
    __table_args__ = (
        sa.UniqueConstraint("procedure_id", "number"),
        sa.Index("ix_procedure_version_digest", "procedure_id", "digest"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    procedure_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure.id"))
    number: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.String(64))
    specs: Mapped[str] = mapped_column(sa.Text)
    catalog: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None]


def newest_versions() -> sa.Subquery:
    """Return (procedure_id, number) of each procedure's newest version."""
    return (
        sa.select(ProcedureVersion.procedure_id, sa.func.max(ProcedureVersion.number).label("number"))
        .group_by(ProcedureVersion.procedure_id)
        .subquery()
    )


class FileContent(Base):
    """A file's bytes under their sha256: versions share what did not change."""

    __tablename__ = "file_content"

    digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    content: Mapped[bytes]


class ProcedureFile(Base):
    """One file of a version under its path, e.g. `complaints/judge.json`."""

    __tablename__ = "procedure_file"

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_version.id"), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(8))  # bpmn | dmn | form
    digest: Mapped[str] = mapped_column(sa.ForeignKey("file_content.digest"))


class Instance(Base):
    """A running process, pinned to its version.

    state:    one JSON blob, pruned of finished history; text, since key order matters to the engine.
    revision: grows with every step; a step on an older revision is refused.
    start_key: of the form that a person began it with, so that it begins once.
    """

    __tablename__ = "instance"
    __table_args__ = (sa.Index("ix_instance_start_key", "start_key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_version.id"))
    case_id: Mapped[int | None] = mapped_column(index=True)  # no key: cases lie above the engine
    business_key: Mapped[str | None] = mapped_column(sa.String(40), index=True)
    subject: Mapped[dict[str, Any] | None] = mapped_column(JSONText)
    status: Mapped[str] = mapped_column(sa.String(12), default="running")
    status_reason: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.Text)
    revision: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    started_by_id: Mapped[int | None]
    start_key: Mapped[str | None] = mapped_column(sa.String(40))
    ended_at: Mapped[datetime | None]


class WorkItem(Base):
    """A READY user task as the inbox sees it; the inbox never touches instance state.

    candidate: role key, or "role:unit" when it is for one unit's people only.
    excluded_id: the person who may not take it where somebody else can (who resolved does not call back).
    due_at: None while the clock is paused, since `paused_at`.
    reckoned: firm | provisional where `due_at` was counted in working time (provisional: the holidays of its
              days have not been published yet); None for other deadlines.
    case_number, title, klass, severity, asset_label: copied from the case so that a list is one query.
    """

    __tablename__ = "work_item"
    __table_args__ = (
        sa.UniqueConstraint("instance_id", "task_id"),
        sa.Index("ix_work_item_open", "status", "candidate", "due_at", "id"),
        sa.Index("ix_work_item_assignee", "assignee_id", "status", "due_at", "id"),
        sa.Index("ix_work_item_done", "completed_by_id", "completed_at"),
        sa.Index("ix_work_item_completed", "completed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("procedure_version.id"))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    task_id: Mapped[str] = mapped_column(sa.String(36))
    process_id: Mapped[str] = mapped_column(sa.String(120))
    element: Mapped[str] = mapped_column(sa.String(120))
    name: Mapped[str] = mapped_column(sa.String(200))
    form: Mapped[str | None] = mapped_column(sa.String(200))
    status: Mapped[str] = mapped_column(sa.String(10), default="open")  # open | claimed | done | cancelled
    role: Mapped[str] = mapped_column(sa.String(40))
    candidate: Mapped[str] = mapped_column(sa.String(80))
    assignee_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    excluded_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    priority: Mapped[int] = mapped_column(default=2)  # 1 high … 3 low
    round: Mapped[int] = mapped_column(default=1)  # how often this element was entered in the instance
    escalation_level: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    reckoned: Mapped[str | None] = mapped_column(sa.String(12))
    paused_at: Mapped[datetime | None]
    follow_up_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    completed_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    revision: Mapped[int] = mapped_column(default=0)
    case_number: Mapped[str | None] = mapped_column(sa.String(16), index=True)
    title: Mapped[str] = mapped_column(sa.String(200), default="")
    klass: Mapped[str | None] = mapped_column(sa.String(16))
    severity: Mapped[str | None] = mapped_column(sa.String(16))

    @property
    def provisional(self) -> bool:
        """Whether the deadline may still move when holidays are published."""
        return self.reckoned == "provisional"


class Timer(Base):
    """One timer event. Fired at most once: its row changes in the transaction that moves the instance.

    status: waiting | paused (the case's clock stands still, or its ladder has nothing left to do) | fired |
            cancelled.
    held:     its instance stands still (suspended, failed): nothing fires until it goes on.
    attempts: how often it was tried: one more than failed.
    lateness_seconds: fired_at minus due_at.
    """

    __tablename__ = "timer"
    __table_args__ = (
        sa.Index("ix_timer_due", "status", "due_at"),
        sa.Index("ix_timer_instance", "instance_id", "status"),
        # What a sweep looks at, and nothing else: however many wait, fired, or stand still.
        sa.Index(
            "ix_timer_waiting",
            "due_at",
            "id",
            postgresql_where=sa.text("status = 'waiting' AND NOT held"),
            sqlite_where=sa.text("status = 'waiting' AND NOT held"),
        ),
        sa.Index("ix_timer_fired", "fired_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"))
    task_id: Mapped[str] = mapped_column(sa.String(36))
    process_id: Mapped[str] = mapped_column(sa.String(120))
    element: Mapped[str] = mapped_column(sa.String(120))
    name: Mapped[str] = mapped_column(sa.String(200), default="")
    attached_to: Mapped[str | None] = mapped_column(sa.String(120))  # of a boundary event: its host
    kind: Mapped[str] = mapped_column(sa.String(12))  # boundary | catch
    sequence: Mapped[int] = mapped_column(default=1)  # the n-th firing of a cycle
    due_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    held: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(sa.String(80))
    fired_at: Mapped[datetime | None]
    lateness_seconds: Mapped[float | None]


class WaitingMessage(Base):
    """An instance that waits for a message; correlation: the business key unless the diagram has its own."""

    __tablename__ = "waiting_message"
    __table_args__ = (sa.Index("ix_waiting_message_name", "name", "correlation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"), index=True)
    task_id: Mapped[str] = mapped_column(sa.String(36))
    element: Mapped[str] = mapped_column(sa.String(120))
    name: Mapped[str] = mapped_column(sa.String(120))
    correlation: Mapped[str] = mapped_column(sa.String(200), default="")


class KeptMessage(Base):
    """A message that came before anybody waited for it; given to the first who does."""

    __tablename__ = "kept_message"
    __table_args__ = (sa.Index("ix_kept_message_name", "name", "correlation"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    correlation: Mapped[str] = mapped_column(sa.String(200), default="")
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]


class Incident(Base):
    """A step that could not be done; the instance stands as it was until an operator retries."""

    __tablename__ = "incident"

    id: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"), index=True)
    element: Mapped[str | None] = mapped_column(sa.String(120))
    detail: Mapped[str] = mapped_column(sa.Text)
    attempts: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None]


class Event(Base):
    """The append-only history: who did what when, chained by hashes within its stream.

    stream: "case:12", "instance:7" (no case), "person:3", "procedure:customer_issue".
    kind:   dotted, e.g. "work_item.completed", "case.status_changed", "timer.fired".
    data:   before and after, element names, comments' ids; never a phone or identity number.
    """

    __tablename__ = "event"
    __table_args__ = (
        sa.UniqueConstraint("stream", "seq"),
        sa.Index("ix_event_instance", "instance_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(sa.String(60))
    seq: Mapped[int]
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(sa.String(80), default="")
    kind: Mapped[str] = mapped_column(sa.String(60))
    instance_id: Mapped[int | None]
    process_id: Mapped[str | None] = mapped_column(sa.String(120))
    element: Mapped[str | None] = mapped_column(sa.String(120))
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))

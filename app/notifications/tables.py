"""What people are told in the application, and what leaves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Notification(Base):
    """One message to one person; text is made from `kind` and `params` in the reader's language.

    work_item_id: the task it is about, which may be done before the mail goes.
    mail_at:      when it may go out by mail; None where it is not to, or has.
    mailed_at:    when a mail with it was put into the outbox.
    """

    __tablename__ = "notification"
    __table_args__ = (
        sa.Index("ix_notification_person", "person_id", "read_at", "id"),
        sa.Index(
            "ix_notification_mail",
            "mail_at",
            postgresql_where=sa.text("mail_at IS NOT NULL"),
            sqlite_where=sa.text("mail_at IS NOT NULL"),
        ),
        sa.Index("ix_notification_mailed", "person_id", "mailed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    params: Mapped[dict[str, Any]]
    url: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    work_item_id: Mapped[int | None]
    urgent: Mapped[bool] = mapped_column(default=False)
    mail_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


class Outbox(Base):
    """An effect outside the database, written with the step that caused it, sent after commit, retried."""

    __tablename__ = "outbox"
    __table_args__ = (sa.Index("ix_outbox_due", "status", "next_attempt_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(sa.String(12))  # mail | webhook
    idempotency_key: Mapped[str] = mapped_column(sa.String(120), unique=True)
    recipient: Mapped[str] = mapped_column(sa.String(200))
    payload: Mapped[dict[str, Any]]  # mail: kind, params, locale (rendered when sent)
    status: Mapped[str] = mapped_column(sa.String(10), default="waiting")  # waiting | sending | sent | failed
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

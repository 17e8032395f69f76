"""What the bell, the list and the operators' page show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.db import session
from app.notifications.kinds import Text, words
from app.notifications.tables import Notification, Outbox

PAGE = 30


@dataclass(frozen=True)
class Line:
    """One notification in words. mail_at: until when its mail waits, if it does."""

    id: int
    text: Text
    url: str
    created_at: datetime
    read_at: datetime | None
    mail_at: datetime | None


@dataclass(frozen=True)
class Page:
    """A page of notifications, newest first; `before` leads to older ones."""

    lines: list[Line]
    before: int | None


def unread_count(person_id: int) -> int:
    """Return how many notifications a person has not read. One statement."""
    mine = Notification.person_id == person_id, Notification.read_at.is_(None)
    return session().scalar(sa.select(sa.func.count()).select_from(Notification).where(*mine)) or 0


def list_for(person_id: int, *, unread_only: bool = False, before: int | None = None) -> Page:
    """Return a person's notifications in the language of now. One statement."""
    conditions: list[Any] = [Notification.person_id == person_id]
    if unread_only:
        conditions.append(Notification.read_at.is_(None))
    if before is not None:
        conditions.append(Notification.id < before)
    rows = session().scalars(
        sa.select(Notification).where(*conditions).order_by(Notification.id.desc()).limit(PAGE + 1)
    )
    found = list(rows)
    lines = [
        Line(
            row.id,
            words(row.kind, row.params),
            row.url,
            row.created_at,
            row.read_at,
            row.mail_at if row.read_at is None else None,
        )
        for row in found
    ]
    return Page(lines[:PAGE], lines[PAGE - 1].id if len(lines) > PAGE else None)


@dataclass(frozen=True)
class OutboxLine:
    """One outgoing mail; the address is masked, the operator needs no more."""

    id: int
    recipient: str
    subject: str
    status: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None
    last_error: str


def outbox_counts() -> dict[str, int]:
    """Return how many mails are waiting, sent, failed."""
    rows = session().execute(sa.select(Outbox.status, sa.func.count()).group_by(Outbox.status))
    return {"waiting": 0, "sent": 0, "failed": 0} | {row[0]: row[1] for row in rows}


def list_outbox(*, status: str = "", before: int | None = None) -> tuple[list[OutboxLine], int | None]:
    """Return outgoing mails, newest first, and the id that leads to older ones."""
    query = sa.select(Outbox).order_by(Outbox.id.desc()).limit(PAGE + 1)
    if status in ("waiting", "sent", "failed"):
        query = query.where(Outbox.status == status)
    if before is not None:
        query = query.where(Outbox.id < before)
    rows = list(session().scalars(query))
    lines = [
        OutboxLine(
            id=row.id,
            recipient=masked(row.recipient),
            subject=words(row.payload.get("kind", ""), row.payload.get("params", {})).title,
            status=row.status,
            attempts=row.attempts,
            created_at=row.created_at,
            next_attempt_at=row.next_attempt_at,
            sent_at=row.sent_at,
            last_error=row.last_error or "",
        )
        for row in rows[:PAGE]
    ]
    return lines, rows[PAGE - 1].id if len(rows) > PAGE else None


def masked(address: str) -> str:
    """Hide most of an address: lin***@example.com."""
    name, _at, domain = address.rpartition("@")
    return f"{name[: min(3, max(1, len(name) // 2))]}***@{domain}" if name else "***"

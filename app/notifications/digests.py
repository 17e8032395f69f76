"""Put what people are to be told by mail into the outbox: one mail for all that waits for a person.

Rows are locked and marked in the transaction that makes the mail, so that each is mailed once, whoever is
killed; the mail itself is the outbox's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app import settings_store
from app.accounts.tables import Person
from app.db import Base, close_read_session, session, transaction
from app.notifications import rules, service
from app.notifications.rows import mail_row
from app.notifications.tables import Notification, Outbox

# People a turn takes care of before it looks whether it is to stop.
PEOPLE = 100
MOST_LINES = 50
OPEN = ("open", "claimed")


def collect(now: datetime) -> int:
    """Make a mail for each person who has something to be told; returns how many. Opens its own transactions.

    Whoever was sent one within the last minutes (`notifications.digest_minutes`) is not sent another until
    they are over, unless something urgent waits.
    """
    people = session().scalars(
        sa.select(Notification.person_id)
        .where(Notification.mail_at.is_not(None), Notification.mail_at <= now)
        .group_by(Notification.person_id)
        .order_by(sa.func.min(Notification.mail_at), Notification.person_id)
        .limit(PEOPLE)
    )
    waiting = list(people)
    close_read_session()
    made = 0
    for person_id in waiting:
        with transaction():
            made += _mail(person_id, now)
    return made


def _mail(person_id: int, now: datetime) -> int:
    # Locked one person at a time: a second worker finds nothing left.
    # Not against those who tell them something new this moment: their rows only refer to the person's.
    person = session().scalar(
        sa.select(Person).where(Person.id == person_id).with_for_update(key_share=True, skip_locked=True)
    )
    if person is None:
        return 0
    rows = list(
        session().scalars(
            sa.select(Notification)
            .where(
                Notification.person_id == person_id,
                Notification.mail_at.is_not(None),
                Notification.mail_at <= now,
            )
            .order_by(Notification.id)
        )
    )
    pause = timedelta(minutes=settings_store.get("notifications.digest_minutes"))
    lately = session().scalar(
        sa.select(sa.func.max(Notification.mailed_at)).where(
            Notification.person_id == person_id, Notification.mailed_at > now - pause
        )
    )
    if lately is not None and not any(row.urgent for row in rows):
        for row in rows:
            row.mail_at = lately + pause
        return 0
    rows = [row for row in rows if row.urgent or not _held_back(row, person, now)]
    told = _still_true(rows)
    for row in rows:
        row.mail_at = None
    if not told or not person.email or not person.mail_notifications or person.disabled:
        return 0
    for row in told:
        row.mailed_at = now
    session().execute(sa.insert(Outbox), [_row(person, told, now)])
    return 1


def _held_back(row: Notification, person: Person, now: datetime) -> bool:
    """Let a mail wait on where the centre's hours have grown since, but none for longer than the rule."""
    if now - row.created_at >= timedelta(days=rules.MOST_DAYS):
        return False
    until = service.mail_from(now, person.quiet_hours)
    if until > now:
        row.mail_at = until
    return until > now


def _still_true(rows: Sequence[Notification]) -> list[Notification]:
    """Leave out what the person has read meanwhile, and tasks that are over."""
    items = Base.metadata.tables["work_item"]
    ids = {row.work_item_id for row in rows if row.work_item_id is not None}
    still_open: set[int] = set()
    if ids:
        found = sa.select(items.c.id).where(items.c.id.in_(ids), items.c.status.in_(OPEN))
        still_open = set(session().scalars(found))
    return [
        row
        for row in rows
        if row.read_at is None and (row.work_item_id is None or row.work_item_id in still_open)
    ]


def _row(person: Person, told: Sequence[Notification], now: datetime) -> dict[str, Any]:
    newest = told[-1]
    if len(told) == 1:
        kind, params, url = newest.kind, newest.params, newest.url
    else:
        lines = [{"kind": row.kind, "params": row.params, "url": row.url} for row in told[-MOST_LINES:]]
        kind, params, url = "digest", {"count": len(told), "lines": lines}, "/notifications?show=unread"
    return mail_row(
        person.email or "",
        kind,
        params,
        url,
        locale=person.locale,
        key=f"notification:{newest.id}",
        now=now,
    )

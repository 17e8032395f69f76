"""Tell people something, and queue mail: rows written in the transaction of what caused them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.tables import Person
from app.db import session
from app.errors import NotFound
from app.notifications.kinds import KINDS
from app.notifications.tables import Notification, Outbox

_mail_off: ContextVar[bool] = ContextVar("mail_off", default=False)


@contextmanager
def without_mail() -> Iterator[None]:
    """Queue no mail within: the demo loader and imports tell nobody outside about the past."""
    token = _mail_off.set(True)
    try:
        yield
    finally:
        _mail_off.reset(token)


def notify(
    person_ids: Iterable[int | None],
    kind: str,
    params: dict[str, Any],
    url: str,
    now: datetime,
    mail: bool = True,
    urgent: bool = False,
) -> int:
    """Tell people something; returns how many were told. At most three statements, however many people.

    params: small JSON values; instants ("due") as ISO text, step names in Chinese as in the diagram.
            Never a phone number: mails leave the house.
    url:    the page it is about, from "/".
    mail:   also by mail to those who want it and have an address. Disabled accounts are told nothing.
    urgent: its mails do not wait for the end of quiet hours.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of notification: {kind}")
    wanted = {person for person in person_ids if person is not None}
    if not wanted:
        return 0
    people = session().execute(
        sa.select(Person.id, Person.email, Person.locale, Person.mail_notifications)
        .where(Person.id.in_(wanted), Person.disabled.is_(False))
        .order_by(Person.id)
    )
    told = {row.id: row for row in people}
    if not told:
        return 0
    made = session().execute(
        sa.insert(Notification).returning(Notification.id, Notification.person_id),
        [
            {"person_id": person, "kind": kind, "params": params, "url": url[:200], "created_at": now}
            for person in told
        ],
    )
    rows = [
        _mail_row(
            told[person_id].email,
            kind,
            params,
            url,
            locale=told[person_id].locale,
            key=f"notification:{notification_id}",
            now=now,
        )
        for notification_id, person_id in made
        if mail and told[person_id].email and told[person_id].mail_notifications and not _mail_off.get()
    ]
    if rows:
        session().execute(sa.insert(Outbox), rows)
    return len(told)


def queue_mail(
    recipient: str,
    kind: str,
    params: dict[str, Any],
    url: str,
    *,
    locale: str | None,
    key: str,
    now: datetime,
) -> bool:
    """Queue one mail to an address outside, once per `key`; tells whether it was queued now."""
    if kind not in KINDS:
        raise ValueError(f"unknown kind of notification: {kind}")
    if _mail_off.get() or not recipient:
        return False
    row = _mail_row(recipient, kind, params, url, locale=locale, key=key, now=now)
    dialect = session().get_bind().dialect.name
    insert = postgresql.insert(Outbox) if dialect == "postgresql" else sqlite.insert(Outbox)
    done = session().execute(
        insert.values(**row).on_conflict_do_nothing(index_elements=["idempotency_key"]).returning(Outbox.id)
    )
    return done.first() is not None


def mark_read(notification_id: int, person_id: int, now: datetime) -> Notification:
    """Mark one's own notification read; raises NotFound for somebody else's."""
    row = session().scalar(
        sa.select(Notification).where(Notification.id == notification_id, Notification.person_id == person_id)
    )
    if row is None:
        raise NotFound()
    row.read_at = row.read_at or now
    return row


def mark_all_read(person_id: int, now: datetime) -> None:
    """Mark all of one's own read."""
    unread = Notification.person_id == person_id, Notification.read_at.is_(None)
    session().execute(sa.update(Notification).where(*unread).values(read_at=now))


def _mail_row(
    recipient: str,
    kind: str,
    params: dict[str, Any],
    url: str,
    *,
    locale: str | None,
    key: str,
    now: datetime,
) -> dict[str, Any]:
    return {
        "channel": "mail",
        "idempotency_key": key,
        "recipient": recipient,
        "payload": {"kind": kind, "params": params, "url": url, "locale": locale or "zh"},
        "status": "waiting",
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
    }

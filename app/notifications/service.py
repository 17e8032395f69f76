"""Tell people something, and queue mail: rows written in the transaction of what caused them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite

from app import calendar, settings_store
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.db import session
from app.errors import NotFound
from app.notifications import rules
from app.notifications.kinds import KINDS
from app.notifications.rows import mail_row
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
    work_item_id: int | None = None,
) -> int:
    """Tell people something; returns how many were told. Two statements, however many people.

    params: small JSON values; instants ("due") as ISO text, step names in Chinese as in the diagram.
            Never a phone number: mails leave the house.
    url:    the page it is about, from "/".
    mail:   also by mail to those who want it and have an address, when their quiet hours are over, together
            with whatever else waits by then (`digests`). Disabled accounts are told nothing.
    urgent: its mails do not wait for the end of quiet hours.
    work_item_id: the task it is about: once that is over, nobody needs a mail of it.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of notification: {kind}")
    wanted = {person for person in person_ids if person is not None}
    if not wanted:
        return 0
    people = session().execute(
        sa.select(Person.id, Person.email, Person.mail_notifications, Person.quiet_hours)
        .where(Person.id.in_(wanted), Person.disabled.is_(False))
        .order_by(Person.id)
    )
    told = people.all()
    if not told:
        return 0
    by_mail = mail and not _mail_off.get()
    rows = [
        {
            "person_id": row.id,
            "kind": kind,
            "params": params,
            "url": url[:200],
            "created_at": now,
            "work_item_id": work_item_id,
            "urgent": urgent,
            "mail_at": (now if urgent else mail_from(now, row.quiet_hours))
            if by_mail and row.email and row.mail_notifications
            else None,
        }
        for row in told
    ]
    session().execute(sa.insert(Notification), rows)
    return len(told)


def mail_from(now: datetime, own: str | None) -> datetime:
    """Return when a mail may go out to somebody with these quiet hours of their own (None: the centre's)."""
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    if own is not None:
        return rules.mail_from(now, zone, rules.read_quiet(own))
    begins, ends = settings_store.get("notifications.quiet_hours")
    quiet = time.fromisoformat(begins), time.fromisoformat(ends)
    days_off = settings_store.get("notifications.quiet_days_off")
    centre = calendar.current()
    return rules.mail_from(now, zone, quiet, (lambda day: not centre.spans(day)) if days_off else None)


def hours_changed(stream: str, kind: str, data: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    """Let the mails that wait for somebody follow their quiet hours; hears of every change of an account."""
    if kind != "person.preferences_changed" or "quiet_hours" not in data:
        return
    waiting = (
        Notification.person_id == int(stream.removeprefix("person:")),
        Notification.mail_at.is_not(None),
        Notification.urgent.is_(False),
    )
    own: str | None = data["quiet_hours"][1]
    session().execute(sa.update(Notification).where(*waiting).values(mail_at=mail_from(now, own)))


def need_no_mail(person_id: int, work_item_id: int) -> None:
    """Send somebody no mail any more about a task: they know."""
    about = Notification.person_id == person_id, Notification.work_item_id == work_item_id
    session().execute(
        sa.update(Notification).where(*about, Notification.mail_at.is_not(None)).values(mail_at=None)
    )


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
    row = mail_row(recipient, kind, params, url, locale=locale, key=key, now=now)
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

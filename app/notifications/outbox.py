"""Send what waits in the outbox: claimed under a lease, sent after commit, tried again, given up visibly."""

from __future__ import annotations

import logging
import smtplib
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.db import close_read_session, for_update, session, transaction
from app.notifications import mail
from app.notifications.queries import masked
from app.notifications.tables import Outbox

log = logging.getLogger(__name__)

UNSURE = "the sender was stopped while handing it over: it may have gone out"

# Longer than the slowest sending takes, so that a lease ends only when its worker has died.
LEASE = timedelta(minutes=2)
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720))
MOST_ATTEMPTS = len(WAITS) + 1


def deliver_due(now: datetime, worker: str, limit: int = 50) -> int:
    """Send up to `limit` mails that are due; returns how many went out. Opens its own transactions.

    Each is claimed alone, so any number of workers share the work and a killed one loses at most one lease.
    """
    hold_unsure(now)
    started, sent = time.monotonic(), 0
    for _round in range(limit):
        # A slow mail server must not make the leases of those that follow end before they begin.
        at = now + timedelta(seconds=int(time.monotonic() - started))
        claimed = _claim(at)
        if claimed is None:
            break
        row, attempt = claimed
        sent += _deliver(row, attempt, at, worker)
    return sent


def hold_unsure(now: datetime) -> int:
    """Fail what was being handed over when its sender was killed; returns how many.

    Nobody knows whether such a mail went out. Sent again it might arrive twice, so a person decides: it
    stands among the failed ones with this reason, and can be sent again there. Opens its own transaction.
    """
    stuck = Outbox.status == "sending", Outbox.lease_until < now
    waiting = session().execute(sa.select(Outbox.id).where(*stuck).limit(1)).first()
    close_read_session()
    if waiting is None:
        return 0
    with transaction():
        held = session().execute(
            sa.update(Outbox)
            .where(*stuck)
            .values(status="failed", lease_until=None, last_error=UNSURE)
            .returning(Outbox.id)
        )
        return len(held.all())


def retry(outbox_id: int | None, now: datetime) -> int:
    """Let one failed row, or all (None), be tried again from the start; returns how many."""
    rows = sa.update(Outbox).where(Outbox.status == "failed")
    if outbox_id is not None:
        rows = rows.where(Outbox.id == outbox_id)
    done = session().execute(
        rows.values(status="waiting", attempts=0, next_attempt_at=now, lease_until=None).returning(Outbox.id)
    )
    return len(done.all())


def _claim(now: datetime) -> tuple[mail.Mail, int] | None:
    due = (
        sa.select(Outbox)
        .where(
            Outbox.status == "waiting",
            Outbox.next_attempt_at <= now,
            Outbox.channel == "mail",
            sa.or_(Outbox.lease_until.is_(None), Outbox.lease_until < now),
        )
        .order_by(Outbox.next_attempt_at, Outbox.id)
        .limit(1)
    )
    # Look before taking SQLite's write lock: mostly there is nothing.
    waiting = session().execute(due.with_only_columns(Outbox.id)).first()
    close_read_session()
    if waiting is None:
        return None
    with transaction():
        row = session().scalar(for_update(due, skip_locked=True))
        if row is None:
            return None
        row.lease_until, row.attempts = now + LEASE, row.attempts + 1
        found = (
            mail.Mail(row.id, row.idempotency_key, row.recipient, row.payload, row.created_at),
            row.attempts,
        )
        if row.attempts > MOST_ATTEMPTS:  # its worker died every time
            row.status, row.lease_until = "failed", None
            row.last_error = row.last_error or "the sender was stopped while sending it"
            return None
    return found


def _handing_over(outbox_id: int, attempt: int) -> None:
    with transaction():
        mine = Outbox.id == outbox_id, Outbox.attempts == attempt, Outbox.status == "waiting"
        marked = session().execute(
            sa.update(Outbox).where(*mine).values(status="sending").returning(Outbox.id)
        )
        if marked.first() is None:
            raise ConnectionAbortedError("another sender has taken this mail over")


def _deliver(row: mail.Mail, attempt: int, now: datetime, worker: str) -> int:
    try:
        mail.send(row, lambda: _handing_over(row.id, attempt))
    except (OSError, smtplib.SMTPException, ValueError, KeyError, TypeError) as error:
        # The server's answer names the address; neither the log nor the operators' page may.
        why = str(error).replace(row.recipient, masked(row.recipient))
        log.warning("mail %s, attempt %s by %s: %s", row.id, attempt, worker, why)
        given_up = attempt >= MOST_ATTEMPTS or isinstance(error, ValueError | KeyError | TypeError)
        values: dict[str, Any] = {
            "status": "failed" if given_up else "waiting",
            "next_attempt_at": now if given_up else now + WAITS[attempt - 1],
            "last_error": f"{type(error).__name__}: {why}"[:1000],
        }
    else:
        values = {"status": "sent", "sent_at": now, "last_error": None}
    with transaction():
        # Only who holds the lease may write: the attempt is its number.
        mine = Outbox.id == row.id, Outbox.attempts == attempt, Outbox.status.in_(("waiting", "sending"))
        session().execute(sa.update(Outbox).where(*mine).values(lease_until=None, **values))
    return int(values["status"] == "sent")

"""The row of a mail in the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any


def mail_row(
    recipient: str,
    kind: str,
    params: dict[str, Any],
    url: str,
    *,
    locale: str | None,
    key: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the values of a mail that waits to go out."""
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

"""The public pages' own rules: how often a visitor may write, and what a tracking code opens."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from app import settings_store
from app.cases.tables import Case, PublicAttempt
from app.db import session
from app.errors import NotFound, TooMany

PERIOD = timedelta(hours=1)
LIMITS = {
    "report": "public.reports_per_hour",
    "track": "public.track_failures_per_hour",
    "inform": "public.reports_per_hour",
}


def visitor(address: str | None) -> str:
    """Return what stands for an IP address: a keyed hash, since the address itself is nobody's business."""
    key = current_app.config["SETTINGS"].secret_key.encode()
    return hmac.new(key, (address or "").encode(), hashlib.sha256).hexdigest()


def check_rate(who: str, action: str, now: datetime) -> None:
    """Refuse a visitor who did this too often within the last hour. Raises TooMany."""
    count = session().scalar(
        sa.select(sa.func.count())
        .select_from(PublicAttempt)
        .where(PublicAttempt.visitor == who, PublicAttempt.action == action, PublicAttempt.at > now - PERIOD)
    )
    if (count or 0) >= int(settings_store.get(LIMITS[action])):
        raise TooMany(_("That was often within a short time. Please try again in an hour, or call us."))


def note(who: str, action: str, now: datetime) -> None:
    """Count what a visitor did; what is older than an hour is forgotten."""
    session().execute(sa.delete(PublicAttempt).where(PublicAttempt.at <= now - PERIOD))
    session().add(PublicAttempt(visitor=who, action=action, at=now))


def find_tracked(number: str, code: str) -> Case:
    """Return the case with this number and code; raises NotFound, in the same words, for any other."""
    case = session().scalar(sa.select(Case).where(Case.number == number.strip().upper()))
    wanted = case.track_code if case else "-" * 8
    same = hmac.compare_digest(wanted.encode(), "".join(code.split()).upper()[:12].encode())
    if case is None or not same:
        raise NotFound(_("No case fits this number and code. Please check both."))
    return case

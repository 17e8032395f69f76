"""Bearer tokens for scripts: shown once, only their sha256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.accounts import audit, organisation
from app.accounts.actor import Actor
from app.accounts.tables import ApiToken, Person
from app.db import session

PREFIX = "sd_"
# `last_used_at` is for people to see whether a token is still in use: to the hour is enough.
USE_NOTED_EVERY = timedelta(hours=1)


def create(person_id: int, label: str, *, actor: Actor, now: datetime) -> str:
    """Make a token for a person and return it; it cannot be shown again."""
    token = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(person_id=person_id, digest=_digest(token), label=label[:80], created_at=now)
    session().add(row)
    session().flush()
    audit.tell(
        f"person:{person_id}", "token.created", {"token": row.id, "label": row.label}, actor=actor, now=now
    )
    return token


def revoke(token_id: int, person_id: int, *, actor: Actor, now: datetime) -> bool:
    """End one token of a person; tell whether there was one to end."""
    row = session().scalar(
        sa.select(ApiToken).where(
            ApiToken.id == token_id, ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None)
        )
    )
    if row is None:
        return False
    row.revoked_at = now
    audit.tell(
        f"person:{person_id}", "token.revoked", {"token": token_id, "label": row.label}, actor=actor, now=now
    )
    return True


def of(person_id: int) -> list[ApiToken]:
    """Return a person's tokens that still work, newest first."""
    query = sa.select(ApiToken).where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
    return list(session().scalars(query.order_by(ApiToken.id.desc())))


def actor_for_token(token: str) -> Actor | None:
    """Return whose token this is, or None: unknown, revoked, or of somebody disabled. One statement."""
    row = (
        session()
        .execute(
            organisation.actor_columns()
            .join(ApiToken, ApiToken.person_id == Person.id)
            .where(
                ApiToken.digest == _digest(token), ApiToken.revoked_at.is_(None), Person.disabled.is_(False)
            )
        )
        .first()
    )
    return organisation.actor_from(row) if row else None


def note_use(token: str, now: datetime) -> None:
    """Keep when a token was last used, at most once an hour; the caller opens the transaction."""
    session().execute(
        sa.update(ApiToken)
        .where(
            ApiToken.digest == _digest(token),
            sa.or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - USE_NOTED_EVERY),
        )
        .values(last_used_at=now)
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Who calls the API: the owner of a bearer token; and writes that are done once a key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Response, abort, current_app, request
from flask_babel import gettext as _

from app.accounts import tokens
from app.accounts.actor import Actor
from app.accounts.tables import IdempotencyKey
from app.accounts.web import current_actor, use_actor
from app.clock import now
from app.db import session, transaction
from app.errors import Forbidden, Refused


def authenticate() -> None:
    """Let the request act as its token's owner; 401 without a token that works."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    actor = tokens.actor_for_token(token.strip()) if scheme.lower() == "bearer" and token else None
    if actor is None:
        abort(401, _("Send a token that works: Authorization: Bearer …"))
    use_actor(actor)


def check_permission(*permissions: str) -> Actor:
    """Return the caller when one of `permissions` is held. Raises Forbidden."""
    actor = current_actor()
    if not any(actor.may(permission) for permission in permissions):
        raise Forbidden(_("The owner of this token may not do this."))
    return actor


def once(write: Callable[[Actor, datetime], tuple[int, str]]) -> Response:
    """Run a write in one transaction; with an Idempotency-Key it happens once, and its answer is given again.

    write: returns the status and the JSON text of the answer.
    Raises Refused when the key was used with another body.
    """
    actor, instant = current_actor(), now()
    key = request.headers.get("Idempotency-Key", "").strip()[:120]
    digest = hashlib.sha256(request.full_path.encode() + b"\0" + request.get_data()).hexdigest()
    with transaction():
        tokens.note_use(request.headers.get("Authorization", "").partition(" ")[2].strip(), instant)
        if not key:
            status, body = write(actor, instant)
        else:
            status, body = _kept(actor, key, digest) or _first(write, actor, key, digest, instant)
    return current_app.response_class(body, status, mimetype="application/json")


def _kept(actor: Actor, key: str, digest: str) -> tuple[int, str] | None:
    """Return the answer given before; on PostgreSQL a second request waits here for the first to end."""
    if session().get_bind().dialect.name == "postgresql":
        lock = int.from_bytes(hashlib.sha256(f"{actor.id}:{key}".encode()).digest()[:8], "big", signed=True)
        session().execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    row = session().get(IdempotencyKey, (actor.id, key))
    if row is None:
        return None
    if row.request_digest != digest:
        raise Refused(_("This Idempotency-Key was used for another request."))
    return row.status, row.body


def _first(
    write: Callable[[Actor, datetime], tuple[int, str]],
    actor: Actor,
    key: str,
    digest: str,
    instant: datetime,
) -> tuple[int, str]:
    status, body = write(actor, instant)
    values: dict[str, Any] = {"person_id": actor.id, "key": key, "request_digest": digest}
    session().add(IdempotencyKey(**values, status=status, body=body, created_at=instant))
    return status, body

"""Who calls the API: the owner of a bearer token; and writes that are done once a key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import flask_babel
import sqlalchemy as sa
from flask import Response, abort, current_app, g, request
from flask_babel import gettext as _

from app.accounts import tokens
from app.accounts.actor import Actor
from app.accounts.tables import IdempotencyKey
from app.accounts.web import current_actor, use_actor
from app.clock import now
from app.db import session, transaction
from app.errors import FieldError, Forbidden, Invalid
from app.web.i18n import LOCALES

KEY = "Idempotency-Key"
LONGEST_KEY = 120
# The one endpoint that takes files; all others take JSON.
TAKES_FILES = "api_processes.Procedures"


def authenticate() -> None:
    """Let the request act as its token's owner; 401 without a token that works.

    Its language is what the caller asks for, else the account's.
    """
    actor = tokens.actor_for_token(_token())
    if actor is None:
        abort(401, _("Send a token that works: Authorization: Bearer …"))
    use_actor(actor)
    asked = request.accept_languages.best_match(LOCALES)
    if chosen := asked or actor.locale:
        g.locale_choice = chosen
        flask_babel.refresh()


def check_request() -> None:
    """Refuse what could only be misread: no JSON, broken JSON, an address with NUL in it."""
    if "\0" in request.path:
        abort(404)
    if request.method != "POST" or request.endpoint == TAKES_FILES:
        return
    if request.mimetype == "multipart/form-data" or (request.get_data() and not request.is_json):
        abort(415, _("Send JSON, with Content-Type: application/json."))
    if body := request.get_data():
        try:
            json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            abort(400, _("This body is no JSON."))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _token() -> str:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def check_permission(*permissions: str) -> Actor:
    """Return the caller when one of `permissions` is held. Raises Forbidden."""
    actor = current_actor()
    if not any(actor.may(permission) for permission in permissions):
        raise Forbidden(_("The owner of this token may not do this."))
    return actor


@contextmanager
def writing() -> Iterator[tuple[Actor, datetime]]:
    """Open the transaction of a write; yields who does it and when."""
    instant, token = now(), _token()
    noted: dict[str, datetime] = current_app.extensions.setdefault("api_tokens_noted", {})
    fresh = token in noted and abs(instant - noted[token]) < tokens.USE_NOTED_EVERY
    with transaction():
        if not fresh:
            tokens.note_use(token, instant)
        yield current_actor(), instant
    if not fresh:
        noted[token] = instant


def once(write: Callable[[Actor, datetime], tuple[int, dict[str, Any]]]) -> Response:
    """Run a write in one transaction; with an Idempotency-Key it happens once, and its answer is given again.

    write: returns the status and the answer. A write that is refused keeps nothing, so it may be mended and
    sent again under its key. Raises Invalid when the key was used for another request.
    """
    key = request.headers.get(KEY, "").strip()
    if len(key) > LONGEST_KEY:
        raise _bad_key(_("At most %(n)s characters.", n=LONGEST_KEY))
    with writing() as (actor, instant):
        if not key:
            status, answer = write(actor, instant)
            return _answer(status, current_app.json.dumps(answer))
        digest = hashlib.sha256(
            f"{request.method} {request.path}\n".encode() + request.get_data()
        ).hexdigest()
        kept = _kept(actor, key)
        if kept is None:
            status, answer = write(actor, instant)
            values: dict[str, Any] = {"person_id": actor.id, "key": key, "request_digest": digest}
            kept = IdempotencyKey(
                **values, status=status, body=current_app.json.dumps(answer), created_at=instant
            )
            session().add(kept)
        elif kept.request_digest != digest:
            raise _bad_key(_("This key was used for another request."))
        return _answer(kept.status, kept.body)


def _answer(status: int, body: str) -> Response:
    return current_app.response_class(body, status, mimetype="application/json")


def _bad_key(words: str) -> Invalid:
    return Invalid(words, [FieldError(KEY, words)])


def _kept(actor: Actor, key: str) -> IdempotencyKey | None:
    """Return the answer given before; a second request at the same moment waits for the first to end.

    On SQLite the write transaction has seen to that already.
    """
    if session().get_bind().dialect.name == "postgresql":
        lock = int.from_bytes(hashlib.sha256(f"{actor.id}:{key}".encode()).digest()[:8], "big", signed=True)
        session().execute(sa.select(sa.func.pg_advisory_xact_lock(lock)))
    return session().get(IdempotencyKey, (actor.id, key))

"""Publishing that waits: for a second person who agrees, for an instant, or for both."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine, settings_store
from app.accounts import organisation
from app.accounts.actor import SYSTEM, Actor
from app.db import session, transaction
from app.designer import service
from app.designer.tables import ProcedureDraft
from app.errors import AppError, Conflict, FieldError, Invalid, Refused
from app.notifications import service as notifications

PERMISSION = "procedure.deploy"
log = logging.getLogger(__name__)


def needs_second() -> bool:
    """Tell whether a second person has to agree; `flask settings set procedures.second_person true`."""
    return settings_store.get("procedures.second_person") is True


def ask(
    draft_id: int, comment: str, *, publish_at: datetime | None = None, actor: Actor, now: datetime
) -> ProcedureDraft:
    """Want a draft published, at an instant or once somebody agrees; it must be in order as it is.

    publish_at: aware, None for as soon as it is agreed. Raises ProblemsFound, Invalid (comment, publish_at),
    Refused, Conflict.
    """
    draft = service.open_draft(draft_id)
    draft.comment = service.said(comment)
    if publish_at is not None and publish_at <= now:
        words = _("Choose a time to come.")
        raise Invalid(words, [FieldError("publish_at", words)])
    service.would_publish(draft_id, actor=actor, now=now)
    others = organisation.current().who_may(PERMISSION) - {actor.id}
    if needs_second() and not others:
        raise Refused(_("Nobody else may publish procedures, so that nobody could agree."))
    draft.asked_at, draft.asked_by_id, draft.asked_revision = now, actor.id, draft.revision
    draft.publish_at, draft.agreed_by_id = publish_at, None
    draft.agreed_at = None if needs_second() else now
    at = publish_at.isoformat() if publish_at else None
    _record(draft, "draft.publication_asked", {"comment": draft.comment, "at": at}, actor, now)
    if draft.agreed_at is None:
        _tell(draft, sorted(others), "publication_asked", now, by=actor.display_name)
    return draft


def agree(draft_id: int, *, actor: Actor, now: datetime) -> list[engine.Deployed]:
    """Agree to what another person asks for; publish it, unless its time has not come.

    Raises Refused for one's own, Conflict where it was changed since, and whatever publishing raises.
    """
    draft = service.open_draft(draft_id)
    if draft.asked_at is None:
        raise Refused(_("Nobody asks for this draft to be published."))
    if draft.asked_by_id == actor.id:
        raise Refused(_("Somebody else has to agree."))
    if draft.asked_revision != draft.revision:
        raise Conflict(_("The draft has changed since it was asked for."))
    draft.agreed_at, draft.agreed_by_id = now, actor.id
    _record(draft, "draft.publication_agreed", {}, actor, now)
    if draft.publish_at is not None and draft.publish_at > now:
        return []
    return _publish(draft, actor, now)


def call_off(draft_id: int, *, actor: Actor, now: datetime) -> None:
    """Want it published no longer, whoever asked for it."""
    draft = service.open_draft(draft_id)
    if draft.asked_at is not None:
        _forget(draft)
        _record(draft, "draft.publication_called_off", {}, actor, now)


def publish_due(now: datetime) -> int:
    """Publish the drafts whose time has come; what cannot be is called off and said to who asked. The job."""
    query = sa.select(ProcedureDraft.id).where(
        ProcedureDraft.publish_at <= now,
        ProcedureDraft.agreed_at.is_not(None),
        ProcedureDraft.published_at.is_(None),
        ProcedureDraft.discarded_at.is_(None),
    )
    ids = list(session().scalars(query.order_by(ProcedureDraft.publish_at, ProcedureDraft.id)))
    for draft_id in ids:
        try:
            with transaction():
                _publish_if_due(draft_id, now)
        except AppError as error:
            log.warning("draft %s could not be published: %s", draft_id, error)
            with transaction():
                _give_up(draft_id, str(error)[:300], now)
    return len(ids)


def _publish_if_due(draft_id: int, now: datetime) -> None:
    draft = service.open_draft(draft_id)
    if draft.agreed_at is None or draft.publish_at is None or draft.publish_at > now:
        return  # somebody called it off meanwhile
    if draft.asked_revision != draft.revision:
        raise Conflict(_("The draft has changed since it was asked for."))
    _publish(draft, SYSTEM, now)


def _give_up(draft_id: int, why: str, now: datetime) -> None:
    try:
        draft = service.open_draft(draft_id)
    except Refused:
        return  # another process has published it, or somebody has discarded it
    _tell(draft, [draft.asked_by_id], "publication_failed", now, words=why)
    _record(draft, "draft.publication_failed", {"why": why}, SYSTEM, now)
    _forget(draft)


def _publish(draft: ProcedureDraft, actor: Actor, now: datetime) -> list[engine.Deployed]:
    made = service.publish(draft.id, draft.comment, agreed=True, actor=actor, now=now)
    if draft.asked_by_id != actor.id:
        _tell(draft, [draft.asked_by_id], "publication_done", now)
    return made


def _forget(draft: ProcedureDraft) -> None:
    draft.asked_at = draft.asked_by_id = draft.asked_revision = None
    draft.publish_at = draft.agreed_at = draft.agreed_by_id = None


def _tell(
    draft: ProcedureDraft, people: Iterable[int | None], kind: str, now: datetime, **words: Any
) -> None:
    params = {"subject": draft.name, **words}
    notifications.notify(people, kind, params, f"/designer/{draft.id}/publish", now)


def _record(draft: ProcedureDraft, kind: str, data: dict[str, Any], actor: Actor, now: datetime) -> None:
    engine.record_event(f"draft:{draft.id}", kind, data, actor=actor, now=now)

"""What is added to a case beside its steps: remarks, the customer's further words, files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import SYSTEM, Actor
from app.cases import files, telling, waiting
from app.cases.access import check_may
from app.cases.tables import Attachment, Case, Comment
from app.db import session
from app.errors import FieldError, Invalid

LONGEST = 4000


def comment(
    case_id: int, body: str, *, actor: Actor, now: datetime, work_item_id: int | None = None
) -> Comment:
    """Write a remark that only staff see. Raises Invalid, Forbidden."""
    check_may(actor, "case.comment")
    return _write(case_id, body, "comment", "staff", actor=actor, now=now, work_item_id=work_item_id)


def add_information(
    case_id: int, body: str, *, actor: Actor, now: datetime, by_name: str | None = None
) -> Comment:
    """File what the customer said later; the customer sees it on the tracking page.

    by_name: who says so when it is not the actor, e.g. the customer on the tracking page.
    Raises Invalid, Forbidden.
    """
    check_may(actor, "case.comment")
    return _write(case_id, body, "information", "customer", actor=actor, now=now, by_name=by_name)


def attach(
    case_id: int | None,
    name: str,
    content: bytes,
    *,
    actor: Actor,
    now: datetime,
    work_item_id: int | None = None,
    by_name: str | None = None,
) -> Attachment:
    """Keep a file with a case (None: until the case is made). Raises Invalid when it may not be kept."""
    safe, media_type = files.check(name, content)
    made = Attachment(
        case_id=case_id,
        work_item_id=work_item_id,
        name=safe,
        media_type=media_type,
        size=len(content),
        digest=files.keep(content),
        at=now,
        by_id=actor.id,
        by_name=by_name or actor.display_name,
    )
    session().add(made)
    session().flush()
    if case_id is not None:
        data = {"attachment": made.id, "media_type": media_type, "size": made.size}
        engine.record_event(f"case:{case_id}", "case.file_attached", data, actor=actor, now=now)
        if by_name is not None:  # it came from the customer
            _answered(case_id, now)
    return made


def own_loose(attachment_ids: Iterable[int], actor: Actor) -> list[Attachment]:
    """Return the files of one's own that belong to no case yet."""
    query = sa.select(Attachment).where(
        Attachment.id.in_(list(attachment_ids)), Attachment.case_id.is_(None), Attachment.by_id == actor.id
    )
    return list(session().scalars(query.order_by(Attachment.id)))


def file_with(case: Case, attachment_ids: Iterable[int], *, actor: Actor, now: datetime) -> None:
    """File attachments that were sent before the case was made; only one's own, and only once."""
    ids = list(attachment_ids)
    if not ids:
        return
    for attachment in own_loose(ids, actor):
        attachment.case_id = case.id
        data = {"attachment": attachment.id, "media_type": attachment.media_type, "size": attachment.size}
        engine.record_event(f"case:{case.id}", "case.file_attached", data, actor=actor, now=now)


def _write(
    case_id: int,
    body: str,
    kind: str,
    audience: str,
    *,
    actor: Actor,
    now: datetime,
    work_item_id: int | None = None,
    by_name: str | None = None,
) -> Comment:
    body = body.strip()
    if not body or len(body) > LONGEST:
        words = _("Nothing was written.") if not body else _("At most %(n)s characters.", n=LONGEST)
        raise Invalid(words, [FieldError("body", words)])
    made = Comment(
        case_id=case_id,
        work_item_id=work_item_id,
        kind=kind,
        audience=audience,
        body=body,
        at=now,
        by_id=actor.id,
        by_name=by_name or actor.display_name,
    )
    session().add(made)
    session().flush()
    # The words stay out of the event: they may have to be erased one day.
    what = "case.information_added" if kind == "information" else "case.commented"
    if kind == "information" and (case := session().get(Case, case_id)) is not None:
        telling.tell_workers(case, "information_added", body[:80], but=actor.id, now=now)
    engine.record_event(f"case:{case_id}", what, {"comment": made.id}, actor=actor, now=now)
    if kind == "information":
        _answered(case_id, now)
    return made


def _answered(case_id: int, now: datetime) -> None:
    """Let the clocks go on where they stood still for the customer's word."""
    case = session().get(Case, case_id)
    if case is not None and case.paused_at is not None:
        waiting.stop_waiting(case_id, actor=SYSTEM, now=now)

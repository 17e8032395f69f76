"""What may come a moment later beside an item: files, solutions of similar cases, the latest history."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts import organisation
from app.accounts.actor import Actor
from app.cases import solutions
from app.cases.tables import Attachment, Case
from app.cases.timeline import Entry, entries
from app.db import session
from app.engine.tables import Event, WorkItem
from app.errors import NotFound
from app.inbox import queries

LATEST = 8
FILES = 12


@dataclass(frozen=True)
class Beside:
    """The lower part of the pane's background."""

    case_number: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    similar: list[solutions.Known] = field(default_factory=list)
    timeline: list[Entry] = field(default_factory=list)


def beside(item_id: int, actor: Actor) -> Beside:
    """Return it for an item that this person may see; at most four statements. Raises NotFound."""
    found = (
        session()
        .execute(
            sa.select(WorkItem.case_id, Case)
            .outerjoin(Case, Case.id == WorkItem.case_id)
            .where(WorkItem.id == item_id, queries.visible(actor))
        )
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such task, or it is not yours to see."))
    case = found.Case
    if case is None:
        return Beside()
    files = (
        sa.select(Attachment).where(Attachment.case_id == case.id).order_by(Attachment.id.desc()).limit(FILES)
    )
    latest = (
        sa.select(Event).where(Event.stream == f"case:{case.id}").order_by(Event.seq.desc()).limit(3 * LATEST)
    )
    attachments = list(session().scalars(files))
    names = {one.id: one.label for one in organisation.colleagues()}
    return Beside(
        case_number=case.number,
        attachments=attachments,
        similar=solutions.similar(case.klass, f"{case.title} {case.description[:200]}"),
        timeline=entries(session().scalars(latest), names, {one.id: one.name for one in attachments})[
            :LATEST
        ],
    )

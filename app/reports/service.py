"""Moving work off a person, and taking it back. Callers open the transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.db import for_update, session
from app.engine.tables import WorkItem
from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Refused
from app.inbox import queries as inbox_queries
from app.inbox import service as inbox
from app.inbox.tables import Draft
from app.reports.moving import MOST_PICKED
from app.reports.tables import WorkMove

LONGEST_REASON = 500


def move(
    source_id: int, moves: Mapping[int, int], *, key: str, reason: str, actor: Actor, now: datetime
) -> WorkMove:
    """Hand items of a person over to others (item id → person id), each as the inbox would.

    What cannot be moved any more, because it was done, taken or is not theirs to do, is kept as refused; the
    rest moves. The same key again gives the move it made before. Raises Forbidden, Invalid.
    """
    _check_may_move(actor)
    found = session().scalar(sa.select(WorkMove).where(WorkMove.key == key))
    if found is not None:
        return found
    if not moves:
        raise Invalid(_("Choose at least one task."))
    if len(moves) > MOST_PICKED:
        raise Invalid(_("At most %(n)s tasks are moved at once.", n=MOST_PICKED))
    reason = reason.strip()[:LONGEST_REASON]
    moved: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    # In the order of their ids, so that two supervisors never wait for each other crosswise.
    for item_id, person_id in sorted(moves.items()):
        try:
            _check_still_with(inbox.get(item_id, actor), source_id)
            inbox.assign(item_id, person_id, reason=reason, actor=actor, now=now)
        except AppError as error:
            refused.append({"item": item_id, "why": str(error)})
        else:
            moved.append({"item": item_id, "to": person_id})
    made = WorkMove(
        key=key, at=now, by_id=actor.id, source_id=source_id, reason=reason, moved=moved, refused=refused
    )
    session().add(made)
    session().flush()
    _record("work.moved", made, {"moved": moved, "refused": [one["item"] for one in refused]}, actor, now)
    return made


def undo(move_id: int, *, actor: Actor, now: datetime) -> WorkMove:
    """Give back what was moved, as far as its new holder has not touched it. Raises Conflict, Forbidden."""
    _check_may_move(actor)
    made = session().scalar(for_update(sa.select(WorkMove).where(WorkMove.id == move_id)))
    if made is None:
        raise _no_move()
    if made.undone_at is not None:
        raise Conflict(
            _("This move was taken back already."),
            by=inbox_queries.name_of(made.undone_by_id) or None,
            at=made.undone_at,
        )
    touched = _with_drafts(made)
    kept: list[dict[str, Any]] = []
    returned: list[int] = []
    for one in made.moved:
        try:
            item = inbox.get(one["item"], actor)
            if (item.assignee_id, item.claimed_at) != (one["to"], made.at) or item.id in touched:
                raise Refused(_not_as_left(item, one["to"]))
            inbox.assign(item.id, made.source_id, actor=actor, now=now)
        except AppError as error:
            kept.append({"item": one["item"], "why": str(error)})
        else:
            returned.append(one["item"])
    made.undone_at, made.undone_by_id, made.kept = now, actor.id, kept
    _record("work.move_undone", made, {"returned": returned}, actor, now)
    return made


def _check_may_move(actor: Actor) -> None:
    if not actor.may("work.assign"):
        raise Forbidden(_("Only a supervisor hands over somebody else's task."))


def _check_still_with(item: WorkItem, source_id: int) -> None:
    """Refuse to move what has another holder than the mover saw; finished ones are refused by the inbox."""
    if item.status not in ("open", "claimed") or item.assignee_id == source_id:
        return
    if item.assignee_id is None:
        raise Conflict(_("It was given back to its role meanwhile."))
    raise Conflict(_("%(name)s has this task now.", name=inbox_queries.name_of(item.assignee_id)))


def _not_as_left(item: WorkItem, person_id: int) -> str:
    if item.status == "done":
        return _("It is finished.")
    if item.status == "cancelled":
        return _("It is not needed any more.")
    name = inbox_queries.name_of(item.assignee_id)
    if item.assignee_id is None:
        return _("It was given back to its role meanwhile.")
    if item.assignee_id != person_id:
        return _("%(name)s has this task now.", name=name)
    return _("%(name)s has begun with it.", name=name)


def _with_drafts(made: WorkMove) -> set[int]:
    """Return the moved items of which the new holder has begun the form since; one statement."""
    holders = {inbox.subject_of(one["item"]): (one["item"], one["to"]) for one in made.moved}
    rows = session().execute(
        sa.select(Draft.subject, Draft.person_id).where(Draft.subject.in_(holders), Draft.saved_at >= made.at)
    )
    return {holders[subject][0] for subject, person in rows if holders[subject][1] == person}


def get(move_id: int, actor: Actor) -> WorkMove:
    """Return a move. Raises NotFound, Forbidden."""
    _check_may_move(actor)
    found = session().get(WorkMove, move_id)
    if found is None:
        raise _no_move()
    return found


def find_by_key(key: str) -> WorkMove | None:
    """Return the move made from a preview, if it was."""
    return session().scalar(sa.select(WorkMove).where(WorkMove.key == key))


def _no_move() -> NotFound:
    return NotFound(_("There is no such move."))


def _record(kind: str, made: WorkMove, data: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Write the history; words and names stay out of it."""
    engine.record_event(f"person:{made.source_id}", kind, {"move": made.id, **data}, actor=actor, now=now)

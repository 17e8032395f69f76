"""Who may see which case: all of them, or those that touch one's roles, units and own work."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import SYSTEM, Actor
from app.cases.tables import Case
from app.db import session
from app.engine.tables import WorkItem
from app.errors import Forbidden, NotFound


def visible(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition on `Case` that keeps what this person may see."""
    if actor == SYSTEM or actor.may("case.view_all"):
        return sa.true()
    if not actor.may("case.view_own"):
        return sa.false()
    touches = sa.select(WorkItem.id).where(
        WorkItem.case_id == Case.id,
        sa.or_(
            WorkItem.candidate.in_(sorted(actor.groups)),
            WorkItem.assignee_id == actor.id,
            WorkItem.completed_by_id == actor.id,
        ),
    )
    return sa.or_(Case.received_by_id == actor.id, touches.exists())


def may_see(actor: Actor, case: Case) -> bool:
    """Tell whether this person may see the case; at most one statement."""
    if actor == SYSTEM or actor.may("case.view_all"):
        return True
    return session().scalar(sa.select(Case.id).where(Case.id == case.id, visible(actor))) is not None


def get_visible(number: str, actor: Actor) -> Case:
    """Return the case with this number in one statement; NotFound when it is absent or not theirs to see."""
    found = session().scalar(sa.select(Case).where(Case.number == number.upper(), visible(actor)))
    if found is None:
        raise NotFound(_("There is no case %(number)s, or it is not yours to see.", number=number[:16]))
    return found


def check_may(actor: Actor, permission: str) -> None:
    """Refuse an action that none of the roles allows; the system may do everything. Raises Forbidden."""
    if actor != SYSTEM and not actor.may(permission):
        raise Forbidden(_("Your roles do not allow this."))

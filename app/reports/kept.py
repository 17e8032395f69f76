"""How many of the cases' own deadlines were kept: first response, resolution, round."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.accounts.actor import Actor
from app.cases.access import visible
from app.cases.tables import Case
from app.db import session
from app.deadlines.rules import OF_CASE
from app.deadlines.tables import Deadline
from app.reports.outlook import WINDOW


@dataclass(frozen=True)
class Kept:
    """One kind of deadline: how many of the window were met, of how many; and those running past it now."""

    kind: str
    met: int
    ended: int
    overdue: int

    @property
    def percent(self) -> int | None:
        """The share that was met, 0 to 100, rounded down: 100 only when all were; None without any."""
        return self.met * 100 // self.ended if self.ended else None


def kept(actor: Actor, now: datetime) -> list[Kept]:
    """Return the figures of each kind, of the cases that this reader sees; one statement."""
    ended = Deadline.ended_at >= now - WINDOW
    late = sa.and_(Deadline.status == "running", Deadline.due_at < now)
    columns = [
        sa.func.sum(sa.case((sa.and_(ended, Deadline.status == "met"), 1), else_=0)),
        sa.func.sum(sa.case((sa.and_(ended, Deadline.status.in_(("met", "missed"))), 1), else_=0)),
        sa.func.sum(sa.case((late, 1), else_=0)),
    ]
    query = (
        sa.select(Deadline.kind, *columns)
        .join(Case, Case.id == Deadline.case_id)
        .where(Deadline.kind.in_(OF_CASE), sa.or_(ended, late), visible(actor))
        .group_by(Deadline.kind)
    )
    found = {kind: (met, over, overdue) for kind, met, over, overdue in session().execute(query)}
    return [Kept(kind, *found.get(kind, (0, 0, 0))) for kind in OF_CASE]

"""Was the forecast right? Made again as of past instants, from what was known then, and compared.

Who held an item then is not kept, so all count as unclaimed; items that were cancelled are left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import sqlalchemy as sa

from app import calendar
from app.db import session
from app.engine.tables import WorkItem
from app.reports import rules
from app.reports.outlook import PAST, WINDOW, Rulers, done_of, item_of, people_of, window

# At most so many items are read, the newest.
MOST = 50_000
AT = time(10, 0), time(14, 30)


@dataclass(frozen=True)
class Score:
    """How often a verdict was given (made), and how often the item was late indeed (late)."""

    made: int
    late: int

    @property
    def share(self) -> float:
        """The share that was late, 0 to 1."""
        return self.late / self.made if self.made else 0.0


@dataclass(frozen=True)
class Backtest:
    """The scores by verdict (sure, maybe, ontime), and how many forecasts were made."""

    scores: dict[str, Score]
    forecasts: int

    @property
    def caught(self) -> float:
        """The share of what was late that had been expected to be, 0 to 1."""
        late = sum(one.late for one in self.scores.values())
        return sum(self.scores[key].late for key in rules.LATE) / late if late else 0.0


def backtest(now: datetime, days: int) -> Backtest:
    """Forecast as of two instants of each of the last working days, and see; one statement."""
    centre = calendar.current()
    query = (
        sa.select(WorkItem)
        .where(
            WorkItem.status != "cancelled",
            sa.or_(
                WorkItem.completed_at.is_(None), WorkItem.completed_at >= now - WINDOW - timedelta(days=days)
            ),
        )
        .order_by(WorkItem.id.desc())
        .limit(MOST)
    )
    rows = list(session().scalars(query))
    made: Counter[str] = Counter()
    late: Counter[str] = Counter()
    forecasts = 0
    first = now.astimezone(centre.zone).date()
    rulers = Rulers(now, PAST + timedelta(days=days))
    for ahead in range(1, days + 1):
        day = first - timedelta(days=ahead)
        if not centre.spans(day):
            continue
        for moment in AT:
            at = datetime.combine(day, moment, centre.zone)
            expected = _as_of(at, rows, rulers)
            forecasts += bool(expected)
            for item, verdict in expected:
                # Nobody knows yet how those end that are neither done nor due.
                if item.due_at is None or (item.completed_at is None and item.due_at > now):
                    continue
                made[verdict] += 1
                late[verdict] += item.completed_at is None or item.completed_at > item.due_at
    kinds = (*rules.LATE, "ontime")
    return Backtest({key: Score(made[key], late[key]) for key in kinds}, forecasts)


def _as_of(at: datetime, rows: list[WorkItem], rulers: Rulers) -> list[tuple[WorkItem, str]]:
    centre = calendar.current()
    zone = centre.zone
    finished, waiting = [], []
    for row in rows:
        if row.created_at > at:
            continue
        if row.completed_at is None or row.completed_at > at:
            waiting.append(row)
        elif row.completed_at >= at - WINDOW:
            finished.append(done_of(row, rulers.of(row), zone))
    pace = rules.pace_of(finished, *window(centre, rulers.along(centre), at))
    if not pace.known:
        return []
    takers: dict[tuple[str, int | None], tuple[int, ...]] = {}
    items = [item_of(row, rulers.of(row), at, people_of(row, takers), holder=None) for row in waiting]
    verdicts = {one.id: one.verdict for one in rules.forecast(items, pace)}
    return [(row, verdicts[row.id]) for row in waiting if verdicts[row.id] in (*rules.LATE, "ontime")]

"""The running number of a case: K26-10001, gapless within a year, one at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects import postgresql, sqlite

from app.cases import rules
from app.cases.tables import CaseNumber
from app.db import for_update, session

BEFORE_FIRST = 10000


def next_number(now: datetime) -> str:
    """Return the next number of the centre's local year; its row stays locked until the case is filed."""
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    year = now.astimezone(zone).year
    query = for_update(sa.select(CaseNumber).where(CaseNumber.year == year))
    row = session().scalar(query)
    if row is None:
        # Two agents may meet at the first case of a year: the second waits here, then finds the row.
        insert = _insert_ignoring({"year": year, "last": BEFORE_FIRST})
        session().execute(insert)
        row = session().scalars(query).one()
    row.last += 1
    session().flush()
    return rules.case_number(year, row.last)


def _insert_ignoring(values: dict[str, Any]) -> sa.Insert:
    if session().get_bind().dialect.name == "postgresql":
        return postgresql.insert(CaseNumber).values(**values).on_conflict_do_nothing()
    return sqlite.insert(CaseNumber).values(**values).on_conflict_do_nothing()

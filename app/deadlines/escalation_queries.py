"""What the pages of the escalation policy show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.db import session
from app.escalation import rules
from app.escalation.rules import Difference, Ladder, Policy
from app.escalation.tables import EscalationPolicy

VERSIONS = 20
# Of the procedures that the desk comes with, in the order of the matrix; "" stands for any.
CLASSES = ("", "platform", "device", "other")
SEVERITIES = ("", "low", "normal", "high", "critical")


@dataclass(frozen=True)
class Cell:
    """A field of the matrix. own: it has a ladder of its own, not that of a wider one."""

    klass: str
    severity: str
    ladder: Ladder
    own: bool


@dataclass(frozen=True)
class Version:
    """One line of the policy's history."""

    number: int
    created_at: datetime
    by: str
    comment: str
    changes: list[Difference]


def matrix(policy: Policy) -> list[list[Cell]]:
    """Return the ladder of each class (rows) and severity (columns)."""
    return [
        [
            Cell(
                klass,
                severity,
                policy.ladder_for(klass or None, severity or None),
                policy.own(klass or None, severity or None) is not None,
            )
            for severity in SEVERITIES
        ]
        for klass in CLASSES
    ]


def versions() -> list[Version]:
    """Return the latest versions, newest first; one statement."""
    rows = session().execute(
        sa.select(EscalationPolicy, shown_name())
        .outerjoin(Person, Person.id == EscalationPolicy.created_by_id)
        .order_by(EscalationPolicy.number.desc())
        .limit(VERSIONS + 1)
    )
    read = [(row, by or "", rules.read(row.content, row.number)) for row, by in rows]
    found = []
    for place, (row, by, made) in enumerate(read[:VERSIONS]):
        before = read[place + 1][2] if place + 1 < len(read) else rules.DEFAULT
        found.append(Version(row.number, row.created_at, by, row.comment, rules.differences(before, made)))
    return found

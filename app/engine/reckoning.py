"""How a deadline came about: noted while a timer's expression is evaluated, kept with the timer.

The note travels in the instance's state, so that a firing knows its rung without asking the database; what
lies above the engine hears of it through the hook `deadlines_set`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app import calendar
from app.calendar import rules
from app.calendar.rules import Calendar

# Where a waiting timer's task keeps its note.
KEY = "reckoning"


@dataclass(frozen=True)
class About:
    """What work a timer is for: it decides which calendar counts and which ladder is climbed."""

    role: str | None = None
    candidate: str | None = None
    klass: str | None = None
    severity: str | None = None

    def plain(self) -> dict[str, str]:
        """Return what is known as JSON values."""
        known = {
            "role": self.role,
            "candidate": self.candidate,
            "klass": self.klass,
            "severity": self.severity,
        }
        return {name: value for name, value in known.items() if value}

    def calendar(self) -> Calendar:
        """Return the calendar that counts for this work."""
        return calendar.for_work(role=self.role, klass=self.klass, candidate=self.candidate)


@dataclass(frozen=True)
class Rung:
    """One step of an escalation ladder: at this instant, this is done to or for these people.

    at:     aware UTC.
    when:   before | at | after the deadline.
    offset: how far from it, ISO 8601, as it was written.
    action: remind | notify | raise_priority | reassign | hand_over.
    target: assignee | above | a role's key.
    """

    at: datetime
    when: str
    offset: str
    action: str
    target: str

    def plain(self) -> dict[str, str]:
        """Return the rung as JSON values."""
        # Written out: thousands are made when a calendar changes, and `asdict` takes ten times as long.
        return {
            "at": self.at.isoformat(),
            "when": self.when,
            "offset": self.offset,
            "action": self.action,
            "target": self.target,
        }


@dataclass
class Trace:
    """What one evaluation looked at: the decision asked last, and the deadline reckoned from it."""

    decision: dict[str, Any] | None = None
    deadline: dict[str, Any] | None = None


def rungs(due: datetime, then: timedelta, counted: Calendar, about: About) -> list[Rung]:
    """Return the ladder of a deadline, in the order of its instants: reminder, supervisor, manager."""
    second = rules.add_working_time(counted, due, then).at
    third = rules.add_working_time(counted, second, then).at
    text = duration_text(then)
    return [
        Rung(due, "at", "PT0S", "remind", "assignee"),
        Rung(second, "after", text, "notify", "supervisor"),
        Rung(third, "after", duration_text(2 * then), "notify", "manager"),
    ]


def deadline(
    start: datetime,
    allowance: Mapping[str, Any],
    *,
    about: About,
    counted: Calendar | None = None,
    decision: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a deadline with its ladder as JSON values.

    allowance: {"allowed", "then"} as timedelta, working time.
    counted:   the calendar to count with, unless it is that of the work: the same without its pauses.
    Result: start, due, allowed, then, calendar, version, provisional, rungs, about, decision.
    """
    used = counted or about.calendar()
    reckoned = rules.add_working_time(used, start, allowance["allowed"])
    ladder = rungs(reckoned.at, allowance["then"], used, about)
    return {
        "start": start.isoformat(),
        "due": reckoned.at.isoformat(),
        "allowed": duration_text(allowance["allowed"]),
        "then": duration_text(allowance["then"]),
        "calendar": used.key,
        "version": used.version,
        "provisional": reckoned.beyond_known,
        "rungs": [rung.plain() for rung in ladder],
        "about": about.plain(),
        "decision": dict(decision) if decision else None,
    }


def duration_text(length: timedelta) -> str:
    """Write a length of time as ISO 8601 without days: a day of 24 hours is no working day."""
    seconds = int(length.total_seconds())
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (rest, "S")) if number]
    return f"PT{''.join(parts) or '0S'}"

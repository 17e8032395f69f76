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
from app.escalation import rules as escalation
from app.escalation import store as policies

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
    offset: how far from it, as the policy writes it.
    action: remind | notify | raise_priority | reassign | hand_over.
    target: assignee | above | a role's key.
    urgent: its messages are not kept back by quiet hours.
    policy: the version of the policy that says so.
    level:  how grave it is, 0 (before the deadline) to 3.
    """

    at: datetime
    when: str
    offset: str
    action: str
    target: str
    urgent: bool = False
    policy: int = 0
    level: int = 0

    def plain(self) -> dict[str, Any]:
        """Return the rung as JSON values."""
        # Written out: thousands are made when a calendar changes, and `asdict` takes ten times as long.
        return {
            "at": self.at.isoformat(),
            "when": self.when,
            "offset": self.offset,
            "action": self.action,
            "target": self.target,
            "urgent": self.urgent,
            "policy": self.policy,
            "level": self.level,
        }


@dataclass
class Trace:
    """What one evaluation looked at: the decision asked last, and the deadline reckoned from it."""

    decision: dict[str, Any] | None = None
    deadline: dict[str, Any] | None = None


def rungs(start: datetime, due: datetime, then: timedelta, counted: Calendar, about: About) -> list[Rung]:
    """Return the ladder of a deadline as the policy has it now, in the order of its instants."""
    policy = policies.current()
    ladder = policy.ladder_for(about.klass, about.severity)
    planned = escalation.plan(ladder, start=start, due=due, then=then, counted=counted)
    return [rung_of(one, policy.version) for one in planned]


def rung_of(planned: escalation.Planned, version: int) -> Rung:
    """Return a step of a policy's version at its instant as a rung."""
    step = planned.step
    return Rung(
        planned.at, step.when, step.offset, step.action, step.target, step.urgent, version, step.level
    )


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
    ladder = rungs(start, reckoned.at, allowance["then"], used, about)
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

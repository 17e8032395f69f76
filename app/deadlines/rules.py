"""Decisions about deadlines over plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STEP, FIRST_RESPONSE, RESOLUTION, ROUND = "step", "first_response", "resolution", "round"
OF_CASE = (FIRST_RESPONSE, RESOLUTION, ROUND)
LIVE = ("running", "paused")
CUSTOMER, VERDICT = "customer", "verdict"
# Whose time a pause is: while the customer makes up their mind only the resolution stands still.
STOPPED_BY: Mapping[str, tuple[str, ...]] = {
    CUSTOMER: (STEP, FIRST_RESPONSE, RESOLUTION, ROUND),
    VERDICT: (RESOLUTION,),
}
Period = tuple[datetime, datetime]


def outcome(due_at: datetime, now: datetime) -> str:
    """Return how a deadline whose work is done at `now` ends: met or missed."""
    return "met" if now <= due_at else "missed"


@dataclass(frozen=True)
class Stop:
    """A pause as arithmetic needs it; `ended_at` is None while it lasts."""

    reason: str
    started_at: datetime
    ended_at: datetime | None


def periods_without(kind: str, stops: Iterable[Stop], now: datetime) -> list[Period]:
    """Return when the clock of a kind of deadline stood still, in order, overlaps joined; UTC pairs."""
    chosen = (stop for stop in stops if kind in STOPPED_BY[stop.reason])
    return joined((stop.started_at, stop.ended_at or max(now, stop.started_at)) for stop in chosen)


def asked_anew(
    inputs: Mapping[str, Any], fixed: Mapping[str, Any], klass: str | None, severity: str | None
) -> dict[str, Any]:
    """Return what a decision is asked again with when a case is classified anew.

    inputs: what it looked at before. fixed: what the diagram itself wrote out, which stays.
    """
    return {**inputs, "klass": klass or "", "severity": severity or "normal", **fixed}


def next_rung(rungs: Iterable[Mapping[str, Any]], climbed: int, now: datetime) -> tuple[int, datetime | None]:
    """Return number and instant of the rung to climb next, (n, None) at the end of the ladder.

    climbed: how many were. A ladder whose later rungs lie ahead again is climbed anew.
    """
    instants = [datetime.fromisoformat(rung["at"]) for rung in rungs]
    first = min(climbed, sum(at <= now for at in instants))
    return first, instants[first] if first < len(instants) else None


def joined(spans: Iterable[Period]) -> list[Period]:
    """Return spans of time in order, overlapping ones joined."""
    found: list[Period] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        elif begins < ends:
            found.append((begins, ends))
    return found

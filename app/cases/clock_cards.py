"""The clocks of a case's page: cards of what is due, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import calendar
from app.accounts import organisation
from app.accounts.roles import DEPARTMENTS
from app.cases import rules
from app.cases.tables import Case
from app.db import session
from app.deadlines import rules as deadline_rules
from app.deadlines.elapsed import Spell, Spent, spent
from app.deadlines.tables import Deadline, Pause
from app.engine.tables import Timer, WorkItem


@dataclass(frozen=True)
class Clock:
    """One card of the deadlines. kind: as the chips; used: percent of the bar.

    item, deadline: the ids of the work item and of the deadline that explains it.
    """

    label: str
    kind: str
    icon: str
    at: datetime | None
    since: datetime | None
    used: int
    item: int | None = None
    deadline: int | None = None


def timekeeping(case_id: int) -> tuple[list[Deadline], list[Pause]]:
    """Return the deadlines of a case and its pauses, oldest first; one statement."""
    rows = session().execute(
        sa.select(Deadline, Pause)
        .outerjoin(Pause, Pause.case_id == Deadline.case_id)
        .where(Deadline.case_id == case_id)
        .order_by(Deadline.id, Pause.started_at)
    )
    found, pauses = {}, {}
    for one, pause in rows:
        found[one.id] = one
        if pause is not None:
            pauses[pause.id] = pause
    return list(found.values()), list(pauses.values())


def time_spent(case: Case, items: list[WorkItem], pauses: list[Pause], now: datetime) -> list[Spent]:
    """Return where the case's time went, in the working time of the centre."""
    ended = case.closed_at
    spells = [
        Spell(item.role, item.created_at, item.completed_at) for item in items if item.status != "cancelled"
    ]
    waits = [(one.started_at, one.ended_at or now) for one in pauses if one.reason == deadline_rules.CUSTOMER]
    return spent(
        calendar.current(),
        case.received_at,
        ended,
        spells,
        waits,
        now,
        departments=(*DEPARTMENTS, "department"),
        waiting=case.paused_at is not None,
    )


def next_rung(timer: Timer, deadlines: list[Deadline]) -> Mapping[str, Any] | None:
    """Return the rung that a waiting boundary timer stands for; None for timers without a ladder."""
    found = next((one for one in deadlines if one.timer_task_id == timer.task_id), None)
    rungs = found.reckoning["rungs"] if found is not None else []
    return rungs[timer.sequence - 1] if timer.sequence <= len(rungs) else None


def rung_words(rung: Mapping[str, Any]) -> str:
    """Say what a rung will do, short enough for a card."""
    target = rung["target"]
    who = _("the post above") if target == "above" else organisation.role_label(target)
    match rung["action"]:
        case "raise_priority":
            return _("Priority is raised")
        case "reassign":
            return _("Goes to somebody else")
        case "hand_over":
            return _("Handed over to %(who)s", who=who)
        case _ if target == "assignee":
            return _("Assignee is reminded")
        case _:
            return _("Escalates to %(who)s", who=who)


def clock_cards(
    case: Case,
    items: list[WorkItem],
    timers: list[Timer],
    deadlines: list[Deadline],
    now: datetime,
    soon: timedelta,
) -> list[Clock]:
    """Return at most four cards: the open steps, the next escalation, the first response, the whole case."""
    cards: list[Clock] = []
    of_item = {one.work_item_id: one.id for one in deadlines if one.work_item_id is not None}
    of_case = {one.kind: one for one in deadlines if one.instance_id == case.instance_id}
    open_items = [item for item in items if item.status in ("open", "claimed") and item.due_at]
    for item in sorted(open_items, key=lambda item: item.due_at or now)[:2]:
        kind = rules.urgency("open", item.due_at, item.escalation_level, now, soon)
        icon = {"escalated": "up", "overdue": "alert", "soon": "clock"}.get(kind, "")
        cards.append(
            Clock(
                item.name,
                kind,
                icon,
                item.due_at,
                item.created_at,
                _used(item.created_at, item.due_at, now),
                item.id,
                of_item.get(item.id),
            )
        )
    waiting = [timer for timer in timers if timer.kind == "boundary"]
    level = max((item.escalation_level for item in open_items), default=0)
    rung = next_rung(waiting[0], deadlines) if waiting else None
    if rung is not None and open_items:
        words = rung_words(rung)
        kind = "soon" if waiting[0].due_at - now <= soon / 2 else "ontime"
        since = open_items[0].due_at if level else open_items[0].created_at
        if level or rung["action"] != "remind" or open_items[0].due_at != waiting[0].due_at:
            cards.append(
                Clock(words, kind, "up", waiting[0].due_at, since, _used(since, waiting[0].due_at, now))
            )
    later = [timer for timer in timers if timer.kind != "boundary"]
    if later and not open_items:
        cards.append(Clock(_("Next date"), "waiting", "cal", later[0].due_at, None, 0))
    first = next((item for item in items if item.completed_at), None)
    if first is not None and first.completed_at is not None:
        cards.append(
            Clock(
                _("First response"),
                "done",
                "check",
                first.completed_at,
                case.received_at,
                _used(case.received_at, first.due_at, first.completed_at),
                deadline=of_case["first_response"].id if "first_response" in of_case else None,
            )
        )
    resolution = of_case.get("resolution")
    if resolution is not None and resolution.status == "running":
        due = resolution.due_at
        kind = rules.urgency("open", due, 0, now, soon)
        used = _used(resolution.started_at, due, now)
        icon = {"overdue": "alert", "soon": "clock"}.get(kind, "")
        cards.append(Clock(_("Resolution"), kind, icon, due, case.received_at, used, deadline=resolution.id))
        return cards[:4]
    ended = case.closed_at
    cards.append(
        Clock(
            _("Whole case"),
            "done" if ended else "ontime",
            "check" if ended else "",
            ended,
            case.received_at,
            100 if ended else 0,
            deadline=resolution.id if resolution is not None else None,
        )
    )
    return cards[:4]


def _used(since: datetime | None, due: datetime | None, now: datetime) -> int:
    if since is None or due is None or due <= since:
        return 100
    return max(0, min(100, round((now - since) / (due - since) * 100)))

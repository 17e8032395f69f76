"""One function per verb: give calls to people, share them out, record what came of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import calendar, engine, forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.agenda import queries, questions, rules
from app.callbacks import service as callbacks
from app.callbacks.tables import Callback
from app.db import for_update, session, transaction
from app.engine.tables import WorkItem
from app.errors import FieldError, Forbidden, Invalid, Refused
from app.inbox import service as inbox
from app.inbox.background import form_of, form_sources
from app.inbox.queries import name_of
from app.inbox.tables import Draft
from app.settings_store import get as setting

MOST_AT_ONCE = 500
# Who calls, where the address says neither a person nor nobody: whoever has room.
BY_ROOM = "room"


@dataclass(frozen=True)
class Move:
    """One call of a plan: from whom to whom (None: nobody), or why not."""

    call: queries.Call
    to_id: int | None
    to: str
    refused: str = ""


@dataclass(frozen=True)
class Plan:
    """What handing over several calls would do. loads: (name, calls now, calls then)."""

    moves: list[Move]
    loads: list[tuple[str, int, int]]
    room: int

    @property
    def done(self) -> list[Move]:
        """The calls that change hands."""
        return [one for one in self.moves if not one.refused]

    @property
    def refused(self) -> list[Move]:
        """The calls that cannot."""
        return [one for one in self.moves if one.refused]


def plan(ids: Sequence[int], to: str, *, actor: Actor, now: datetime) -> Plan:
    """Work out who would get which call, without changing anything.

    to: a person's id, BY_ROOM, or "" for nobody. Raises Forbidden, Invalid.
    """
    if not actor.may("work.assign"):
        raise Forbidden(_("Only a supervisor hands over several calls at once."))
    found = queries.calls_of(list(dict.fromkeys(ids))[:MOST_AT_ONCE], now)
    if not found:
        raise Invalid(_("Tick the calls first."), [FieldError("call", _("Tick the calls first."))])
    centre = calendar.current()
    able = [one.id for one in organisation.candidates(queries.CALLERS)]
    days = sorted({one.due_at.astimezone(centre.zone).date() for one in found if one.outcome is None})
    room = int(setting("callbacks.per_person"))
    given = _given(found, to, able, days, room) if days else {}
    moves = []
    for call in found:
        to_id, why = given.get(call.id, (None, _("This call was made already.")))
        moves.append(Move(call, to_id, name_of(to_id), why))
    return Plan(moves, _loads(moves, days), room)


def apply(ids: Sequence[int], to: str, *, actor: Actor, now: datetime) -> tuple[Plan, dict[int, int | None]]:
    """Hand over several calls; what cannot be does not stop the others.

    Returns what was done and who had each call before, for taking it back.
    """
    _lock(ids)
    made = plan(ids, to, actor=actor, now=now)
    before = {one.call.id: one.call.caller_id for one in made.done}
    for move in made.done:
        if move.call.caller_id != move.to_id:
            _give(callbacks.get(move.call.id), move.to_id, actor=actor, now=now)
    return made, before


def give_back(before: Mapping[int, int | None], *, actor: Actor, now: datetime) -> int:
    """Undo a handing over: everybody gets back what is still to be made; return how many."""
    if not actor.may("work.assign"):
        raise Forbidden(_("Only a supervisor hands over several calls at once."))
    _lock(list(before))
    done = 0
    for callback_id, person_id in before.items():
        call = callbacks.get(callback_id)
        if call.outcome is None:
            _give(call, person_id, actor=actor, now=now)
            done += 1
    return done


def assign(callback_id: int, person_id: int | None, *, actor: Actor, now: datetime) -> Callback:
    """Give one call to somebody (oneself too), or to nobody. Raises Refused, Invalid, Forbidden, NotFound."""
    _lock([callback_id])
    call = callbacks.get(callback_id)
    if call.outcome is not None:
        raise Refused(_("This call was made already."))
    if not actor.may("work.assign") and not (person_id == actor.id and actor.may("work.claim")):
        raise Forbidden(_("Only a supervisor hands over somebody else's task."))
    held = _held_by(call)
    if not actor.may("work.assign") and held is not None and held != actor.id:
        raise Refused(_("%(name)s has this task now.", name=name_of(held)))
    able = [one.id for one in organisation.candidates(queries.CALLERS)]
    if person_id is not None and (why := _why_not(person_id, _excluded(call), able)):
        raise Refused(why)
    _give(call, person_id, actor=actor, now=now)
    return call


def record(
    callback_id: int,
    posted: Any,
    *,
    said: Mapping[str, str],
    actor: Actor,
    now: datetime,
    files: Any = None,
    revision: int | None = None,
) -> engine.StepResult:
    """Record what came of a call: the step is completed by the inbox, the answers are kept with the attempt.

    posted: the step's form. said: the answers to the questions, by "q_…".
    Raises inbox.Unfit, Invalid for answers that do not fit, Refused before its day, what the inbox raises.
    """
    call = callbacks.get(callback_id)
    if call.work_item_id is None:
        raise Refused(_("This call is not due yet; its result can be recorded from its time on."))
    asked = questions.asked_in(call)
    answers = questions.read(asked, said)
    result = inbox.complete(call.work_item_id, posted, actor=actor, now=now, files=files, revision=revision)
    if answers:
        call.question_set_id, call.answers = asked.id, answers
    return result


def save_draft(
    callback_id: int, posted: Any, said: Mapping[str, str], *, actor: Actor, now: datetime
) -> None:
    """Keep what was typed so far, the answers to the questions too. Raises Refused, Conflict."""
    call = callbacks.get(callback_id)
    if call.work_item_id is None:
        raise Refused(_("This call is not due yet; its result can be recorded from its time on."))
    inbox.save_draft(call.work_item_id, posted, actor=actor, now=now)
    kept = session().get(Draft, (actor.id, inbox.subject_of(call.work_item_id)))
    if kept is not None and said:
        kept.values = {**kept.values, **{name: text for name, text in said.items() if text}}


@dataclass(frozen=True)
class Outlook:
    """What recording an outcome would do: the steps that would open, or the next call; the case's round then.

    left: how many more dissatisfied calls there may be before the manager takes over; None when not known.
    """

    opened: list[str]
    next_at: datetime | None
    attempt: int
    most: int | None
    round: int
    left: int | None
    ended: bool


class _TriedOut(Exception):
    """Ends the transaction of a try: nothing of it is kept."""


def try_out(callback_id: int, posted: Any, *, actor: Actor, now: datetime) -> Outlook | None:
    """Tell what recording these answers would lead to, by doing it and taking it back; opens a transaction.

    None where they do not say enough. Raises NotFound, Conflict, Forbidden.
    """
    found: list[Outlook] = []
    try:
        with transaction():
            outlook = _tried(callbacks.get(callback_id), posted, actor, now)
            if outlook is not None:
                found.append(outlook)
            raise _TriedOut
    except _TriedOut:
        return found[0] if found else None


def _tried(call: Callback, posted: Any, actor: Actor, now: datetime) -> Outlook | None:
    if call.work_item_id is None or call.outcome is not None:
        return None
    item = inbox.get(call.work_item_id, actor)
    inbox.check_may_complete(item, actor)
    locked = engine.lock_item(item.id, now=now, actor=actor)
    form = form_of(item)
    sources = form_sources(item, form, data=locked.data, sent=posted)
    parsed = forms.parse(form, posted, context=sources.context, choices=sources.choices)
    values = dict(parsed.process)
    if values.get("outcome") is None:
        return None
    # What is not answered yet does not decide where it goes.
    values.setdefault("score", 1)
    values.setdefault("no_answer", "")
    values.setdefault("callback_at", (now + timedelta(days=1)).isoformat())
    callbacks.record(
        call.case_id, {"outcome": values["outcome"]}, actor=actor, now=now, instance_id=call.instance_id
    )
    before = locked.data
    result = engine.complete(locked, values, actor=actor, now=now)
    following = callbacks.find_open(case_id=call.case_id, instance_id=call.instance_id)
    left = None
    if values["outcome"] == "dissatisfied" and {"rounds", "rounds_done"} <= before.keys():
        left = int(before["rounds"]) - int(before["rounds_done"]) - 1
    return Outlook(
        opened=[_(one.name) if one.name else "" for one in result.opened],
        next_at=following.due_at if following is not None else None,
        attempt=following.attempt if following is not None else call.attempt,
        most=call.most,
        round=max((one.round for one in result.opened), default=1),
        left=left,
        ended=result.finished,
    )


# ---------------------------------------------------------------- inside


def _given(
    found: list[queries.Call], to: str, able: list[int], days: list[date], room: int
) -> dict[int, tuple[int | None, str]]:
    """Return for each open call to whom it would go, and why not."""
    still_open = [one for one in found if one.outcome is None]
    if to == BY_ROOM:
        return _shared(still_open, days, room)
    if not to:
        return {one.id: (None, "") for one in still_open}
    person_id = int(to) if to.isdecimal() else 0
    if person_id not in able:
        words = _("Choose somebody who may do this task.")
        raise Invalid(words, [FieldError("to", words)])
    return {one.id: (person_id, _why_not(person_id, one.excluded_id, able, one)) for one in still_open}


def _shared(still_open: list[queries.Call], days: list[date], room: int) -> dict[int, tuple[int | None, str]]:
    centre = calendar.current()
    given: dict[int, tuple[int | None, str]] = {}
    words = {"room": _("Nobody has room for it on that day."), "nobody": _("Nobody may make it.")}
    for day in days:
        of_day = [one for one in still_open if one.due_at.astimezone(centre.zone).date() == day]
        load = queries.load_of(day, centre, but=[one.id for one in of_day])
        shared = rules.share_out(
            [rules.Open(one.id, one.due_at, one.caller_id, one.excluded_id) for one in of_day], load, room
        )
        given |= {key: (person, "") for key, person in shared.given.items()}
        given |= {key: (None, words[why]) for key, why in shared.left.items()}
    return given


def _why_not(
    person_id: int, excluded_id: int | None, able: Sequence[int], call: queries.Call | None = None
) -> str:
    if rules.may_call(person_id, excluded_id, able):
        return ""
    if person_id not in able:
        return _("Choose somebody who may do this task.")
    name = name_of(person_id)
    if call is not None and call.case_number:
        return _(
            "%(number)s was handled by %(name)s, who does not call about it.",
            number=call.case_number,
            name=name,
        )
    return _("%(name)s handled this case; somebody else calls about it.", name=name)


def _loads(moves: list[Move], days: list[date]) -> list[tuple[str, int, int]]:
    """Return everybody's calls on the days concerned, now and then."""
    centre = calendar.current()
    now_: dict[int, int] = {}
    for day in days:
        for person_id, n in queries.load_of(day, centre).items():
            now_[person_id] = now_.get(person_id, 0) + n
    then = dict(now_)
    for move in moves:
        if move.refused or move.call.caller_id == move.to_id:
            continue
        if move.call.caller_id in then:
            then[move.call.caller_id] -= 1
        if move.to_id in then:
            then[move.to_id] += 1
    return [(name_of(key), n, then[key]) for key, n in now_.items()]


def _give(call: Callback, person_id: int | None, *, actor: Actor, now: datetime) -> None:
    """Give a call to somebody: the step where it waits already, else the promise."""
    call.planned_for_id = person_id
    item = session().get(WorkItem, call.work_item_id) if call.work_item_id is not None else None
    if item is not None and item.status in ("open", "claimed"):
        if person_id is None:
            inbox.release(item.id, actor=actor, now=now)
        elif item.assignee_id != person_id and person_id == actor.id and item.assignee_id is None:
            inbox.claim(item.id, actor=actor, now=now)
        elif item.assignee_id != person_id:
            inbox.assign(item.id, person_id, actor=actor, now=now)
        return
    engine.record_event(
        engine.stream_of(call.instance_id, call.case_id),
        "callback.assigned",
        {"callback": call.id, "to": person_id},
        actor=actor,
        now=now,
        instance_id=call.instance_id,
    )


def _held_by(call: Callback) -> int | None:
    item = session().get(WorkItem, call.work_item_id) if call.work_item_id is not None else None
    if item is not None and item.status in ("open", "claimed"):
        return item.assignee_id
    return call.planned_for_id


def _excluded(call: Callback) -> int | None:
    item = session().get(WorkItem, call.work_item_id) if call.work_item_id is not None else None
    return item.excluded_id if item is not None else call.excluded_id


def _lock(ids: Sequence[int]) -> None:
    """Lock calls in the order of their ids: two who hand over the same ones wait for each other."""
    query = for_update(sa.select(Callback).where(Callback.id.in_(list(ids))).order_by(Callback.id))
    session().execute(query.execution_options(populate_existing=True)).all()

"""The end of a step: write it all, record it, tell the layers above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.db import session
from app.engine import discretion, mirror
from app.engine.connectors import tell
from app.engine.events import record_event, stream_of
from app.engine.happened import Escalation
from app.engine.kept import take_kept
from app.engine.model import Place, StepResult
from app.engine.schedule import hold
from app.engine.step import Picture, Step
from app.engine.tables import Incident, WorkItem

MAX_LEVEL = 3
# Messages kept for us may open waits for other kept messages; more rounds than this is a loop.
MAX_KEPT_ROUNDS = 20


@dataclass(frozen=True)
class Overdue:
    """One rung climbed for one item. level: of the item now; rung: what is to be done."""

    item: WorkItem
    level: int
    rung: Mapping[str, Any]


@dataclass
class Ending:
    """One step at its end, with what there is to write.

    completed: the item that a person has done.
    cancelled: the reason, when the instance was cancelled as a whole.
    kept:      also look for messages that were kept for waits older than this step.
    """

    step: Step
    completed: WorkItem | None = None
    cancelled: str | None = None
    kept: bool = False
    after: Picture = field(default_factory=lambda: Picture({}, {}, {}, {}))
    opened: list[WorkItem] = field(default_factory=list)
    gone: list[WorkItem] = field(default_factory=list)
    overdue: list[Overdue] = field(default_factory=list)


def finish(
    step: Step,
    *,
    completed: WorkItem | None = None,
    worker: str | None = None,
    cancelled: str | None = None,
    look_for_kept: bool = False,
) -> StepResult:
    """Write what the step did: state, items, timers, messages, events; then tell the hooks.

    cancelled:     the reason, when the instance was cancelled as a whole.
    look_for_kept: also look for messages that were kept for waits older than this step.
    Raises StepFailed when the instance would wait for nothing, and what hooks raise.
    """
    ending = Ending(step, completed, cancelled, look_for_kept)
    finish_all([ending], worker=worker)
    return StepResult(
        instance=step.instance,
        completed=completed,
        opened=ending.opened,
        fired=len(step.happened.fired),
        finished=bool(step.workflow.completed),
    )


def finish_all(endings: Sequence[Ending], *, worker: str | None = None) -> None:
    """Write steps of different instances, each table in bulk for all of them; raises what `finish` raises."""
    fresh = [_written(ending) for ending in endings]
    for ending in endings:
        ending.gone = mirror.cancel_items(ending.step, ending.after)
    _share_out(mirror.open_items([row for rows in fresh for row in rows]), endings, fresh)
    mirror.sync_timers([(one.step, one.after) for one in endings], worker)
    mirror.sync_messages([(one.step, one.after) for one in endings])
    _write_escalations(endings)
    if any(one.overdue or one.gone for one in endings):
        session().flush()  # hooks look for what is late and what stays open
    for ending in endings:
        _record(ending)
        _tell(ending)
    _send_thrown([one.step for one in endings])


def _written(ending: Ending) -> list[dict[str, Any]]:
    """Write an instance's row and the item completed; return the rows of the items to be opened."""
    step = ending.step
    ending.after = _with_kept_messages(step, ending.kept)
    step.check_waits()
    # Before the state is saved: it keeps count of the rounds.
    fresh = mirror.new_items(step, ending.after)
    _write_instance(step, ending.cancelled)
    if ending.completed is not None:
        _write_completed(step, ending.completed)
    return fresh


def _share_out(
    items: list[WorkItem], endings: Sequence[Ending], fresh: Sequence[Sequence[dict[str, Any]]]
) -> None:
    """Give each step the items it opened; they come in the order of their rows."""
    following = iter(items)
    for ending, rows in zip(endings, fresh, strict=True):
        ending.opened = [next(following) for _row in rows]


def _with_kept_messages(step: Step, everything: bool) -> Picture:
    """Deliver the messages that came before anybody waited; return what the instance waits for then."""
    known = set() if everything else {(one.name, one.correlation) for one in step.before.messages.values()}
    for _round in range(MAX_KEPT_ROUNDS):
        after = step.picture()
        fresh = [one for one in after.messages.values() if (one.name, one.correlation) not in known]
        if not fresh or step.workflow.completed:
            return after
        known |= {(one.name, one.correlation) for one in fresh}
        for message, payload in take_kept(fresh):
            step.receive(message, payload)
    return step.picture()


def _write_instance(step: Step, cancelled: str | None) -> None:
    row = step.instance
    was_failed = row.status == "failed"
    row.state = step.state()
    row.revision += 1
    if cancelled is not None:
        row.status, row.status_reason, row.ended_at = "cancelled", cancelled, step.now
    elif step.workflow.completed:
        row.status, row.status_reason, row.ended_at = "completed", None, step.now
    elif was_failed:
        row.status, row.status_reason = "running", None
    if was_failed:
        hold(row.id, False)
        session().execute(
            sa.update(Incident)
            .where(Incident.instance_id == row.id, Incident.resolved_at.is_(None))
            .values(resolved_at=step.now, resolved_by_id=step.actor.id)
        )


def _write_completed(step: Step, item: WorkItem) -> None:
    item.status = "done"
    item.completed_at = step.now
    item.completed_by_id = step.actor.id
    item.revision += 1


def _write_escalations(endings: Sequence[Ending]) -> None:
    late = [one for one in endings if one.step.happened.escalations]
    if not late:
        return
    ids = {
        task for one in late for escalation in one.step.happened.escalations for task in escalation.task_ids
    }
    found = session().scalars(
        sa.select(WorkItem).where(
            WorkItem.instance_id.in_([one.step.instance.id for one in late]), WorkItem.task_id.in_(ids)
        )
    )
    items: dict[int, list[WorkItem]] = {}
    for item in found:
        items.setdefault(item.instance_id, []).append(item)
    for one in late:
        one.overdue = _escalated(one, items.get(one.step.instance.id, []))


def _escalated(ending: Ending, items: list[WorkItem]) -> list[Overdue]:
    # Of several people at one step, those who are done are late no more.
    by_task = {item.task_id: item for item in items if item is ending.completed or item.status in mirror.LIVE}
    told = []
    for escalation in ending.step.happened.escalations:
        for item in (by_task[task_id] for task_id in escalation.task_ids if task_id in by_task):
            rung = escalation.rung or _drawn_rung(escalation, item)
            item.escalation_level = _level(item, rung)
            item.revision += 1
            told.append(Overdue(item, item.escalation_level, rung))
    return told


def _level(item: WorkItem, rung: Mapping[str, Any]) -> int:
    if "level" in rung:
        return max(item.escalation_level, int(rung["level"]))
    # A ladder of the diagram's own, or of an older release: each firing is one level more.
    return min(item.escalation_level + (rung["when"] != "before"), MAX_LEVEL)


def _drawn_rung(escalation: Escalation, item: WorkItem) -> Mapping[str, Any]:
    """Return the rung that the end event of the diagram says, for timers that have no ladder of their own."""
    target = escalation.tell[min(item.escalation_level, len(escalation.tell) - 1)]
    action = "remind" if target == "assignee" else "notify"
    return {"when": "after", "offset": "", "action": action, "target": target}


def _record(ending: Ending) -> None:
    step, before, completed = ending.step, ending.step.before, ending.completed
    if completed is not None:
        _event(step, "work_item.completed", {"item": completed.id, "name": completed.name}, _place(completed))
    for timer in step.happened.fired:
        late = round((step.now - timer.due).total_seconds(), 3)
        data = {"name": timer.name, "sequence": timer.sequence, "due_at": timer.due.isoformat(), "late": late}
        _event(step, "timer.fired", data, timer.place)
    for message in step.happened.received:
        _event(step, "message.received", {"name": message.name}, message.place)
    for made in step.happened.decided:
        data = {"decision": made.decision, "row": made.row, "inputs": discretion.of_decision(made.inputs)}
        _event(step, "decision.made", data | {"outputs": discretion.of_decision(made.outputs)}, made.place)
    for one in ending.overdue:
        item = one.item
        data = {"item": item.id, "name": item.name, "level": one.level, "told": one.rung["target"]}
        data |= {name: one.rung[name] for name in ("action", "when", "offset", "policy") if name in one.rung}
        _event(step, "work_item.escalated", data, _place(item))
    for item in ending.opened:
        _event(
            step, "work_item.opened", {"item": item.id, "name": item.name, "role": item.role}, _place(item)
        )
    for item in ending.gone:
        _event(step, "work_item.cancelled", {"item": item.id, "name": item.name}, _place(item))
    after = ending.after
    entered = [place for task_id, place in after.places.items() if task_id not in before.places]
    left = [
        place
        for task_id, place in before.places.items()
        if task_id not in after.places and task_id not in step.happened.done_task_ids
    ]
    path: dict[str, list[Any]] = {
        "done": _pairs(step.happened.done),
        "entered": _pairs(entered),
        "cancelled": _pairs(left),
    }
    if step.happened.uncaught:
        path["uncaught"] = [[name] for name in step.happened.uncaught]
    brought = [(place, discretion.of_step(values)) for place, values in step.happened.brought]
    path["set"] = [[place.process_id, place.element, values] for place, values in brought if values]
    _event(step, "instance.step", {name: places for name, places in path.items() if places})
    if ending.cancelled is not None:
        _event(step, "instance.cancelled", {"reason": ending.cancelled})
    elif step.workflow.completed:
        _event(step, "instance.completed", {})


def _tell(ending: Ending) -> None:
    step = ending.step
    if ending.completed is not None:
        tell("work_item_done", step.context(_place(ending.completed)), ending.completed)
    for status in step.happened.statuses:
        tell("case_status", step.context(status.place), status.status)
    for one in ending.overdue:
        tell("overdue", step.context(_place(one.item)), one.item, one.level, one.rung)
    for item in ending.gone:
        tell("work_item_cancelled", step.context(_place(item)), item)
    for item in ending.opened:
        tell("work_item_opened", step.context(_place(item)), item)
    deadlines = mirror.deadlines(ending.opened, ending.after)
    if deadlines:
        tell("deadlines_set", step.context(), deadlines)
    if ending.cancelled is not None:
        tell("cancelled", step.context(), ending.cancelled)
    elif step.workflow.completed:
        tell("finished", step.context(data=step.workflow.data))


def _send_thrown(steps: Sequence[Step]) -> None:
    thrown = [(step, *message) for step in steps for message in step.happened.thrown]
    if not thrown:
        return
    from app.engine.messages import send_message

    # The receiver may be an instance that took a step beside this one: its row is read anew behind the lock.
    session().flush()
    for step, name, correlation, payload in thrown:
        send_message(name, correlation=correlation, payload=payload, actor=step.actor, now=step.now)


def _event(step: Step, kind: str, data: dict[str, Any], place: Place | None = None) -> None:
    record_event(
        stream_of(step.instance.id, step.instance.case_id),
        kind,
        data,
        actor=step.actor,
        now=step.now,
        instance_id=step.instance.id,
        process_id=place.process_id if place else None,
        element=place.element if place else None,
    )


def _place(item: WorkItem) -> Place:
    return Place(item.process_id, item.element)


def _pairs(places: list[Place]) -> list[list[str]]:
    return [[place.process_id, place.element] for place in places]

"""Write what a step changed into the tables that pages read: work items, timers, waiting messages.

Only differences are written, each table in bulk; how many statements it takes does not depend on the data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from SpiffWorkflow.task import Task

from app.db import for_update, session
from app.engine import reader, timer_text
from app.engine.model import DeadlineSet
from app.engine.reader import PendingMessage, PendingTimer
from app.engine.step import Picture, Step
from app.engine.tables import Timer, WaitingMessage, WorkItem

LIVE = ("open", "claimed")
# A role key or "role:unit", written bare: `platform`, `repairpoint:WP003`.
_BARE_CANDIDATE = re.compile(r"[a-z_]+(:[\w-]+)?")
PRIORITIES = (1, 3)
_FIRED = ("status", "worker", "fired_at", "lateness_seconds")

# Built once: making a statement costs more than running it.
_TIMER: Any = Timer.__table__
_MESSAGE: Any = WaitingMessage.__table__
_OPEN_ITEMS = (
    sa.insert(WorkItem).returning(WorkItem, sort_by_parameter_order=True).execution_options(render_nulls=True)
)
_INSERT_TIMERS = sa.insert(_TIMER)
_CANCEL_TIMERS = (
    sa.update(_TIMER)
    .where(
        _TIMER.c.instance_id == sa.bindparam("its_instance"),
        _TIMER.c.task_id == sa.bindparam("its_task"),
        # Not "in": a list cannot be one of many parameter sets.
        sa.or_(_TIMER.c.status == "waiting", _TIMER.c.status == "paused"),
    )
    .values(status="cancelled")
)
_FIRE_TIMERS = (
    sa.update(_TIMER)
    .where(
        _TIMER.c.instance_id == sa.bindparam("its_instance"),
        _TIMER.c.task_id == sa.bindparam("its_task"),
        _TIMER.c.sequence == sa.bindparam("its_sequence"),
        _TIMER.c.status == "waiting",
    )
    .values(attempts=_TIMER.c.attempts + 1, **{name: sa.bindparam(f"new_{name}") for name in _FIRED})
)
_MOVE_MESSAGES = (
    sa.update(_MESSAGE)
    .where(
        _MESSAGE.c.instance_id == sa.bindparam("its_instance"),
        _MESSAGE.c.task_id == sa.bindparam("its_task"),
        _MESSAGE.c.name == sa.bindparam("its_name"),
    )
    .values(task_id=sa.bindparam("new_task"), element=sa.bindparam("new_element"))
)


def new_items(step: Step, after: Picture) -> list[dict[str, Any]]:
    """Return the rows of the items that wait for a person now and did not before; counts their rounds."""
    entered: set[str] = set()
    return [
        _item(step, after, task_id, task, entered)
        for task_id, task in after.work.items()
        if task_id not in step.before.work
    ]


def renew_item(step: Step, task: Task, item: WorkItem) -> None:
    """Give an open item name, form, role and candidate of its step in the version that the step is on.

    Whoever has it keeps it.
    """
    place = step.reader.place(task)
    element = step.reader.element(place)
    item.version_id = step.version.id
    item.name = element.get("name") or place.element
    item.form = _form(step, element)
    role = element.get("role") or ""
    candidate = _candidate(step, task, element.get("camunda", {}).get("candidateGroups")) or role
    if candidate:
        item.role, item.candidate = role or candidate.partition(":")[0], candidate
    item.revision += 1


def open_items(rows: list[dict[str, Any]]) -> list[WorkItem]:
    """Insert new items and return them."""
    if not rows:
        return []
    return list(session().scalars(_OPEN_ITEMS, rows))


def deadlines(opened: list[WorkItem], after: Picture) -> list[DeadlineSet]:
    """Return the deadlines that new items got from the ladders on their border."""
    return [
        DeadlineSet(item, timer.task_id, timer.reckoning)
        for item in opened
        for timer in attached(after.work[item.task_id], after)
        if timer.reckoning is not None
    ]


def cancel_items(step: Step, after: Picture) -> list[WorkItem]:
    """Close the items whose task is gone without having been completed; return them."""
    gone = [
        task_id
        for task_id in step.before.work
        if task_id not in after.work and task_id not in step.happened.done_task_ids
    ]
    if not gone:
        return []
    statement = sa.select(WorkItem).where(
        WorkItem.instance_id == step.instance.id, WorkItem.task_id.in_(gone), WorkItem.status.in_(LIVE)
    )
    items = list(session().scalars(for_update(statement)))
    for item in items:
        item.status = "cancelled"
        item.revision += 1
    return items


def sync_timers(steps: Sequence[tuple[Step, Picture]], worker: str | None) -> None:
    """Mark what fired, close what is not waited for any more, insert what is.

    steps: each with what its instance waits for now.
    """
    changed: dict[str, list[dict[str, Any]]] = {"fired": [], "gone": [], "new": []}
    for step, after in steps:
        _timer_changes(step, after, worker, changed)
    if changed["fired"]:
        session().connection().execute(_FIRE_TIMERS, changed["fired"])
    if changed["gone"]:
        session().connection().execute(_CANCEL_TIMERS, changed["gone"])
    if changed["new"]:
        session().execute(_INSERT_TIMERS, changed["new"])


def _timer_changes(
    step: Step, after: Picture, worker: str | None, changed: dict[str, list[dict[str, Any]]]
) -> None:
    rows_before = {(timer.task_id, timer.sequence) for timer in step.before.timers.values()}
    firings = step.happened.fired
    fired = {(timer.task_id, timer.sequence) for timer in firings}
    waiting = {(timer.task_id, timer.sequence) for timer in after.timers.values()}
    changed["gone"] += [
        {"its_instance": step.instance.id, "its_task": task_id}
        for task_id, _number in rows_before - fired - waiting
    ]
    for one in firings:
        done = _fired_values(step.now, one, worker)
        if (one.task_id, one.sequence) in rows_before:
            changed["fired"].append(
                {
                    "its_instance": step.instance.id,
                    "its_task": one.task_id,
                    "its_sequence": one.sequence,
                    **{f"new_{name}": value for name, value in done.items()},
                }
            )
        else:
            # A cycle that is late fires several times in one step; each firing has its row.
            changed["new"].append({**_timer_row(step, one), **done, "attempts": 1})
    changed["new"] += [
        {**_timer_row(step, one), **_WAITING}
        for one in after.timers.values()
        if (one.task_id, one.sequence) not in rows_before
    ]


def sync_messages(steps: Sequence[tuple[Step, Picture]]) -> None:
    """Insert, move and delete waiting messages."""
    moved, rows = [], []
    for step, after in steps:
        gone = [message for key, message in step.before.messages.items() if key not in after.messages]
        fresh = [message for key, message in after.messages.items() if key not in step.before.messages]
        for old in list(gone):
            new = next(
                (one for one in fresh if (one.name, one.correlation) == (old.name, old.correlation)), None
            )
            if new is not None:
                # A withdrawal is waited for on every step in turn: one update instead of a delete and an
                # insert.
                moved.append(_move_parameters(step, old, new))
                gone.remove(old)
                fresh.remove(new)
        if gone:
            _delete(step, gone)
        rows += [_message_row(step, message) for message in fresh]
    if moved:
        session().connection().execute(_MOVE_MESSAGES, moved)
    if rows:
        session().execute(sa.insert(WaitingMessage), rows)


def _item(step: Step, after: Picture, task_id: str, task: Task, entered: set[str]) -> dict[str, Any]:
    place = step.reader.place(task)
    element = step.reader.element(place)
    camunda = element.get("camunda", {})
    role = element.get("role") or ""
    candidate = _candidate(step, task, camunda.get("candidateGroups")) or role
    assignee = _assignee(step, task, camunda.get("assignee"))
    subject = step.instance.subject or {}
    separate = [one.strip() for one in element.get("properties", {}).get("separateFrom", "").split(",")]
    return {
        "instance_id": step.instance.id,
        "version_id": step.version.id,
        "case_id": step.instance.case_id,
        "task_id": task_id,
        "process_id": place.process_id,
        "element": place.element,
        "name": element.get("name") or place.element,
        "form": _form(step, element),
        "status": "claimed" if assignee is not None else "open",
        "role": role or candidate.partition(":")[0],
        "candidate": candidate,
        "assignee_id": assignee,
        "claimed_at": step.now if assignee is not None else None,
        "excluded_id": next(
            (step.live.completers[one] for one in separate if step.live.completers.get(one) is not None), None
        ),
        "priority": _priority(step, task, camunda.get("priority")),
        "round": _round(step, task, f"{place.process_id}/{place.element}", entered),
        "escalation_level": 0,
        "created_at": step.now,
        "due_at": _instant(step, task, camunda.get("dueDate")) or _first_deadline(task, after),
        "reckoned": _reckoned(attached(task, after)),
        "paused_at": None,
        "follow_up_at": _instant(step, task, camunda.get("followUpDate")),
        "revision": 0,
        "case_number": subject.get("case_number"),
        "title": subject.get("title") or "",
        "klass": subject.get("klass"),
        "severity": subject.get("severity"),
    }


def _form(step: Step, element: Mapping[str, Any]) -> str | None:
    return step.version.catalog["forms"].get(element.get("form")) or element.get("form")


def _round(step: Step, task: Task, key: str, entered: set[str]) -> int:
    # The turns of a loop or multi-instance task belong to one round; a sequential one opens them step by
    # step.
    same = reader.in_loop(task) and str(task.parent.id) in step.before.places
    if key not in entered and not same:
        step.live.rounds[key] = step.live.rounds.get(key, 0) + 1
    entered.add(key)
    return step.live.rounds.get(key, 1)


def _candidate(step: Step, task: Task, text: str | None) -> str | None:
    if not text:
        return None
    if _BARE_CANDIDATE.fullmatch(text.strip()) and text.strip() not in task.data:
        return text.strip()
    value = _value(step, task, text)
    if isinstance(value, list):
        value = value[0] if value else None
    return str(value) if value else None


def _assignee(step: Step, task: Task, text: str | None) -> int | None:
    if not text:
        return None
    value = (
        _value(step, task, text) if not text.strip().isalnum() or text.strip() in task.data else text.strip()
    )
    if value is None or isinstance(value, int):
        return value
    # A user name. People belong to another capability; their table's name is all we need to know.
    person = sa.table("person", sa.column("id"), sa.column("username"))
    found: int | None = session().scalar(sa.select(person.c.id).where(person.c.username == str(value)))
    return found


def _priority(step: Step, task: Task, text: str | None) -> int:
    value = _value(step, task, text) if text else (step.instance.subject or {}).get("priority", 2)
    low, high = PRIORITIES
    return min(max(int(value), low), high)


def _instant(step: Step, task: Task, text: str | None) -> datetime | None:
    if not text:
        return None
    value = _value(step, task, timer_text.normalised(text))
    return None if value is None else timer_text.due(value, step.now)


def _value(step: Step, task: Task, text: str) -> Any:
    text = text.strip()
    if text.startswith(("${", "#{")) and text.endswith("}"):
        text = text[2:-1]
    with step.guarded(task):
        return step.reader.evaluate(task, text)


def _first_deadline(task: Task, after: Picture) -> datetime | None:
    return min((due_of(timer) for timer in attached(task, after)), default=None)


def attached(task: Task, after: Picture) -> list[PendingTimer]:
    """Return the timers that wait on a task's border."""
    waiting = (after.timers.get(str(boundary.id)) for boundary in reader.boundaries(task))
    return [timer for timer in waiting if timer is not None]


def _reckoned(timers: list[PendingTimer]) -> str | None:
    notes = [timer.reckoning for timer in timers if timer.reckoning is not None]
    if not notes:
        return None
    return "provisional" if any(note["provisional"] for note in notes) else "firm"


def due_of(timer: PendingTimer) -> datetime:
    """Return the deadline a timer stands for: its ladder may begin before it."""
    return timer.due if timer.reckoning is None else datetime.fromisoformat(timer.reckoning["due"])


_WAITING: dict[str, Any] = {
    "status": "waiting", "worker": None, "fired_at": None, "lateness_seconds": None, "attempts": 0,
}  # fmt: skip


def _timer_row(step: Step, timer: PendingTimer) -> dict[str, Any]:
    return {
        "instance_id": step.instance.id,
        "task_id": timer.task_id,
        "process_id": timer.place.process_id,
        "element": timer.place.element,
        "name": timer.name,
        "attached_to": timer.attached_to,
        "kind": timer.kind,
        "sequence": timer.sequence,
        "due_at": timer.due,
        "held": step.instance.status != "running",
    }


def _fired_values(now: datetime, timer: PendingTimer, worker: str | None) -> dict[str, Any]:
    late = (now - timer.due).total_seconds()
    return {"status": "fired", "worker": worker, "fired_at": now, "lateness_seconds": late}


def _message_row(step: Step, message: PendingMessage) -> dict[str, Any]:
    return {
        "instance_id": step.instance.id,
        "task_id": message.task_id,
        "element": message.place.element,
        "name": message.name,
        "correlation": message.correlation,
    }


def _move_parameters(step: Step, old: PendingMessage, new: PendingMessage) -> dict[str, Any]:
    return {
        "its_instance": step.instance.id,
        "its_task": old.task_id,
        "its_name": old.name,
        "new_task": new.task_id,
        "new_element": new.place.element,
    }


def _delete(step: Step, gone: list[PendingMessage]) -> None:
    keys = [(message.task_id, message.name) for message in gone]
    session().execute(
        sa.delete(WaitingMessage)
        .where(
            WaitingMessage.instance_id == step.instance.id,
            sa.tuple_(WaitingMessage.task_id, WaitingMessage.name).in_(keys),
        )
        .execution_options(synchronize_session=False)
    )

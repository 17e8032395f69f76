"""Move a token by hand: skip a step, or take the instance back to one.

A token may only be put where exactly one token belongs with it: on its own way. Two ways that run beside
each other (from a parallel or inclusive gateway, from a boundary event that does not interrupt) wait for each
other further on; a token moved from one into the other would leave a join waiting for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin, BoundaryEventSplit, _EndJoin
from SpiffWorkflow.bpmn.specs.mixins.events.end_event import EndEvent
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.events.start_event import StartEvent
from SpiffWorkflow.bpmn.specs.mixins.exclusive_gateway import ExclusiveGateway
from SpiffWorkflow.bpmn.specs.mixins.inclusive_gateway import InclusiveGateway
from SpiffWorkflow.bpmn.specs.mixins.parallel_gateway import ParallelGateway
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskIterator, TaskState

from app.accounts.actor import SYSTEM, Actor
from app.engine import store
from app.engine.events import record_event, stream_of
from app.engine.lifecycle import ENDED, lock_instance
from app.engine.migrate import forget_stale_events
from app.engine.model import Place
from app.engine.queries import get_instance
from app.engine.reader import Reader
from app.engine.step import Step, checked_values
from app.engine.writing import finish
from app.errors import Conflict, Refused, StepFailed

PARTING = (ParallelGateway, InclusiveGateway)
# Where nobody ever means to go: the way in, the gateways that only lead on, what hangs on another step.
NO_TARGET = (StartEvent, BoundaryEvent, ExclusiveGateway, *PARTING)
# The ways that a place lies on, outermost first; None where the diagram does not tell.
Ways = tuple[str, ...] | None


@dataclass(frozen=True)
class Target:
    """An element that a token could be moved to."""

    element: str
    name: str
    ends: bool


@dataclass(frozen=True)
class Token:
    """One place where an instance waits. data: the process data there; a copy."""

    task_id: str
    place: Place
    name: str
    data: Mapping[str, Any]
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class TokenMove:
    """What moving a token does; names are as the diagram has them.

    closed:  open tasks that go. opened: tasks that wait for people then.
    timers:  (name, due) of the times that are waited for anew.
    ends:    the instance would have ended.
    """

    instance_id: int
    source: str
    target: str
    closed: tuple[str, ...]
    opened: tuple[str, ...]
    timers: tuple[tuple[str, datetime], ...]
    ends: bool


def tokens(instance_id: int, now: datetime) -> list[Token]:
    """Return where an instance waits, what it knows there and where each token could go; changes nothing.

    [] when it has ended. Raises NotFound, StepFailed when its state cannot be read.
    """
    instance = get_instance(instance_id)
    if instance.status in ENDED:
        return []
    step = Step(instance, actor=SYSTEM, now=now)
    step.load()
    return [
        Token(
            task_id,
            place,
            step.reader.element(place).get("name") or place.element,
            dict(task.data),
            tuple(_targets(step.reader, task)),
        )
        for task_id, place in step.reader.open_places().items()
        if (task := step.reader.find(task_id)) is not None
    ]


def move_token(
    instance_id: int,
    element: str,
    target: str,
    *,
    task_id: str | None = None,
    values: Mapping[str, Any] | None = None,
    dry_run: bool = False,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> TokenMove:
    """Move the token that waits at `element` to the element `target` of the same process; go on from there.

    task_id: which token, needed where several wait at the element.
    values:  process data to be set on the way: what the steps left out would have said.
    dry_run: say what would happen; services called on the way have run all the same, so undo the transaction.
    The state is proved by a round trip before it is kept.
    Raises NotFound; Refused when it has ended or stands still, or the move is none; Conflict when no token
    waits there any more; Invalid for bad values; StepFailed when the way from the target cannot be gone.
    """
    instance = lock_instance(instance_id)
    if instance.status in ENDED:
        raise Refused(_("This instance has ended."))
    if instance.status == "suspended":
        raise Refused(_("This instance is suspended; resume it first."))
    given = checked_values(values or {})
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.fire_due()
    task = _waiting_at(step.reader, element, task_id)
    place = step.reader.place(task)
    if target not in {one.element for one in _targets(step.reader, task)}:
        raise Refused(_no_way(step, place, target))
    with step.guarded(task):
        _put(step, task, target, given)
    step.advance()
    step.check_waits()
    _prove(step)
    report = _report(step, place, target)
    if dry_run:
        return report
    record_event(
        stream_of(instance.id, instance.case_id),
        "instance.token_moved",
        {"to": target, "from_name": report.source, "to_name": report.target, "reason": reason}
        | ({"values": sorted(given)} if given else {}),
        actor=actor,
        now=now,
        instance_id=instance.id,
        process_id=place.process_id,
        element=element,
    )
    finish(step)
    return report


# ---------------------------------------------------------------- where to


def _targets(look: Reader, task: Task) -> Iterator[Target]:
    if isinstance(task.task_spec, PARTING):
        return  # it waits for the other ways; there is nothing of its own to move
    specs, ways = task.workflow.spec.task_specs, ways_of(task.workflow.spec)
    own = ways.get(task.task_spec.name)
    if own is None:
        return
    for name, spec in specs.items():
        if not spec.bpmn_id or spec is task.task_spec or ways.get(name) != own or isinstance(spec, NO_TARGET):
            continue
        place = Place(look.place(task).process_id, spec.bpmn_id)
        yield Target(
            spec.bpmn_id, look.element(place).get("name") or spec.bpmn_id, isinstance(spec, EndEvent)
        )


def ways_of(spec: Any) -> dict[str, Ways]:
    """Return for each reachable task spec of a process on which ways, running beside others, it lies."""
    found: dict[str, Ways] = {}
    waiting: list[tuple[Any, Ways]] = [(spec.start, ())]
    while waiting:
        current, ways = waiting.pop()
        if isinstance(current, BoundaryEventJoin | _EndJoin):
            continue
        if isinstance(current, PARTING) and len(current.inputs) > 1:
            # Together again: the innermost way ends here.
            ways = ways[:-1] if ways else None
        if current.name in found:
            if found[current.name] == ways or found[current.name] is None:
                continue
            ways = None  # reached on different ways: nobody can tell how many tokens come
        found[current.name] = ways
        waiting += [(one, _onward(current, one, number, ways)) for number, one in enumerate(current.outputs)]
    return found


def _onward(current: Any, following: Any, number: int, ways: Ways) -> Ways:
    if ways is None:
        return None
    if isinstance(current, PARTING) and len(current.outputs) > 1:
        return (*ways, f"{current.name}/{number}")
    if isinstance(current, BoundaryEventSplit) and isinstance(following, BoundaryEvent):
        return ways if following.cancel_activity else (*ways, following.name)
    return ways


def _no_way(step: Step, place: Place, target: str) -> str:
    known = step.reader.element(Place(place.process_id, target))
    if not known:
        return _("There is no step %(name)s in this process.", name=target)
    return _(
        "“%(name)s” cannot be reached from here: it is this place itself, only leads on, or lies on a way"
        " that runs beside others; moving there would leave a join waiting for ever.",
        name=known.get("name") or target,
    )


# ---------------------------------------------------------------- moving


def _waiting_at(look: Reader, element: str, task_id: str | None) -> Task:
    found = [
        one
        for one, place in look.open_places().items()
        if place.element == element and task_id in (None, one)
    ]
    if len(found) > 1:
        raise Refused(_("It waits at this step several times; move it on its own page."))
    task = look.find(found[0]) if found else None
    if task is None:
        raise Conflict(_("It does not wait at this step now."))
    return task


def _put(step: Step, task: Task, target: str, values: Mapping[str, Any]) -> None:
    """Cancel the token with everything below it and put one at the target in its stead."""
    tree = task.workflow
    old = task.parent if isinstance(task.parent.task_spec, BoundaryEventSplit) else task
    anchor = old.parent
    data = {**task.data, **values}
    for one in list(TaskIterator(old)):
        # One call does not reach the turns of a repeated step: they hang below a task that is still open.
        one.cancel()
    entry = _entry(tree.spec, target)
    child = anchor._add_child(entry, TaskState.FUTURE)
    # A task takes its data from its parent's; what the token knew was at the token.
    anchor_data, anchor.data = anchor.data, data
    try:
        # What follows a task that is certain is not foreseen by itself; the library's reset does the same.
        entry._predict(child, mask=TaskState.PREDICTED_MASK | TaskState.FUTURE)
        entry._update(child)
    finally:
        anchor.data = anchor_data
    forget_stale_events(step.workflow)


def _entry(spec: Any, target: str) -> Any:
    """Return the task spec that stands before everything of an element: its border's, if it has one."""
    own = next(one for one in spec.task_specs.values() if one.bpmn_id == target and not _is_turn(one))
    return next((one for one in own.inputs if isinstance(one, BoundaryEventSplit)), own)


def _is_turn(spec: Any) -> bool:
    return bool(spec.name.endswith("[child]"))


def _prove(step: Step) -> None:
    """Fail unless what would be saved can be read again and waits for the same."""
    with step.guarded():
        again = store.load(store.dump(step.live), step.version, step)
    look = Reader(again.workflow, step.version, step.instance.business_key)
    expected, found = (
        (one.open_places(), {timer.task_id: timer.due for timer in one.timers().values()})
        for one in (step.reader, look)
    )
    if expected != found:
        raise StepFailed(
            _("The instance could not be read again after this move. Nothing was changed."),
            instance_id=step.instance.id,
            element=None,
            detail="the round trip of a moved token differs",
        )


def _report(step: Step, place: Place, target: str) -> TokenMove:
    def named(where: Place) -> str:
        return str(step.reader.element(where).get("name") or where.element)

    before, after = step.before, step.picture()
    return TokenMove(
        instance_id=step.instance.id,
        source=named(place),
        target=named(Place(place.process_id, target)),
        closed=tuple(
            named(step.reader.place(task)) for one, task in before.work.items() if one not in after.work
        ),
        opened=tuple(
            named(step.reader.place(task)) for one, task in after.work.items() if one not in before.work
        ),
        timers=tuple(
            (timer.name or timer.place.element, timer.due)
            for one, timer in after.timers.items()
            if one not in before.timers
        ),
        ends=bool(step.workflow.completed),
    )

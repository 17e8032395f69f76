"""Move a running instance to another version of its procedure, with its open work and due dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.util.diff import diff_workflow, migrate_workflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from app.accounts.actor import Actor
from app.db import session
from app.engine import mirror, store
from app.engine.events import record_event, stream_of
from app.engine.lifecycle import ENDED, lock_instance
from app.engine.model import MigrationReport
from app.engine.parser import registry
from app.engine.reader import Reader
from app.engine.step import Step
from app.engine.store import LoadedVersion, version
from app.engine.tables import WorkItem
from app.engine.writing import finish
from app.errors import Refused, StepFailed

KEPT = TaskState.READY | TaskState.WAITING
ACTIVE = KEPT | TaskState.STARTED


def migrate(
    instance_id: int,
    version_id: int,
    *,
    dry_run: bool = False,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> MigrationReport:
    """Move an instance to a version of the same procedure; on a dry run only say whether it could.

    Open items keep their ids, data, drafts and assignees, timers their due dates; name, role and form of an
    open item become those of the version. The result is proved by a round trip.
    reason: why, for the history.
    Raises NotFound; Refused with the reasons, or when the instance has ended or the procedure is another one.
    """
    instance = lock_instance(instance_id)
    if instance.status in ENDED:
        raise Refused(_("This instance has ended."))
    old, new = version(instance.version_id), version(version_id)
    if old.key != new.key:
        raise Refused(_("This version belongs to another procedure."))
    step = Step(instance, actor=actor, now=now)
    step.load()
    problems = _problems(step, new)
    if not problems:
        problems = _move(step, new)
    report = MigrationReport(instance_id, old.number, new.number, problems, dry_run)
    if dry_run:
        return report
    if problems:
        raise Refused(_("The instance cannot move to this version: %(why)s", why="; ".join(problems)))
    instance.version_id = version_id
    _renew_items(step)
    _record(step, old, new, {"reason": reason} if reason else {})
    finish(step)
    return report


def take_back_migration(
    instance_id: int,
    state: str,
    version_id: int,
    revision: int,
    *,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """Put a migrated instance back to the state and version that it had, if it has done nothing since.

    state, version_id: as they were before it was migrated.
    revision:          of the instance, right after it was migrated.
    Raises NotFound; Refused when it has moved on or ended; StepFailed.
    """
    instance = lock_instance(instance_id)
    if instance.status in ENDED:
        raise Refused(_("This instance has ended."))
    if instance.revision != revision:
        raise Refused(_("It has moved on since it was migrated."))
    new, old = version(instance.version_id), version(version_id)
    step = Step(instance, actor=actor, now=now)
    step.load()
    with step.guarded():
        step.live = store.load(state, old, step)
    step.version = old
    step.reader = Reader(step.workflow, old, instance.business_key)
    instance.version_id = version_id
    _renew_items(step)
    _record(step, new, old, {"undone": True} | ({"reason": reason} if reason else {}))
    finish(step)


def _record(step: Step, old: LoadedVersion, new: LoadedVersion, more: dict[str, Any]) -> None:
    record_event(
        stream_of(step.instance.id, step.instance.case_id),
        "instance.migrated",
        {"from": old.number, "to": new.number, **more},
        actor=step.actor,
        now=step.now,
        instance_id=step.instance.id,
    )


def _renew_items(step: Step) -> None:
    """Give the open items what their step is called in the new version, who does it and on which form."""
    open_items = session().scalars(
        sa.select(WorkItem).where(WorkItem.instance_id == step.instance.id, WorkItem.status.in_(mirror.LIVE))
    )
    work = step.reader.work()
    for item in open_items:
        task = work.get(item.task_id)
        if task is None:
            continue
        mirror.renew_item(step, task, item)


def _pairs(step: Step, new: LoadedVersion) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (process or called process, its difference, its new spec or None)."""
    workflow = step.workflow
    top, inner = diff_workflow(registry, workflow, new.specs.spec, new.specs.subs)
    yield workflow, top, new.specs.spec
    for task_id, difference in inner.items():
        sub = workflow.subprocesses[task_id]
        yield sub, difference, new.specs.subs.get(sub.spec.name)


def _problems(step: Step, new: LoadedVersion) -> list[str]:
    found = []
    with step.guarded():
        for workflow, difference, spec in _pairs(step, new):
            if difference is None or spec is None:
                found.append(_("the called process %(name)s is gone", name=workflow.spec.name))
                continue
            found.extend(
                _("the element %(name)s is gone", name=_said(task))
                for task in difference.removed
                if task.has_state(ACTIVE | TaskState.COMPLETED) and task.task_spec.bpmn_id
            )
            # The library takes a step at the same place for the same step; its open item is another's.
            found.extend(
                _("the element %(name)s is gone", name=_said(task))
                for task, target in difference.alignment.items()
                if task.has_state(ACTIVE) and task.task_spec.bpmn_id and target.name != task.task_spec.name
            )
            found.extend(
                _("the repeated step %(name)s has changed", name=_said(task))
                for task in difference.changed
                if task.state == TaskState.STARTED and isinstance(task.task_spec, LoopTask)
            )
    return list(dict.fromkeys(found))


def _move(step: Step, new: LoadedVersion) -> list[str]:
    """Move the live instance; return why that failed, empty if it is proved to work."""
    workflow = step.workflow
    kept = {
        task.id: (dict(task.data), dict(task.internal_data))
        for task in step.reader.tasks()
        if task.has_state(KEPT)
    }
    expected = _signature(step.reader)
    named = {entry: _said(found) for entry in expected if (found := step.reader.find(entry[0])) is not None}
    try:
        with step.guarded():
            pairs = list(_pairs(step, new))
            workflow.subprocess_specs = dict(new.specs.subs)
            for tree, difference, spec in pairs:
                # The library resets every open task: drafts and due dates are put back below.
                migrate_workflow(difference, tree, spec)
            _restore(step, kept)
            forget_stale_events(workflow)
        step.version = new
        step.reader = Reader(workflow, new, step.instance.business_key)
        step.advance()
        with step.guarded():
            # What cannot be restored now could never be again.
            again = store.load(store.dump(step.live), new, step)
        proof = _signature(Reader(again.workflow, new, step.instance.business_key))
    except StepFailed as error:
        return [error.detail]
    return [
        _("the step or timer %(name)s would not be kept", name=name)
        for name in dict.fromkeys(named[item] for item in expected if item not in proof)
    ]


def _said(task: Task) -> str:
    """Return what people call the element of a task, with its id."""
    spec = task.task_spec
    return f"{spec.bpmn_name} ({spec.bpmn_id})" if spec.bpmn_name else str(spec.bpmn_id)


def _restore(step: Step, kept: dict[Any, tuple[dict[str, Any], dict[str, Any]]]) -> None:
    for task_id, (data, internal) in kept.items():
        task: Task | None = step.reader.find(str(task_id))
        if task is None:
            continue
        if task.has_state(TaskState.READY):
            task.data = data
        if task.has_state(TaskState.WAITING) and "event_value" in internal:
            task.internal_data["event_value"] = internal["event_value"]


def forget_stale_events(workflow: Any) -> None:
    """Drop the tasks that wait for no event any more from those that are told of one.

    3.2.0 leaves the tasks that a reset removed there; the next event would crash.
    """
    workflow.event_manager.tasks = {
        task_id: task
        for task_id, task in workflow.event_manager.tasks.items()
        if task.workflow.tasks.get(task_id) is task and task.has_state(TaskState.WAITING)
    }


def _signature(look: Reader) -> list[tuple[str, Any]]:
    """Return what must be the same afterwards: open work by task id, waiting timers with their instants."""
    work = [(task_id, None) for task_id in look.work()]
    return work + [(timer.task_id, timer.due) for timer in look.timers().values()]

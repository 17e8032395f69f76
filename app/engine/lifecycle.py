"""Start, complete, wake, cancel: each locks one instance, takes one step and writes it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import SYSTEM, Actor
from app.db import for_update, session
from app.engine.deploy import latest_version
from app.engine.events import record_event, stream_of
from app.engine.model import StepResult, Subject
from app.engine.reader import OPEN
from app.engine.schedule import hold
from app.engine.step import Step, checked_values, subject_values
from app.engine.store import version
from app.engine.tables import Event, Instance, WorkItem
from app.engine.writing import Ending, finish, finish_all
from app.errors import Conflict, NotFound, Refused

ENDED = ("completed", "cancelled")
_LOCK_ITEM = (
    sa.select(WorkItem, Instance)
    .join(Instance, Instance.id == WorkItem.instance_id)
    .where(WorkItem.id == sa.bindparam("its_id"))
    # The instance first, as everybody does who takes a step; PostgreSQL locks in this order.
    .with_for_update(of=[Instance, WorkItem])
    # What this transaction read before the lock may be older than what the lock waited for.
    .execution_options(populate_existing=True)
)


@dataclass(frozen=True)
class LockedItem:
    """An open work item whose instance is locked by this transaction, with everything due already done."""

    item: WorkItem
    step: Step

    @property
    def instance(self) -> Instance:
        """The locked instance."""
        return self.step.instance

    @property
    def data(self) -> dict[str, Any]:
        """The process data that the item sees; a copy."""
        task = self.step.reader.find(self.item.task_id)
        return dict(task.data) if task is not None else {}


def start(
    procedure: str | int,
    variables: Mapping[str, Any] | None = None,
    *,
    actor: Actor,
    now: datetime,
    case_id: int | None = None,
    business_key: str | None = None,
    subject: Subject | None = None,
    start_key: str | None = None,
) -> Instance:
    """Start the latest version of a procedure by its key, or a version by its id; return the instance.

    start_key: unique; the database refuses a second instance with the same one.

    Raises NotFound, Invalid for variables that process data cannot hold, StepFailed.
    """
    version_id = latest_version(procedure).id if isinstance(procedure, str) else procedure
    instance = Instance(
        version_id=version_id,
        case_id=case_id,
        business_key=business_key,
        subject=subject_values(subject),
        status="running",
        state="",
        revision=0,
        started_at=now,
        started_by_id=actor.id,
        start_key=start_key,
    )
    info = version(version_id)
    session().add(instance)
    session().flush()
    step = Step(instance, actor=actor, now=now)
    step.create(variables or {})
    step.advance()
    record_event(
        stream_of(instance.id, case_id),
        "instance.started",
        {"procedure": info.key, "version": info.number},
        actor=actor,
        now=now,
        instance_id=instance.id,
    )
    finish(step)
    return instance


def lock_item(
    work_item_id: int, *, now: datetime, actor: Actor = SYSTEM, revision: int | None = None
) -> LockedItem:
    """Lock the instance of a work item and do what is due; the item is open when this returns.

    revision: of the work item as the person saw it.
    Raises NotFound; Conflict when it is not open any more (with who and when) or has changed; Refused while
    the instance is suspended; StepFailed.
    """
    found = session().execute(_LOCK_ITEM, {"its_id": work_item_id}).one_or_none()
    if found is None:
        raise NotFound(_("There is no such work item."))
    item, instance = found
    _check_open(item, instance, revision)
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.fire_due()
    if item.task_id not in step.reader.work():
        raise Conflict(_("This step is over: its time ran out or the case took another way."))
    return LockedItem(item, step)


def complete(
    item: LockedItem | int,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    revision: int | None = None,
) -> StepResult:
    """Complete a work item with its process values and take the instance on to where it waits next.

    Raises what `lock_item` raises, and Invalid for values that process data cannot hold.
    """
    locked = item if isinstance(item, LockedItem) else lock_item(item, now=now, revision=revision)
    step = locked.step
    step.actor, step.now = actor, now
    step.complete(locked.item.task_id, values)
    return finish(step, completed=locked.item)


def wake(instance_id: int, now: datetime, worker: str | None = None) -> int:
    """Fire all timers of an instance that are due; return how many fired, 0 if another worker was first.

    Suspended, failed and ended instances are left alone. Raises StepFailed: record it in a fresh transaction.
    """
    return wake_locked([lock_instance(instance_id)], now, worker)[instance_id]


def wake_locked(instances: Iterable[Instance], now: datetime, worker: str | None = None) -> dict[int, int]:
    """Fire what is due in instances that this transaction has locked; return how many timers of each fired.

    All of them are kept or none: whoever sees this raise tries them one at a time. Raises StepFailed.
    """
    fired, endings = {}, []
    for instance in instances:
        fired[instance.id] = 0
        if instance.status != "running":
            continue
        step = Step(instance, actor=SYSTEM, now=now)
        step.load()
        fired[instance.id] = step.fire_due()
        if fired[instance.id]:
            endings.append(Ending(step))
    if endings:
        finish_all(endings, worker=worker)
    return fired


def cancel(instance_id: int, reason: str, *, actor: Actor, now: datetime) -> None:
    """End an instance with everything that is open in it. Raises NotFound, Refused if it has ended."""
    instance = _lock_running(instance_id)
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.cancel()
    finish(step, cancelled=reason)


def suspend(instance_id: int, reason: str, *, actor: Actor, now: datetime) -> None:
    """Let an instance stand still: nothing fires, nothing is completed, messages are kept. Raises Refused."""
    instance = _lock_running(instance_id)
    if instance.status == "suspended":
        raise Refused(_("This instance is suspended already."))
    _set_status(instance, "suspended", reason, "instance.suspended", actor, now)


def resume(instance_id: int, reason: str = "", *, actor: Actor, now: datetime) -> None:
    """Let a suspended instance go on: what fell due happens now, kept messages arrive. Raises Refused."""
    instance = _lock_running(instance_id)
    if instance.status != "suspended":
        raise Refused(_("This instance is not suspended."))
    _set_status(instance, "running", None, "instance.resumed", actor, now, reason)
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.fire_due()
    finish(step, look_for_kept=True)


def update_subject(instance_id: int, **changes: Any) -> None:
    """Change what the work items of an instance say about its case: title, klass, severity, case_number."""
    unknown = changes.keys() - Subject.__dataclass_fields__.keys()
    if unknown:
        raise TypeError(f"no such field of a subject: {sorted(unknown)}")
    instance = session().get_one(Instance, instance_id)
    instance.subject = {**(instance.subject or {}), **changes}
    session().execute(sa.update(WorkItem).where(WorkItem.instance_id == instance_id).values(**changes))


def set_data(instance_id: int, values: Mapping[str, Any], *, now: datetime) -> None:
    """Change process variables of a running instance where its open tasks have them; nothing moves by it.

    Raises Invalid for values that process data cannot hold, Refused when the instance has ended.
    """
    instance = _lock_running(instance_id)
    given = checked_values(values)
    step = Step(instance, actor=SYSTEM, now=now)
    step.load()
    for task in step.reader.tasks():
        if task.has_state(OPEN):
            task.set_data(**{name: value for name, value in given.items() if name in task.data})
    instance.state = step.state()
    instance.revision += 1


def lock_instance(instance_id: int) -> Instance:
    """Lock an instance's row for this transaction. Raises NotFound."""
    found = session().scalar(
        for_update(sa.select(Instance).where(Instance.id == instance_id)).execution_options(
            populate_existing=True
        )
    )
    if found is None:
        raise NotFound(_("There is no such instance."))
    return found


def _lock_running(instance_id: int) -> Instance:
    instance = lock_instance(instance_id)
    if instance.status in ENDED:
        raise Refused(_("This instance has ended."))
    return instance


def _set_status(
    instance: Instance,
    status: str,
    reason: str | None,
    kind: str,
    actor: Actor,
    now: datetime,
    note: str = "",
) -> None:
    instance.status, instance.status_reason = status, reason
    instance.revision += 1
    hold(instance.id, status != "running")
    record_event(
        stream_of(instance.id, instance.case_id),
        kind,
        {"reason": reason or note},
        actor=actor,
        now=now,
        instance_id=instance.id,
    )


def _check_open(item: WorkItem, instance: Instance, revision: int | None) -> None:
    if item.status not in ("open", "claimed"):
        raise Conflict(_("Somebody else has done this already."), by=_who(item), at=item.completed_at)
    if instance.status == "suspended":
        raise Refused(_("This case stands still for now; its procedure is suspended."))
    if revision is not None and revision != item.revision:
        raise Conflict(_("This has changed since you opened it. Please look at it again."))


def _who(item: WorkItem) -> str | None:
    return session().scalar(
        sa.select(Event.actor_name)
        .where(
            Event.instance_id == item.instance_id,
            Event.kind == "work_item.completed",
            Event.element == item.element,
            Event.actor_id == item.completed_by_id,
        )
        .order_by(Event.id.desc())
        .limit(1)
    )

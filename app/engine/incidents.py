"""Steps that could not be done: an operator sees them, mends the cause and retries."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import SYSTEM, Actor
from app.db import session
from app.engine.events import record_event, stream_of
from app.engine.lifecycle import ENDED, lock_instance
from app.engine.model import StepResult
from app.engine.schedule import hold
from app.engine.step import Step
from app.engine.tables import Incident, Instance, Timer
from app.engine.writing import finish
from app.errors import NotFound, Refused, StepFailed

UNKNOWN = "the engine said nothing"


def record_incident(
    error: StepFailed, *, now: datetime, actor: Actor = SYSTEM, stop: bool = False
) -> Incident | None:
    """Keep what went wrong, in a fresh transaction: the step's own is lost. Return the open incident.

    The same failure again counts as one more attempt. None if the instance was never saved (a failed start).
    stop: nobody saw the failure (a timer, a message): the instance becomes `failed` and is left alone until
          an operator retries, so that no scheduler runs into it again and again.
    """
    if error.instance_id is None or session().get(Instance, error.instance_id) is None:
        return None
    instance = lock_instance(error.instance_id)
    found = session().scalar(
        sa.select(Incident).where(
            Incident.instance_id == instance.id,
            Incident.element == error.element if error.element else Incident.element.is_(None),
            Incident.resolved_at.is_(None),
        )
    )
    if found is None:
        found = Incident(
            instance_id=instance.id,
            element=error.element,
            detail=error.detail or UNKNOWN,
            attempts=1,
            created_at=now,
        )
        session().add(found)
    else:
        found.attempts += 1
        found.detail = error.detail or UNKNOWN
    if stop and instance.status == "running":
        instance.status, instance.status_reason = "failed", error.element
        hold(instance.id, True)
    session().execute(
        sa.update(Timer)
        .where(Timer.instance_id == instance.id, Timer.status == "waiting", Timer.due_at <= now)
        .values(attempts=Timer.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    session().flush()
    record_event(
        stream_of(instance.id, instance.case_id),
        "incident.recorded",
        {"incident": found.id, "attempts": found.attempts},
        actor=actor,
        now=now,
        instance_id=instance.id,
        element=error.element,
    )
    return found


def retry_incident(incident_id: int, *, actor: Actor, now: datetime) -> StepResult:
    """Try again where an instance stood still: what is due fires, and the incident is resolved.

    Raises NotFound; Refused when it is resolved already or the instance has ended; StepFailed when it fails
    again: record that in a fresh transaction.
    """
    incident = session().get(Incident, incident_id)
    if incident is None:
        raise NotFound(_("There is no such incident."))
    instance = lock_instance(incident.instance_id)
    if incident.resolved_at is not None or instance.status in ENDED:
        raise Refused(_("This incident is resolved already."))
    step = Step(instance, actor=actor, now=now)
    step.load()
    step.fire_due()
    step.advance()
    result = finish(step)
    incident.resolved_at, incident.resolved_by_id = now, actor.id
    record_event(
        stream_of(instance.id, instance.case_id),
        "incident.resolved",
        {"incident": incident.id},
        actor=actor,
        now=now,
        instance_id=instance.id,
        element=incident.element,
    )
    return result

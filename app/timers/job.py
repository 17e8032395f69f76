"""Find what is due, and wake it once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.exc import OperationalError

from app import clock, engine, jobs
from app.cases import waiting
from app.db import close_read_session, transaction
from app.deadlines import ladders, pausing
from app.errors import AppError, StepFailed

# Instances that take their steps in one transaction: the fewer transactions the faster, but a person whose
# case is among them waits for all of them.
BATCH = 50
# So often in a row may nothing move (another worker was first, an instance stands still) before we give up.
MOST_IDLE = 20
log = logging.getLogger(__name__)


def wake_due(now: datetime, worker: str) -> int:
    """Fire every timer that is due at `now`; return how many fired.

    An instance's row is the claim: any number of schedulers share the work, and what a killed one had begun
    is as it was. A step that fails leaves its instance as it was, and an incident for the operator.
    """
    fired = 0
    idle: set[int] = set()
    while _is_due(now):
        # Not the instant that the sweep began at: how late a timer fired is what people are shown.
        moved = _wake_some(max(now, clock.now()), worker, idle)
        if not moved:
            break
        fired += sum(moved.values())
        # Nothing moved where somebody was first; asked again at once it would be nothing again.
        idle |= {instance_id for instance_id, count in moved.items() if not count}
    return fired


def _is_due(now: datetime) -> bool:
    """Look before taking SQLite's write lock: mostly there is nothing."""
    due = engine.next_due()
    close_read_session()
    return due is not None and due <= now


def _wake_some(now: datetime, worker: str, without: Collection[int]) -> dict[int, int]:
    """Fire the timers longest due, all in one transaction; return how many of each instance fired."""
    found: list[int] = []
    try:
        with transaction():
            instances = engine.lock_due(now, BATCH, without=without)
            found = [instance.id for instance in instances]
            return engine.wake_locked(instances, now, worker)
    except Exception as error:
        if not found:
            raise
        # One of them cannot take its step; alone, each of the others can, and the one says why it cannot.
        log.info("%d instances could not move together: %s", len(found), error)
    return {instance_id: wake(instance_id, now, worker) for instance_id in found}


def fire_due(now: datetime, worker: str) -> int:
    """Fire all that is due: timers of diagrams, ladders of whole cases, waits that lasted long enough."""
    return wake_due(now, worker) + ladders.wake_due(now, worker) + waiting.end_long_waits(now)


def next_due() -> datetime | None:
    """Return when something falls due next; None if nothing waits."""
    instants = (engine.next_due(), ladders.next_due(), pausing.next_over())
    return min((at for at in instants if at is not None), default=None)


def wake(instance_id: int, now: datetime, worker: str) -> int:
    """Fire one instance's due timers in one transaction; return how many, 0 when another worker was first."""
    try:
        with transaction():
            return engine.wake(instance_id, now, worker)
    except StepFailed as failed:
        return _stand_still(failed, now)
    except OperationalError:
        raise  # the database is away or busy: nothing is wrong with this instance
    # What a connector or hook refuses or trips over, too: whoever is behind this instance in the queue must
    # not wait for it, this time and every time.
    except AppError as refused:
        return _stand_still(StepFailed(instance_id=instance_id, detail=str(refused)), now)
    except Exception as error:
        log.exception("unexpected in instance %s", instance_id)
        detail = f"{type(error).__name__}: {error}"
        return _stand_still(StepFailed(instance_id=instance_id, detail=detail), now)


def _stand_still(failed: StepFailed, now: datetime) -> int:
    log.error("instance %s stands still at %s: %s", failed.instance_id, failed.element, failed.detail)
    with transaction():
        engine.record_incident(failed, now=now, stop=True)
    return 0


def tick(worker: str) -> int:
    """Fire due timers and run every background job once; return how many timers fired."""
    fired = fire_due(clock.now(), worker)
    jobs.run_all(worker)
    return fired


def run_until(target: datetime, worker: str) -> int:
    """Live through the time up to `target`, each timer firing at its own instant; return how many fired.

    This is how the demo's clock and scenario tests move: a jump would fire all timers late and at once.
    """
    fired, start, idle = 0, clock.now(), 0
    while (due := next_due()) is not None and due <= target and idle < MOST_IDLE:
        with clock.at(max(due, start)):
            moved = fire_due(clock.now(), worker)
        fired += moved
        idle = 0 if moved else idle + 1
    return fired

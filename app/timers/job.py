"""Find what is due, and wake it once."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from app import clock, engine, jobs
from app.cases import waiting
from app.db import transaction
from app.deadlines import ladders, pausing
from app.errors import AppError, StepFailed

LEASE = timedelta(minutes=2)
BATCH = 20
# So often in a row may nothing move (another worker was first, an instance stands still) before we give up.
MOST_IDLE = 20
log = logging.getLogger(__name__)


def wake_due(now: datetime, worker: str) -> int:
    """Fire every timer that is due at `now`; return how many fired.

    Rows are claimed under a lease, so that any number of schedulers share the work and a killed one's is
    taken over. A step that fails leaves its instance as it was, and an incident for the operator.
    """
    fired = 0
    while True:
        with transaction():
            instance_ids = engine.claim_due(worker, now, BATCH, LEASE)
        if not instance_ids:
            return fired
        for instance_id in instance_ids:
            fired += wake(instance_id, now, worker)


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
    except SQLAlchemyError:
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

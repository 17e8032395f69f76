"""The scheduler process: APScheduler wakes it at the next due time, and sweeps in case it was told late."""

from __future__ import annotations

import logging
import signal
from datetime import UTC, datetime, timedelta
from types import FrameType

import sqlalchemy as sa
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.date import DateTrigger
from flask import Flask

from app import clock, engine
from app.db import close_read_session
from app.timers import virtual
from app.timers.job import tick, worker_name

# A web process may add a timer that is due sooner than the one slept for; nobody waits longer than this.
SWEEP = timedelta(seconds=5)
DEMO_SWEEP = timedelta(seconds=1)
log = logging.getLogger(__name__)


def run(app: Flask) -> None:
    """Run until SIGTERM or Ctrl-C; a tick that is under way is finished first."""
    scheduler = BlockingScheduler(timezone=UTC)
    worker = worker_name()
    sweep = DEMO_SWEEP if app.config["SETTINGS"].demo else SWEEP

    def work() -> None:
        wait = sweep
        try:
            with app.app_context():
                virtual.follow()
                tick(worker)
                close_read_session()
                due = engine.next_due()
                if due is not None:
                    wait = min(sweep, max(due - clock.now(), timedelta(milliseconds=20)))
        except sa.exc.OperationalError as error:
            # The database is away or busy: what is due stays due, so the next sweep does it.
            log.error("the database did not answer, trying again in %s: %s", wait, error.orig)
        finally:
            plan(wait)

    def plan(wait: timedelta) -> None:
        # APScheduler sleeps by the machine's clock, whatever the demo's says.
        run_at = datetime.now(UTC) + wait
        scheduler.add_job(
            work, DateTrigger(run_at), id="tick", replace_existing=True, misfire_grace_time=None
        )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        scheduler.shutdown(wait=False)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    plan(timedelta(0))
    log.info("scheduler %s started", worker)
    scheduler.start()

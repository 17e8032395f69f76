"""The scheduler process: APScheduler wakes it at the next due time, and sweeps in case it was told late."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask

from app import clock, jobs
from app.calendar import service as calendars
from app.db import close_read_session, transaction
from app.jobs import queue, worker_name
from app.jobs.heartbeat import Heart
from app.timers import virtual
from app.timers.job import fire_due, next_due

# A web process may add a timer that is due sooner than the one slept for; nobody waits longer than this.
SWEEP = timedelta(seconds=1)
# What is due but does not move (somebody works on that very case) is looked at again after this.
AGAIN = timedelta(milliseconds=200)
SOON = timedelta(milliseconds=10)
STOPS = (signal.SIGTERM, signal.SIGINT)
log = logging.getLogger(__name__)


def _begin_calendar(app: Flask) -> None:
    """Write the centre's calendar down, so that from now on every change of it is a version of its own."""
    try:
        with app.app_context(), transaction():
            calendars.ensure_default(actor_id=None, now=clock.now())
    except sa.exc.IntegrityError:
        log.info("another scheduler has written the calendar down")
    except sa.exc.OperationalError as error:
        # The official calendar counts without a row, too; the next start writes it.
        log.error("the database did not answer: %s", error.orig)


def run(app: Flask) -> None:
    """Run until SIGTERM or Ctrl-C; a tick that is under way is finished first."""
    scheduler = BackgroundScheduler(timezone=UTC)
    worker = worker_name()
    heart = Heart(worker, "scheduler")
    told_to_stop = threading.Event()

    def work() -> None:
        wait = SWEEP
        try:
            with app.app_context():
                virtual.follow()
                fired = fire_due(clock.now(), worker)
                heart.beat(fired)
                close_read_session()
                due = next_due()
                if due is not None:
                    wait = min(SWEEP, max(due - clock.now(), SOON if fired else AGAIN))
        except sa.exc.OperationalError as error:
            # The database is away or busy: what is due stays due, so the next sweep does it.
            log.error("the database did not answer, trying again in %s: %s", wait, error.orig)
        finally:
            if not told_to_stop.is_set():
                plan(wait)

    def do(name: str) -> None:
        """Run a background job beside the timers: a slow mail server must not keep them waiting."""
        try:
            with app.app_context():
                virtual.follow()
                jobs.run(name, worker)
                close_read_session()
        except sa.exc.OperationalError as error:
            log.error("%s: the database did not answer, trying again: %s", name, error.orig)

    def plan(wait: timedelta) -> None:
        # APScheduler sleeps by the machine's clock, whatever the demo's says.
        run_at = datetime.now(UTC) + wait
        scheduler.add_job(
            work, DateTrigger(run_at), id="tick", replace_existing=True, misfire_grace_time=None
        )

    _begin_calendar(app)
    # Waited for instead of handled: a handler runs in the middle of anything, and a terminal and a supervisor
    # may both tell us. The scheduler's threads inherit the mask.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    plan(timedelta(0))
    if app.config["SETTINGS"].queue != queue.NAME:
        for job in jobs.registered():
            scheduler.add_job(
                do,
                IntervalTrigger(seconds=job.every.total_seconds()),
                args=[job.name],
                id=f"job:{job.name}",
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )
    log.info("scheduler %s started", worker)
    scheduler.start()
    signal.sigwait(STOPS)
    told_to_stop.set()
    scheduler.shutdown(wait=True)
    with app.app_context():
        heart.stop()

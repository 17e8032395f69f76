"""The same jobs on procrastinate, a queue inside PostgreSQL: any number of workers on any number of machines.

Each job is a periodic task: every worker defers it, the database keeps one of each period. A worker that is
killed leaves its task behind as "doing"; nobody waits for it, since the next period brings another.
"""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from flask import Flask

from app import jobs
from app.db import close_read_session
from app.errors import Refused
from app.jobs.heartbeat import Heart

if TYPE_CHECKING:
    import procrastinate

NAME = "procrastinate"
# A minute has 60 seconds and an hour 60 minutes: a period that does not divide them would limp.
SECONDS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
TIDY_SECONDS = 60


def usable(app: Flask) -> None:
    """Raise Refused with what to do where the queue cannot run here."""
    if importlib.util.find_spec("procrastinate") is None:
        raise Refused("The queue needs procrastinate: pip install 'service-desk[queue]'.")
    if not app.config["SETTINGS"].database_url.startswith("postgresql"):
        raise Refused("The queue lives in PostgreSQL: set DATABASE_URL.")


def set_up(app: Flask) -> bool:
    """Make the queue's tables; False when they are there already. Raises Refused."""
    usable(app)
    import procrastinate

    engine: sa.Engine = app.extensions["db_engine"]
    if sa.inspect(engine).has_table("procrastinate_jobs"):
        return False
    with procrastinate.App(
        connector=procrastinate.SyncPsycopgConnector(conninfo=_conninfo(app))
    ).open() as opened:
        opened.schema_manager.apply_schema()
    return True


def make(app: Flask, worker: str, heart: Heart | None = None) -> procrastinate.App:
    """Return the queue's application with every job as a periodic task."""
    import procrastinate

    made = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=_conninfo(app)))

    def add(job: jobs.Job) -> None:
        # No two wait: a worker that was away does not find an hour of the same work.
        @made.periodic(cron=cron(job.every))
        @made.task(name=job.name, queueing_lock=job.name, pass_context=False)
        def work(timestamp: int) -> None:
            with app.app_context():
                done = jobs.run(job.name, worker)
                if heart is not None:
                    heart.beat(done)
                close_read_session()

    for job in jobs.registered():
        add(job)

    @made.periodic(cron=cron(timedelta(seconds=TIDY_SECONDS)))
    @made.task(name="tidy_queue", queueing_lock="tidy_queue", pass_context=False)
    async def tidy(timestamp: int) -> None:
        for job in await made.job_manager.get_stalled_jobs():
            await made.job_manager.finish_job(job, status=procrastinate.jobs.Status.FAILED, delete_job=True)

    return made


def run(app: Flask, worker: str) -> None:
    """Be a worker until SIGTERM or Ctrl-C; what is under way is finished first. Raises Refused."""
    usable(app)
    with app.app_context():
        if not sa.inspect(app.extensions["db_engine"]).has_table("procrastinate_jobs"):
            raise Refused("The queue has no tables yet: flask --app wsgi queue setup")
        heart = Heart(worker, "worker")
        heart.beat()
    made = make(app, worker, heart)
    options: dict[str, Any] = {
        "name": worker,
        "concurrency": 2,
        "delete_jobs": "always",
        "fetch_job_polling_interval": 1.0,
    }
    try:
        with made.open():
            made.run_worker(**options)
    finally:
        with app.app_context():
            heart.stop()


def cron(every: timedelta) -> str:
    """Return a period as the cron line of procrastinate, whose sixth field are the seconds.

    Rounded to what divides a minute, an hour or a day. Raises ValueError for less than a second.
    """
    seconds = int(every.total_seconds())
    if seconds < 1:
        raise ValueError(f"a job cannot run every {every}")
    if seconds < 60:
        return f"* * * * * */{max(one for one in SECONDS if one <= seconds)}"
    if seconds < 3600:
        return f"*/{max(one for one in SECONDS if one <= seconds // 60)} * * * *"
    if seconds < 86400:
        return f"7 */{max(one for one in (1, 2, 3, 4, 6, 8, 12) if one <= seconds // 3600)} * * *"
    return "7 3 * * *"


def _conninfo(app: Flask) -> str:
    url = sa.make_url(app.config["SETTINGS"].database_url).set(drivername="postgresql")
    return url.render_as_string(hide_password=False)

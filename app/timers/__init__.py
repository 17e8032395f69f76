"""What falls due: the scheduler process, the commands beside it, and the jobs that belong to nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask

# As many as one turn sends before it looks whether it is to stop.
MAILS = 50


def init_app(app: Flask) -> None:
    """Register commands and jobs; they are imported here so that the engine is wired first."""
    from app import jobs, notifications
    from app.cases.imports import job as imports
    from app.jobs.cli import queue_commands, run_worker
    from app.notifications import digests
    from app.timers import upkeep
    from app.timers.cli import run_scheduler, timers

    @jobs.periodic("mails", timedelta(seconds=5))
    def mails(now: datetime, worker: str) -> int:
        return notifications.deliver_due(now, worker, MAILS)

    @jobs.periodic("digests", timedelta(seconds=5))
    def put_mails_together(now: datetime, _worker: str) -> int:
        return digests.collect(now)

    @jobs.periodic("imports", timedelta(seconds=5))
    def go_on_with_imports(now: datetime, _worker: str) -> int:
        return imports.go_on(now)

    @jobs.periodic("upkeep", timedelta(hours=1))
    def tidy_up(now: datetime, _worker: str) -> int:
        return int(upkeep.daily(now))

    for command in (timers, run_scheduler, queue_commands, run_worker):
        app.cli.add_command(command)

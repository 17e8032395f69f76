"""Imports go on batch by batch, driven by the page that watches, the command, or the scheduler's sweep."""

from __future__ import annotations

from datetime import datetime

from flask_babel import force_locale
from sqlalchemy.exc import IntegrityError

from app.cases.imports import service
from app.cases.imports.mapping import RowRefused
from app.cases.tables import ImportRun
from app.db import transaction


def run_batch(run_id: int, now: datetime) -> ImportRun:
    """Import the next rows of a run in one transaction; two drivers take turns, each row is made once."""
    actor = service.actor_of(run_id)
    refusals: dict[int, RowRefused] = {}
    clashes = 0
    with force_locale(actor.locale or "zh"):
        while True:
            try:
                with transaction():
                    return service.take_batch(run_id, refusals, actor=actor, now=now)
            except service.RowFailed as failed:
                refusals[failed.number] = failed.why
            except IntegrityError:
                # Another import made the same row a moment ago; looked at again, it counts as repeated.
                clashes += 1
                if clashes > service.BATCH:
                    raise


def go_on(now: datetime) -> int:
    """Carry on what a closed page or a killed process left; return how many imports took a step."""
    runs = service.running()
    for run_id in runs:
        run_batch(run_id, now)
    return len(runs)

"""Runs go on batch by batch, driven by the page that watches, the command, or the scheduler."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

from flask_babel import force_locale

from app.db import transaction
from app.procedures.migration import service

BATCH = 25


def run_batch(run_id: int, now: datetime) -> int:
    """Take the next instances of a run further, each in a transaction of its own; return how many.

    Two drivers may work on one run: each instance is taken once.
    """
    actor = service.actor_of(run_id)
    taken = 0
    with force_locale(actor.locale) if actor.locale else nullcontext():
        while taken < BATCH:
            try:
                with transaction():
                    if not service.take_one(run_id, actor=actor, now=now):
                        break
            except service.RowFailedError as failed:
                with transaction():
                    service.refuse(run_id, failed)
            taken += 1
    return taken


def go_on(now: datetime) -> int:
    """Carry on what is under way; return how many instances were looked at."""
    return sum(run_batch(run_id, now) for run_id in service.under_way())

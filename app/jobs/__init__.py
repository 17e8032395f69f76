"""Background jobs: named functions that run now and then, wherever the centre lets them run.

Embedded, the scheduler process runs each in a thread of its own; with QUEUE=procrastinate workers do
(`queue`). The functions are the same. Each is safe to run in several processes at once: it claims the rows it
works on.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import clock

# function(now, worker) returns how many things it did; it opens its own transactions.
Function = Callable[[datetime, str], int]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One job. every: how long after its beginning it is wanted again, at least a second."""

    name: str
    every: timedelta
    function: Function


_jobs: dict[str, Job] = {}


def worker_name() -> str:
    """Return a name for this process that no other has, to sign claimed rows with."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


def periodic(name: str, every: timedelta) -> Callable[[Function], Function]:
    """Register a function as a job; a package does so in its `init_app`. The same name again replaces it."""

    def register(function: Function) -> Function:
        _jobs[name] = Job(name, every, function)
        return function

    return register


def registered() -> Iterable[Job]:
    """Return all jobs, in the order of their names."""
    return [_jobs[name] for name in sorted(_jobs)]


def run(name: str, worker: str) -> int:
    """Run one job now, in the application's context; returns how many things it did. Raises KeyError."""
    done = _jobs[name].function(clock.now(), worker)
    if done:
        log.info("%s: %s done by %s", name, done, worker)
    return done


def run_all(worker: str) -> None:
    """Run every job once, one after the other: tests, and a demo whose clock is moved."""
    for job in registered():
        run(job.name, worker)

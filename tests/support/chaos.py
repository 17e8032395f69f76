"""Schedulers and queue workers on one PostgreSQL, killed at random while timers fall due and mails go out.

The suite lives through some seconds of it; two minutes of it, with a report:

    python -m tests.support.chaos --seconds 120 [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from flask import Flask

from app import clock, create_app, engine, jobs
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, Instance, Timer
from app.jobs import queue
from app.notifications import queue_mail
from app.notifications.outbox import UNSURE
from app.notifications.tables import Outbox
from app.settings import ROOT
from app.timers.job import fire_due
from tests.support.database import PostgresTemplate, test_settings
from tests.support.processes import die_with_parent, stop
from tests.support.smtp import Mailbox, mail_server

DIAGRAM = (Path(__file__).parent.parent / "fixtures" / "bpmn" / "short_wait.bpmn").read_bytes()
KINDS = ("scheduler", "scheduler", "worker", "worker")
# Longer than any lease: whoever was killed is not waited for any more.
LATER = timedelta(minutes=10)
PATIENCE = 60


@dataclass
class Tally:
    """What came of it. Counts; `wrong` names what must not be."""

    seconds: float = 0
    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    started: int = 0
    fired: int = 0
    fired_by_the_killed: int = 0
    posted: int = 0
    arrived: int = 0
    held: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class _Life:
    """One process and the kind it is of."""

    kind: str
    process: subprocess.Popen[bytes]


def live(app: Flask, box: Mailbox, *, seconds: float, chance: random.Random) -> Tally:
    """Let timers fall due and mails go out for so long while their processes are killed; then count.

    Called within the application's context, on PostgreSQL with the queue's tables.
    """
    tally = Tally(seconds=seconds)
    with transaction():
        engine.deploy({"test/short_wait.bpmn": _soon()}, actor=SYSTEM, now=clock.now())
    lives = [_begin(app, box, kind) for kind in KINDS]
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            _work(tally, chance)
            if chance.random() < 0.25:
                _kill(app, box, lives, tally, chance)
            threading.Event().wait(chance.uniform(0.05, 0.4))
        _until_they_rest()
    finally:
        codes = [stop(one.process, within=30) for one in lives]
    # One that had only just begun does not yet know how to end in order, and ends all the same.
    tally.wrong += [f"a process ended with {code}" for code in codes if code not in (0, -signal.SIGTERM)]
    # What the last of the killed held is taken over when its lease has ended.
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], smtp_url=box.url)
    with clock.at(clock.now() + LATER):
        fire_due(clock.now(), "afterwards")
        jobs.run_all("afterwards")
        # A turn sends so many; what the killed left may be more.
        while jobs.run("mails", "afterwards"):
            pass
    _count(tally, box)
    return tally


def _soon() -> bytes:
    """Return the diagram with a wait of a second instead of ten minutes."""
    return DIAGRAM.replace(b"PT10M", b"PT1S")


def _begin(app: Flask, box: Mailbox, kind: str) -> _Life:
    settings = app.config["SETTINGS"]
    environment = os.environ | {
        "DATABASE_URL": settings.database_url, "VAR_DIR": str(settings.var_dir), "SECRET_KEY": "x" * 32,
        "DEMO": "0", "QUEUE": queue.NAME, "SMTP_URL": box.url,
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi", kind]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent
    )
    return _Life(kind, process)


def _work(tally: Tally, chance: random.Random) -> None:
    """Start some instances whose timers are due in a second, and post some mails."""
    now = clock.now()
    with transaction():
        for _number in range(chance.randint(1, 12)):
            engine.start("short_wait", {}, actor=SYSTEM, now=now)
            tally.started += 1
        for _number in range(chance.randint(0, 4)):
            queue_mail(
                f"customer{tally.posted}@example.com", "customer_message", {"number": "K26-1", "words": "您好"},
                "", locale="zh", key=f"chaos:{tally.posted}", now=now,
            )  # fmt: skip
            tally.posted += 1


def _kill(app: Flask, box: Mailbox, lives: list[_Life], tally: Tally, chance: random.Random) -> None:
    """Kill one process as a power cut would, and start another of its kind."""
    place = chance.randrange(len(lives))
    lives[place].process.kill()
    lives[place].process.wait()
    tally.kills[lives[place].kind] += 1
    lives[place] = _begin(app, box, lives[place].kind)


def _until_they_rest() -> None:
    """Wait until the survivors have fired what is due, unless they cannot."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        due = engine.next_due()
        close_read_session()
        if due is None:
            return
        threading.Event().wait(0.1)


def _count(tally: Tally, box: Mailbox) -> None:
    """Hold timers, instances, history and mailbox against each other."""
    statuses = Counter(
        dict(session().execute(sa.select(Timer.status, sa.func.count()).group_by(Timer.status)).all())
    )
    tally.fired = statuses["fired"]
    tally.fired_by_the_killed = tally.fired - (
        session().scalar(sa.select(sa.func.count()).where(Timer.worker == "afterwards")) or 0
    )
    ended = session().scalar(sa.select(sa.func.count()).where(Instance.status == "completed"))
    told = session().execute(
        sa.select(sa.func.count(), sa.func.count(sa.distinct(Event.instance_id))).where(
            Event.kind == "timer.fired"
        )
    )
    counted = {"fired": tally.fired, "ended": ended, "told": tuple(told.one())}
    if counted != {"fired": tally.started, "ended": tally.started, "told": (tally.started, tally.started)}:
        tally.wrong.append(f"of {tally.started} timers: {counted}")
    mails = session().execute(sa.select(Outbox.idempotency_key, Outbox.status, Outbox.last_error)).all()
    came = Counter(str(message["Message-ID"]) for message in box.messages)
    tally.arrived = len(came)
    tally.held = sum(row.last_error == UNSURE for row in mails)
    tally.wrong += [f"mail {name} came {times} times" for name, times in came.items() if times > 1]
    sent = sum(row.status == "sent" for row in mails)
    if len(mails) != tally.posted or sent + tally.held != tally.posted:
        tally.wrong.append(f"of {tally.posted} mails {sent} are sent and {tally.held} held")
    # A mail held may have gone out: that is why it is held.
    if not sent <= tally.arrived <= sent + tally.held:
        tally.wrong.append(f"{sent} mails are sent and {tally.held} held, but {tally.arrived} came")
    close_read_session()


@contextmanager
def _desk() -> Iterator[Flask]:
    with tempfile.TemporaryDirectory(prefix="desk-chaos-") as name:
        template = PostgresTemplate(Path(name))
        try:
            with template.copy(Path(name)) as url:
                app = create_app(test_settings(url, Path(name)))
                with app.app_context():
                    queue.set_up(app)
                    yield app
                    close_read_session()
                app.extensions["db_engine"].dispose()
        finally:
            template.close()


def main() -> int:
    """Live through as much of it as is asked for and print what came of it as JSON; 1 if anything is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    given = options.parse_args()
    with _desk() as app, mail_server() as box:
        tally = live(app, box, seconds=given.seconds, chance=random.Random(given.seed))
    sys.stdout.write(json.dumps({"seed": given.seed} | asdict(tally), ensure_ascii=False) + "\n")
    return int(bool(tally.wrong))


if __name__ == "__main__":
    raise SystemExit(main())

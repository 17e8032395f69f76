"""Background jobs: the same functions, run by the scheduler process or by procrastinate's workers."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from app import clock, jobs
from app.db import close_read_session, session, transaction
from app.errors import Refused
from app.jobs import heartbeat, queue
from app.jobs.tables import Worker
from app.notifications import queue_mail
from app.notifications.tables import Outbox
from app.settings import ROOT, Settings
from tests.support import chaos
from tests.support.processes import die_with_parent, stop
from tests.support.smtp import mail_server

PATIENCE = 60


def post(count: int) -> None:
    """Let mails wait to go out."""
    with transaction():
        for number in range(count):
            queue_mail(
                f"customer{number}@example.com", "customer_message", {"number": "K26-1", "words": "您好"}, "",
                locale="zh", key=f"test:{number}", now=clock.now(),
            )  # fmt: skip


@contextmanager
def process(app: Flask, *words: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `flask --app wsgi WORDS…` beside the test on its database; it never outlives it."""
    settings = app.config["SETTINGS"]
    running = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": settings.database_url, "VAR_DIR": str(settings.var_dir), "SECRET_KEY": "x" * 32}
        | env,
        preexec_fn=die_with_parent,
    )
    try:
        yield running
    finally:
        assert stop(running, within=30) == 0


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that another process does; ends as soon as it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        close_read_session()
        assert time.monotonic() < deadline, "nothing happened"
        threading.Event().wait(0.05)
    close_read_session()


def statuses() -> set[str]:
    close_read_session()
    return set(session().scalars(sa.select(Outbox.status)))


def test_the_scheduler_runs_the_jobs_when_nothing_else_is_said(app: Flask):
    with mail_server() as box, app.app_context():
        post(5)
        with process(app, "scheduler", SMTP_URL=box.url):
            until(lambda: statuses() == {"sent"})
    assert sorted(box.ids.values()) == [1] * 5


@pytest.mark.postgres_only  # the queue lives in PostgreSQL
def test_a_procrastinate_worker_runs_the_same_jobs_and_the_scheduler_leaves_them_to_it(app: Flask):
    settings = {"QUEUE": "procrastinate"}
    with mail_server() as box, app.app_context():
        assert queue.set_up(app) is True
        assert queue.set_up(app) is False
        post(5)
        with process(app, "scheduler", SMTP_URL=box.url, **settings):
            until(lambda: bool(heartbeat.alive()))
            assert statuses() == {"waiting"}
            with process(app, "worker", SMTP_URL=box.url, **settings):
                until(lambda: statuses() == {"sent"})
                until(lambda: {one.kind for one in heartbeat.alive()} == {"scheduler", "worker"})
            # Who ends in order takes its name off the list.
            assert [one.kind for one in heartbeat.alive()] == ["scheduler"]
    assert sorted(box.ids.values()) == [1] * 5


@pytest.mark.postgres_only  # two workers need a queue
def test_two_workers_share_the_mails_and_send_each_once(app: Flask):
    with mail_server() as box, app.app_context():
        queue.set_up(app)
        post(40)
        with process(app, "worker", SMTP_URL=box.url), process(app, "worker", SMTP_URL=box.url):
            until(lambda: statuses() == {"sent"})
    assert sorted(box.ids.values()) == [1] * 40


@pytest.mark.postgres_only  # the queue lives in PostgreSQL
def test_the_tables_of_the_queue_are_no_concern_of_our_migrations(app: Flask):
    with app.app_context():
        queue.set_up(app)
    assert app.test_cli_runner().invoke(args=["db", "check"]).exit_code == 0


@pytest.mark.sqlite_only  # what is refused is SQLite
def test_a_worker_without_postgresql_says_what_to_do(app: Flask):
    for words in (["queue", "setup"], ["worker"]):
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 1
        assert "DATABASE_URL" in result.output


@pytest.mark.postgres_only  # the queue lives in PostgreSQL
def test_a_worker_without_its_tables_says_what_to_do(app: Flask):
    result = app.test_cli_runner().invoke(args=["worker"])
    assert result.exit_code == 1
    assert "queue setup" in result.output


def test_a_word_that_is_no_queue_is_refused_at_the_start():
    with pytest.raises(ValueError, match="QUEUE"):
        Settings.from_env({"QUEUE": "celery", "SECRET_KEY": "x"})
    assert Settings.from_env({"QUEUE": "embedded", "SECRET_KEY": "x"}).queue == ""


def test_a_process_that_was_killed_is_forgotten_after_a_day(app_context: Flask):
    heart = heartbeat.Heart("here", "scheduler")
    heart.beat(3)
    assert [(one.name, one.fired) for one in heartbeat.alive()] == [("here", 3)]
    with transaction():
        long_ago = datetime.now(UTC) - timedelta(days=2)
        session().execute(sa.update(Worker).values(seen_at=long_ago))
    assert heartbeat.alive() == []
    with transaction():
        heartbeat.forget_silent()
    assert session().scalars(sa.select(Worker)).all() == []


@pytest.mark.parametrize(
    ("every", "line"),
    [
        (timedelta(seconds=5), "* * * * * */5"),
        (timedelta(seconds=7), "* * * * * */6"),
        (timedelta(minutes=1), "*/1 * * * *"),
        (timedelta(minutes=45), "*/30 * * * *"),
        (timedelta(hours=1), "7 */1 * * *"),
        (timedelta(days=1), "7 3 * * *"),
    ],
)
def test_a_period_is_said_in_the_words_of_the_queue(every: timedelta, line: str):
    assert queue.cron(every) == line


def test_every_job_of_the_desk_is_registered(app: Flask):
    assert {"mails", "imports", "upkeep"} <= {job.name for job in jobs.registered()}


def test_a_period_of_less_than_a_second_is_refused():
    with pytest.raises(ValueError, match="cannot run"):
        queue.cron(timedelta(milliseconds=200))


def test_the_queue_is_refused_where_it_cannot_be(app: Flask):
    if app.config["SETTINGS"].database_url.startswith("postgresql"):
        queue.usable(app)
    else:
        with pytest.raises(Refused):
            queue.usable(app)


@pytest.mark.postgres_only  # several machines share a PostgreSQL
def test_schedulers_and_workers_killed_at_random_lose_nothing_and_send_nothing_twice(app: Flask):
    with mail_server() as box, app.app_context():
        queue.set_up(app)
        tally = chaos.live(app, box, seconds=12, chance=random.Random(4))
    assert tally.wrong == []
    assert sum(tally.kills.values()) > 2
    assert tally.started > 50

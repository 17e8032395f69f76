"""A backup is worth what can be restored from it: a centre at work is dumped, restored elsewhere, and goes on."""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, create_app, engine
from app.db import close_read_session, session
from app.engine.tables import Event, Timer, WorkItem
from app.timers.job import fire_due
from tests.factories import Desk
from tests.support import database
from tests.support.postgres import PostgresServer, programs

pytestmark = pytest.mark.postgres_only  # the tools are PostgreSQL's


def counts() -> tuple[int, ...]:
    close_read_session()
    return tuple(
        session().scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in (WorkItem, Timer, Event)
    )


def tool(name: str, *words: object) -> None:
    done = subprocess.run([programs() / name, *map(str, words)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_restored_centre_has_everything_and_goes_on_where_it_stood(app, tmp_path):
    with app.app_context():
        desk = Desk(app)
        case = desk.receive().analyse("platform")
        case.do("judge", can_solve=False)
        due = case.item("refer").due_at
        number, before = case.row.number, counts()
        close_read_session()
    other = PostgresServer().start()
    try:
        plain = sa.make_url(app.config["SETTINGS"].database_url).set(drivername="postgresql")
        dump = tmp_path / "desk.dump"
        tool("pg_dump", "--format=custom", f"--file={dump}", plain.render_as_string(hide_password=False))
        target = sa.make_url(other.url("postgres")).set(drivername="postgresql")
        into = target.render_as_string(hide_password=False)
        tool("pg_restore", "--no-owner", f"--dbname={into}", dump)
        restored = create_app(database.test_settings(other.url("postgres"), tmp_path / "var"))
        assert restored.test_cli_runner().invoke(args=["db", "check"]).exit_code == 0
        with restored.app_context(), clock.at(due + timedelta(minutes=1)):
            assert counts() == before
            item = session().scalars(sa.select(WorkItem).where(WorkItem.element == "refer")).one()
            assert (item.case_number, item.escalation_level) == (number, 0)
            assert list(engine.broken_links(f"case:{item.case_id}")) == []
            close_read_session()
            assert fire_due(clock.now(), "restored") > 0
            close_read_session()
            item = session().scalars(sa.select(WorkItem).where(WorkItem.element == "refer")).one()
            assert item.escalation_level == 1
            close_read_session()
        restored.extensions["db_engine"].dispose()
    finally:
        other.stop()

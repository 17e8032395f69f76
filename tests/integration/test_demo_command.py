"""`flask demo load`: one command on an empty database, and none that spoils a full one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock
from app.cases.tables import Case
from app.customers.tables import Customer
from app.db import close_read_session, session


@pytest.fixture
def load(app, monkeypatch):
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], demo=True))
    yield lambda *words: app.test_cli_runner().invoke(args=["demo", "load", *words])
    clock.set_offset(timedelta(0))


def test_an_empty_database_becomes_a_centre_with_procedures_and_cases(app, load):
    done = load("--cases", "2")
    assert (done.exit_code, "2 of 2 cases" in done.output) == (0, True), (done.output, done.exception)
    with app.app_context():
        cases = session().scalars(sa.select(Case)).all()
        assert len(cases) == 2
        assert all(case.instance_id for case in cases)
        assert session().scalar(sa.select(sa.func.count()).select_from(Customer)) == 60
        close_read_session()
    assert "nothing was changed" in load("--cases", "2").output


def test_a_real_centre_is_not_filled_with_inventions(app):
    refused = app.test_cli_runner().invoke(args=["demo", "load"])
    assert (refused.exit_code, "DEMO=1" in refused.output) == (1, True)

"""`flask settings`: what the centre decides is changed without touching code."""

from __future__ import annotations

import pytest

from app import settings_store
from app.db import close_read_session


@pytest.fixture
def run(app):
    return lambda *words: app.test_cli_runner().invoke(args=["settings", *words])


def test_a_setting_is_listed_and_changed(app, run):
    assert "cases.reopen_days 30" in run("list").output.splitlines()
    assert run("set", "cases.reopen_days", "14").exit_code == 0
    assert run("set", "centre.phone", "029-8888 6666").exit_code == 0
    assert run("set", "callbacks.quiet_hours", '["21:00", "08:00"]').exit_code == 0
    assert "cases.reopen_days 14" in run("list").output.splitlines()
    with app.app_context():
        assert settings_store.get("centre.phone") == "029-8888 6666"
        close_read_session()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cases.reopen_days", "soon"),
        ("cases.reopen_days", "-1"),
        ("cases.reopen_days", "true"),
        ("callbacks.quiet_hours", '"21:00"'),
        ("callbacks.quiet_hours", '["21:00"]'),
        ("callbacks.quiet_hours", '["21:00", "25:00"]'),
        ("callbacks.quiet_hours", '["21:00", "8"]'),
        ("no.such.key", "1"),
    ],
)
def test_a_value_of_another_kind_is_refused(run, key, value):
    assert run("set", key, value).exit_code == 2


def test_a_yes_or_no_is_set_as_one_and_nothing_else_is_taken_for_it(app):
    run = app.test_cli_runner()
    assert run.invoke(args=["settings", "set", "notifications.quiet_days_off", "false"]).exit_code == 0
    assert run.invoke(args=["settings", "set", "notifications.quiet_days_off", "0"]).exit_code == 2

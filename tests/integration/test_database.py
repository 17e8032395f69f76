"""The schema is what the migrations say, and a transaction keeps all of its work or none."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from app import settings_store
from app.clock import now
from app.db import session, transaction


def test_the_migrations_say_what_the_mappings_say(app):
    result = app.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code == 0, result.output


def test_the_migrations_can_be_taken_back(app):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "downgrade", "base"]).exit_code == 0
    result = runner.invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output


def test_a_transaction_that_fails_keeps_nothing(app_context):
    with pytest.raises(ZeroDivisionError), transaction():
        settings_store.put("a", 1, actor_id=None, now=now())
        _ = 1 / 0
    assert session().get(settings_store.Setting, "a") is None


def test_a_transaction_inside_another_is_refused(app_context):
    with transaction(), pytest.raises(RuntimeError, match="already open"), transaction():
        pass


def test_a_naive_instant_is_refused(app_context):
    with pytest.raises(Exception, match="needs a time zone"), transaction():
        session().add(settings_store.Setting(key="a", value=1, changed_at=datetime(2026, 1, 1)))


def test_instants_come_back_aware_and_in_utc(app_context):
    instant = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
    with transaction():
        settings_store.put("a", [1, "二"], actor_id=None, now=instant)
    row = session().get(settings_store.Setting, "a")
    assert (row.changed_at, row.value) == (instant, [1, "二"])


def test_an_error_of_the_database_quotes_no_values(app_context):
    with pytest.raises(sa.exc.DBAPIError) as caught:
        session().execute(sa.text("SELECT :phone FROM nowhere"), {"phone": "13900000261"})
    assert "13900000261" not in str(caught.value)

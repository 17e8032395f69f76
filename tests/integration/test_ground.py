"""The ground that all other tests stand on: two databases, a web server, a browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa
from flask import Flask

from app import clock, settings_store
from app.db import Base, engine, session, transaction
from app.settings_store import Setting
from tests.support.database import Counted


def test_every_table_exists_on_both_databases(app_context: Flask) -> None:
    assert set(Base.metadata.tables) <= set(sa.inspect(engine()).get_table_names())


def test_each_test_starts_with_a_database_of_its_own(app_context: Flask) -> None:
    with transaction():
        assert session().get(Setting, "ground") is None
        settings_store.put("ground", 1, actor_id=None, now=clock.now())


test_what_one_test_wrote_the_next_does_not_see = test_each_test_starts_with_a_database_of_its_own


@pytest.mark.postgres_only
def test_postgresql_is_really_postgresql(app_context: Flask) -> None:
    version = session().scalar(sa.text("show server_version_num"))
    collation = session().scalar(
        sa.text("select datcollate from pg_database where datname = current_database()")
    )
    assert int(version) >= 140000
    assert collation == "C.UTF-8"


def test_statements_are_counted_without_what_opens_and_closes_transactions(
    app_context: Flask, count_statements: Callable[[], AbstractContextManager[Counted]]
) -> None:
    with count_statements() as counted, transaction():
        session().execute(sa.text("select 1"))
        with session().begin_nested():
            session().execute(sa.text("select 2"))
    assert counted.statements == ["select 1", "select 2"]

"""The database's history: it ends where the mappings are, and can be gone back."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask


def test_the_migrations_make_what_the_mappings_say(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["db", "check"])
    assert result.exit_code == 0, result.output


def test_the_migrations_can_be_undone_and_done_again(app: Flask) -> None:
    for words in (["db", "downgrade", "base"], ["db", "upgrade"], ["db", "check"]):
        result = app.test_cli_runner().invoke(args=words)
        assert result.exit_code == 0, result.output
        tables = set(sa.inspect(app.extensions["db_engine"]).get_table_names())
        assert ("cases" in tables) is (words[1] != "downgrade")

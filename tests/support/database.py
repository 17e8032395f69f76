"""Databases for tests: one migrated template a session, then a copy for each test."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from app import create_app
from app.db import close_read_session
from app.settings import Settings
from tests.support.postgres import PostgresServer

# What opens and closes transactions is no work of ours, and differs between the databases.
UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


def test_settings(url: str, var_dir: Path) -> Settings:
    """Return settings for a test application: no demo, no key from outside, files below `var_dir`."""
    return Settings(database_url=url, secret_key="test" * 8, var_dir=var_dir, testing=True)


def build_schema(url: str, var_dir: Path) -> None:
    """Bring an empty database to the newest migration, with the command that operators use."""
    app = create_app(test_settings(url, var_dir))
    try:
        result = app.test_cli_runner().invoke(args=["db", "upgrade"])
        if result.exit_code:
            raise RuntimeError(f"db upgrade failed:\n{result.output}") from result.exception
    finally:
        app.extensions["db_engine"].dispose()


def fill(url: str, var_dir: Path, prepare: Callable[[Flask], None]) -> None:
    """Let `prepare` write into a migrated database, within the application's context."""
    app = create_app(test_settings(url, var_dir))
    try:
        with app.app_context():
            prepare(app)
            close_read_session()
    finally:
        app.extensions["db_engine"].dispose()


class SqliteTemplate:
    """A migrated SQLite file that is copied for each test; `prepare` writes what all of them start with."""

    def __init__(self, folder: Path, prepare: Callable[[Flask], None] | None = None) -> None:
        self.file = folder / "template.db"
        build_schema(f"sqlite:///{self.file}", folder)
        if prepare is not None:
            fill(f"sqlite:///{self.file}", folder, prepare)
        # Whatever is still in the write-ahead log belongs into the file that is copied.
        plain = sa.create_engine(f"sqlite:///{self.file}")
        with plain.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        plain.dispose()

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """Give the URL of a fresh copy below `folder`."""
        target = folder / "desk.db"
        shutil.copyfile(self.file, target)
        yield f"sqlite:///{target}"


class PostgresTemplate:
    """A migrated PostgreSQL database that is copied for each test, on our server or TEST_DATABASE_URL's."""

    def __init__(self, folder: Path) -> None:
        given = os.environ.get("TEST_DATABASE_URL")
        self.server = None if given else PostgresServer()
        try:
            base = given or self.server.start().url("postgres")  # type: ignore[union-attr]
            self.base = sa.make_url(base).set(drivername="postgresql+psycopg")
            self.admin = sa.create_engine(self.base, isolation_level="AUTOCOMMIT")
            self.name = f"desk_template_{uuid.uuid4().hex[:12]}"
            self._run(f'CREATE DATABASE "{self.name}"')
            build_schema(self._url(self.name), folder)
        except BaseException:
            self.close()
            raise

    def _url(self, database: str) -> str:
        return self.base.set(database=database).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        with self.admin.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """Give the URL of a fresh copy, dropped afterwards, whoever is still connected."""
        name = f"desk_test_{uuid.uuid4().hex[:12]}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        try:
            yield self._url(name)
        finally:
            self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @contextmanager
    def filled(self, folder: Path, prepare: Callable[[Flask], None]) -> Iterator[PostgresTemplate]:
        """Give another template on this server: a copy of this one into which `prepare` has written."""
        with self.copy(folder) as url:
            fill(url, folder, prepare)
            other = object.__new__(PostgresTemplate)
            other.server, other.base, other.admin = None, self.base, self.admin
            other.name = sa.make_url(url).database or ""
            yield other

    def close(self) -> None:
        """Drop the template and end the server, if it is ours."""
        if hasattr(self, "name"):
            self._run(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            self.admin.dispose()
        if self.server is not None:
            self.server.stop()


@dataclass
class Counted:
    """The statements seen so far; `len(counted)` is their number."""

    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return "\n".join(f"{number:3} {text}" for number, text in enumerate(self.statements, 1))


@contextmanager
def counting(database: sa.Engine) -> Iterator[Counted]:
    """Count the SQL statements that an engine executes, from any thread; one bulk insert is one."""
    counted = Counted()

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.lstrip().upper().startswith(UNCOUNTED):
            counted.statements.append(" ".join(statement.split()))

    event.listen(database, "before_cursor_execute", note)
    try:
        yield counted
    finally:
        event.remove(database, "before_cursor_execute", note)

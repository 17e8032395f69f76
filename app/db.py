"""The database: Base, column types, one transaction at a time.

Reads run in a session of their own that is closed with the request. A write runs in `transaction()`,
which on SQLite takes the write lock at once (BEGIN IMMEDIATE): a lock taken later may be refused half-way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Session

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(sa.TypeDecorator[datetime]):
    """An aware instant, UTC in storage on every database; a naive one is refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse naive values, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JSONText(sa.TypeDecorator[Any]):
    """JSON kept as text: PostgreSQL's jsonb reorders keys, and their order matters to the engine."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        """Write compact JSON; Chinese stays readable."""
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        """Read JSON back."""
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """The mapping base: aware instants, JSON as text, named constraints."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: UTCDateTime, dict[str, Any]: JSONText, list[Any]: JSONText}


_session: ContextVar[Session | None] = ContextVar("session", default=None)
_writing: ContextVar[bool] = ContextVar("writing", default=False)


def init_db(app: Flask) -> None:
    """Make the engine of this application; the read session ends with the app context."""
    app.extensions["db_engine"] = make_engine(app.config["SETTINGS"].database_url)
    app.teardown_appcontext(lambda _error: close_read_session())


def make_engine(url: str) -> sa.Engine:
    """Make an engine; on SQLite WAL, foreign keys on, and BEGIN IMMEDIATE for writers."""
    parsed = sa.make_url(url)
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    # An error that quotes its statement would write names and phone numbers into the log.
    shared: dict[str, Any] = {"hide_parameters": True}
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True, pool_size=8, max_overflow=16, **shared)
    made = sa.create_engine(parsed, connect_args={"timeout": 30, "check_same_thread": False}, **shared)

    @event.listens_for(made, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own lazy BEGIN would come too late
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def engine() -> sa.Engine:
    """Return the engine of the current application."""
    made: sa.Engine = current_app.extensions["db_engine"]
    return made


def session() -> Session:
    """Return the session of the transaction that is open, else this context's read session."""
    current = _session.get()
    if current is None:
        current = Session(engine(), autoflush=False)
        _session.set(current)
    return current


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one write transaction of this piece of work: all of it is kept, or none.

    Whoever starts the work (view, job, command) opens it; services never commit.
    Raises RuntimeError when one is open already.
    """
    if _writing.get():
        raise RuntimeError("a transaction is already open")
    # What was read before belongs to an older snapshot; on SQLite it would also hold a connection.
    close_read_session()
    write = Session(engine().execution_options(write=True), expire_on_commit=False)
    # BEGIN IMMEDIATE now, not at the first statement: the reads below must see what they will change.
    tokens = _session.set(write), _writing.set(True)
    try:
        write.connection()
        yield write
        write.commit()
    except BaseException:
        write.rollback()
        raise
    finally:
        _session.reset(tokens[0])
        _writing.reset(tokens[1])
        write.close()


class _UndoneError(Exception):
    """Ends a rehearsal."""


@contextmanager
def rehearsal() -> Iterator[Session]:
    """Open a transaction of which nothing is kept: what is tried in it can be told, not seen afterwards."""
    with suppress(_UndoneError), transaction() as write:
        yield write
        raise _UndoneError


def in_transaction() -> bool:
    """Tell whether a write transaction is open in this context."""
    return _writing.get()


def close_read_session() -> None:
    """Give the read session's connection back."""
    current = _session.get()
    if current is not None and not _writing.get():
        current.close()
        _session.set(None)


Statement = TypeVar("Statement", bound=sa.Select[Any])


def for_update(statement: Statement, *, skip_locked: bool = False, of: Any = None) -> Statement:
    """Lock the rows (of one of the tables, where `of` is given) on PostgreSQL.

    SQLite's write transaction has locked the database already.
    """
    return statement.with_for_update(skip_locked=skip_locked, of=of)

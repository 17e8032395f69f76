"""Fixtures for everyone.

A test that uses the database runs twice, on SQLite and on PostgreSQL (ids `sqlite`, `postgres`), unless it is
marked `sqlite_only` or `postgres_only`; browser tests run on SQLite unless marked `postgres_only`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page

from app import clock, create_app
from app.db import close_read_session
from tests.factories import Desk, desk_on, open_centre
from tests.support import browser as browsers
from tests.support.api import Outside, make_outside
from tests.support.database import Counted, PostgresTemplate, SqliteTemplate, counting, test_settings
from tests.support.server import LiveServer, serving

BROWSER_TESTS = Path(__file__).parent / "browser"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on the databases it is meant for."""
    if "database_url" not in metafunc.fixturenames:
        return
    only = [
        name
        for name in ("sqlite", "postgres")
        if metafunc.definition.get_closest_marker(f"{name}_only") is not None
    ]
    if not only:
        in_browser = BROWSER_TESTS in metafunc.definition.path.parents
        only = ["sqlite"] if in_browser else ["sqlite", "postgres"]
    metafunc.parametrize("database_url", only, indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser tests and keep them on one worker: one Chromium is enough for a small machine."""
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


# ---------------------------------------------------------------- database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """A migrated SQLite file, made once in each worker."""
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite-template"))


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresTemplate]:
    """A migrated PostgreSQL database, made once in each worker."""
    template = PostgresTemplate(tmp_path_factory.mktemp("postgres-template"))
    yield template
    template.close()


@pytest.fixture(scope="session")
def sqlite_centre_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """A SQLite file with people for every role and the procedures deployed."""
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite-centre"), open_centre)


@pytest.fixture(scope="session")
def postgres_centre_template(
    postgres_template: PostgresTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresTemplate]:
    """A PostgreSQL database with people for every role and the procedures deployed."""
    with postgres_template.filled(tmp_path_factory.mktemp("postgres-centre"), open_centre) as template:
        yield template


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of this test's own: empty, or a centre for tests that ask for `desk`."""
    kind = "template" if {"desk", "outside"}.isdisjoint(request.fixturenames) else "centre_template"
    template = request.getfixturevalue(f"{request.param}_{kind}")
    with template.copy(tmp_path) as url:
        yield url


# ---------------------------------------------------------------- application


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on this test's database, without demo data; its files are below `tmp_path`."""
    made = create_app(test_settings(database_url, tmp_path / "var"))
    yield made
    close_read_session()
    engine = made.extensions["db_engine"]
    if engine.pool.checkedout():
        # A connection that somebody left open is given back here. Collected later, when its database is gone,
        # its error can strike in the middle of anything, even of Python's own compiler.
        gc.collect()
    engine.dispose()


@pytest.fixture
def app_context(app: Flask) -> Iterator[Flask]:
    """The application with its context open, for tests that call services and queries themselves.

    Not together with `client` around its requests: a request inside an open context shares its `g`.
    """
    with app.app_context():
        yield app


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    """A centre with people for every role and the procedures deployed; the clock stands on a Monday morning."""
    with desk_on(app) as made:
        yield made


@pytest.fixture
def outside(app: Flask) -> Outside:
    """The same centre from outside: who calls its API, `outside["agent"].get("/cases")`."""
    return make_outside(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client; forms need no CSRF token here (browser tests send real ones)."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def count_statements(app: Flask) -> Callable[[], AbstractContextManager[Counted]]:
    """Count SQL: `with count_statements() as counted: …`, then `assert len(counted) <= 8, counted`."""
    return lambda: counting(app.extensions["db_engine"])


# ---------------------------------------------------------------- time


class FrozenClock:
    """A clock that moves when told; for this thread only, so also for `client`, not for `live_server`."""

    def __init__(self, instant: datetime) -> None:
        self._stack = ExitStack()
        self.instant = instant
        self.set(instant)

    def set(self, instant: datetime) -> None:
        """Stand at an aware instant."""
        self.close()
        self.instant = instant
        self._stack.enter_context(clock.at(instant))

    def move(self, by: timedelta) -> datetime:
        """Move on and return where the clock stands now."""
        self.set(self.instant + by)
        return self.instant

    def close(self) -> None:
        """Let time run again."""
        self._stack.close()


@pytest.fixture
def frozen_clock() -> Iterator[FrozenClock]:
    """The clock, standing at Monday 2 March 2026, 10:00 in Shanghai: a working day, in working time."""
    frozen = FrozenClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
    yield frozen
    frozen.close()


# ---------------------------------------------------------------- browser


@pytest.fixture
def live_server(app: Flask) -> Iterator[LiveServer]:
    """The application behind a real port; a clock moved with `clock.set_offset` is put back afterwards."""
    with serving(app) as server:
        yield server
    clock.set_offset(timedelta(0))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all browser tests."""
    with browsers.chromium_browser() as chromium:
        yield chromium


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., Page]]:
    """Open more pages, each as another person: `open_page(viewport=PHONE, locale="en-GB")`.

    The test fails when a page logs an error, raises one, or misses a file.
    """
    pages = browsers.Pages(browser, live_server.url)
    yield pages.open
    pages.close()


@pytest.fixture
def sign_in(app: Flask, live_server: LiveServer, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open a page as somebody who has signed in: `sign_in("agent", "en", viewport=PHONE)`.

    The page speaks the person's language, or the one given. The login page has its own tests.
    """

    def as_person(username: str, language: str | None = None, **options: object) -> Page:
        opened = open_page(**options)
        with app.app_context():
            opened.context.add_cookies([browsers.session_cookie(app, live_server.url, username, language)])
        return opened

    return as_person


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of 1440 px in Chinese; `page.goto("/login")` goes to the live server."""
    return open_page()

"""Pages in Chromium that fail their test when the browser complains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.settings import ROOT
from tests.support import chromium

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
WAITS = 10_000  # milliseconds; build machines are slow
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """Give one headless Chromium."""
    program = chromium.find()
    if program is None:
        raise RuntimeError("No Chromium: run `.venv/bin/python -m tests.support.chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.ARGUMENTS)
        yield browser
        browser.close()


class Pages:
    """Opens pages, each with cookies of its own, as another person, and hears the complaints."""

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.browser, self.base_url = browser, base_url
        self.contexts: list[Any] = []
        self.complaints: list[str] = []

    def open(self, **options: Any) -> Page:
        """Return a blank page; `options` are those of Playwright's new_context.

        Chinese, 1440 px wide and light unless told otherwise; paths are relative to the live server.
        """
        settings: dict[str, Any] = {
            "base_url": self.base_url,
            "viewport": DESKTOP,
            "locale": "zh-CN",
            "timezone_id": "Asia/Shanghai",
            "reduced_motion": "reduce",
        }
        context = self.browser.new_context(**{**settings, **options})
        context.set_default_timeout(WAITS)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", self._hear)
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        where = message.location.get("url", "")
        # Refusals (403, 404, 409, 422) are answers that tests ask for; a file that is missing is not.
        refused = "the server responded with a status of 4" in message.text and "/static/" not in where
        # dmn-js ships a build of Inferno that says at once that it is no production build.
        if not refused and "development build of Inferno" not in message.text:
            self.complaints.append(f"{where}: {message.text}")

    def close(self) -> None:
        """Close all pages; raises AssertionError when the browser complained."""
        for context in self.contexts:
            context.close()
        assert not self.complaints, "the browser complained:\n" + "\n".join(self.complaints)


def session_cookie(app: Flask, url: str, username: str, language: str | None = None) -> Any:
    """Return the cookie of a person who has signed in, whose language from now on is the one given."""
    if language is not None:
        with transaction():
            session().execute(sa.update(Person).where(Person.username == username).values(locale=language))
    query = sa.select(Person.id, Person.session_version).where(Person.username == username)
    person_id, version = session().execute(query).one()
    close_read_session()
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    value = signer.dumps({"_user_id": f"{person_id}.{version}", "_fresh": True})
    return {"name": "session", "value": value, "url": url}


def axe_violations(page: Page, **options: Any) -> list[str]:
    """Return what axe-core finds wrong with the page as it is now, one line each.

    options: those of `axe.run`.
    """
    if not page.evaluate("typeof window.axe !== 'undefined'"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        "options => axe.run(document, options)", {"runOnly": {"type": "tag", "values": WCAG}, **options}
    )
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:200]} | {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]

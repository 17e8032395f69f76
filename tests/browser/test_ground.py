"""The ground of the browser tests: Chromium reaches the live server, and its complaints fail a test."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import PHONE, Pages
from tests.support.server import LiveServer


def test_a_page_opens_in_chinese_with_its_styles_and_scripts(page: Page) -> None:
    page.goto("/login")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.evaluate("typeof window.htmx") == "object"


def test_a_second_person_opens_it_on_a_phone_in_english(open_page: Callable[..., Page]) -> None:
    phone = open_page(viewport=PHONE, locale="en-GB")
    phone.goto("/login")
    assert phone.locator("html").get_attribute("lang") == "en"
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "mischief",
    ["setTimeout(() => { throw new Error('broken') })", "console.error('broken')"],
    ids=["a script that raises", "a logged error"],
)
def test_what_the_browser_complains_about_fails_the_test(
    browser: Browser, live_server: LiveServer, mischief: str
) -> None:
    pages = Pages(browser, live_server.url)
    page = pages.open()
    page.goto("/login")
    page.evaluate(mischief)
    page.evaluate("new Promise(done => setTimeout(done, 50))")
    with pytest.raises(AssertionError, match="broken"):
        pages.close()

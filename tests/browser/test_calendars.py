"""The editor of calendars in a browser: a holiday entered, seen, applied; in both languages and on a phone."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from app.calendar import service
from app.db import close_read_session, transaction
from tests.factories import MONDAY, Desk
from tests.support.browser import PHONE, axe_violations


@pytest.fixture
def supervisor(app, sign_in):
    """Open a page as the supervisor, in a language."""
    with app.app_context():
        desk = Desk(app)
        desk.receive(title="终端频繁离线")
        with transaction():
            service.ensure_default(actor_id=None, now=MONDAY)
        desk.close()
        close_read_session()
    return partial(sign_in, "supervisor")


@pytest.mark.parametrize(
    ("language", "see", "apply"),
    [("zh", "查看影响", "Apply|生效|应用"), ("en", "See what it changes", "Apply")],
)
def test_a_day_off_is_entered_seen_and_applied(supervisor, language, see, apply):
    page = supervisor(language)
    page.goto("/calendars/centre/edit?year=2026")
    assert axe_violations(page) == []
    empty = page.locator(".owndays tbody tr").last
    empty.locator("[name='day.day']").fill("2026-12-24")
    empty.locator("[name='day.name']").fill("盘点")
    page.locator("[name='week.0.6']").fill("09:00–12:00")
    page.get_by_role("button", name=re.compile(see)).click()
    expect(page.locator(".changes")).to_contain_text("盘点")
    assert axe_violations(page) == []
    page.get_by_role("button", name=re.compile(apply)).click()
    expect(page).to_have_url(re.compile("/calendars/centre$"))
    expect(page.locator("h1 + .tag")).to_have_text("v2")
    page.goto("/calendars/centre?year=2026")
    expect(page.locator("td.cald--holiday", has_text=re.compile("^24"))).to_be_visible()
    assert axe_violations(page) == []


def test_the_year_and_the_editor_fit_a_phone(supervisor):
    page = supervisor("en", viewport=PHONE)
    for address in ("/calendars", "/calendars/centre", "/calendars/centre/edit"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
        assert axe_violations(page) == []

"""The escalation policy in a browser: a step added, seen, applied; in both languages and on a phone."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import expect

from app.db import close_read_session
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations


@pytest.fixture
def manager(app, sign_in):
    """Open a page as the manager, in a language; one case is under way."""
    with app.app_context():
        desk = Desk(app)
        desk.receive(title="终端频繁离线")
        desk.close()
        close_read_session()
    return partial(sign_in, "manager")


@pytest.mark.parametrize(
    ("language", "add", "see", "apply", "says"),
    [
        ("zh", "再加一级", "查看影响", "生效|应用", "提前 30 分钟"),
        ("en", "Another step", "See what it changes", "Apply", "30 min before"),
    ],
)
def test_a_reminder_before_the_deadline_is_added_seen_and_applied(manager, language, add, see, apply, says):
    page = manager(language, **({"viewport": PHONE} if language == "en" else {}))
    page.goto("/escalation")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.goto("/escalation/edit")
    page.get_by_role("button", name=add).click()
    step = page.get_by_role("group").last
    step.locator("[name='step.number']").fill("30")
    for name, value in (
        ("unit", "minutes"),
        ("when", "before"),
        ("action", "remind"),
        ("target", "assignee"),
    ):
        step.locator(f"[name='step.{name}']").select_option(value)
    page.locator("[name=comment]").fill("早些提醒")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name=re.compile(see)).last.click()
    expect(page.locator(".beforeafter").first).to_contain_text(says)
    assert axe_violations(page) == []
    page.get_by_role("button", name=re.compile(apply)).click()
    expect(page).to_have_url(re.compile("/escalation$"))
    expect(page.locator("h1 + .tag")).to_have_text("v1")
    expect(page.locator(".ladders")).to_contain_text(says)
    expect(page.locator(".tl")).to_contain_text("早些提醒")

"""Somebody signs in on a phone, reads what they were told, and leaves everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect

from app import clock
from app.db import transaction
from app.notifications import notify
from tests.support.browser import PHONE
from tests.support.people import GOOD, make_centre, person_id


def test_a_sign_in_leads_back_and_the_bell_is_read(app: Flask, open_page: Callable[..., Page]) -> None:
    make_centre(app)
    page = open_page(viewport=PHONE, locale="en-GB")
    page.goto("/settings")
    page.get_by_label("User name").fill("agent")
    page.get_by_label("Password").fill(GOOD)
    with app.app_context(), transaction():
        params = {"number": "K26-10001", "title": "中控黑屏", "item": "分析原因", "person": "周敏"}
        notify([person_id("agent")], "handed_over", params, "/settings", clock.now())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(page.get_by_role("link", name="Notifications one unread")).to_be_visible()

    page.get_by_role("link", name="Notifications").click()
    page.get_by_role("button", name=re.compile("^周敏 handed you")).click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()
    expect(page.locator(".bell__n")).to_have_count(0)

    page.get_by_text("Sign out everywhere").first.click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_role("status")).to_contain_text("signed out on every device")

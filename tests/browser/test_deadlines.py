"""A deadline explained in a browser: from the inbox to the reasons, a wait and its end, in both languages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import partial

import pytest
from playwright.sync_api import expect

from app import calendar, clock
from app.db import close_read_session
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations


@pytest.fixture
def case(app):
    """A case whose present step began on the evening before National Day; it is the first day after it."""
    with app.app_context():
        desk = Desk(app)
        zone = calendar.current().zone
        desk.at(datetime(2026, 9, 30, 16, 40, tzinfo=zone))
        made = desk.receive(title="终端频繁离线").analyse("platform")
        made.number, made.item_id = made.row.number, made.item("judge").id
        desk.close()
        close_read_session()
    morning = datetime(2026, 10, 8, 9, 0, tzinfo=zone)
    clock.set_offset(clock.offset() + (morning - clock.now()))
    return made


@pytest.fixture
def agent(case, sign_in):
    """Open a page as the agent, in a language."""
    return partial(sign_in, "agent")


def test_an_agent_asks_why_then_stops_the_clock_and_lets_it_go_on(app, agent, case):
    page = agent("zh")
    page.goto(f"/inbox/{case.item_id}")
    page.locator(".work__head a.deadline").click()
    expect(page.locator("h1")).to_have_text(re.compile("10-08 周四 11:10 到期"))
    expect(page.locator(".spans")).to_contain_text("国庆节")
    expect(page.locator(".spans-table")).to_contain_text("国庆节")
    assert axe_violations(page) == []
    page.goto(f"/inbox/{case.item_id}")
    page.keyboard.press("c")
    expect(page.locator("[data-submit]")).to_be_visible()
    page.keyboard.press("w")
    page.locator("#awaited").fill("现场照片")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".work__body")).to_contain_text("正在等客户：现场照片")
    page.locator(".work__head a.deadline").click()
    expect(page.locator("h1")).to_contain_text("已停表")
    assert axe_violations(page) == []
    clock.set_offset(clock.offset() + timedelta(days=3))
    page.goto(f"/inbox/{case.item_id}")
    page.get_by_role("button", name="现在恢复").click()
    expect(page.locator(".work__body")).not_to_contain_text("正在等客户")
    page.locator(".work__head a.deadline").click()
    expect(page.locator("h1")).to_have_text(re.compile("10-12 周一 10:(39|40|41)"))
    expect(page.locator(".spans-table")).to_contain_text("等现场照片")
    expect(page.locator(".spans-table tr").last.locator("td").last).to_have_text("4:00")


def test_the_explanation_fits_a_phone_in_english(agent, case):
    page = agent("en", viewport=PHONE)
    page.goto(f"/deadlines/of/{case.item_id}")
    expect(page.locator("h1")).to_have_text(re.compile("Due Thu 8 Oct, 11:10"))
    expect(page.locator(".spans-table")).to_contain_text("National Day")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert axe_violations(page) == []

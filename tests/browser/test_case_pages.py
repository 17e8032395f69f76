"""Cases in a browser: a call taken by keyboard, the diagram with what it calls, a customer on a phone."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.cases.tables import Case
from app.db import close_read_session, session
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
        case = made.receive(title="行驶中终端频繁离线").analyse("device", severity="high")
        case.do("judge")
        made.code = case.row.track_code
        close_read_session()
    yield made
    with app.app_context():
        made.close()


@pytest.fixture
def agent(desk, sign_in):
    return sign_in("agent")


def test_a_call_is_taken_by_keyboard_with_the_customer_found_by_the_end_of_the_number(app, agent):
    agent.goto("/cases/new")
    expect(agent.locator("#who")).to_be_focused()
    agent.keyboard.type("0261")
    expect(agent.get_by_role("option", name=re.compile("赵文礼"))).to_be_visible()
    agent.keyboard.press("Enter")
    expect(agent.locator(".chosen")).to_contain_text("139****0261")
    expect(agent.locator("#open-cases")).to_contain_text("行驶中终端频繁离线")
    agent.keyboard.press("Alt+3")
    agent.keyboard.type("中控黑屏，重启无效")
    agent.keyboard.press("Tab")
    agent.keyboard.type("昨天远程升级以后黑屏")
    agent.locator("[name=severity][value=high]").check()
    assert axe_violations(agent) == []
    agent.keyboard.press("Control+Enter")
    expect(agent).to_have_url(re.compile(r"/cases/K26-10002$"))
    with app.app_context():
        numbers = session().scalars(sa.select(Case.customer_id)).all()
        close_read_session()
    assert len(numbers) == 2 and len(set(numbers)) == 1


def test_what_was_typed_comes_back_after_the_page_was_lost(agent):
    agent.goto("/cases/new")
    agent.locator("#f-title").fill("导航偏移")
    expect(agent.locator("[data-draft-state-2]")).to_contain_text("已自动保存")
    agent.goto("/cases")
    agent.goto("/cases/new")
    expect(agent.locator("#f-title")).to_have_value("导航偏移")


def test_the_diagram_lights_what_is_done_and_current_and_opens_what_it_calls(agent):
    agent.goto("/cases/K26-10001")
    diagram = agent.locator("[data-diagram]")
    expect(diagram).to_have_attribute("data-ready", "device_problem")
    expect(diagram.locator("[data-element-id=judge].is-done")).to_have_count(1)
    expect(diagram.locator("[data-element-id=analyse_cause].is-current")).to_have_count(1)
    expect(diagram.locator(".bjs-powered-by")).to_be_visible()
    agent.get_by_role("tab").first.click()
    expect(diagram).to_have_attribute("data-ready", "customer_issue")
    diagram.locator("[data-element-id=device_branch]").click(force=True)
    expect(diagram).to_have_attribute("data-ready", "device_problem")
    agent.locator("[data-flip]").click()
    expect(agent.locator(".progress__list [aria-current=step]")).to_contain_text("分析原因")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/cases", "/cases/K26-10001", "/cases/new", "/customers", "/customers/1", "/report", "/track"]
)
def test_axe_finds_nothing_on_the_case_pages(agent, path, scheme):
    agent.emulate_media(color_scheme=scheme)
    agent.goto(path)
    if path.endswith("10001"):
        expect(agent.locator("[data-diagram][data-ready]")).to_be_visible()
    assert axe_violations(agent) == []


def test_a_customer_follows_a_case_in_english_on_a_phone(desk, open_page):
    page = open_page(viewport=PHONE, locale="en-GB")
    page.goto("/track")
    page.get_by_label("Case number").fill("k26-10001")
    page.get_by_label("Tracking code").fill(desk.code.lower())
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Analyse the cause")
    page.get_by_label("More information").fill("It happened again last night")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("It happened again last night")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert axe_violations(page) == []

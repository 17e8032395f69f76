"""Whole journeys: a case from the call to the archive, a draft that survives, two at one task, a customer alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app import clock, create_app
from app.db import close_read_session, transaction
from app.demo import people
from app.timers import virtual
from tests.factories import MONDAY, deploy_procedures, desk_on
from tests.support.browser import PHONE
from tests.support.database import test_settings as settings_on
from tests.support.staff import MORNING, Staff, let_time_pass, open_centre

ENGLISH_PHONE = {"viewport": PHONE, "locale": "en-GB", "has_touch": True, "is_mobile": True}
ARCHIVED = {
    "cause": "固件异常",
    "solution_kind": "new",
    "new_title": "升级到 2.4 版固件",
    "new_solution": "整机重启后升级",
    "cost": "0",
    "satisfaction": 5,
    "repaired": True,
    "parts_source": "none",
    "parts_quantity": "0",
    "repair_hours": "1.5",
}


def test_a_call_travels_from_the_agent_to_the_archive(app: Flask, open_page: Callable[..., Page]):
    open_centre(app, {"title": "上个月的报表打不开"})
    agent = Staff(open_page(), "agent")
    page = agent.page

    # The caller is known: the agent finds them while typing and registers what they say.
    page.goto("/cases/new")
    page.locator("#who").press_sequentially("139000002")
    page.get_by_role("option").filter(has_text="赵文礼").click()
    expect(page.locator("#chosen")).to_contain_text("赵文礼")
    expect(page.locator("#open-cases")).to_contain_text("上个月的报表打不开")
    page.locator("#assets label").filter(has_text="陕A·D7").click()
    page.get_by_label("问题摘要").fill("行驶中终端频繁离线")
    page.get_by_label("客户原话").fill("跑高速的时候每半小时掉线一次，重启也没用。")
    page.locator("label.option:has([name=severity][value=high])").click()
    page.locator("[name=then][value=case]").click()
    expect(page.locator("h1")).to_contain_text("行驶中终端频繁离线")
    number = page.locator(".crumbs .num").inner_text()

    agent.take(number, "信息汇总分析")
    agent.answer(**{"class": "device", "severity": "high", "analysis": "疑似固件问题，转三包"}).submit()
    agent.take(number, "判断能否解决").answer(can_solve=True).submit()

    technician = Staff(open_page(), "technician").take(number, "分析原因")
    technician.answer(in_warranty=True, man_made=False, cause="固件异常", method="firmware").submit()

    agent.take(number, "告知车主")
    agent.answer(told=["cause", "duration"]).submit()
    agent.take(number, "联系维修网点")
    agent.answer(repair_point="WP003", visit="shop", appointment_at="2026-03-03T10:00", confirmed=True)
    agent.submit()

    shop = Staff(open_page(), "repairpoint").take(number, "解决问题并反馈客服")
    shop.answer(repair_result="fixed", work="升级到 2.4 版固件，路试两小时正常", repair_hours="1.5", cost="0")
    shop.submit()

    # Nothing is to be done until the promised day.
    caller = Staff(open_page(), "callback")
    caller.page.goto(f"/inbox?q={number}")
    expect(caller.page.locator("[data-item]")).to_have_count(0)
    let_time_pass(app, timedelta(days=8))
    caller.take(number, "客户回访")
    caller.answer(outcome="satisfied", score=5, words="好了，没再掉线，谢谢。").submit()

    agent.take(number, "归档与维修库存记录").answer(**ARCHIVED).submit()

    page.goto(f"/cases/{number}")
    expect(page.locator(".casehead")).to_contain_text("已关闭")
    told = page.locator("#timeline")
    for words in ("林晓雯", "马志远", "王强", "苏婷", "归档"):
        expect(told).to_contain_text(words)
    expect(page.locator("#callbacks")).to_contain_text("好了，没再掉线，谢谢。")
    drawing = page.locator("#diagram svg").first
    expect(drawing).to_be_visible()
    expect(page.locator("#diagram [data-element-id=analyse]").first).to_be_visible()
    assert page.locator("#diagram .djs-shape.is-done").count() > 3


def test_the_same_in_english_on_a_phone(app: Flask, open_page: Callable[..., Page]):
    (number,) = open_centre(app, {"severity": "normal"})
    agent = Staff(open_page(**ENGLISH_PHONE), "agent").take(number, "Register the problem")
    agent.answer(severity="normal").submit()
    agent.take(number, "Collect and analyse")
    agent.answer(
        **{"class": "device", "severity": "normal", "analysis": "Firmware, to be confirmed"}
    ).submit()
    agent.take(number, "Decide: can we solve it").answer(can_solve=True).submit()
    technician = Staff(open_page(**ENGLISH_PHONE), "technician").take(number, "Analyse the cause")
    technician.answer(in_warranty=False, man_made=False, cause="固件异常", method="firmware", quote="380")
    technician.submit()
    agent.take(number, "Tell the owner").answer(told=["cause"], consent=True).submit()
    agent.take(number, "Contact repair point")
    agent.answer(repair_point="WP003", visit="shop", appointment_at="2026-03-03T10:00", confirmed=True)
    agent.submit()
    shop = Staff(open_page(**ENGLISH_PHONE), "repairpoint").take(number, "Solve and report back")
    shop.answer(repair_result="fixed", work="Firmware 2.4", repair_hours="1", cost="380").submit()
    let_time_pass(app, timedelta(days=10))
    caller = Staff(open_page(**ENGLISH_PHONE), "callback").take(number, "Customer callback")
    caller.answer(outcome="satisfied", score=4, words="Works again").submit()
    agent.take(number, "Archive, repair and stock record").answer(**ARCHIVED).submit()

    page = agent.page
    page.goto(f"/cases/{number}")
    expect(page.locator(".casehead")).to_contain_text("Closed")
    # On a phone the diagram is a list of steps, unless one asks for it.
    expect(page.locator(".progress__list")).to_contain_text("Archive")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_half_typed_call_is_back_after_the_page_is_closed_and_another_sign_in(
    app: Flask, open_page: Callable[..., Page]
):
    open_centre(app)
    agent = Staff(open_page(), "agent")
    agent.page.goto("/cases/new")
    agent.page.get_by_label("姓名", exact=True).fill("郭建军")
    agent.page.get_by_label("客户原话").fill("昨天下午开始，摄像头画面全黑")
    expect(agent.page.locator("[data-draft-state-2]")).to_contain_text("已自动保存")
    agent.page.context.close()

    again = Staff(open_page(), "agent").page
    again.goto("/cases/new")
    expect(again.locator("[data-draft-state]")).to_contain_text("草稿")
    expect(again.get_by_label("姓名", exact=True)).to_have_value("郭建军")
    expect(again.get_by_label("客户原话")).to_have_value("昨天下午开始，摄像头画面全黑")
    # It is nobody else's.
    other = Staff(open_page(), "agent2").page
    other.goto("/cases/new")
    expect(other.get_by_label("客户原话")).to_have_value("")


def test_who_comes_second_reads_who_was_first_and_keeps_what_they_typed(
    app: Flask, open_page: Callable[..., Page]
):
    (number,) = open_centre(app, {"title": "油耗报表与加油记录不符"})
    slow = Staff(open_page(), "agent").take(number, "接收问题信息")
    slow.answer(severity="high", title="油耗报表差了三成", preferred_time="工作日上午")
    address = slow.page.url

    # Meanwhile the supervisor hands the task to a colleague, who finishes it.
    boss = Staff(open_page(), "supervisor").page
    boss.goto(address)
    boss.locator("[data-popup=a] summary").click()
    colleague = boss.locator("#assignee option", has_text="何雨桐").get_attribute("value")
    boss.locator("#assignee").select_option(colleague)
    boss.locator("[data-popup=a] button.btn--primary").click()
    expect(boss.locator(".toast")).to_contain_text("何雨桐")
    quick = Staff(open_page(), "agent2")
    quick.page.goto(address)
    quick.answer(severity="low").submit()

    slow.work.locator("[data-submit]").click()
    fault = slow.page.locator(".fault")
    expect(fault.locator("h1")).to_contain_text("何雨桐")
    expect(fault).to_contain_text("油耗报表差了三成")
    expect(fault).to_contain_text("工作日上午")
    fault.get_by_role("button", name="存为案件备注").click()
    slow.page.goto(f"/cases/{number}")
    expect(slow.page.locator("body")).to_contain_text("油耗报表差了三成")


def test_a_day_can_be_worked_without_a_mouse(app: Flask, open_page: Callable[..., Page]):
    open_centre(app, {"title": "行驶中终端频繁离线"}, {"title": "电子围栏报警延迟"})
    page = Staff(open_page(), "agent").page
    keys = page.keyboard
    page.goto("/inbox")
    keys.press("?")
    expect(page.locator("#keys")).to_be_visible()
    keys.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    keys.press("j")
    keys.press("Enter")
    expect(page.locator("#work h2")).to_have_text("行驶中终端频繁离线")
    keys.press("c")
    expect(page.locator("[data-submit]")).to_be_visible()
    # From the pane's first field on, Tab leads through the form in its order.
    page.locator("#work-form [name=title]").focus()
    keys.press("Control+A")
    keys.type("终端每半小时掉线一次")
    keys.press("Tab")
    expect(page.locator("#work-form [name=description]")).to_be_focused()
    keys.press("Tab")
    keys.press("ArrowRight")
    expect(page.locator("#work-form [name=severity]:checked")).to_have_count(1)
    keys.press("Control+Enter")
    expect(page.locator("#work h2")).to_have_text("电子围栏报警延迟")
    keys.press("g")
    keys.press("c")
    page.wait_for_url("**/cases**")
    expect(page.locator("body")).to_contain_text("终端每半小时掉线一次")


def test_a_customer_reports_follows_adds_and_withdraws(app: Flask, open_page: Callable[..., Page]):
    open_centre(app)
    page = open_page(viewport=PHONE)
    page.goto("/report")
    page.get_by_label("发生了什么").fill("导航一开机就黑屏，重启没有用")
    page.locator("[name=plate]").fill("陕A·F3306")
    page.locator("[name=name]").fill("秦玉兰")
    page.locator("[name=phone]").fill("13900000999")
    page.locator("[name=consent]").check()
    page.get_by_role("button", name="提交").click()
    receipt = page.locator("#receipt dd")
    number, code = receipt.nth(0).inner_text(), receipt.nth(1).inner_text()

    # At home, on another device, with what was written down.
    home = open_page()
    home.goto("/track")
    home.locator("[name=number]").fill(number.lower())
    home.locator("[name=code]").fill("0000 0000")
    home.locator("button.btn--primary").click()
    expect(home.get_by_role("alert")).to_be_visible()
    expect(home.locator("[name=number]")).to_have_value(number.lower())
    home.locator("[name=code]").fill(code)
    home.locator("button.btn--primary").click()
    expect(home.locator(".public__hero")).to_contain_text(number)
    home.locator("[name=body]").fill("今天早上又黑屏了一次")
    home.get_by_role("button", name="发送").click()
    expect(home.locator(".remark")).to_contain_text("今天早上又黑屏了一次")

    agent = Staff(open_page(), "agent")
    agent.page.goto(f"/cases/{number}")
    expect(agent.page.locator("body")).to_contain_text("今天早上又黑屏了一次")
    agent.page.goto(f"/inbox?q={number}")
    expect(agent.page.locator("[data-item]")).to_have_count(1)

    home.get_by_text("撤回", exact=False).first.click()
    home.locator("[name=reason]").fill("自己修好了")
    home.locator("form[action$=withdraw] button").click()
    expect(home.locator(".public__hero")).to_contain_text("撤回")
    agent.page.goto(f"/inbox?q={number}")
    expect(agent.page.locator("[data-item]")).to_have_count(0)
    agent.page.goto(f"/cases/{number}")
    expect(agent.page.locator(".casehead")).to_contain_text("已撤回")
    expect(agent.page.locator("body")).to_contain_text("自己修好了")


class TestInDemoMode:
    """What a visitor sees: other people at a click, and a clock that can be moved."""

    @pytest.fixture
    def app(self, database_url: str, tmp_path: Path) -> Iterator[Flask]:
        settings = replace(settings_on(database_url, tmp_path / "var"), demo=True)
        app = create_app(settings)
        yield app
        close_read_session()
        app.extensions["db_engine"].dispose()

    def test_a_click_changes_the_role_and_the_clock_brings_an_escalation_and_a_callback(
        self, app: Flask, open_page: Callable[..., Page]
    ):
        with app.app_context():
            with transaction():
                people.load(MONDAY)  # with the demo's own password: one click is to be enough
            deploy_procedures()
        with desk_on(app) as desk:
            late = desk.receive(title="无人处理的案件").row.number
            solved = desk.receive(title="油耗曲线缺失").analyse("platform")
            solved.do("judge", can_solve=False)
            solved.do("refer")
            solved.do("solve")
            called = solved.row.number
        with app.app_context(), transaction():
            virtual.move(MORNING - clock.now(), actor_id=None, now=clock.now())
        page = open_page()
        page.goto("/login")
        page.locator(".login__people button[value=supervisor]").click()
        expect(page.locator("#demo-as")).to_have_value("supervisor")
        page.goto(f"/cases/{late}")
        expect(page.locator(".casehead")).not_to_contain_text("升级")

        self.forward(page, "1d")
        expect(page.locator(".casehead")).to_contain_text("升级")
        expect(page.locator("#timeline")).to_contain_text("升级至客户主管")

        self.become(page, "callback")
        page.goto(f"/inbox?q={called}")
        for _press in range(4):
            if page.locator("[data-item]").count():
                break
            self.forward(page, "3d")
        expect(page.locator("[data-item]")).to_contain_text("客户回访")

    def become(self, page: Page, username: str) -> None:
        page.locator("#demo-as").select_option(username)
        page.wait_for_url(re.compile("/inbox"))
        expect(page.locator("#demo-as")).to_have_value(username)

    def forward(self, page: Page, step: str) -> None:
        before = page.locator(".demobar time").inner_text()
        page.locator(f"[name=step][value='{step}']").click()
        expect(page.locator(".demobar time")).not_to_have_text(before)

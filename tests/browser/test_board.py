"""The supervisor at the board: who has too much, what will be late, work moved and taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app import clock
from app.db import close_read_session, session
from app.engine.tables import WorkItem
from tests.factories import MONDAY, Desk
from tests.support.board import people, waiting, with_past
from tests.support.browser import PHONE, axe_violations
from tests.support.staff import Staff


@pytest.fixture
def ids(app: Flask) -> dict[str, int]:
    """One agent with eight tasks of which six will be late, and one with none; Monday morning."""
    with app.app_context():
        desk = Desk(app)
        sample = with_past(desk)
        found = people()
        first = waiting(
            sample, 8, holder=found["agent"], due_at=clock.now() + timedelta(hours=5, minutes=30)
        )[0]
        waiting(sample, 1, holder=found["callback"], start=50, escalation_level=2, due_at=clock.now())
        desk.close()
        close_read_session()
    clock.set_offset(clock.offset() + (MONDAY + timedelta(minutes=1) - clock.now()))
    return found | {"first": first}


@pytest.fixture
def open_as(ids: dict[str, int], live_server, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open a page as somebody who has signed in."""

    def sign_in(username: str, **options: object) -> Page:
        return Staff(open_page(**options), username).page

    return sign_in


def holder_of(app: Flask, item_id: int) -> int | None:
    with app.app_context():
        close_read_session()
        found = session().get(WorkItem, item_id)
        return found.assignee_id if found else None


def test_a_supervisor_follows_the_suggestion_moves_work_and_takes_it_back(app: Flask, ids, open_as):
    page = open_as("supervisor")
    page.locator("[data-place=board]").click()
    expect(page.locator("[data-place=board]")).to_have_attribute("aria-current", "page")
    tip = page.locator(".load__tip")
    expect(tip).to_contain_text("把林晓雯的 3 项转给何雨桐，预计少 3 项超期")
    row = page.locator(f"#load-{ids['agent']}")
    expect(row).to_contain_text("林晓雯")
    expect(row.locator(".lbar")).to_have_attribute("aria-label", re.compile("林晓雯：剩余 8.0 工时；共 8 项"))
    tip.get_by_role("link").click()
    expect(page.locator("#preview .note--ontime")).to_contain_text("预计少 3 项超期")
    first = page.locator(".shift").first
    kept = int((first.get_attribute("id") or "").removeprefix("shift-"))
    first.locator("select").select_option(label="留给林晓雯")
    expect(page.locator(".shift")).to_have_count(2)
    moved = [
        int((one.get_attribute("id") or "").removeprefix("shift-")) for one in page.locator(".shift").all()
    ]
    page.locator("#reason").fill("你手上空一些")
    page.locator("#apply button.btn--primary").click()
    expect(page.locator("h1")).to_have_text("已转出 2 项")
    assert [holder_of(app, one) for one in (kept, *moved)] == [ids["agent"], ids["agent2"], ids["agent2"]]
    page.get_by_role("button", name="撤销").click()
    expect(page.locator("h1")).to_have_text("调配已撤销")
    assert [holder_of(app, one) for one in moved] == [ids["agent"]] * 2


def test_the_forecast_names_each_task_and_is_narrowed_without_a_new_page(ids, open_as):
    page = open_as("supervisor")
    page.goto("/board")
    page.get_by_role("link", name="哪些任务？").click()
    rows = page.locator(".forecast tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.first).to_contain_text("排在林晓雯的第")
    expect(page.locator(".daytable").first).to_contain_text("今天（剩）")
    page.locator("select[name=verdict]").select_option("ontime")
    expect(page.locator("#found")).not_to_contain_text("几乎肯定超期")
    page.locator("select[name=person]").select_option(label="何雨桐")
    page.wait_for_url(re.compile("person="))
    page.locator("select[name=verdict]").select_option("sure")
    expect(page.get_by_role("heading", name="没有符合条件的任务")).to_be_visible()
    page.get_by_role("link", name="清除筛选").click()
    expect(rows).to_have_count(6)
    page.locator("summary", has_text="这是怎么算出来的").click()
    expect(page.locator(".reckoned")).to_contain_text("绝不会让哪一项变早")
    assert axe_violations(page) == []


def test_the_board_renews_itself_and_keeps_the_focus(app: Flask, ids, open_as):
    page = open_as("supervisor")
    page.goto("/board")
    button = page.locator(f"#load-{ids['agent']} .load__move")
    button.focus()
    with app.app_context():
        sample = session().get(WorkItem, ids["first"])
        waiting(sample, 3, holder=ids["callback"], start=80)
        close_read_session()
    page.evaluate("document.getElementById('board').dispatchEvent(new CustomEvent('poll'))")
    expect(page.locator(f"#load-{ids['callback']}")).to_be_visible()
    expect(button).to_be_focused()


def test_two_supervisors_move_the_same_task_and_the_second_reads_who_has_it(app: Flask, ids, open_as):
    one, other = open_as("supervisor"), open_as("manager")
    for page in (one, other):
        page.goto(f"/board/move?from={ids['agent']}")
        page.locator(f"input[name=item][value='{ids['first']}']").check()
        page.get_by_role("button", name="预览调配").click()
        expect(page.locator("#apply")).to_be_visible()
    one.locator("#apply button.btn--primary").click()
    expect(one.locator("h1")).to_have_text(re.compile("已转出 1 项"))
    other.locator("#apply button.btn--primary").click()
    expect(other.locator(".page")).to_contain_text("没有转出任何任务")
    expect(other.locator(".page")).to_contain_text("何雨桐")
    assert axe_violations(other) == []


def test_nothing_picked_is_said_above_what_there_is_to_pick(ids, open_as):
    page = open_as("supervisor")
    page.goto("/board")
    page.locator(f"#load-{ids['agent']} .load__move").click()
    page.get_by_role("button", name="预览调配").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    expect(page.locator(".pick")).to_have_count(8)
    assert axe_violations(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_on_a_phone_everything_fits_and_nothing_stands_in_the_way(ids, open_as, theme: str, language: str):
    page = open_as(
        "supervisor", viewport=PHONE, color_scheme=theme, locale=language, has_touch=True, is_mobile=True
    )
    pages = (
        "/board", "/board?people=all", "/board/forecast", "/board/forecast?verdict=all", "/timers",
        f"/board/move?from={ids['agent']}",
        f"/board/move/preview?from={ids['agent']}&item={ids['first']}&item={ids['first'] + 7}",
    )  # fmt: skip
    for address in pages:
        page.goto(address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
    page.goto("/board")
    small = page.evaluate(
        "Array.from(document.querySelectorAll('#board a.btn, #board button'))"
        ".filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5).map(one => one.outerHTML)"
    )
    assert small == []


def test_the_work_is_moved_without_script_too(app: Flask, ids, open_as):
    page = open_as("supervisor", java_script_enabled=False)
    page.goto(f"/board/move?from={ids['agent']}")
    page.locator(f"input[name=item][value='{ids['first']}']").check()
    page.locator("select[name=to]").select_option(label="何雨桐")
    page.locator("form.card button.btn--primary").click()
    page.locator("#apply button.btn--primary").click()
    assert "已转出 1 项" in (page.locator("h1").text_content() or "")
    assert holder_of(app, ids["first"]) == ids["agent2"]

"""A supervisor brings a spreadsheet in and watches it; a file that is added to a step is kept at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from app.db import close_read_session
from tests.browser.test_forms import PHONE
from tests.factories import PASSWORD, desk_on
from tests.integration.test_case_import import row, sheet
from tests.support.browser import axe_violations


@pytest.fixture
def item_id(app) -> int:
    """A centre with one case, which an agent registers."""
    with desk_on(app) as desk:
        found = desk.receive(channel="mail").item("register").id
        close_read_session()
    return found


def sign_in(page: Page, username: str) -> Page:
    page.goto("/login")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button.btn--primary").click()
    page.wait_for_url("**/inbox**")
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_spreadsheet_is_looked_over_and_watched_on_its_way_in(
    item_id: int, open_page: Callable[..., Page], theme: str
):
    page = sign_in(open_page(color_scheme=theme), "supervisor")
    page.goto("/cases/import")
    assert axe_violations(page) == []
    content = sheet(*(row(number) for number in range(60)), row(60, 电话="12"))
    page.get_by_label("表格文件").set_input_files(
        [{"name": "案件.csv", "mimeType": "text/csv", "buffer": content}]
    )
    page.get_by_role("button", name="核对…").click()
    expect(page.get_by_role("status").first).to_contain_text("共 61 行：60 行将成为案件")
    expect(page.get_by_label("电话：在案件中")).to_have_value("customer.phone")
    assert axe_violations(page) == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.get_by_role("button", name="导入 60 个案件").click()
    expect(page.get_by_text("61 行全部处理完毕。")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("“12”不是电话号码。")).to_be_visible()
    assert axe_violations(page) == []


def test_a_file_added_to_a_step_is_kept_before_the_form_is_sent(item_id: int, page: Page):
    sign_in(page, "agent")
    page.goto(f"/inbox/{item_id}")
    page.locator("#work form[action*=claim] button, #work button[formaction*=claim]").first.click()
    photos = page.locator("#work [data-upload] input[type=file]").first
    expect(photos).to_be_enabled()
    picture = b"\x89PNG\r\n\x1a\n" + b"0" * 64
    photos.set_input_files([{"name": "现场.png", "mimeType": "image/png", "buffer": picture}])
    expect(page.locator("#work [data-upload] input[type=hidden]")).to_have_count(1)
    photos.set_input_files([{"name": "病毒.exe", "mimeType": "application/x", "buffer": b"MZ"}])
    expect(page.locator(".file--failed")).to_contain_text("病毒.exe")
    expect(page.locator(".file--failed")).to_contain_text("不")

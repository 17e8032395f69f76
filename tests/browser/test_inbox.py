"""The inbox in a browser: a day's work by keyboard, drafts, two people at once, a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from app.db import close_read_session, session
from app.engine.tables import WorkItem
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations

pytestmark = pytest.mark.usefixtures("desk")


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
        made.receive(title="行驶中终端频繁离线")
        made.receive(title="油耗报表与加油记录不符")
        made.receive(title="电子围栏报警延迟")
        close_read_session()
    yield made
    with app.app_context():
        made.close()


def status_of(app, title):
    with app.app_context():
        close_read_session()
        found = session().query(WorkItem).filter_by(title=title).order_by(WorkItem.id).first()
        return found.status, found.assignee_id


def test_a_task_is_found_claimed_filled_in_and_sent_by_keyboard_alone(app, sign_in):
    page = sign_in("agent")
    page.goto("/inbox")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("[data-item]").nth(1).locator("[data-open]")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#work h2")).to_have_text("行驶中终端频繁离线")
    page.keyboard.press("c")
    expect(page.locator("[data-submit]")).to_be_visible()
    assert status_of(app, "行驶中终端频繁离线")[0] == "claimed"
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.locator("input[name=severity][value=high]").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#work h2")).to_have_text("油耗报表与加油记录不符")
    assert status_of(app, "行驶中终端频繁离线")[0] == "done"
    expect(page.locator(".toast")).to_contain_text("信息汇总分析")


def test_single_letters_rest_while_somebody_types(app, sign_in):
    page = sign_in("agent")
    page.goto("/inbox")
    page.locator("[data-item] [data-open]").first.click()
    page.keyboard.press("c")
    title = page.locator("#work-form [name=title]")
    title.fill("")
    title.press_sequentially("jcux")
    expect(title).to_have_value("jcux")
    assert status_of(app, "行驶中终端频繁离线")[0] == "claimed"
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.locator("#work [data-key=c]")).to_be_visible()
    assert status_of(app, "行驶中终端频繁离线")[0] == "open"


def test_what_was_typed_is_saved_by_itself_and_back_after_a_crash(sign_in):
    page = sign_in("agent")
    page.goto("/inbox")
    page.locator("[data-item] [data-open]").first.click()
    page.keyboard.press("c")
    page.locator("#work-form [name=title]").fill("写到一半的标题")
    expect(page.locator("#saved")).to_contain_text("已自动保存")
    address = page.url
    again = sign_in("agent")
    again.goto(address)
    expect(again.locator("#work-form [name=title]")).to_have_value("写到一半的标题")
    expect(again.locator("[data-draft-note]")).to_be_visible()


def test_several_are_ticked_and_claimed_at_once(sign_in):
    page = sign_in("agent")
    page.goto("/inbox")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-bulk-words]")).to_have_text("已选 2 项")
    page.keyboard.press("c")
    expect(page.locator("[data-count='view:mine']")).to_have_text("2")


def test_who_comes_second_sees_it_in_place_and_keeps_the_answers(sign_in):
    first, second = sign_in("agent"), sign_in("agent2")
    for page in (first, second):
        page.goto("/inbox")
        page.locator("[data-item] [data-open]").first.click()
        expect(page.locator("#work [data-key=c]")).to_be_visible()
    first.keyboard.press("c")
    expect(first.locator("[data-submit]")).to_be_visible()
    second.keyboard.press("c")
    expect(second.locator("#work .fault h1")).to_contain_text("林晓雯")


def test_the_numbers_follow_what_others_do(sign_in):
    page, other = sign_in("agent"), sign_in("agent2")
    page.goto("/inbox")
    expect(page.locator("[data-item]")).to_have_count(3)
    other.goto("/inbox")
    other.keyboard.press("n")
    expect(other.locator("[data-submit]")).to_be_visible()
    # What the timer does every fifteen seconds.
    page.evaluate("document.body.dispatchEvent(new Event('inbox-changed'))")
    expect(page.locator("[data-item]")).to_have_count(2)
    expect(page.locator("[data-count='view:all']").first).to_have_text("2")


def test_the_help_sheet_opens_and_closes(sign_in):
    page = sign_in("agent")
    page.goto("/inbox")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()


def test_on_a_phone_one_pane_shows_at_a_time_and_targets_are_large(sign_in):
    page = sign_in("agent", viewport=PHONE, has_touch=True, is_mobile=True, locale="en-GB")
    page.goto("/inbox")
    expect(page.locator("#work")).to_be_hidden()
    page.locator("[data-item] [data-open]").first.tap()
    expect(page.locator("#work")).to_be_visible()
    expect(page.locator(".pane--list")).to_be_hidden()
    claim = page.locator("#work [data-key=c]")
    assert claim.bounding_box()["height"] >= 44
    claim.tap()
    submit = page.locator("[data-submit]")
    expect(submit).to_be_in_viewport()
    page.locator("[data-more]").tap()
    expect(page.get_by_text("Follow up…")).to_be_visible()
    page.locator("[data-back]").tap()
    expect(page.locator(".pane--list")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_everything_works_without_script(app, sign_in):
    page = sign_in("agent", java_script_enabled=False)
    page.goto("/inbox")
    page.locator("[data-item] [data-open]").first.click()
    page.locator("[data-key=c]").click()
    page.locator("input[name=severity][value=high]").check()
    page.locator("[data-submit]").click()
    expect(page.locator("#work h2")).to_have_text("油耗报表与加油记录不符")
    assert status_of(app, "行驶中终端频繁离线")[0] == "done"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_anybodys_way(sign_in, scheme):
    page = sign_in("agent", color_scheme=scheme)
    for address in ("/inbox", "/inbox/1", "/inbox?q=zzz", "/help/keys"):
        page.goto(address)
        assert axe_violations(page) == [], address
    page.goto("/inbox/1")
    page.keyboard.press("c")
    expect(page.locator("[data-submit]")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-error-summary]")).to_be_visible()
    assert axe_violations(page) == []

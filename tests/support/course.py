"""The course for designers, clicked through in a running demo: `python -m tests.support.course [ADDRESS]`.

Makes the pictures of docs/designers.md anew. Needs an address where `make run` serves a demo in which nobody
has made the procedure of the course yet.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from app.settings import ROOT
from tests.support.browser import chromium_browser
from tests.support.drawing import (
    add_file,
    append,
    connect,
    field,
    fill,
    flow,
    ready,
    remove_flow,
    saved,
    select,
)

PICTURES = Path(ROOT) / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
USER = "replace-with-user-task"


def sign_in(page: Page, address: str, username: str) -> None:
    """Sign in to the demo."""
    page.goto(f"{address}/login")
    page.locator("input[name=username]").fill(username)
    page.locator("[name=password]").fill("demo")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("procedures|inbox"))


def picture(page: Page, name: str) -> None:
    """Keep what is shown, without the demo's own bar."""
    page.add_style_tag(content=".demobar { display: none !important; }")
    page.evaluate("() => document.fonts.ready")
    page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")


def write(box: Locator, words: str) -> None:
    """Fill a box and leave it."""
    box.fill(words)
    box.page.keyboard.press("Tab")


def head(page: Page, column: str, kind: str, label: str, text: str) -> None:
    """Change what a column of a table is called and asks."""
    page.locator(f"[data-table] {column}").first.dblclick()
    menu = page.locator(".context-menu")
    menu.get_by_label(f"{kind} label").fill(label)
    menu.get_by_label(f"{kind} expression" if kind == "Input" else "Output name").fill(text)
    page.locator("[data-table] .decision-table-name, [data-table] .header").first.click()
    expect(menu).to_have_count(0)


def cell(page: Page, row: int, kind: str, text: str) -> None:
    """Write into a cell of a table."""
    page.locator(f"[data-table] tbody tr >> nth={row}").locator(f"td.{kind}-cell").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Tab")


def begin(page: Page, address: str) -> None:
    """Lesson 1: a new procedure."""
    page.goto(f"{address}/designer/new")
    page.locator("[name=name]").fill("配件申请")
    page.locator("[name=english]").fill("Spare-part request")
    page.locator("[name=key]").fill("part_request")
    page.locator("[name=area]").fill("parts")
    for box in page.locator("[name=lanes]").all():
        box.set_checked(box.get_attribute("value") in ("agent", "supervisor", "dispatcher"))
    picture(page, "course-1-new")
    page.locator("form button.btn--primary").last.click()
    ready(page)


def ask(page: Page) -> None:
    """Lesson 2: a form with two questions."""
    add_file(page, "form", "登记配件", "ask")
    first = page.locator("[data-field=result]")
    first.locator("summary").click()
    write(first.get_by_label("Question, Chinese"), "什么配件")
    write(first.get_by_label("Question, English"), "Which part")
    write(first.get_by_label("Name of the field"), "part")
    page.locator("[data-add]").click()
    second = page.locator("[data-field=question_2]")
    write(second.get_by_label("Question, Chinese"), "几件")
    write(second.get_by_label("Question, English"), "How many")
    second.get_by_label("Kind").select_option(label="Number")
    write(second.get_by_label("Name of the field"), "amount")
    page.locator("[data-field=amount]").get_by_label("Must be answered").check()
    page.locator("[data-field=part] summary").click()
    saved(page)
    page.locator("[data-field=part] summary").scroll_into_view_if_needed()
    page.wait_for_timeout(1_500)  # the preview is drawn by the server
    picture(page, "course-2-form")


def decide(page: Page) -> None:
    """Lesson 3: a table that tells many from few."""
    add_file(page, "dmn", "数量多少", "how_many")
    head(page, "th.input-cell", "Input", "几件", "amount")
    head(page, "th.output-cell", "Output", "多少", "size")
    cell(page, 0, "input", "? > 1")
    cell(page, 0, "output", '"many"')
    page.locator("[data-table] td.add-rule").first.click()
    cell(page, 1, "output", '"few"')
    saved(page)
    picture(page, "course-3-table")


def draw(page: Page) -> None:
    """Lesson 4: the diagram, and what the check says of it."""
    page.locator("[data-leaf='parts/part_request.bpmn']").click()
    ready(page)
    remove_flow(page, "begin__finished")
    append(page, "begin", "append-task", "register", "登记配件", kind=USER, lane="Service agent")
    fill(page, "prop:nameEn", "Register the part")
    field(page, "prop:formJsonSchemaFilename").select_option("parts/ask.json")
    picture(page, "course-4-step")
    append(page, "register", "append-task", "weigh", "数量多少", kind="replace-with-rule-task")
    fill(page, "prop:nameEn", "How many?")
    field(page, "decision").select_option("how_many")
    append(page, "weigh", "gateway", "several", "多于一件？")
    fill(page, "prop:nameEn", "More than one?")
    append(page, "several", "append-task", "approve", "审批", kind=USER, lane="Customer supervisor")
    fill(page, "prop:nameEn", "Approve")
    append(page, "approve", "append-task", "send", "发货", kind=USER, lane="Parts dispatcher")
    fill(page, "prop:nameEn", "Send it")
    connect(page, "several", "send")
    connect(page, "send", "finished")
    saved(page)
    page.locator("[data-act=fit]").click()
    expect(page.locator("[data-findings] .find--error")).to_have_count(2)
    picture(page, "course-5-problems")


def mend(page: Page) -> None:
    """Lesson 5: say when each way is gone."""
    errors = page.locator("[data-findings] .find--error")
    asked = flow(page, "several", "approve")
    page.locator("[data-findings] .find", has_text=asked).locator(".find__name").first.click()
    fill(page, "condition", 'size == "many"')
    expect(errors).to_have_count(1)
    select(page, "several")
    field(page, "default").select_option(flow(page, "several", "send"))
    expect(errors).to_have_count(0)
    saved(page)


def simulate(page: Page) -> None:
    """Lesson 6: see how a token runs."""
    page.locator("[data-act=simulate]").first.click()
    start = page.get_by_role("button", name="Trigger Event").first
    start.click()
    page.wait_for_timeout(1_700)
    start.click()
    page.wait_for_timeout(3_000)
    picture(page, "course-6-simulation")
    page.locator("[data-sim] [data-act=simulate]").click()


def record(page: Page) -> None:
    """Lesson 7: play one case and keep it as a scenario."""
    page.goto(re.sub(r"/files/.*", "/record", page.url))
    page.locator("button[value=begin]").click()
    done = page.locator("button[value='submit:register']")
    answer = page.locator("form", has=done)
    answer.locator("[name=part]").fill("终端")
    answer.locator("[name=amount]").fill("3")
    picture(page, "course-7-record")
    done.click()
    page.locator("button[value='submit:approve']").click()
    page.locator("button[value='submit:send']").click()
    page.locator("[name=name]").fill("三件，审批后发货")
    page.locator("button[value=keep]").click()
    page.wait_for_url("**/scenarios**")
    page.locator("button[value=play]").click()
    expect(page.locator("#result")).to_contain_text("All")
    picture(page, "course-7-scenario")


def publish(page: Page) -> None:
    """Lesson 8: publish."""
    page.goto(re.sub(r"/scenarios.*", "/publish", page.url))
    page.locator("[name=comment]").fill("第一版")
    picture(page, "course-8-publish")
    page.locator("main form button[value=publish]").click()
    page.wait_for_url("**/procedures/part_request")


def work(page: Page, address: str) -> None:
    """Lesson 9: an agent begins it and does the first task."""
    page.wait_for_timeout(6_000)  # the other web process hears of the new procedure within five seconds
    page.goto(f"{address}/inbox")
    page.get_by_role("link", name="Spare-part request").click()
    page.locator("[name=title]").fill("车队 3 号线要三台终端")
    page.get_by_role("button", name="Begin", exact=True).click()
    page.locator("[name=part]").fill("终端")
    page.locator("[name=amount]").fill("3")
    picture(page, "course-9-work")
    page.locator("[data-submit]:visible").click()
    page.wait_for_timeout(1_000)


def main(address: str) -> None:
    """Go through the course."""
    with chromium_browser() as browser:
        page, agent = (browser.new_context(viewport=SIZE, locale="en-US").new_page() for _n in range(2))
        page.set_default_timeout(20_000)
        sign_in(page, address, "designer")
        begin(page, address)
        ask(page)
        decide(page)
        draw(page)
        mend(page)
        simulate(page)
        record(page)
        publish(page)
        sign_in(agent, address, "agent")
        work(agent, address)
        page.goto(f"{address}/procedures/part_request")
        page.locator("[data-element-id=approve]").first.wait_for()
        page.wait_for_timeout(500)
        picture(page, "course-10-running")
        page.goto(f"{address}/procedures/customer_issue/usage")
        page.locator("#diagram [class*=heat-]").first.wait_for(state="attached")
        page.wait_for_timeout(500)
        picture(page, "usage")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")

"""The course for designers, clicked through in a running demo: `python -m tests.support.course [ADDRESS]`.

Makes the pictures of docs/designers.md anew. Needs an address where `make run` serves a demo in which nobody
has made the procedure of the course yet.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from app.settings import ROOT
from tests.support.browser import chromium_browser
from tests.support.drawing import add_file, append, connect, field, fill, flow, ready, remove_flow, saved, select

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
    page.screenshot(path=PICTURES / f"course-{name}.png", animations="disabled")


def begin(page: Page, address: str) -> None:
    """Lesson 1: a new procedure."""
    page.goto(f"{address}/designer/new")
    page.locator("[name=name]").fill("配件申请")
    page.locator("[name=english]").fill("Spare-part request")
    page.locator("[name=key]").fill("part_request")
    page.locator("[name=area]").fill("parts")
    for box in page.locator("[name=lanes]").all():
        box.set_checked(box.get_attribute("value") in ("agent", "supervisor", "dispatcher"))
    picture(page, "1-new")
    page.locator("form button.btn--primary").last.click()
    ready(page)


def ask(page: Page) -> None:
    """Lesson 2: a form that asks for a number."""
    add_file(page, "form", "登记配件", "ask")
    page.locator("[data-add]").click()
    question = page.locator("[data-field=question_2]")
    question.get_by_label("Question, Chinese").fill("数量")
    question.get_by_label("Question, English").fill("How many")
    question.get_by_label("Kind").select_option(label="Number")
    page.locator("[data-field=question_2]").get_by_label("Name of the field").fill("amount")
    page.keyboard.press("Tab")
    page.locator("[data-field=amount]").get_by_label("Must be answered").check()
    saved(page)
    page.wait_for_timeout(1500)
    picture(page, "2-form")


def decide(page: Page) -> None:
    """Lesson 3: a table."""
    add_file(page, "dmn", "数量多少", "how_many")
    picture(page, "3-table")


def main(address: str) -> None:
    """Go through the course."""
    with chromium_browser() as browser:
        page = browser.new_page(viewport=SIZE, locale="en-US")
        page.set_default_timeout(20_000)
        sign_in(page, address, "designer")
        begin(page, address)
        ask(page)
        decide(page)
        page.locator("[data-table] th.input-cell").first.click()
        page.wait_for_timeout(500)
        picture(page, "3b-table")
        print(page.locator(".dms-container-wrapper, .context-menu, .dmn-js-parent").all_inner_texts())


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")

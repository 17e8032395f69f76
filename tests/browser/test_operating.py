"""An operator in Chromium: looks at what would happen, then moves an instance by hand and holds several."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from app.db import close_read_session
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations


@pytest.fixture
def running(app) -> list[int]:
    """Three cases that wait for their registration."""
    with app.app_context():
        desk = Desk(app)
        ids = [desk.receive(title=f"终端离线 {n}").instance.id for n in range(3)]
        desk.close()
        close_read_session()
    return ids


def sideways(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return found


@pytest.mark.parametrize("size", [{}, {"viewport": PHONE}], ids=["desk", "phone"])
def test_a_step_is_skipped_with_its_values_and_the_history_says_so(running, sign_in, size):
    page = sign_in("operator", "en", **size)
    page.goto(f"/procedures/instances/{running[0]}")
    page.get_by_role("link", name="Move by hand…").click()
    form = page.locator("form", has=page.locator("[name=target]")).first
    form.get_by_label("Move to").select_option("analyse")
    form.get_by_role("button", name="Show what would happen").click()
    # The step's deadline needs to know how grave the case is; nobody has said.
    expect(page.get_by_role("alert")).to_contain_text("has no value here")
    expect(form.get_by_label("Move to")).to_have_value("analyse")
    form.get_by_text("Set values on the way").click()
    form.get_by_label("Values").fill('{"klass": "device", "severity": "high"}')
    form.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("status").first).to_contain_text("Closes: Register the problem")
    form.get_by_label(re.compile("^Reason")).fill("registered on paper")
    assert sideways(page) <= 0
    assert not axe_violations(page)
    form.get_by_role("button", name="Move it now").click()
    page.wait_for_url(f"**/procedures/instances/{running[0]}")
    expect(page.get_by_role("heading", name="Open tasks").locator("xpath=../..")).to_contain_text(
        "Collect and analyse"
    )


def test_those_ticked_are_held_together_after_a_look(running, sign_in):
    page = sign_in("operator", "en")
    page.goto("/procedures/instances")
    everything = page.get_by_label("All on this page")
    everything.check()
    boxes = page.locator("[name=instance]")
    assert [box.is_checked() for box in boxes.all()] == [True] * boxes.count()
    page.get_by_label(f"Instance {running[2]}").uncheck()
    expect(everything).not_to_be_checked()
    page.get_by_label("With those ticked").select_option("suspend")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_text("It is possible for 2 instances.")).to_be_visible()
    assert not axe_violations(page)
    page.get_by_label("Reason").fill("recall announced")
    page.get_by_role("button", name="Do it to 2 instances").click()
    expect(page.get_by_role("status").first).to_contain_text("Done: 2 instances.")
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody")).to_contain_text("Suspended")

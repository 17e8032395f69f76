"""Somebody at a screen: signs in, finds a task of a case, answers its form, sends it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import Flask
from playwright.sync_api import Locator, Page, expect

from app import clock
from app.db import close_read_session
from app.timers.job import run_until
from tests.factories import MONDAY, PASSWORD, Desk

# Nine in the morning is when the desk is filled; its people come an hour later.
MORNING = MONDAY + timedelta(hours=1)


def open_centre(app: Flask, *cases: dict[str, Any]) -> list[str]:
    """Fill the centre with people, procedures and cases; from here time runs, on a Monday morning.

    Returns the numbers of the cases. The live server sees the same time: it is moved for the whole process.
    """
    with app.app_context():
        desk = Desk(app)
        numbers = [desk.receive(**given).row.number for given in cases]
        desk.close()
    clock.set_offset(clock.offset() + (MORNING - clock.now()))
    return numbers


def let_time_pass(app: Flask, by: timedelta) -> int:
    """Live through some time as the scheduler would; return how many timers fired."""
    with app.app_context():
        fired = run_until(clock.now() + by, "test")
        close_read_session()
    clock.set_offset(clock.offset() + by)
    return fired


class Staff:
    """One person at their own browser."""

    def __init__(self, page: Page, username: str) -> None:
        self.page, self.username = page, username
        page.goto("/login")
        page.locator("[name=username]").fill(username)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("form:has([name=password]) button.btn--primary").click()
        page.wait_for_url(re.compile(r"/(inbox|procedures|cases)"))

    @property
    def work(self) -> Locator:
        """The pane with the task."""
        return self.page.locator("#work")

    def take(self, number: str, step: str) -> Staff:
        """Find a case's task in the inbox, open it and claim it."""
        self.page.goto(f"/inbox?q={number}")
        self.page.locator("[data-item]").filter(has_text=step).first.locator("[data-open]").click()
        expect(self.work.locator(".work__step")).to_have_text(step)
        self.work.locator("[data-key=c]").click()
        expect(self.work.locator("[data-submit]")).to_be_visible()
        return self

    def answer(self, **values: Any) -> Staff:
        """Answer fields of the form by name: choices by value, the rest as typed."""
        for name, value in values.items():
            answer_field(self.work.locator(f"[data-field={name}]"), value)
        return self

    def submit(self) -> None:
        """Send the form; the case goes on."""
        item = self.work.get_attribute("data-work") or ""
        self.work.locator("[data-submit]").click()
        # The next task opens, or none.
        expect(self.work).not_to_have_attribute("data-work", item)


def answer_field(field: Locator, value: Any) -> None:
    """Answer one field as a person does: by clicking a choice, choosing from a list or typing."""
    expect(field).to_be_visible()
    if isinstance(value, (list, tuple)):
        for one in value:
            field.locator(f"label.option:has(input[value='{one}'])").click()
    elif isinstance(value, bool) or field.locator("input[type=radio]").count():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        field.locator(f"label.option:has(input[value='{text}'])").click()
    elif field.locator("select").count():
        field.locator("select").select_option(str(value))
    else:
        field.locator("textarea, input:not([type=hidden])").first.fill(str(value))

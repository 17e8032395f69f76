"""The callback desk in a browser: a day's calls made, handed over, printed; in both languages and on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from app import clock
from app.accounts.tables import Person
from app.callbacks.tables import Callback
from app.cases.tables import Case
from app.db import close_read_session, session, transaction
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations
from tests.support.staff import Staff

TITLES = ("终端频繁离线", "油耗报表与加油记录不符", "电子围栏报警延迟")


@pytest.fixture
def centre(app: Flask) -> None:
    """Three cases whose customers are to be called this morning; time stands at the first call's."""
    with app.app_context():
        desk = Desk(app)
        cases = []
        for number, title in enumerate(TITLES):
            customer = {"name": ("赵文礼", "钱春生", "孙玉兰")[number], "phone": f"1390000026{number}"}
            case = desk.receive(title=title, customer=customer).analyse("platform")
            case.do("judge", can_solve=False)
            case.do("refer")
            case.do("solve")
            cases.append(case)
        for case in cases:
            case.until_callback()
        now = clock.now()
        desk.close()
        close_read_session()
    clock.set_offset(clock.offset() + (now + timedelta(minutes=1) - clock.now()))


@pytest.fixture
def open_as(app: Flask, centre: None, live_server, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open the agenda as somebody who has signed in, in a language."""

    def sign_in(username: str, language: str = "zh", **options: object) -> Page:
        with app.app_context():
            with transaction():
                session().execute(
                    sa.update(Person).where(Person.username == username).values(locale=language)
                )
            close_read_session()
        page = Staff(open_page(**options), username).page
        page.goto("/callbacks")
        return page

    return sign_in


def rows(app: Flask, title: str) -> list[tuple[str | None, int | None]]:
    """Return outcome and score of each call about a case, oldest first."""
    with app.app_context():
        close_read_session()
        query = sa.select(Callback.outcome, Callback.score).join(Case, Case.id == Callback.case_id)
        found = [
            (row.outcome, row.score)
            for row in session().execute(query.where(Case.title == title).order_by(Callback.id))
        ]
        close_read_session()
        return found


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def open_call(page: Page, name: str) -> None:
    page.locator(".call__who", has_text=name).first.click()
    expect(page.locator("#call h2")).to_contain_text(name)


def record(page: Page, send: Callable[[], None]) -> None:
    """Send the form in and wait until it is answered."""
    with page.expect_response(re.compile(r"/record")) as answered:
        send()
    assert answered.value.ok, answered.value.text()


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"#call label:has([name={name}][value='{value}'])").click()


@pytest.mark.parametrize(("language", "phone"), [("zh", False), ("en", True)])
def test_a_caller_reaches_one_customer_and_not_another(app: Flask, open_as, language: str, phone: bool):
    page = open_as("callback", language, **({"viewport": PHONE} if phone else {}))
    assert axe_violations(page) == []
    assert fits(page)
    mine = page.locator(".call:not(.call--done) .call__who")
    names = [text.split("·")[0].strip() for text in mine.all_inner_texts()]
    first = names[0]
    open_call(page, first)
    assert axe_violations(page) == []
    assert fits(page)
    # Nothing chosen yet: the form says what is missing and keeps the page.
    page.locator("[data-submit]").click()
    expect(page.locator("#call [aria-invalid=true], #call .field--bad").first).to_be_visible()
    choose(page, "outcome", "satisfied")
    choose(page, "score", "5")
    page.locator("#call-form [name=words]").fill("很快就好了，谢谢。")
    record(page, lambda: page.locator("[data-submit]").click())
    page.goto("/callbacks")
    expect(page.locator(".call--done", has_text=first)).to_be_visible()
    others = page.locator(".call:not(.call--done) .call__who")
    second = others.first.inner_text().split("·")[0].strip()
    open_call(page, second)
    choose(page, "outcome", "no_answer")
    expect(page.locator("#outlook")).not_to_be_empty()
    record(page, lambda: page.locator("[data-submit]").click())
    titles = {"赵文礼": TITLES[0], "钱春生": TITLES[1], "孙玉兰": TITLES[2]}
    assert rows(app, titles[first]) == [("satisfied", 5)]
    # The attempt is kept, and the next one has its own date.
    assert [outcome for outcome, _score in rows(app, titles[second])] == ["no_answer", None]


def test_a_supervisor_hands_calls_over_sees_what_that_does_and_takes_it_back(app: Flask, open_as):
    page = open_as("supervisor")
    ticks = page.locator("[data-tick]")
    expect(ticks.first).to_be_visible()
    card = page.locator(".call", has=ticks.first).first
    name = card.locator(".call__who").inner_text().split("·")[0].strip()
    ticks.first.check()
    bar = page.locator("form#many")
    chosen = bar.locator("select[name=to]")
    now_with = page.locator("section, .caller").filter(has=card).first.inner_text()
    option = next(
        one for one in chosen.locator("option").all()
        if one.get_attribute("value") and one.inner_text().strip() not in now_with
    )  # fmt: skip
    chosen.select_option(option.get_attribute("value"))
    bar.locator("button:not([type=button])").last.click()
    expect(page.locator("h1")).to_contain_text("转派")
    expect(page.locator("tbody")).to_contain_text(name)
    assert axe_violations(page) == []
    page.locator("form button.btn--primary").last.click()
    undo = page.locator(".ag__undo")
    expect(undo).to_be_visible()
    undo.get_by_role("button").click()
    expect(page.locator(".ag__undo")).to_have_count(0)


def test_the_call_sheet_has_a_line_for_each_call_and_masked_numbers(open_as):
    page = open_as("supervisor")
    day = page.locator(".day[aria-current=date]").get_attribute("href") or ""
    found = re.search(r"day=([\d-]+)", day)
    page.goto("/callbacks/sheet" + (f"?day={found[1]}" if found else ""))
    for name in ("赵文礼", "钱春生", "孙玉兰"):
        expect(page.locator(".sheet__t").first.or_(page.locator(".sheet__t").last)).to_be_visible()
        assert name in page.locator("main").inner_text()
    assert "13900000260" not in page.content()
    assert axe_violations(page) == []
    page.emulate_media(media="print")
    expect(page.locator("[data-print]")).to_be_hidden()


def test_a_call_is_recorded_from_the_keyboard_alone(app: Flask, open_as):
    page = open_as("callback")
    page.locator(".call:not(.call--done) .call__who").first.focus()
    name = page.evaluate("document.activeElement.textContent").split("·")[0].strip()
    page.keyboard.press("Enter")
    expect(page.locator("#call h2")).to_contain_text(name)
    page.locator("#call [name=outcome]").first.focus()
    page.keyboard.press("Space")
    page.locator("#call [name=score]").first.focus()
    page.keyboard.press("ArrowRight")
    page.locator("#call-form [name=words]").focus()
    page.keyboard.type("可以")
    record(page, lambda: page.keyboard.press("Control+Enter"))
    titles = {"赵文礼": TITLES[0], "钱春生": TITLES[1], "孙玉兰": TITLES[2]}
    assert rows(app, titles[name])[0][0] == "satisfied"

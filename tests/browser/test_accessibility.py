"""axe-core finds nothing on any page that a role can reach, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.designer import service as designer
from app.errors import StepFailed
from app.notifications import notify
from tests.factories import Desk
from tests.support.browser import PHONE, axe_violations

THEMES = ["light", "dark"]
# Whom each page is shown to. {case}, {late}, {closed}, {item}, {done}… are filled in.
PAGES = {
    "agent": (
        "/inbox", "/inbox/{item}", "/inbox/{done}", "/inbox?q=nothing-fits", "/inbox?view=done", "/inbox?panel=filters",
        "/cases", "/cases?q=nothing-fits", "/cases/{case}", "/cases/{late}", "/cases/{closed}", "/cases/new",
        "/deadlines/of/{item}", "/deadlines/of/{late_item}", "/deadlines/of/{done}",
        "/customers", "/customers?q=nothing-fits", "/customers/{customer}", "/customers/new", "/callbacks",
        "/notifications", "/exports", "/settings", "/settings/password", "/me", "/help/keys", "/no-such-page", "/cases/K26-99999",
        "/admin/users",
    ),
    "callback": ("/callbacks", "/inbox"),
    "repairpoint": ("/inbox", "/cases"),
    "supervisor": (
        "/calendars", "/calendars/centre", "/calendars/centre?year=2030", "/calendars/centre/edit",
        "/cases/import", "/inbox?scope=all", "/inbox/{late_item}", "/board", "/board/forecast",
        "/board/forecast?verdict=all", "/board/move?from={person}", "/timers",
    ),
    "manager": ("/callbacks", "/callbacks?view=time", "/callbacks/sheet", "/callbacks/questions", "/callbacks/regular", "/escalation", "/escalation/edit", "/escalation/edit?klass=device&severity=high"),
    "designer": (
        "/procedures", "/procedures/customer_issue", "/procedures/device_problem", "/procedures/upload",
        "/designer", "/designer/new", "/designer/{draft}", "/designer/{draft}/files/complaints/judge.json",
        "/designer/{draft}/add", "/designer/{draft}/publish", "/designer/{draft}/replay", "/designer/{draft}/scenarios", "/procedures/customer_issue/usage",
        "/procedures/customer_issue/compare",
        "/procedures/customer_issue/versions/1/forms/complaints/register.json",
    ),
    "operator": ("/procedures/incidents", "/procedures/customer_issue/migrate", "/procedures/instances", "/procedures/instances/{instance}", "/procedures/instances/{instance}/move", "/timers"),
    "admin": (
        "/admin/users", "/admin/users/new", "/admin/users/{person}", "/admin/organisation", "/admin/outbox",
    ),
    "auditor": ("/cases", "/procedures"),
}  # fmt: skip
OUTSIDE = ("/login", "/report", "/track", "/no-such-page")


@pytest.fixture
def names(app: Flask) -> Iterator[dict[str, object]]:
    """A centre with cases in every state; what the addresses above call them."""
    with app.app_context():
        desk = Desk(app)
        closed = desk.receive(title="油耗报表与加油记录不符").analyse("platform")
        closed.do("judge", can_solve=True)
        closed.do("resolve")
        done = desk.receive(title="终端每半小时掉线一次").analyse("device", "high")
        done_item = done.do("judge", by="agent", can_solve=True)
        late = desk.receive(title="电子围栏报警延迟")
        waiting = desk.receive(title="行车记录仪画面全黑").analyse("platform")
        waiting.do("judge", can_solve=False)
        waiting.do("refer")
        waiting.do("solve")
        waiting.until_callback()
        closed.do("archive")
        fresh = desk.receive(title="新购三台终端待开通")
        people = dict(session().execute(sa.select(Person.username, Person.id)).all())
        values = {
            "number": fresh.row.number,
            "title": fresh.row.title,
            "item": "接收问题信息",
            "person": "周敏",
        }
        with transaction():
            draft = designer.open_version("device_problem", actor=SYSTEM, now=clock.now()).id
            notify([people["agent"]], "handed_over", values, f"/cases/{fresh.row.number}", clock.now())
            instance = done.instance
            failed = StepFailed("x", instance_id=instance.id, element="analyse_cause", detail="ValueError: x")
            engine.record_incident(failed, now=clock.now())
        found = {
            "item": fresh.item("register").id,
            "late_item": late.item("register").id,
            "done": done_item.id,
            "case": done.row.number,
            "late": late.row.number,
            "closed": closed.row.number,
            "customer": closed.row.customer_id,
            "instance": done.row.instance_id,
            "person": people["agent"],
            "draft": draft,
        }
        noon = clock.now() + timedelta(hours=1)
        desk.close()
        close_read_session()
    clock.set_offset(clock.offset() + (noon - clock.now()))
    yield found


@pytest.fixture
def signed_in(names, sign_in) -> Callable[..., Page]:
    """Open a page as somebody of the centre that `names` describes."""
    return sign_in


def faults(page: Page, addresses: list[str]) -> list[str]:
    found = []
    for address in addresses:
        page.goto(address)
        if page.locator("[data-diagram]").count():
            page.wait_for_load_state("networkidle")
        if page.locator("[data-designer]").count():
            page.locator("[data-designer][data-ready=yes]").wait_for()
        found += [f"{address}: {line}" for line in axe_violations(page)]
    return found


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("username", PAGES)
def test_nothing_stands_in_the_way_of(signed_in, names, username: str, theme: str):
    page = signed_in(username, color_scheme=theme)
    assert faults(page, [address.format(**names) for address in PAGES[username]]) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_stands_in_the_way_of_customers(names, open_page, theme: str):
    page = open_page(color_scheme=theme)
    assert faults(page, list(OUTSIDE)) == []
    page.goto("/report")
    page.locator("button.btn--primary").click()
    page.get_by_role("alert").first.wait_for()
    assert axe_violations(page) == []
    page.locator("[name=description]").fill("导航黑屏")
    page.locator("[name=name]").fill("秦玉兰")
    page.locator("[name=phone]").fill("13900000999")
    page.locator("[name=consent]").check()
    page.locator("button.btn--primary").click()
    page.locator("#receipt").wait_for()
    assert axe_violations(page) == []
    page.locator("a.btn--primary").click()
    page.locator(".steps").wait_for()
    assert axe_violations(page) == []


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_stands_in_the_way_on_a_phone_in_english(signed_in, names, theme: str):
    page = signed_in(
        "agent", color_scheme=theme, viewport=PHONE, locale="en-GB", has_touch=True, is_mobile=True
    )
    addresses = (
        "/inbox",
        "/inbox/{item}",
        "/cases",
        "/cases/{case}",
        "/cases/new",
        "/customers",
        "/callbacks",
        "/me",
    )
    assert faults(page, [address.format(**names) for address in addresses]) == []
    for address in addresses:
        page.goto(address.format(**names))
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_stands_in_the_way_when_somebody_else_was_first(app: Flask, signed_in, names, theme: str):
    slow, quick = signed_in("agent", color_scheme=theme), signed_in("agent2", color_scheme=theme)
    for page in (slow, quick):
        page.goto(f"/inbox/{names['item']}")
        page.locator("#work [data-key=c]").wait_for()
    quick.locator("#work [data-key=c]").click()
    quick.locator("[data-submit]").wait_for()
    slow.locator("#work [data-key=c]").click()
    slow.locator("#work .fault").wait_for()
    assert axe_violations(slow) == []
    quick.locator("[data-submit]").click()
    quick.locator("[data-error-summary]").wait_for()
    assert axe_violations(quick) == []

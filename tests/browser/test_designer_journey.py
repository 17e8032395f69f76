"""A process designer from an empty sheet to the heat map, all of it in Chromium with mouse and keyboard."""

from __future__ import annotations

import re

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.tables import Instance, ProcedureVersion, WorkItem
from tests.factories import Desk
from tests.support.browser import axe_violations
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

# The check of a whole draft takes its time on a busy build machine.
expect.set_options(timeout=30_000)
DRAWING = "complaints/spares.bpmn"
RUNNING = 50


def publish(page: Page, comment: str) -> None:
    saved(page)
    page.locator("[data-publish]").click()
    page.locator("[name=comment]").fill(comment)
    page.locator("main form button[value=publish]").click()
    page.wait_for_url("**/procedures/spares")


def record(page: Page, address: str) -> None:
    """Click one case through to its end on a virtual clock and keep it as a scenario."""
    page.goto(address)
    page.locator("[name=begin]").fill("klass: device")
    page.locator("button[value=begin]").click()
    for element in ("register", "approve", "send"):
        done = page.locator(f"button[value='submit:{element}']")
        answer = page.locator("form", has=done).locator("[name=result]")
        if element != "approve":  # its step has no form
            answer.fill("终端一台")
        done.click()
    page.locator("[name=length]").select_option("1 day")
    page.locator("button[value=pass]").click()
    page.locator("button[value='submit:confirm']").click()
    page.locator("[name=name]").fill("费用高，审批后发货")
    page.locator("button[value=keep]").click()
    page.wait_for_url("**/scenarios**")
    expect(page.locator("[name=content]")).to_have_value(re.compile("费用高，审批后发货"))
    page.locator("button[value=play]").click()
    expect(page.locator("#result")).to_contain_text("全部通过")


def begin(count: int) -> None:
    with transaction():
        for _n in range(count):
            engine.start("spares", {"klass": "device"}, actor=SYSTEM, now=clock.now())


def test_a_procedure_is_drawn_mended_published_worked_changed_and_seen(app, sign_in):
    with app.app_context():
        Desk(app).close()
        close_read_session()
    page = sign_in("designer", "zh")
    page.set_default_timeout(60_000)  # each click of a dry run plays it all again
    page.goto("/designer/new")
    page.locator("[name=name]").fill("配件申请")
    page.locator("[name=key]").fill("spares")
    for role in ("客服助理", "客户主管", "配件发货员"):
        page.get_by_label(role, exact=True).check()
    page.locator("form button.btn--primary").last.click()
    ready(page)
    add_file(page, "form", "登记配件", "spares_ask")
    add_file(page, "form", "发货登记", "spares_send")
    add_file(page, "dmn", "费用高低", "spares_cost")
    page.locator("[data-table] td.cell.output-cell").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type('"high"')
    page.keyboard.press("Tab")
    saved(page)

    # Five tasks in three lanes, a gateway, a wait of a day.
    page.locator(f"[data-leaf='{DRAWING}']").click()
    ready(page)
    remove_flow(page, "begin__finished")
    user = "replace-with-user-task"
    append(page, "begin", "append-task", "register", "登记配件", kind=user, lane="客服助理")
    field(page, "prop:formJsonSchemaFilename").select_option("complaints/spares_ask.json")
    append(page, "register", "append-task", "weigh", "费用高低", kind="replace-with-rule-task")
    field(page, "decision").select_option("spares_cost")
    append(page, "weigh", "gateway", "dear", "费用高？")
    append(page, "dear", "append-task", "approve", "审批", kind=user, lane="客户主管")
    append(page, "approve", "append-task", "send", "发货", kind=user, lane="配件发货员")
    field(page, "prop:formJsonSchemaFilename").select_option("complaints/spares_send.json")
    append(page, "send", "intermediate-event", "rest", "等一天", kind="replace-with-timer-intermediate-catch")
    fill(page, "timer", "P1D")
    append(page, "rest", "append-task", "confirm", "确认收货", kind=user, lane="客服助理")
    connect(page, "dear", "send")
    connect(page, "confirm", "finished")
    saved(page)

    # Two findings: neither way out of the gateway says when it is gone.
    errors = page.locator("[data-findings] .find--error")
    expect(errors).to_have_count(2)
    asked = flow(page, "dear", "approve")
    page.locator("[data-findings] .find", has_text=asked).locator(".find__name").first.click()
    fill(page, "condition", 'result == "high"')
    expect(errors).to_have_count(1)
    select(page, "dear")
    field(page, "default").select_option(flow(page, "dear", "send"))
    expect(errors).to_have_count(0)
    saved(page)
    drawing = page.url
    record(page, re.sub(r"/files/.*", "/record", drawing))
    page.goto(drawing)
    ready(page)
    publish(page, "第一版")

    # Somebody works it.
    agent = sign_in("agent", "zh")
    agent.goto("/inbox")
    agent.get_by_role("link", name="配件申请").click()
    assert axe_violations(agent) == []
    agent.locator("[name=title]").fill("给车队配一台终端")
    agent.get_by_role("button", name="发起").click()
    expect(agent.locator("#work")).to_contain_text("登记配件")
    expect(agent.locator("[data-submit]")).to_be_visible()
    agent.locator("[name=result]").fill("终端一台")
    with agent.expect_response(lambda one: one.request.method == "POST" and "complete" in one.url) as sent:
        agent.locator("[data-submit]").click()
    assert sent.value.status in (200, 303)
    with app.app_context():
        first = session().scalar(sa.select(Instance.id).where(Instance.start_key.is_not(None)))
        open_ = (
            session()
            .scalars(
                sa.select(WorkItem.element).where(WorkItem.instance_id == first, WorkItem.status == "open")
            )
            .all()
        )
        assert open_ == ["approve"]  # the table said "high"
        begin(RUNNING)
        close_read_session()

    # A step is inserted, and the running ones follow.
    page.goto("/designer")
    page.locator("#f-procedure").select_option("spares")
    page.locator("form:has(#f-procedure) button").click()
    ready(page)
    remove_flow(page, flow(page, "confirm", "finished"))
    append(page, "confirm", "append-task", "thank", "致谢", kind=user)
    connect(page, "thank", "finished")
    expect(errors).to_have_count(0)
    publish(page, "收货后致谢")
    page.goto("/procedures/spares/migrate")
    page.get_by_role("button", name=re.compile("v2")).first.click()
    expect(page.locator("#migration")).to_contain_text(f"{RUNNING + 1} / {RUNNING + 1}")
    page.locator("#migration details.ask summary").first.click()
    page.locator("#migration [name=reason]").first.fill("新版本多一步")
    page.locator("#migration details.ask form button.btn--primary").first.click()
    page.wait_for_url(re.compile(r"/migrations/2$"))
    expect(page.locator("#migration")).to_contain_text(f"{RUNNING + 1} / {RUNNING + 1}")
    expect(page.locator("#migration [role=progressbar]")).to_have_attribute("aria-valuenow", str(RUNNING + 1))
    with app.app_context():
        on = session().execute(
            sa.select(ProcedureVersion.number, sa.func.count())
            .join(Instance, Instance.version_id == ProcedureVersion.id)
            .where(Instance.id >= first)
            .group_by(ProcedureVersion.number)
        )
        assert [tuple(one) for one in on] == [(2, RUNNING + 1)]
        close_read_session()

    # What really happens.
    page.goto("/procedures/spares/usage")
    expect(page.locator("[data-element-id=register]").first).to_be_visible()
    expect(page.locator("#diagram [class*=heat-]").first).to_be_attached()
    row = page.locator("tbody tr", has_text="登记配件").first
    expect(row).to_contain_text(str(RUNNING + 1))

"""The page of what really happens: what it counts, for which period and version, and what it costs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import clock, engine
from app.db import close_read_session, transaction
from app.errors import NotFound
from app.procedures.usage import queries
from tests.integration.case_pages import signed_in


@pytest.fixture
def designer(app, desk):
    return signed_in(app, "designer")


def looked_at(days=1, **more):
    now = clock.now()
    return queries.usage_page("customer_issue", now - timedelta(days=days), now + timedelta(days=1), **more)


def steps_of(page):
    return {(step.process, step.element): step for step in page.usage.steps}


def test_what_cases_went_through_is_counted_with_its_working_time(desk):
    desk.receive(title="终端频繁离线").analyse("device")
    desk.receive(title="油耗不符").analyse("platform")
    close_read_session()
    page = looked_at(days=9)
    steps = steps_of(page)
    assert page.usage.instances == 2
    assert steps["customer_issue", "register"].visits == 2
    assert steps["device_problem", "judge"].visits == 1
    assert steps["customer_issue", "register"].middle is not None
    never = {(one.process, one.flow) for one in page.usage.never}
    taken = {place for place, n in page.usage.flows.items() if n}
    assert taken
    assert not taken & never
    assert len(taken) + len(never) >= 60  # together all flows of all the diagrams


def test_only_the_period_and_the_version_count(desk):
    desk.receive(title="终端频繁离线")
    close_read_session()
    now = clock.now()
    later = queries.usage_page("customer_issue", now + timedelta(days=1), now + timedelta(days=2))
    assert later.usage.instances == 0
    assert looked_at(version=1).usage.instances == 1
    assert looked_at(version=1, other=1).other.instances == 1
    with pytest.raises(NotFound):
        looked_at(version=9)
    with pytest.raises(NotFound):
        queries.usage_page("nothing", now, now)


def test_the_page_draws_the_heat_and_lists_what_never_happened(desk, designer):
    desk.receive(title="终端频繁离线").analyse("device")
    close_read_session()
    day = (clock.now() + timedelta(days=1)).date().isoformat()
    page = designer.get(f"/procedures/customer_issue/usage?since=2026-01-01&until={day}&by=visits")
    assert page.status_code == 200
    assert '"heat": 5' in page.text
    assert "从未走过的路径" in page.text
    assert "1 个实例" in page.text
    empty = designer.get("/procedures/callback/usage")
    assert "这段时间没有开始的实例" in empty.text


@pytest.mark.parametrize("asked", ["since=soon", "since=2026-03-09&until=2026-03-02"])
def test_days_that_are_none_are_said_and_the_usual_ones_shown(designer, asked):
    page = designer.get(f"/procedures/customer_issue/usage?{asked}")
    assert page.status_code == 422
    assert "显示最近 30 天" in page.text


def test_it_costs_the_same_with_more_cases(desk, count_statements):
    counts = []
    for _again in range(2):
        desk.receive(title="终端频繁离线").analyse("device")
        close_read_session()
        with count_statements() as counted:
            looked_at(days=9)
        counts.append(len(counted))
    assert counts[0] == counts[1] <= 8


def test_what_left_the_diagram_is_counted_with_where_it_was_moved(app, desk, designer):
    desk.receive(title="终端频繁离线").analyse("device")
    moved, ended = desk.receive(title="油耗不符"), desk.receive(title="重复登记")
    operator = desk.actor("operator")
    with transaction():
        engine.move_token(
            moved.instance.id, "register", "closed", reason="by phone", actor=operator, now=clock.now()
        )
    with transaction():
        engine.cancel(ended.instance.id, "entered twice", actor=operator, now=clock.now())
    close_read_session()
    fit = looked_at(days=9).usage.conformance
    assert fit.straight == 1
    assert fit.astray == {"instance.token_moved": 1, "instance.cancelled": 1}
    assert fit.moves == [("接收问题信息", "已归档", 1)]
    page = designer.get("/procedures/customer_issue/usage").text
    assert "33.3%" in page and "接收问题信息 → 已归档 × 1" in page

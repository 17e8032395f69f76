"""The page of a deadline, and what stops the clocks of a case from its pages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask_babel import refresh

from app import calendar, clock
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.deadlines import moving
from app.deadlines.tables import Deadline
from app.engine.tables import WorkItem
from tests.integration.case_pages import signed_in


@pytest.fixture
def case(app, desk):
    """A case whose step began the evening before National Day and waited three hours for photos."""
    zone = calendar.current().zone
    desk.at(datetime(2026, 9, 30, 16, 40, tzinfo=zone))
    made = desk.receive().analyse("platform")
    made.number, made.item_id = made.row.number, made.item("judge").id
    made.deadline = deadline_of(made.item_id)
    close_read_session()
    return made


def deadline_of(item_id: int) -> Deadline:
    close_read_session()
    return session().scalars(sa.select(Deadline).where(Deadline.work_item_id == item_id)).one()


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("zh", ("10-08 周四 11:10 到期", "“判断能否解决”允许 4 工时", "国庆节 7 天不计", "客服办理", "提醒经办人", "按自然时间")),
        ("en", ("Due Thu 8 Oct, 11:10", "may take 4 working hours", "National Day, 7 days, do not count", "Remind the assignee", "Clock time")),
    ],
)  # fmt: skip
def test_the_page_says_how_the_deadline_came_about_in_both_languages(app, case, language, said):
    with transaction():
        session().execute(sa.update(Person).where(Person.username == "agent").values(locale=language))
    client = signed_in(app, "agent")
    refresh()  # the context that stays open has its language already
    page = client.get(f"/deadlines/of/{case.item_id}", follow_redirects=True)
    assert page.status_code == 200
    words = text(page.text)
    assert [one for one in said if one not in words] == []


def test_a_pause_and_its_end_stand_on_the_page_with_the_time_they_moved_it_by(app, desk, case):
    client = signed_in(app, "agent")
    zone = calendar.current().zone
    before = case.deadline.due_at
    desk.at(datetime(2026, 10, 8, 9, 0, tzinfo=zone))
    page = client.post(f"/cases/{case.number}/wait", data={"awaited": "现场照片"})
    assert page.status_code == 303
    paused = text(client.get(f"/deadlines/{case.deadline.id}").text)
    assert "已停表，还剩 2 小时 10 分工时" in paused
    assert "停表期间不执行" in paused
    desk.at(datetime(2026, 10, 11, 9, 0, tzinfo=zone))
    assert client.post(f"/cases/{case.number}/go-on").status_code == 303
    after = deadline_of(case.item_id).due_at
    # Thursday from nine, all Friday, and the Saturday that is worked instead: 8 + 8 + 7 h 30 min.
    assert after == calendar.add_working_time(before, timedelta(hours=23, minutes=30))
    words = text(client.get(f"/deadlines/{case.deadline.id}").text)
    assert "10-12 周一 10:40 到期" in words
    assert "等现场照片" in words
    assert "没有停表" in words
    assert "变动记录" in words


def test_whoever_may_not_see_the_case_does_not_see_its_deadline(app, case):
    assert signed_in(app, "repairpoint").get(f"/deadlines/{case.deadline.id}").status_code == 404
    assert signed_in(app, "agent").get("/deadlines/999999").status_code == 404
    assert signed_in(app, "agent").get("/deadlines/of/999999").status_code == 404


def test_the_page_costs_the_same_however_much_has_happened(app, desk, case, count_statements):
    client = signed_in(app, "agent")
    costs = []
    for more in (0, 6):
        for _turn in range(more):
            client.post(f"/cases/{case.number}/wait", data={"awaited": "照片"})
            desk.at(clock.now() + timedelta(minutes=5))
            client.post(f"/cases/{case.number}/go-on")
        close_read_session()
        client.get(f"/deadlines/{case.deadline.id}")  # what a process reads once and keeps
        with count_statements() as counted:
            assert client.get(f"/deadlines/{case.deadline.id}").status_code == 200
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 11, counted


def test_the_inbox_stops_and_starts_the_clocks_and_says_so(app, desk, case):
    client = signed_in(app, "agent")
    client.post(f"/inbox/{case.item_id}/claim")
    assert client.post(f"/inbox/{case.item_id}/wait", data={"awaited": "行驶证"}).status_code == 303
    page = client.get(f"/inbox/{case.item_id}").text
    assert "正在等客户：行驶证" in page
    assert "等待客户" in text(client.get("/inbox").text)
    assert client.post(f"/inbox/{case.item_id}/go-on").status_code == 303
    assert "正在等客户" not in client.get(f"/inbox/{case.item_id}").text


def test_nothing_typed_is_lost_when_a_wait_is_refused(app, desk, case):
    client = signed_in(app, "agent")
    page = client.post(f"/cases/{case.number}/wait", data={"awaited": "   "})
    assert page.status_code == 422
    assert "请写明在等客户什么" in page.text


def test_the_answer_of_the_customer_lets_the_clocks_go_on(app, desk, case):
    client = signed_in(app, "agent")
    client.post(f"/cases/{case.number}/wait", data={"awaited": "照片"})
    customer = app.test_client()
    code = case.row.track_code
    close_read_session()
    customer.post("/track", data={"number": case.number, "code": code})
    sent = customer.post(f"/track/{case.number}/information", data={"body": "照片已发，请查收"})
    assert sent.status_code in (200, 303)
    assert case.row.paused_at is None


def test_a_case_is_classified_on_its_page_and_its_deadline_moves(app, desk, case):
    client = signed_in(app, "supervisor")
    before = case.deadline.due_at
    page = client.post(
        f"/cases/{case.number}/classify", data={"severity": "critical", "class": ""}, follow_redirects=True
    )
    assert "个期限已变动" in page.text
    assert deadline_of(case.item_id).due_at < before
    assert "案件重新定类定级" in client.get(f"/deadlines/{case.deadline.id}").text


# ---------------------------------------------------------------- a changed calendar


def test_a_changed_calendar_previews_what_moves_and_then_moves_it(desk, case):
    from dataclasses import replace

    present = calendar.get(case.deadline.calendar)
    closed = calendar.rules.Day("停电", ())
    thursday = datetime(2026, 10, 8, tzinfo=present.zone).date()
    changed = replace(present, days={**present.days, thursday: closed}, version=present.version + 1)
    seen = moving.preview(present.key, changed, clock.now())
    assert (seen.moved, seen.later, seen.earlier, seen.newly_late) == (3, 3, 0, 0)
    (step,) = [row for row in seen.rows if row.kind == "step"]
    assert (step.case_number, step.before) == (case.number, case.deadline.due_at)
    with transaction():
        assert moving.apply(present.key, changed, actor=desk.actor("supervisor"), now=clock.now()) == 3
    found = deadline_of(case.item_id)
    assert (found.due_at, found.calendar_version) == (step.after, changed.version)
    assert case.item("judge").due_at == step.after
    assert case.row.due_at == step.after
    # It fires at its new instant, once.
    desk.pass_time(step.after - clock.now() - timedelta(minutes=1))
    assert case.item("judge").escalation_level == 0
    desk.pass_time(timedelta(minutes=2))
    assert case.item("judge").escalation_level == 1


def test_a_deadline_that_comes_sooner_than_now_rings_at_once(desk, case):
    from dataclasses import replace

    present = calendar.get(case.deadline.calendar)
    zone = present.zone
    desk.at(datetime(2026, 10, 8, 9, 0, tzinfo=zone))
    first = datetime(2026, 10, 1, tzinfo=zone).date()
    worked = calendar.rules.Day("加班", present.spans(datetime(2026, 9, 30, tzinfo=zone).date()))
    changed = replace(present, days={**present.days, first: worked}, version=present.version + 1)
    seen = moving.preview(present.key, changed, clock.now())
    assert seen.newly_late == 1
    with transaction():
        moving.apply(present.key, changed, actor=desk.actor("supervisor"), now=clock.now())
    desk.pass_time(timedelta(seconds=1))
    assert case.item("judge").escalation_level >= 1
    with transaction():
        item = session().get_one(WorkItem, case.item_id)
    assert item.due_at < clock.now()

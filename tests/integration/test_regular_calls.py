"""Regular calls: planned once a day whoever runs, made as a step of their own, a problem becomes a case."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app import calendar, clock
from app.agenda import regular, service
from app.agenda.filters import Filters
from app.agenda.queries import agenda
from app.callbacks.tables import Callback, CallSchedule, CallScheduleDay
from app.cases.tables import Case
from app.customers import service as customers
from app.customers.tables import Customer
from app.db import close_read_session, session, transaction
from app.engine.tables import Instance, WorkItem
from app.errors import Conflict, Forbidden, Invalid
from app.notifications.tables import Notification
from tests.factories import PASSWORD, Desk

MONDAY = date(2026, 3, 2)
GIVEN: dict[str, Any] = {
    "name": "季度例行", "idle_days": "30", "weekdays": ["1", "2", "3", "4", "5"], "working_days": "1",
    "from_time": "09:30", "until_time": "17:30", "most_a_day": "2", "active_from": "2026-03-02",
}  # fmt: skip


@pytest.fixture
def filed(desk: Desk) -> list[int]:
    """Five customers filed long ago: one has no phone, one wants no calls."""
    ids = []
    with transaction():
        for number in range(5):
            values = {"name": f"客户{number}", "phone": f"1390000010{number}" if number != 3 else ""}
            made = customers.create(
                values, actor=desk.actor("agent"), now=clock.now() - timedelta(days=90 - number)
            )
            made.do_not_call = number == 4
            ids.append(made.id)
    return ids


def make(desk: Desk, *, start: bool = True, **changes: Any) -> int:
    leader = desk.actor("supervisor")
    with transaction():
        row = regular.save(None, GIVEN | changes, actor=leader, now=clock.now())
        if start:
            regular.set_paused(row.id, False, actor=leader, now=clock.now())
        return row.id


def promised() -> list[Callback]:
    close_read_session()
    return list(session().scalars(sa.select(Callback).order_by(Callback.id)))


def sign_in(client: FlaskClient, username: str) -> FlaskClient:
    client.post("/logout")
    assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303
    return client


def test_a_day_is_planned_once_however_often_the_scheduler_comes_by(desk: Desk, filed: list[int]):
    make(desk)
    assert regular.plan_due(clock.now()) == 2
    assert regular.plan_due(clock.now()) == 0
    calls = promised()
    assert [one.customer_id for one in calls] == filed[:2]
    assert {(one.kind, one.case_id, one.attempt, one.most) for one in calls} == {("regular", None, 1, 2)}
    assert [one.due_at.astimezone(calendar.current().zone).strftime("%H:%M") for one in calls] == [
        "09:30",
        "13:30",
    ]
    desk.at(clock.now() + timedelta(days=1))
    assert regular.plan_due(clock.now()) == 1
    assert [one.customer_id for one in promised()] == filed[:3]


def test_of_two_schedulers_at_once_the_second_plans_nothing(desk: Desk, filed: list[int]):
    schedule_id = make(desk)
    with transaction():
        session().add(CallScheduleDay(schedule_id=schedule_id, day=MONDAY, planned=0, at=clock.now()))
    with transaction():
        assert regular.plan_day(schedule_id, MONDAY, now=clock.now()) == 0
    assert promised() == []


def test_a_scheduler_that_dies_half_way_leaves_nothing_and_the_next_plans_it_all(
    desk: Desk, filed: list[int]
):
    schedule_id = make(desk)
    with pytest.raises(ZeroDivisionError), transaction():
        regular.plan_day(schedule_id, MONDAY, now=clock.now())
        raise ZeroDivisionError
    assert promised() == []
    assert regular.plan_due(clock.now()) == 2


def test_a_resting_schedule_calls_nobody(desk: Desk, filed: list[int]):
    make(desk, start=False)
    assert regular.plan_due(clock.now()) == 0


def test_the_preview_is_what_happens_then(desk: Desk, filed: list[int]):
    schedule_id = make(desk)
    shown = regular.preview(session().get_one(CallSchedule, schedule_id), clock.now())
    assert [(day, [one.id for one in people]) for day, people in shown.days[:2]] == [
        (MONDAY, filed[:2]),
        (date(2026, 3, 3), filed[2:3]),
    ]
    assert dict(shown.left_out) == {"opted_out": 1, "no_phone": 1}
    regular.plan_due(clock.now())
    desk.at(clock.now() + timedelta(days=1))
    regular.plan_due(clock.now())
    assert [one.customer_id for one in promised()] == filed[:3]


def test_the_customers_hours_move_a_planned_call(desk: Desk, filed: list[int]):
    hours = [{"days": [1, 2, 3, 4, 5], "from": "16:00", "until": "17:00"}]
    with transaction():
        session().execute(sa.update(Customer).where(Customer.id == filed[0]).values(call_hours=hours))
    make(desk, most_a_day="1")
    regular.plan_due(clock.now())
    (one,) = promised()
    assert (one.due_at.astimezone(calendar.current().zone).hour, one.moved) == (16, "hours")


def test_a_call_without_a_case_is_made_like_any_other(desk: Desk, filed: list[int], client: FlaskClient):
    make(desk, most_a_day="1")
    regular.plan_due(clock.now())
    desk.pass_time(timedelta(hours=2))
    (one,) = promised()
    assert one.work_item_id is not None
    shown = agenda(Filters(), calendar.current(), clock.now())
    assert [(call.case_number, call.title, call.customer) for call in shown.calls] == [
        (None, "季度例行", "客户0")
    ]
    sign_in(client, "callback")
    assert "季度例行" in client.get("/inbox?view=all").text
    assert client.get(f"/inbox/{one.work_item_id}").status_code == 200
    assert "客户0" in client.get(f"/callbacks/{one.id}").text
    sent = {"outcome": "satisfied", "score": "5", "words": "都好", "q_used": "yes"}
    assert client.post(f"/callbacks/{one.id}/record", data=sent).status_code == 303
    with desk.app.app_context():
        (done,) = promised()
        assert (done.outcome, done.answers, done.score) == ("satisfied", {"used": "yes"}, 5)
        assert session().get_one(Instance, done.instance_id).status == "completed"
        assert session().scalar(sa.select(sa.func.count()).select_from(Case)) == 0
    assert "客户0" in client.get(f"/customers/{filed[0]}").text


def test_a_problem_told_in_a_regular_call_becomes_a_case_of_its_customer(desk: Desk, filed: list[int]):
    make(desk, most_a_day="1")
    regular.plan_due(clock.now())
    desk.pass_time(timedelta(hours=2))
    (one,) = promised()
    sent = {"outcome": "dissatisfied", "score": "2", "words": "最近常掉线\n一天两三次"}
    outlook = service.try_out(one.id, sent, actor=desk.actor("callback"), now=clock.now())
    assert outlook is not None and outlook.ended
    assert session().scalar(sa.select(sa.func.count()).select_from(Case)) == 0
    with transaction():
        service.record(one.id, sent, said={}, actor=desk.actor("callback"), now=clock.now())
    (done,) = promised()
    case = session().get_one(Case, done.led_to_case_id)
    assert (case.title, case.customer_id, case.status) == ("最近常掉线", filed[0], "open")
    waiting = sa.select(WorkItem.element).where(WorkItem.case_id == case.id, WorkItem.status == "open")
    assert session().scalars(waiting).all() == ["register"]


def test_nobody_answers_twice_and_it_ends(desk: Desk, filed: list[int]):
    make(desk, most_a_day="1")
    regular.plan_due(clock.now())
    for _attempt in range(2):
        desk.pass_time(timedelta(days=2))
        last = promised()[-1]
        with transaction():
            service.record(
                last.id, {"outcome": "no_answer", "no_answer": "ringing"}, said={},
                actor=desk.actor("callback"), now=clock.now(),
            )  # fmt: skip
    assert [one.outcome for one in promised()] == ["no_answer", "no_answer"]
    instance_id = promised()[0].instance_id
    assert session().get_one(Instance, instance_id).status == "completed"


def test_a_regular_call_that_nobody_makes_is_escalated(desk: Desk, filed: list[int]):
    make(desk, most_a_day="1")
    regular.plan_due(clock.now())
    desk.pass_time(timedelta(days=10))
    item = session().scalar(sa.select(WorkItem).where(WorkItem.case_id.is_(None)))
    assert item is not None and item.escalation_level >= 2
    told = session().scalars(sa.select(Notification.kind)).all()
    assert {"overdue", "escalated"} <= set(told)


def test_only_leaders_write_schedules_and_two_at_once_do_not_overwrite_each_other(desk: Desk):
    with pytest.raises(Forbidden), transaction():
        regular.save(None, GIVEN, actor=desk.actor("agent"), now=clock.now())
    schedule_id = make(desk, start=False)
    leader = desk.actor("supervisor")
    with transaction():
        regular.save(schedule_id, GIVEN | {"most_a_day": "5"}, actor=leader, now=clock.now(), revision=0)
    with pytest.raises(Conflict), transaction():
        regular.save(schedule_id, GIVEN, actor=leader, now=clock.now(), revision=0)


def test_bad_values_are_named_field_by_field():
    bad = GIVEN | {
        "name": "",
        "idle_days": "0",
        "weekdays": [],
        "until_time": "08:00",
        "active_until": "2026-01-01",
    }
    with pytest.raises(Invalid) as refused:
        regular.clean(bad)
    assert {one.field for one in refused.value.errors} == {
        "name", "idle_days", "weekdays", "until_time", "active_until"
    }  # fmt: skip


def test_a_schedule_is_written_looked_at_started_and_rests_on_its_pages(
    desk: Desk, filed: list[int], client: FlaskClient
):
    sign_in(client, "supervisor")
    assert client.get("/callbacks/regular").status_code == 200
    assert client.get("/callbacks/regular/new").status_code == 200
    assert client.post("/callbacks/regular/new", data=GIVEN | {"idle_days": "x"}).status_code == 422
    made = client.post("/callbacks/regular/new", data=GIVEN)
    assert made.status_code == 303
    page = client.get(made.headers["Location"]).text
    assert "客户0" in page and "不接受定期回访" in page
    assert client.post(f"{made.headers['Location']}/pause", data={"paused": "0"}).status_code == 303
    assert "季度例行" in client.get("/callbacks/regular").text
    assert sign_in(client, "agent").get(made.headers["Location"]).status_code == 200
    assert client.post(f"{made.headers['Location']}/pause", data={"paused": "1"}).status_code == 403


def test_a_call_is_booked_by_hand_at_the_time_the_customer_named(
    desk: Desk, filed: list[int], client: FlaskClient
):
    sign_in(client, "callback")
    assert client.get("/callbacks/new").status_code == 200
    assert client.get(f"/callbacks/new?customer={filed[0]}").status_code == 200
    sent = {"customer": str(filed[0]), "title": "续费咨询", "at": "2026-03-03T19:30"}
    assert client.post("/callbacks/new", data=sent | {"at": "2026-03-01T10:00"}).status_code == 422
    assert client.post("/callbacks/new", data=sent).status_code == 303
    with desk.app.app_context():
        (one,) = promised()
        assert (one.kind, one.agreed, one.moved) == ("booked", True, None)
        assert one.due_at.astimezone(calendar.current().zone).strftime("%d %H:%M") == "03 19:30"

"""Mails to staff: none in quiet hours, one instead of twenty, none about what is over or known."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import calendar, clock, jobs
from app.accounts.tables import Person
from app.calendar import content
from app.calendar import service as calendars
from app.db import close_read_session, session, transaction
from app.deadlines import acknowledging
from app.inbox import service as inbox
from app.notifications import digests, notify
from app.notifications.tables import Notification, Outbox
from tests.factories import MONDAY
from tests.integration.case_pages import signed_in
from tests.support.api import make_outside
from tests.support.smtp import mail_server

PARAMS = {"number": "K26-1", "title": "终端频繁离线", "item": "分析问题", "due": MONDAY.isoformat()}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def agent(desk):
    """Give the agent an address; returns their id."""
    with transaction():
        session().execute(
            sa.update(Person).where(Person.username == "agent").values(email="agent@example.com")
        )
    return desk.actor("agent").id


def tell(person: int, count: int = 1, **more: object) -> None:
    with transaction():
        for _number in range(count):
            notify([person], "overdue", PARAMS, "/inbox/1", clock.now(), **more)


def outbox() -> list[Outbox]:
    close_read_session()
    query = sa.select(Outbox).where(Outbox.recipient == "agent@example.com").order_by(Outbox.id)
    return list(session().scalars(query))


def at(desk, instant, *, collect: bool = True) -> None:
    desk.at(instant)
    if collect:
        digests.collect(clock.now())


def test_what_comes_at_night_goes_out_as_one_mail_in_the_morning(app, desk, agent):
    night = MONDAY.replace(hour=14)  # 22:00 in Shanghai
    at(desk, night)
    tell(agent, 20)
    at(desk, night + timedelta(hours=9, minutes=59))
    assert outbox() == []
    with mail_server() as box:
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], smtp_url=box.url)
        at(desk, night + timedelta(hours=10), collect=False)
        jobs.run_all("w")
        jobs.run_all("w")
        (message,) = box.messages
    assert message["To"] == "agent@example.com"
    text = message.get_payload()[0].get_payload(decode=True).decode()
    assert "您有 20 条消息" in text
    assert text.count("超期") >= 20 or text.count("超时") >= 20


def test_the_bell_rings_at_night_all_the_same_and_says_when_the_mail_comes(app, desk, agent):
    at(desk, MONDAY.replace(hour=14))
    tell(agent)
    client = signed_in(app, "agent")
    page = client.get("/notifications").text
    assert "邮件将在" in page
    assert "08:00" in page


def test_an_urgent_one_goes_out_at_night(desk, agent):
    at(desk, MONDAY.replace(hour=14))
    tell(agent)
    tell(agent, urgent=True)
    digests.collect(clock.now())
    assert [row.payload["kind"] for row in outbox()] == ["overdue"]


def test_the_first_mail_goes_at_once_and_what_follows_soon_comes_in_one(desk, agent):
    at(desk, MONDAY)
    tell(agent)
    digests.collect(clock.now())
    assert len(outbox()) == 1
    for minute in range(1, 10):
        at(desk, MONDAY + minute * MINUTE, collect=False)
        tell(agent, 2)
        digests.collect(clock.now())
    assert len(outbox()) == 1
    at(desk, MONDAY + 10 * MINUTE)
    assert [row.payload["kind"] for row in outbox()] == ["overdue", "digest"]
    assert outbox()[1].payload["params"]["count"] == 18


def test_what_was_read_or_done_meanwhile_is_left_out(desk, agent):
    case = desk.receive()
    item = case.item(case.open[0])
    desk.at(MONDAY.replace(hour=14))
    tell(agent, 2)
    with transaction():
        session().execute(sa.update(Notification).values(read_at=clock.now()))
        notify([agent], "overdue", PARAMS, f"/inbox/{item.id}", clock.now(), work_item_id=item.id)
        notify([agent], "comment", PARAMS, "/cases/K26-1", clock.now())
    case.withdraw()
    desk.at(MONDAY + timedelta(days=1))
    digests.collect(clock.now())
    assert [row.payload["kind"] for row in outbox()] == ["comment"]


def test_two_workers_at_once_make_one_mail(app, desk, agent):
    at(desk, MONDAY)
    tell(agent, 5)
    barrier = threading.Barrier(2)

    def work() -> None:
        with app.app_context(), clock.at(MONDAY):
            barrier.wait()
            digests.collect(MONDAY)
            close_read_session()

    threads = [threading.Thread(target=work) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.payload["params"]["count"] for row in outbox()] == [5]


def test_ones_own_quiet_hours_count_instead_of_the_centres(app, desk, agent):
    client = signed_in(app, "agent")
    fields = {"mail_notifications": "1", "quiet": "own", "quiet_from": "08:30", "quiet_until": "10:00"}
    assert client.post("/settings/preferences", data=fields).status_code == 303
    close_read_session()
    at(desk, MONDAY)  # 09:00 in Shanghai
    tell(agent)
    digests.collect(clock.now())
    assert outbox() == []
    at(desk, MONDAY + timedelta(hours=1))
    assert len(outbox()) == 1
    at(desk, MONDAY.replace(hour=18))  # two in the morning
    tell(agent)
    digests.collect(clock.now())
    assert len(outbox()) == 2


def test_mails_that_wait_follow_ones_hours_when_they_change(app, desk, agent):
    client = signed_in(app, "agent")
    close_read_session()
    at(desk, MONDAY.replace(hour=14))  # 22:00 in Shanghai
    tell(agent)
    client.post("/settings/preferences", data={"mail_notifications": "1", "quiet": "none"})
    digests.collect(clock.now())
    assert len(outbox()) == 1
    tell(agent)
    own = {"quiet": "own", "quiet_from": "21:00", "quiet_until": "23:00"}
    client.post("/settings/preferences", data={"mail_notifications": "1"} | own)
    at(desk, MONDAY.replace(hour=14, minute=59))
    assert len(outbox()) == 1
    at(desk, MONDAY.replace(hour=15))
    assert len(outbox()) == 2


@pytest.mark.parametrize("times", [("", ""), ("21:00", ""), ("25:00", "07:00"), ("late", "early")])
def test_hours_that_are_none_are_refused_and_what_was_typed_is_still_there(app, desk, agent, times):
    client = signed_in(app, "agent")
    fields = {"mail_notifications": "1", "quiet": "own", "quiet_from": times[0], "quiet_until": times[1]}
    page = client.post("/settings/preferences", data=fields)
    assert page.status_code == 422
    assert "请填写开始和结束时间" in page.text
    assert f'value="{times[0]}"' in page.text
    assert re.search(r'name="quiet" value="own" checked', page.text)
    close_read_session()
    assert session().get(Person, agent).quiet_hours is None


def test_a_centre_that_is_closed_for_a_month_is_told_after_half_of_it(desk, agent):
    at(desk, MONDAY)
    closed = {str(day): [] for day in range(1, 8)}
    given = content.write(calendar.current()) | {"weeks": [{"from": None, "spans": closed}], "days": {}}
    with transaction():
        calendars.save("centre", given, comment="", based_on=0, actor_id=None, now=clock.now())
    tell(agent)
    at(desk, MONDAY + timedelta(days=13))
    assert outbox() == []
    at(desk, MONDAY + timedelta(days=16))
    assert len(outbox()) == 1


# ---------------------------------------------------------------- taking note


def late(desk):
    """Return a case whose step is late, and its item."""
    case = desk.receive().analyse("platform")
    item = case.item("judge")
    desk.pass_time(item.due_at - item.created_at + MINUTE)
    return case, case.item("judge")


def told(person: int, item_id: int) -> int:
    close_read_session()
    query = sa.select(sa.func.count()).where(
        Notification.person_id == person, Notification.url == f"/inbox/{item_id}"
    )
    return session().scalar(query) or 0


def test_who_has_taken_note_is_not_told_again_and_the_next_above_still_is(desk):
    case, item = late(desk)
    supervisor, manager = desk.actor("supervisor"), desk.actor("manager")
    with transaction():
        assert acknowledging.acknowledge(item, actor=supervisor, now=clock.now())
        assert not acknowledging.acknowledge(item, actor=supervisor, now=clock.now())
    before = told(supervisor.id, item.id)
    of_case = Notification.person_id == supervisor.id, Notification.url.like("/deadlines/%")
    count = sa.select(sa.func.count()).where(*of_case)
    case_before = session().scalar(count)
    desk.pass_time(timedelta(days=14))
    assert told(supervisor.id, item.id) == before
    # That the whole case is late is another matter.
    assert session().scalar(count) > case_before
    assert told(manager.id, item.id) > 0
    assert case.item("judge").escalation_level == 3


def test_what_somebody_knows_already_is_left_out_of_the_mail_that_waits(desk):
    _case, item = late(desk)
    supervisor = desk.actor("supervisor")
    with transaction():
        session().execute(sa.update(Person).where(Person.id == supervisor.id).values(email="su@example.com"))
    desk.at(MONDAY.replace(hour=14) + timedelta(days=1))
    with transaction():
        notify([supervisor.id], "escalated", PARAMS, f"/inbox/{item.id}", clock.now(), work_item_id=item.id)
        acknowledging.acknowledge(item, actor=supervisor, now=clock.now())
    desk.at(MONDAY + timedelta(days=2))
    digests.collect(clock.now())
    close_read_session()
    sent = session().scalars(sa.select(Outbox.recipient))
    assert "su@example.com" not in list(sent)


def test_a_note_taken_back_rings_again(desk):
    _case, item = late(desk)
    supervisor = desk.actor("supervisor")
    with transaction():
        inbox.acknowledge(item.id, actor=supervisor, now=clock.now())
        inbox.ring_again(item.id, actor=supervisor, now=clock.now())
    desk.pass_time(timedelta(days=14))
    assert told(supervisor.id, item.id) > 0


def test_a_note_is_about_one_deadline_and_another_rings(desk):
    _case, item = late(desk)
    supervisor = desk.actor("supervisor")
    with transaction():
        inbox.acknowledge(item.id, actor=supervisor, now=clock.now())
        item.due_at = item.due_at + timedelta(days=1)
        assert acknowledging.noted(item) == []
        assert acknowledging.without_those_who_know([supervisor.id], [item]) == [supervisor.id]


def test_the_task_shows_who_knows_and_since_when_and_offers_to_ring_again(app, desk):
    _case, item = late(desk)
    item_id = item.id
    client = signed_in(app, "supervisor")
    assert "我知道了" in client.get(f"/inbox/{item_id}").text
    assert client.post(f"/inbox/{item_id}/acknowledge").status_code == 303
    page = client.get(f"/inbox/{item_id}").text
    assert "已知悉超时" in page
    assert "继续提醒我" in page
    assert client.post(f"/inbox/{item_id}/ring-again").status_code == 303
    assert "我知道了" in client.get(f"/inbox/{item_id}").text


def test_over_rest_a_late_task_is_noted_and_one_in_time_is_not(app, desk):
    _case, item = late(desk)
    late_id = item.id
    other = desk.receive()
    early_id = other.item(other.open[0]).id
    outside = make_outside(app)["supervisor"]
    assert outside.post(f"/work-items/{late_id}/acknowledge").status_code == 200
    assert outside.post(f"/work-items/{late_id}/acknowledge").status_code == 200
    assert outside.post(f"/work-items/{early_id}/acknowledge").status_code == 409
    assert outside.post("/work-items/99999/acknowledge").status_code == 404

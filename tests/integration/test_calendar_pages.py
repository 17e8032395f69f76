"""The editor of calendars: nothing typed is lost, what a change moves is seen first, two people are told."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from app import calendar, clock
from app.calendar import content, service, store
from app.db import close_read_session, session, transaction
from app.deadlines.tables import Deadline
from app.engine.tables import Event, Timer
from tests.factories import MONDAY
from tests.integration.case_pages import signed_in

WEEK = {f"week.0.{day}": "08:30–12:00, 13:30–18:00" if day < 6 else "" for day in range(1, 8)}


@pytest.fixture
def centre(desk):
    with transaction():
        service.ensure_default(actor_id=None, now=MONDAY)
    return calendar.current()


def typed(**more: object) -> dict[str, object]:
    """Return the editor's fields as a browser sends them, with two days of their own in 2026."""
    return {
        "year": "2026", "based_on": "1", "zone": "Asia/Shanghai", "known_until": "2026-12-31",
        "comment": "三月停电", "do": "preview", **WEEK,
        "day.day": ["2026-03-03"], "day.until": [""], "day.name": ["停电"], "day.hours": [""],
    } | more  # fmt: skip


def hidden(page: str, name: str) -> str:
    found = re.search(f'name="{name}" value="([^"]*)"', page)
    assert found is not None, name
    return html.unescape(found[1])


def applied(client, page: str):
    fields = {name: hidden(page, name) for name in ("content", "based_on", "comment", "year")}
    return client.post("/calendars/centre/apply", data=fields)


def test_a_change_is_seen_before_it_counts_and_then_moves_the_deadline(app, desk, centre):
    case = desk.receive().analyse("platform")
    desk.at(MONDAY + timedelta(hours=6))
    with_deadline = case.item("judge")
    case.do("judge", can_solve=False)
    before = case.item("refer").due_at
    client = signed_in(app, "supervisor")
    close_read_session()
    page = client.post("/calendars/centre/edit", data=typed())
    assert page.status_code == 200
    assert "个未完成期限会变动" in page.text
    assert case.row.number in page.text
    assert case.item("refer").due_at == before
    assert applied(client, page.text).status_code == 303
    assert calendar.current().version == 2
    assert not calendar.current().spans(date(2026, 3, 3))
    assert case.item("refer").due_at == calendar.add_working_time(
        case.item("refer").created_at, timedelta(hours=4)
    )
    assert case.item("refer").due_at > before > with_deadline.created_at
    shown = client.get("/calendars/centre?year=2026").text
    assert "三月停电" in shown and "停电" in shown


def test_of_two_who_edit_at_once_the_second_sees_both_and_loses_nothing(app, desk, centre):
    first, second = signed_in(app, "supervisor"), signed_in(app, "manager")
    pages = [one.post("/calendars/centre/edit", data=typed()).text for one in (first, second)]
    assert applied(first, pages[0]).status_code == 303
    other = second.post(
        "/calendars/centre/edit", data=typed(**{"day.name": ["盘点"], "day.day": ["2026-03-05"]})
    )
    answer = applied(second, other.text)
    assert answer.status_code == 409
    assert "其他人刚刚保存了这个日历的第 2 版" in answer.text
    assert 'value="盘点"' in answer.text
    assert calendar.current().version == 2
    # What was typed can be sent again on top of the newer version.
    assert hidden(answer.text, "based_on") == "2"


def test_everything_that_does_not_fit_is_said_beside_what_was_typed(app, desk, centre):
    client = signed_in(app, "supervisor")
    wrong = {"week.0.1": "8 bis 5", "zone": "Mars", "day.day": ["2026-03-03"], "day.until": ["2026-03-01"]}
    page = client.post("/calendars/centre/edit", data=typed(**wrong))
    assert page.status_code == 422
    assert 'value="8 bis 5"' in page.text
    assert "“8 bis 5”不是有效时段" in page.text
    assert "结束日期须在开始日期之后" in page.text
    assert calendar.current().version == 1


def test_a_run_of_days_and_a_half_day_can_be_entered_in_one_row_each(app, desk, centre):
    client = signed_in(app, "supervisor")
    rows = {
        "day.day": ["2026-07-01", "2026-08-03"], "day.until": ["2026-07-03", ""],
        "day.name": ["高温假", "半天"], "day.hours": ["", "8:30-12:00"],
    }  # fmt: skip
    page = client.post("/calendars/centre/edit", data=typed(**rows))
    assert applied(client, page.text).status_code == 303
    present = calendar.current()
    assert [bool(present.spans(date(2026, 7, day))) for day in (1, 2, 3, 6)] == [False, False, False, True]
    assert len(present.spans(date(2026, 8, 3))) == 1


def test_the_official_year_fills_the_form_and_saves_nothing(app, desk, centre):
    client = signed_in(app, "supervisor")
    page = client.post("/calendars/centre/edit", data=typed(do="official"))
    assert page.status_code == 200
    assert 'value="2026-02-14"' in page.text and "国庆节" in page.text
    assert 'value="停电"' in page.text
    assert calendar.current().version == 1
    guessed = client.post("/calendars/centre/edit", data=typed(do="official", year="2030"))
    assert "该年安排尚未公布" in guessed.text


def test_another_calendar_begins_as_a_copy(app, desk, centre):
    client = signed_in(app, "supervisor")
    assert (
        client.post("/calendars", data={"key": "Nacht!", "name": "夜班", "copy": "centre"}).status_code == 422
    )
    made = client.post("/calendars", data={"key": "night", "name": "夜班", "copy": "centre"})
    assert made.status_code == 303
    assert calendar.get("night").spans(date(2026, 3, 2)) == centre.spans(date(2026, 3, 2))
    assert "夜班" in client.get("/calendars").text


def test_whoever_works_may_look_and_only_leaders_may_change(app, desk, centre):
    agent = signed_in(app, "agent")
    assert agent.get("/calendars/centre").status_code == 200
    assert agent.get("/calendars/centre/edit").status_code == 403
    assert agent.post("/calendars/centre/apply", data={"content": "{}"}).status_code == 403
    assert agent.get("/calendars/none").status_code == 404


def test_a_calendar_that_came_in_pieces_is_refused_with_a_page(app, desk, centre):
    leader = signed_in(app, "supervisor")
    assert leader.post("/calendars/centre/apply", data={"content": "no json"}).status_code == 422


def test_a_year_costs_few_statements(app, desk, centre, count_statements):
    client = signed_in(app, "supervisor")
    client.get("/calendars/centre")
    with count_statements() as counted:
        assert client.get("/calendars/centre").status_code == 200
    assert len(counted) <= 5, counted


def ics_of(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{one}\r\nEND:VEVENT\r\n" for n, one in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n".encode()


HOLIDAY = "SUMMARY:厂庆（休）\r\nDTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260603"
WORKED = "SUMMARY:厂庆补班\r\nDTSTART;VALUE=DATE:20260606"


def test_days_of_a_file_come_into_the_editor_beside_what_was_typed(app, desk, centre):
    client = signed_in(app, "supervisor")
    page = client.post(
        "/calendars/centre/edit",
        data=typed(do="ics") | {"ics": (io.BytesIO(ics_of(HOLIDAY, WORKED)), "days.ics")},
        content_type="multipart/form-data",
    )
    assert page.status_code == 200
    assert "文件列出了 2026 年的 3 天" in page.text
    for shown in ("2026-06-01", "2026-06-02", "2026-06-06", "2026-03-03", "停电", "三月停电"):
        assert shown in page.text
    assert "2026-06-03" not in page.text
    close_read_session()
    assert calendar.current().version == centre.version


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "请选择文件"), (b"%PDF-1.7", "不是 iCalendar 文件"), (ics_of(), "没有任何日程")],
)
def test_a_file_without_days_is_refused_and_nothing_typed_is_lost(app, desk, centre, content, says):
    client = signed_in(app, "supervisor")
    page = client.post(
        "/calendars/centre/edit",
        data=typed(do="ics") | {"ics": (io.BytesIO(content), "days.ics")},
        content_type="multipart/form-data",
    )
    assert page.status_code == 422
    assert says in page.text
    assert "停电" in page.text


def test_a_calendar_is_given_to_a_role_and_taken_away_again(app, desk, centre):
    with transaction():
        service.create("night", "夜班", content.write(centre), actor_id=None, now=MONDAY)
    client = signed_in(app, "supervisor")
    assert client.post("/calendars/night/assign", data={"use": "role:technician"}).status_code == 303
    assert "三包技术员" in client.get("/calendars/night").text
    close_read_session()
    assert store.for_work(role="technician").key == "night"
    gone = client.post("/calendars/night/assign", data={"use": "role:technician", "do": "remove"})
    assert gone.status_code == 303
    close_read_session()
    assert store.for_work(role="technician").key == "centre"


@pytest.mark.parametrize("use", ["", "role:", "role:nobody", "planet:mars", "default:x"])
def test_a_calendar_cannot_count_for_what_there_is_not(app, desk, centre, use):
    answer = signed_in(app, "supervisor").post("/calendars/centre/assign", data={"use": use})
    assert answer.status_code == 409


@pytest.fixture
def always(desk):
    with transaction():
        service.create("always", "全天", {
            "zone": "Asia/Shanghai",
            "weeks": [{"from": None, "spans": {str(day): [["00:00", "24:00"]] for day in range(1, 8)}}],
            "days": {}, "known_until": None,
        }, actor_id=None, now=clock.now())  # fmt: skip


def test_a_calendar_given_to_a_role_shows_first_which_deadlines_move_then_moves_them(
    app, desk, centre, always
):
    desk.at(datetime(2026, 3, 6, 9, 30, tzinfo=UTC))  # a Friday, half an hour before the centre closes
    case = desk.receive(title="终端频繁离线")
    item = case.item("register")
    due, number, now = item.due_at, case.row.number, clock.now()
    close_read_session()
    client = signed_in(app, "supervisor")
    seen = client.post("/calendars/always/assign", data={"use": "role:agent"})
    assert seen.status_code == 200
    assert number in seen.text
    assert store.book().assigned.get(("role", "agent")) is None  # only looked at
    close_read_session()
    sent = {"use": "role:agent", "then": "move"}
    assert client.post("/calendars/always/assign", data=sent).status_code == 303
    close_read_session()
    moved = case.item("register")
    assert moved.due_at == now + timedelta(hours=2) < due
    row = session().scalar(sa.select(Deadline).where(Deadline.work_item_id == moved.id))
    assert (row.calendar, row.reckoning["calendar"], row.due_at) == ("always", "always", moved.due_at)
    timer = session().scalar(sa.select(Timer.due_at).where(Timer.task_id == row.timer_task_id))
    assert timer <= moved.due_at
    recorded = sa.select(sa.func.count()).where(Event.kind == "deadline.moved")
    assert session().scalar(recorded) >= 1
    # Taken away again, all is as it was.
    close_read_session()
    client.post("/calendars/always/assign", data={"use": "role:agent", "do": "remove", "then": "move"})
    close_read_session()
    assert case.item("register").due_at == due


def test_what_runs_may_keep_its_calendar(app, desk, centre, always):
    desk.at(datetime(2026, 3, 6, 9, 30, tzinfo=UTC))
    case = desk.receive(title="终端频繁离线")
    due = case.item("register").due_at
    close_read_session()
    client = signed_in(app, "supervisor")
    client.post("/calendars/always/assign", data={"use": "role:agent", "then": "keep"})
    close_read_session()
    assert case.item("register").due_at == due
    assert store.book().assigned["role", "agent"] == "always"

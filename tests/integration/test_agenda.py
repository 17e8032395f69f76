"""The callback desk: promises, allowed hours, attempts, handing over, questions, the sheet, and what pages cost."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app import clock
from app.accounts.tables import Person, Post, PostHolder
from app.agenda import questions, service
from app.agenda.filters import Filters
from app.agenda.queries import agenda
from app.calendar import current as centre
from app.callbacks.tables import Callback
from app.customers.tables import Customer
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, WorkItem
from app.errors import Conflict, Forbidden, Refused
from app.notifications.tables import Outbox
from tests.factories import PASSWORD, CaseUnderTest, Desk

EVENING = [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "16:00", "until": "17:00"}]


def person(username: str) -> int:
    found = session().scalar(sa.select(Person.id).where(Person.username == username))
    assert found is not None
    return found


def resolved(desk: Desk, **values: Any) -> CaseUnderTest:
    """A case that waits for its call: solved by a department, so that both callers may make it."""
    case = desk.receive(**values).analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    return case


def calls(case: CaseUnderTest) -> list[Callback]:
    close_read_session()
    return list(
        session().scalars(sa.select(Callback).where(Callback.case_id == case.id).order_by(Callback.id))
    )


def call(case: CaseUnderTest) -> Callback:
    return calls(case)[-1]


def local(instant: datetime) -> str:
    return instant.astimezone(centre().zone).strftime("%m-%d %H:%M")


def set_hours(case: CaseUnderTest, hours: Any) -> None:
    with transaction():
        session().execute(
            sa.update(Customer).where(Customer.id == case.row.customer_id).values(call_hours=hours)
        )


def sign_in(client: FlaskClient, username: str) -> FlaskClient:
    client.post("/logout")
    assert client.post("/login", data={"username": username, "password": PASSWORD}).status_code == 303
    return client


@pytest.fixture
def many(desk: Desk):
    """Copy a promised call many times, so that a day is full."""

    def fill(case: CaseUnderTest, more: int) -> None:
        row = call(case)
        names = [column.key for column in sa.inspect(Callback).columns if column.key != "id"]
        with transaction():
            values = {name: getattr(row, name) for name in names}
            session().execute(sa.insert(Callback), [values for _n in range(more)])

    return fill


# ---------------------------------------------------------------- when


def test_a_call_keeps_to_the_hours_that_the_customer_allows(desk: Desk):
    case = desk.receive().analyse("platform")
    set_hours(case, EVENING)
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    assert local(call(case).due_at) == "03-04 16:00"
    assert call(case).moved == "hours"
    case.until_callback()
    assert local(clock.now()) >= "03-04 16:00"


def test_a_customer_whose_hours_never_meet_ours_is_called_in_theirs(desk: Desk):
    case = desk.receive().analyse("platform")
    set_hours(case, [{"days": [6, 7], "from": "20:30", "until": "21:30"}])
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    assert (local(call(case).due_at), call(case).moved) == ("03-07 20:30", "outside")


def test_a_time_agreed_with_the_customer_is_kept_whatever_hours_are_on_file(desk: Desk):
    case = resolved(desk).until_callback()
    set_hours(case, EVENING)
    case.do("call", outcome="another_time", callback_at="2026-03-06T10:20:00+08:00")
    assert (local(call(case).due_at), call(case).agreed, call(case).moved) == ("03-06 10:20", True, None)


def test_calls_of_one_morning_are_planned_a_slot_apart_for_each_caller(desk: Desk):
    cases = [resolved(desk, title=f"问题 {n}") for n in range(5)]
    times = [local(call(case).due_at) for case in cases]
    assert times == ["03-04 09:00", "03-04 09:00", "03-04 09:15", "03-04 09:15", "03-04 09:30"]


# ---------------------------------------------------------------- attempts


def test_each_attempt_is_a_row_with_its_outcome_and_the_next_date(desk: Desk):
    case = resolved(desk).until_callback()
    case.do("call", by="callback", outcome="no_answer", no_answer="busy")
    first, second = calls(case)
    assert (first.outcome, first.detail, first.called_by_id) == ("no_answer", "busy", person("callback"))
    assert (second.attempt, second.most, second.outcome) == (2, 3, None)
    assert second.planned_for_id == person("callback")


def test_the_second_attempt_is_handed_to_whoever_made_the_first(desk: Desk):
    case = resolved(desk).until_callback()
    case.do("call", by="callback", outcome="no_answer", no_answer="ringing")
    item = case.until_callback().item("call")
    assert (item.status, item.assignee_id) == ("claimed", person("callback"))
    assert call(case).work_item_id == item.id


def test_a_wrong_number_is_not_dialled_again_and_the_customer_is_written_to(desk: Desk):
    case = resolved(desk, customer={"name": "赵文礼", "phone": "13900000261", "email": "zhao@example.com"})
    case.until_callback().do("call", outcome="no_answer", no_answer="wrong")
    assert [one.outcome for one in calls(case)] == ["no_answer"]
    assert case.open == ["archive"]
    assert "customer_unreached" in [one["kind"] for one in session().scalars(sa.select(Outbox.payload))]


# ---------------------------------------------------------------- who


def test_who_resolved_a_case_is_not_given_its_call_but_the_other_is(desk: Desk):
    case = desk.receive().analyse("device")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    row = call(case)
    with transaction():
        session().get_one(Callback, row.id).excluded_id = person("agent")
    supervisor = desk.actor("supervisor")
    with pytest.raises(Refused), transaction():
        service.assign(row.id, person("agent"), actor=supervisor, now=clock.now())
    with transaction():
        service.assign(row.id, person("callback"), actor=supervisor, now=clock.now())
    assert call(case).planned_for_id == person("callback")
    item = case.until_callback().item("call")
    assert item.assignee_id == person("callback")


def test_the_one_who_resolved_it_may_call_where_nobody_else_can(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    with transaction():
        post = session().scalar(sa.select(Post.id).where(Post.role_key == "callback"))
        held = sa.delete(PostHolder).where(
            PostHolder.post_id == post, PostHolder.person_id == person("callback")
        )
        session().execute(held)
        from app.accounts import organisation
        from app.accounts.actor import SYSTEM

        organisation.changed(clock.now(), SYSTEM)
        session().execute(
            sa.update(WorkItem).where(WorkItem.case_id == case.id).values(excluded_id=person("agent"))
        )
    shown = sign_in(client, "agent").get(f"/callbacks/{call(case).id}").text
    assert "所以您可以拨打" in shown
    case.do("call", by="agent", outcome="satisfied", score=5)
    assert call(case).outcome == "satisfied"


def test_several_calls_go_by_room_left_and_can_be_given_back(desk: Desk):
    cases = [resolved(desk, title=f"问题 {n}") for n in range(4)]
    ids, supervisor = [call(case).id for case in cases], desk.actor("supervisor")
    made = service.plan(ids, "room", actor=supervisor, now=clock.now())
    assert sorted(move.to_id for move in made.done) == sorted([person("agent"), person("callback")] * 2)
    assert [(was, then) for _name, was, then in made.loads] == [(0, 2), (0, 2)]
    assert {call(case).planned_for_id for case in cases} == {None}
    with transaction():
        _made, before = service.apply(ids, "room", actor=supervisor, now=clock.now())
    assert {call(case).planned_for_id for case in cases} == {person("agent"), person("callback")}
    with transaction():
        assert service.give_back(before, actor=supervisor, now=clock.now()) == 4
    assert {call(case).planned_for_id for case in cases} == {None}


def test_handing_over_says_which_calls_stay_and_why(desk: Desk):
    cases = [resolved(desk), resolved(desk)]
    with transaction():
        session().get_one(Callback, call(cases[0]).id).excluded_id = person("callback")
    ids = [call(case).id for case in cases]
    made = service.plan(ids, str(person("callback")), actor=desk.actor("supervisor"), now=clock.now())
    assert [move.call.id for move in made.done] == [ids[1]]
    assert cases[0].row.number in made.refused[0].refused
    with pytest.raises(Forbidden):
        service.plan(ids, "room", actor=desk.actor("agent"), now=clock.now())


def test_a_call_that_waits_already_is_handed_over_as_the_task_it_is(desk: Desk):
    case = resolved(desk).until_callback()
    with transaction():
        service.apply(
            [call(case).id], str(person("callback")), actor=desk.actor("supervisor"), now=clock.now()
        )
    assert case.item("call").assignee_id == person("callback")


# ---------------------------------------------------------------- the result


def test_recording_a_result_completes_the_same_step_and_keeps_the_answers(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    asked = questions.asked_in(call(case))
    answers = {"outcome": "satisfied", "score": "5", "words": "好了", "q_solved": "yes", "q_rest": "没有了"}
    page = sign_in(client, "callback").post(f"/callbacks/{call(case).id}/record", data=answers)
    assert page.status_code == 303
    row = call(case)
    assert (row.outcome, row.score, row.question_set_id) == ("satisfied", 5, asked.id)
    assert row.answers == {"solved": "yes", "rest": {"words": "没有了"}}
    assert case.open == ["archive"]
    shown = client.get(f"/callbacks/{row.id}").text
    assert "没有了" in shown and "问题是否已经解决" in shown


def test_a_refused_result_keeps_everything_that_was_typed(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    answers = {"outcome": "dissatisfied", "score": "", "words": "还是不行", "q_rest": "态度很好"}
    page = sign_in(client, "callback").post(f"/callbacks/{call(case).id}/record", data=answers)
    assert page.status_code == 422
    assert "还是不行" in page.text and "态度很好" in page.text
    assert call(case).outcome is None


def test_of_two_at_once_the_second_sees_who_was_first(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    case.do("call", by="agent", outcome="satisfied", score=4)
    answers = {"outcome": "dissatisfied", "score": "1", "words": "不好"}
    page = sign_in(client, "callback").post(f"/callbacks/{call(case).id}/record", data=answers)
    assert page.status_code == 409
    assert "林晓雯" in page.text and "不好" in page.text


def test_a_result_cannot_be_recorded_before_its_day(desk: Desk, client: FlaskClient):
    case = resolved(desk)
    answers = {"outcome": "satisfied", "score": "5", "words": "好"}
    assert (
        sign_in(client, "callback").post(f"/callbacks/{call(case).id}/record", data=answers).status_code
        == 409
    )


def test_a_draft_comes_back_with_the_answers_to_the_questions(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    kept = {"outcome": "satisfied", "words": "写到一半", "q_rest": "问到一半"}
    assert sign_in(client, "callback").post(f"/callbacks/{call(case).id}/draft", data=kept).status_code == 200
    shown = client.get(f"/callbacks/{call(case).id}").text
    assert "写到一半" in shown and "问到一半" in shown


def test_trying_out_an_outcome_says_where_it_leads_and_changes_nothing(desk: Desk):
    case = resolved(desk).until_callback()
    agent = desk.actor("callback")
    before = case.instance.revision
    worse = service.try_out(call(case).id, {"outcome": "dissatisfied"}, actor=agent, now=clock.now())
    assert worse is not None
    assert (worse.round, worse.left) == (2, 2)
    assert worse.opened
    again = service.try_out(call(case).id, {"outcome": "no_answer"}, actor=agent, now=clock.now())
    assert again is not None
    assert (again.attempt, again.most) == (2, 3)
    assert again.next_at is not None and again.next_at > clock.now()
    assert case.instance.revision == before
    assert [one.outcome for one in calls(case)] == [None]
    assert case.open == ["call"]


# ---------------------------------------------------------------- questions


def test_a_change_of_the_questions_makes_a_version_and_leaves_answered_calls_theirs(desk: Desk):
    leader = desk.actor("supervisor")
    asked = [{"key": "", "zh": "满意吗？", "en": "Satisfied?", "kind": "yesno"}]
    with transaction():
        first = questions.save("platform", asked, version=0, actor=leader, now=clock.now())
    assert (first.version, first.questions[0]["key"]) == (1, "q1")
    assert [one["zh"] for one in questions.current("platform").questions] == ["满意吗？"]
    with pytest.raises(Conflict), transaction():
        questions.save("platform", asked, version=0, actor=leader, now=clock.now())
    with pytest.raises(Forbidden), transaction():
        questions.save("platform", asked, version=1, actor=desk.actor("agent"), now=clock.now())


def test_the_questions_are_changed_on_a_page(desk: Desk, client: FlaskClient):
    sign_in(client, "supervisor")
    assert client.get("/callbacks/questions").status_code == 200
    page = client.get("/callbacks/questions/device").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    sent = {
        "version": version[1],
        "zh_0": "修好了吗？",
        "en_0": "Mended?",
        "kind_0": "choice",
        "choices_0": "好了",
    }
    assert client.post("/callbacks/questions/device", data=sent).status_code == 422
    sent["choices_0"] = "好了 | Yes\n没有 | No"
    assert client.post("/callbacks/questions/device", data=sent).status_code == 303
    with desk.app.app_context():
        assert questions.current("device").questions[0]["choices"][1] == {"zh": "没有", "en": "No"}
    assert sign_in(client, "agent").get("/callbacks/questions/device").status_code == 403


# ---------------------------------------------------------------- pages


def test_the_agenda_shows_who_calls_whom_and_masks_the_number(desk: Desk, client: FlaskClient):
    case = resolved(desk).until_callback()
    page = sign_in(client, "callback").get(f"/callbacks/{call(case).id}").text
    assert "赵文礼" in page and "139****0261" in page and "13900000261" not in page
    shown = client.post(f"/callbacks/{call(case).id}/reveal", data={"reason": "contact"}).text
    assert "139 0000 0261" in shown


def test_the_hours_are_changed_in_the_panel_and_on_the_customers_page(desk: Desk, client: FlaskClient):
    case = resolved(desk)
    customer_id = case.row.customer_id
    sent = {"days_0": ["1", "2"], "from_0": "18:00", "until_0": "20:00", "do_not_call": "1"}
    assert sign_in(client, "callback").post(f"/callbacks/{call(case).id}/hours", data=sent).status_code == 303
    assert "不接受定期回访" in client.get(f"/customers/{customer_id}").text
    bad = {"from_0": "20:00", "until_0": "18:00"}
    assert client.post(f"/customers/{customer_id}/hours", data=bad).status_code == 422
    assert client.post(f"/customers/{customer_id}/hours", data={}).status_code == 303
    with desk.app.app_context():
        assert session().get_one(Customer, customer_id).call_hours is None


def test_the_sheet_shows_numbers_only_to_those_who_may_and_records_each(desk: Desk, client: FlaskClient):
    case = resolved(desk)
    day = call(case).due_at.astimezone(centre().zone).date().isoformat()
    masked = sign_in(client, "auditor").get(f"/callbacks/sheet?day={day}").text
    assert "139****0261" in masked
    assert client.post("/callbacks/sheet", data={"day": day}).status_code == 403
    shown = sign_in(client, "callback").post("/callbacks/sheet", data={"day": day})
    assert "139 0000 0261" in shown.text and shown.headers["Cache-Control"] == "no-store"
    with desk.app.app_context():
        kinds = sa.select(Event.data).where(Event.kind == "customer.revealed")
        assert [one["reason"] for one in session().scalars(kinds)] == ["call_sheet"]


def test_handing_over_is_previewed_on_a_page_done_and_taken_back(desk: Desk, client: FlaskClient):
    case = resolved(desk)
    sign_in(client, "supervisor")
    sent = {"call": str(call(case).id), "to": str(person("callback"))}
    assert "苏婷" in client.post("/callbacks/hand-over", data=sent).text
    with desk.app.app_context():
        assert call(case).planned_for_id is None
    assert client.post("/callbacks/hand-over", data=sent | {"do": "1"}).status_code == 303
    page = client.get("/callbacks").text
    before = re.search(r'name="before" value="([^"]+)"', page)
    assert before is not None
    undone = client.post("/callbacks/hand-over/undo", data={"before": before[1].replace("&#34;", '"')})
    assert undone.status_code == 303
    with desk.app.app_context():
        assert call(case).planned_for_id is None


def test_what_was_left_from_earlier_days_stays_in_sight_until_it_is_done(desk: Desk):
    case = resolved(desk).until_callback()
    desk.at(clock.now() + timedelta(days=2))
    found = agenda(Filters(), centre(), clock.now())
    assert [one.case_number for one in found.overdue] == [case.row.number]
    assert found.total == 0


def test_the_strip_knows_closed_days_and_full_ones(desk: Desk, many):
    case = resolved(desk)
    many(case, 30)
    found = agenda(Filters(), centre(), clock.now())
    wednesday = next(one for one in found.strip if one.day.isoformat() == "2026-03-04")
    assert (wednesday.calls, wednesday.fullness) == (31, "full")
    # The Saturday is a make-up day, the Sunday is not.
    weekend = [one for one in found.strip if one.day.isoweekday() >= 6]
    assert [(one.open, one.make_up) for one in weekend] == [(True, True), (False, False)]


@pytest.mark.parametrize("view", ["caller", "time"])
def test_the_agenda_costs_the_same_with_ten_calls_and_with_five_hundred(
    desk: Desk, client: FlaskClient, count_statements, many, view: str
):
    case = resolved(desk)
    day = call(case).due_at.astimezone(centre().zone).date().isoformat()
    sign_in(client, "supervisor")
    client.get(f"/callbacks?day={day}&view={view}")
    costs = []
    for more in (9, 490):
        many(case, more)
        close_read_session()
        with count_statements() as counted:
            page = client.get(f"/callbacks?day={day}&view={view}")
        assert page.status_code == 200
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 5, costs
    assert page.text.count('data-call="') <= 100


def test_the_panel_costs_little_however_many_attempts_there_were(
    desk: Desk, client: FlaskClient, count_statements
):
    case = resolved(desk).until_callback()
    sign_in(client, "callback")
    address = f"/callbacks/{call(case).id}"
    client.get(address, headers={"HX-Request": "true"})
    close_read_session()
    with count_statements() as counted:
        assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
    assert len(counted) <= 13, counted


def test_filters_narrow_the_day(desk: Desk):
    case = resolved(desk)
    day = call(case).due_at.astimezone(centre().zone).date()
    assert agenda(Filters(day=day, klass="platform"), centre(), clock.now()).total == 1
    assert agenda(Filters(day=day, klass="device"), centre(), clock.now()).total == 0
    assert agenda(Filters(day=day, state="done"), centre(), clock.now()).total == 0
    assert agenda(Filters(day=day, caller="none"), centre(), clock.now()).total == 1
    assert agenda(Filters(day=day, caller="1"), centre(), clock.now()).total == 0


def test_a_hand_written_address_that_names_no_day_shows_today():
    assert Filters.read({"day": "soon", "view": "x", "caller": "1 or 1", "page": "-3"}) == Filters()

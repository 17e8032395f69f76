"""The inbox's pages as a browser sees them: what they cost, refusals that keep what was typed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.engine.tables import WorkItem
from tests.factories import MONDAY, Desk

MOST_STATEMENTS = 8
GIVEN = {
    "title": "终端频繁离线",
    "description": "跑高速时每隔半小时掉线一次",
    "customer_name": "赵文礼",
    "severity": "high",
}
HTMX = {"HX-Request": "true", "HX-Target": "section#work"}


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
    yield made
    with app.app_context():
        made.close()


@pytest.fixture
def item_id(app, desk):
    with app.app_context():
        found = desk.receive().item("register").id
        close_read_session()
    return found


@pytest.fixture
def sign_in(app, desk):
    def open_as(username):
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            person_id, version = (
                session()
                .execute(sa.select(Person.id, Person.session_version).where(Person.username == username))
                .one()
            )
            close_read_session()
        client = app.test_client()
        with client.session_transaction() as kept:
            kept["_user_id"], kept["_fresh"] = f"{person_id}.{version}", True
        return client

    return open_as


def work_item(app, item_id):
    with app.app_context():
        close_read_session()
        return session().get(WorkItem, item_id)


def fill(app, item_id, count):
    """Put `count` items into the list, half of them claimed by the agent."""
    with app.app_context():
        one = session().get(WorkItem, item_id)
        columns = [column.key for column in WorkItem.__table__.columns if column.key != "id"]
        rows = []
        for number in range(count):
            values = {name: getattr(one, name) for name in columns}
            values |= {"task_id": f"copy-{number}", "due_at": MONDAY + timedelta(minutes=number)}
            rows.append(values | {"klass": ("device", "platform", "other", None)[number % 4]})
        close_read_session()
        if rows:
            with transaction() as write:
                write.execute(sa.insert(WorkItem), rows)


@pytest.mark.parametrize("count", [0, 10, 500])
def test_the_inbox_costs_a_constant_number_of_statements(app, sign_in, item_id, count_statements, count):
    fill(app, item_id, count)
    client = sign_in("agent")
    client.get("/inbox")  # fills what a process keeps: settings, calendar, organisation
    for address in ("/inbox", "/inbox?view=mine", "/inbox?q=离线", "/inbox?sort=newest", f"/inbox/{item_id}"):
        with count_statements() as counted:
            assert client.get(address).status_code == 200
        assert len(counted) <= MOST_STATEMENTS, counted
    with count_statements() as counted:
        client.get("/inbox/counts")
    assert len(counted) <= 2, counted


def test_the_pane_alone_answers_htmx_and_the_page_everybody_else(sign_in, item_id):
    client = sign_in("agent")
    assert "<html" in client.get(f"/inbox/{item_id}").text
    pane = client.get(f"/inbox/{item_id}", headers=HTMX).text
    assert pane.lstrip().startswith("<section") and f'data-work="{item_id}"' in pane


def test_a_claim_without_script_leads_back_to_the_item(app, sign_in, item_id):
    client = sign_in("agent")
    answer = client.post(f"/inbox/{item_id}/claim?view=mine")
    assert (answer.status_code, answer.location) == (303, f"/inbox/{item_id}?view=mine")
    assert work_item(app, item_id).status == "claimed"


def test_a_completion_opens_the_next_item_of_the_list(app, desk, sign_in, item_id):
    with app.app_context():
        following = desk.receive(title="第二件").item("register").id
        close_read_session()
    client = sign_in("agent")
    client.post(f"/inbox/{item_id}/claim")
    answer = client.post(f"/inbox/{item_id}/complete", data=GIVEN)
    assert answer.status_code == 303, re.findall(r"field__error.*", answer.text)
    assert answer.location == f"/inbox/{following}"
    assert work_item(app, item_id).status == "done"


def test_a_refused_form_comes_back_filled_with_the_errors_beside_the_fields(sign_in, item_id):
    client = sign_in("agent")
    client.post(f"/inbox/{item_id}/claim")
    answer = client.post(f"/inbox/{item_id}/complete", data={"title": "写好的标题", "description": ""})
    assert answer.status_code == 422
    assert "写好的标题" in answer.text and "data-error-summary" in answer.text and "field--bad" in answer.text


def test_who_comes_second_sees_who_was_first_and_keeps_what_they_typed(sign_in, item_id):
    first, second = sign_in("agent"), sign_in("agent2")
    first.post(f"/inbox/{item_id}/claim")
    assert first.post(f"/inbox/{item_id}/complete", data=GIVEN).status_code == 303
    answer = second.post(f"/inbox/{item_id}/complete", data=GIVEN | {"title": "我写的另一个标题"})
    assert answer.status_code == 409
    assert "林晓雯" in answer.text and "我写的另一个标题" in answer.text and "存为案件备注" in answer.text
    part = second.post(f"/inbox/{item_id}/complete", data=GIVEN | {"title": "我写的"}, headers=HTMX)
    assert part.status_code == 409 and 'id="work"' in part.text and "<html" not in part.text


def test_a_draft_is_kept_and_comes_back_at_another_login(sign_in, item_id):
    client = sign_in("agent")
    client.post(f"/inbox/{item_id}/claim")
    assert client.post(f"/inbox/{item_id}/draft", data={"title": "写到一半"}).status_code == 200
    again = sign_in("agent").get(f"/inbox/{item_id}").text
    assert "写到一半" in again and "data-draft-note" in again


def test_a_foreign_item_is_not_found(sign_in, item_id):
    client = sign_in("quality")
    assert client.get(f"/inbox/{item_id}").status_code == 404
    assert client.post(f"/inbox/{item_id}/claim").status_code == 404


def test_an_item_not_for_ones_role_is_forbidden_even_if_one_sees_it(sign_in, item_id):
    assert sign_in("auditor").post(f"/inbox/{item_id}/claim").status_code == 403


def test_ticked_items_are_claimed_together(app, sign_in, item_id):
    fill(app, item_id, 2)
    client = sign_in("agent")
    ids = sorted({int(found) for found in re.findall(r'data-item="(\d+)"', client.get("/inbox").text)})
    answer = client.post("/inbox/bulk", data={"verb": "claim", "item": ids})
    assert answer.status_code == 303
    assert {work_item(app, one).status for one in ids} == {"claimed"}


def test_a_saved_view_stands_beside_the_filters_until_it_is_forgotten(sign_in, item_id):
    client = sign_in("agent")
    client.post("/inbox/views?view=mine&sort=newest", data={"name": "我的新任务"})
    page = client.get("/inbox").text
    assert "我的新任务" in page and "view=mine" in page
    number = re.search(r'name="forget" value="(\d+)"', page)[1]
    client.post("/inbox/views", data={"forget": number})
    assert "我的新任务" not in client.get("/inbox").text


def test_english_follows_the_browser(sign_in, item_id):
    page = sign_in("agent").get("/inbox", headers={"Accept-Language": "en-GB,en"}).text
    assert "My tasks" in page and '<html lang="en"' in page


def test_the_lower_background_comes_on_its_own(sign_in, item_id):
    answer = sign_in("agent").get(f"/inbox/{item_id}/beside", headers=HTMX)
    assert answer.status_code == 200 and 'class="tl"' in answer.text


def test_the_clock_of_the_desk_is_the_one_of_the_page(sign_in, item_id):
    assert clock.now() == MONDAY
    assert "09:00" in sign_in("agent").get("/inbox").text


def test_who_only_looks_on_sees_no_plate_and_no_serial_number(sign_in, item_id):
    for username in ("auditor", "operator"):
        page = sign_in(username).get(f"/inbox/{item_id}").text
        assert "终端频繁离线" in page
        assert "D7182" not in page and "HX4-2210917" not in page
    mine = sign_in("agent")
    mine.post(f"/inbox/{item_id}/claim")
    assert "D7182" in mine.get(f"/inbox/{item_id}").text

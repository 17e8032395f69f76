"""The pages of designers and operators: what they show, who may, what they cost, what a bad upload says."""

from __future__ import annotations

import base64
import io
import re
import zlib
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.demo import people
from app.engine.tables import Incident, Instance, ProcedureVersion, WorkItem
from app.errors import Invalid, StepFailed
from app.procedures import uploads
from app.settings import ROOT
from tests.factories import PASSWORD, Desk
from tests.support import foreign_files

CALLBACK = (ROOT / "bpmn" / "complaints" / "callback.bpmn").read_text("utf-8")
# A designer's small change: it alters nothing but the words.
CHANGED = CALLBACK.replace("拨满次数", "拨满约定次数")
BROKEN = CALLBACK.replace("working_time(retry)", "working_tme(retry)")
assert BROKEN != CALLBACK and CHANGED != CALLBACK  # the diagram still says what these change


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
        close_read_session()
    yield made
    with app.app_context():
        made.close()


@pytest.fixture
def sign_in(app, desk):
    def open_as(username, lang="zh"):
        app.config["WTF_CSRF_ENABLED"] = False
        with app.app_context():
            person = session().scalar(sa.select(Person).where(Person.username == username))
            key, person_id = f"{person.id}.{person.session_version}", person.id
            close_read_session()
            with transaction() as write:
                write.execute(sa.update(Person).where(Person.id == person_id).values(locale=lang))
        client = app.test_client()
        with client.session_transaction() as kept:
            kept["_user_id"], kept["_fresh"] = key, True
        return client

    return open_as


@pytest.fixture
def instance_id(app, desk):
    with app.app_context():
        found = desk.receive().instance.id
        close_read_session()
    return found


@pytest.fixture
def incident_id(app, desk, instance_id):
    with app.app_context():
        error = StepFailed("x", instance_id=instance_id, element="register", detail="“klass” is not defined")
        with transaction():
            found = engine.record_incident(error, now=clock.now(), stop=True).id
    return found


def upload(client, *files, **values):
    data = {"files": [(io.BytesIO(text.encode()), name) for name, text in files], **values}
    return client.post("/procedures/upload", data=data, content_type="multipart/form-data")


def parcel_of(response) -> str:
    return re.search(r'name="parcel" value="([^"]+)"', response.text)[1]


def row_of(app, table, id_):
    with app.app_context():
        close_read_session()
        return session().get(table, id_)


# ---------------------------------------------------------------- designers


def test_the_list_shows_each_procedure_with_its_version_and_what_runs(sign_in, instance_id, incident_id):
    page = sign_in("operator").get("/procedures").text
    for words in ("客户问题处理", "客户回访", "platform_problem", "v1"):
        assert words in page
    assert page.index("customer_issue") < page.index("device_problem")  # what nobody calls comes first
    assert "/procedures/incidents" in page


def test_an_empty_desk_offers_to_publish(app, client):
    with app.app_context(), transaction():
        people.load(clock.now(), PASSWORD)
    with app.app_context():
        person = session().scalar(sa.select(Person).where(Person.username == "designer"))
        key = f"{person.id}.{person.session_version}"
        close_read_session()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = key, True
    page = client.get("/procedures").text
    assert "还没有发布流程" in page
    assert "/procedures/upload" in page


def test_a_procedure_shows_diagrams_tables_forms_and_files(sign_in):
    page = sign_in("designer").get("/procedures/device_problem").text
    assert 'data-process="callback"' in page
    for words in ("维修收费", "取第一条符合的规则", "质保期内", "任意", "分析原因", "complaints/judge.json"):
        assert words in page


def test_a_procedure_in_english_has_no_chinese_left_but_its_files(sign_in):
    client = sign_in("designer", "en")
    page = client.get("/procedures/customer_issue").text
    main = re.sub(r"<script.*?</script>", "", page[page.index('id="main"') :], flags=re.S)
    assert re.findall("[\u4e00-\u9fff]{2,}", main) == []
    assert "The first row that fits counts" in page
    drawn = client.get("/procedures/customer_issue/versions/1/diagrams/en/complaints/callback.bpmn").text
    assert 'name="Customer callback"' in drawn
    assert re.findall('name="[^"]*[\u4e00-\u9fff]', drawn) == []


def test_a_file_is_given_as_it_was_deployed(sign_in):
    answer = sign_in("designer").get("/procedures/callback/versions/1/files/complaints/callback.bpmn")
    assert answer.text == CALLBACK
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.mimetype == "application/xml"


@pytest.mark.parametrize(
    "address",
    [
        "/procedures/none",
        "/procedures/callback?version=9",
        "/procedures/callback/versions/9/files/complaints/callback.bpmn",
        "/procedures/callback/versions/1/files/complaints/none.bpmn",
        "/procedures/callback/versions/1/files/../../../etc/passwd",
        "/procedures/callback/versions/1/forms/complaints/none.json",
        "/procedures/instances/999",
        "/procedures/instances/999/diagrams/zh/callback",
    ],
)
def test_what_is_not_there_is_not_found(sign_in, address):
    sign_in("designer")
    assert sign_in("operator").get(address).status_code == 404


def test_a_form_can_be_tried_out(sign_in):
    page = sign_in("designer").get("/procedures/callback/versions/1/forms/complaints/call.json").text
    assert 'name="outcome"' in page
    assert "data-preview" in page


# ---------------------------------------------------------------- publishing


def test_a_changed_diagram_is_checked_and_then_published_with_its_callers(app, sign_in):
    client = sign_in("designer")
    checked = upload(client, ("callback.bpmn", CHANGED))
    assert checked.status_code == 200
    assert checked.text.count('<span class="tag tag--solid num">v2</span>') == 5  # all four callers with it
    with app.app_context():
        assert engine.latest_version("callback").number == 1  # checking changed nothing
        close_read_session()
    published = client.post("/procedures/deploy", data={"parcel": parcel_of(checked)})
    assert published.status_code == 303
    with app.app_context():
        info = engine.latest_version("customer_issue")
        assert info.number == 2
        assert engine.get_file(info.id, "complaints/callback.bpmn").decode() == CHANGED
        version = session().get(ProcedureVersion, info.id)
        designer = session().scalar(sa.select(Person.id).where(Person.username == "designer"))
        assert version.created_by_id == designer


def test_another_editors_file_is_mended_on_request_and_looked_at_before(app, sign_in):
    client = sign_in("designer")
    foreign = dict(foreign_files.foreign())["camunda8_choice.bpmn"].decode()
    checked = upload(client, ("choice.bpmn", foreign))
    assert checked.status_code == 422
    assert "可自动修正" in checked.text
    mended = client.post("/procedures/upload/mend", data={"parcel": parcel_of(checked)})
    assert mended.status_code == 200
    assert "data-compare" in mended.text
    assert "设为默认流" in mended.text
    file = client.post("/procedures/upload/file", data={"parcel": parcel_of(mended), "path": "choice.bpmn"})
    assert b"zeebe:assignmentDefinition" in file.data  # what it was stays beside what counts here
    assert b"candidateGroups" in file.data
    assert file.headers["Content-Disposition"].startswith("attachment")
    made = client.post("/procedures/deploy", data={"parcel": parcel_of(mended)})
    assert made.status_code == 303
    with app.app_context():
        assert engine.latest_version("choice").number == 1


def test_publishing_twice_makes_one_version(app, sign_in):
    client = sign_in("designer")
    parcel = parcel_of(upload(client, ("callback.bpmn", CHANGED)))
    for _time in range(2):
        assert client.post("/procedures/deploy", data={"parcel": parcel}).status_code == 303
    with app.app_context():
        assert engine.latest_version("callback").number == 2


def test_problems_are_listed_with_element_line_rule_and_remedy_and_nothing_is_published(app, sign_in):
    client = sign_in("designer", "en")
    answer = upload(client, ("callback.bpmn", BROKEN))
    assert answer.status_code == 422
    for words in (
        "complaints/callback.bpmn",
        "Try again later",
        "try_later",
        "working_tme",
        "unknown-function",
        "What to do:",
    ):
        assert words in answer.text
    assert re.search(r"Line \d+", answer.text)
    assert 'name="parcel"' not in answer.text
    with app.app_context():
        assert engine.latest_version("callback").number == 1


def test_the_deployment_checks_again(sign_in):
    client = sign_in("designer")
    parcel = uploads.pack({"complaints/callback.bpmn": BROKEN.encode()})
    assert client.post("/procedures/deploy", data={"parcel": parcel}).status_code == 422


def test_unchanged_files_say_so(sign_in):
    answer = upload(sign_in("designer"), ("callback.bpmn", CALLBACK))
    assert answer.status_code == 200
    assert "没有变化" in answer.text
    assert 'name="parcel"' not in answer.text


def test_other_files_are_left_out_by_name_and_none_at_all_is_refused(sign_in):
    client = sign_in("designer")
    assert "notes.txt" in upload(client, ("callback.bpmn", CHANGED), ("notes.txt", "x")).text
    assert upload(client, ("notes.txt", "x")).status_code == 422
    assert upload(client).status_code == 422


def test_a_new_file_goes_into_the_folder_that_was_named(app, sign_in):
    client = sign_in("designer")
    # A copy of the callback under another name: its forms and tables are known already.
    text = CHANGED.replace('id="callback"', 'id="regular_callback"').replace(
        'processRef="callback"', 'processRef="regular_callback"'
    )
    checked = upload(client, ("regular_callback.bpmn", text), folder="/regular/")
    assert checked.status_code == 200, checked.text
    client.post("/procedures/deploy", data={"parcel": parcel_of(checked)})
    with app.app_context():
        info = engine.latest_version("regular_callback")
        assert engine.get_file(info.id, "regular/regular_callback.bpmn").decode() == text


@pytest.mark.parametrize("parcel", ["", "x", "eJw=", "bm90IHppcHBlZA=="])
@pytest.mark.sqlite_only  # nothing is read from the database
def test_a_damaged_parcel_is_refused(sign_in, parcel):
    assert sign_in("designer").post("/procedures/deploy", data={"parcel": parcel}).status_code == 422


@pytest.mark.sqlite_only  # nothing is read from the database
def test_a_parcel_brings_the_files_whole_and_never_grows_without_end(app_context):
    files = {"a/b.bpmn": bytes(range(256)), "c.json": "中文".encode()}
    assert uploads.unpack(uploads.pack(files)) == files
    bomb = base64.b64encode(zlib.compress(b"0" * (uploads.LARGEST_UNPACKED + 1), 9)).decode()
    with pytest.raises(Invalid):
        uploads.unpack(bomb)


# ---------------------------------------------------------------- operators


def test_an_incident_shows_case_step_and_what_the_engine_said(sign_in, incident_id, instance_id):
    page = sign_in("operator").get("/procedures/incidents").text
    for words in ("接收问题信息", "“klass” is not defined", "K26-", f"/procedures/instances/{instance_id}"):
        assert words in page


def test_a_retry_that_succeeds_resolves_the_incident(app, sign_in, incident_id, instance_id):
    client = sign_in("operator")
    assert client.post(f"/procedures/incidents/{incident_id}/retry").status_code == 303
    assert row_of(app, Incident, incident_id).resolved_at is not None
    assert row_of(app, Instance, instance_id).status == "running"
    page = client.get("/procedures/incidents").text
    assert "最近解决" in page
    assert "一切正常" in page


def test_a_retry_that_fails_again_counts_one_attempt_more(
    app, sign_in, incident_id, instance_id, monkeypatch
):
    def fail(*_arguments, **_named):
        raise StepFailed("x", instance_id=instance_id, element="register", detail="still broken")

    monkeypatch.setattr(engine, "retry_incident", fail)
    client = sign_in("operator")
    client.post(f"/procedures/incidents/{incident_id}/retry")
    found = row_of(app, Incident, incident_id)
    assert (found.attempts, found.detail, found.resolved_at) == (2, "still broken", None)
    assert "又失败了" in client.get("/procedures/incidents").text


def test_a_resolved_incident_is_not_retried_again(sign_in, incident_id):
    client = sign_in("operator")
    client.post(f"/procedures/incidents/{incident_id}/retry")
    assert client.post(f"/procedures/incidents/{incident_id}/retry").status_code == 303
    assert client.post("/procedures/incidents/999/retry").status_code == 404


def test_an_instance_is_suspended_resumed_and_cancelled_with_reasons(app, sign_in, instance_id):
    client = sign_in("operator")
    address = f"/procedures/instances/{instance_id}"
    client.post(f"{address}/suspend", data={"reason": " 等待 厂家公告 "})
    row = row_of(app, Instance, instance_id)
    assert (row.status, row.status_reason) == ("suspended", "等待 厂家公告")
    assert "等待 厂家公告" in client.get(address).text
    client.post(f"{address}/resume")
    assert row_of(app, Instance, instance_id).status == "running"
    client.post(f"{address}/cancel", data={"reason": "重复登记"})
    assert row_of(app, Instance, instance_id).status == "cancelled"
    page = client.get(address).text
    assert "重复登记" in page
    assert f"{address}/suspend" not in page


def test_a_reason_is_needed_and_an_ended_instance_stays_as_it_is(app, sign_in, instance_id):
    client = sign_in("operator")
    address = f"/procedures/instances/{instance_id}"
    client.post(f"{address}/cancel", data={"reason": "  "})
    assert row_of(app, Instance, instance_id).status == "running"
    assert "请写明原因" in client.get(address).text
    client.post(f"{address}/cancel", data={"reason": "重复"})
    assert client.post(f"{address}/suspend", data={"reason": "x"}).status_code == 303
    assert row_of(app, Instance, instance_id).status == "cancelled"


def test_an_instance_shows_steps_timers_messages_and_open_tasks(sign_in, instance_id):
    page = sign_in("operator").get(f"/procedures/instances/{instance_id}").text
    for words in ("接收问题信息", "超时", "customer_withdraws", "客服助理", "procs__step--current"):
        assert words in page


def test_instances_are_filtered_and_paged(app, sign_in, desk, instance_id):
    with app.app_context():
        for _case in range(2):
            desk.receive()
        close_read_session()
    client = sign_in("operator")
    address = f'href="/procedures/instances/{instance_id}"'
    assert address in client.get("/procedures/instances?procedure=customer_issue&status=running").text
    assert address not in client.get("/procedures/instances?status=suspended").text
    assert address not in client.get(f"/procedures/instances?before={instance_id}").text


# ---------------------------------------------------------------- who may, and what it costs

SEEN_BY = {
    "/procedures": {"agent", "designer", "operator", "auditor", "admin"},
    "/procedures/callback": {"agent", "designer", "operator", "auditor", "admin"},
    "/procedures/upload": {"designer"},
    "/procedures/incidents": {"operator", "admin"},
    "/procedures/instances": {"operator", "admin"},
}
DONE_BY = {
    "/procedures/upload": {"designer"},
    "/procedures/deploy": {"designer"},
    "/procedures/incidents/{incident}/retry": {"operator", "admin"},
    "/procedures/instances/{instance}/suspend": {"operator"},
    "/procedures/instances/{instance}/resume": {"operator"},
    "/procedures/instances/{instance}/cancel": {"operator"},
}
PEOPLE = ("agent", "repairpoint", "designer", "operator", "auditor", "admin")


@pytest.mark.sqlite_only  # permissions are the same on both
@pytest.mark.parametrize("username", PEOPLE)
def test_each_page_is_for_those_whose_roles_reach_it(sign_in, username):
    client = sign_in(username)
    seen = {address for address in SEEN_BY if client.get(address).status_code != 403}
    assert seen == {address for address, people in SEEN_BY.items() if username in people}


@pytest.mark.sqlite_only  # permissions are the same on both
@pytest.mark.parametrize("username", PEOPLE)
def test_each_change_is_for_those_whose_roles_reach_it(sign_in, username, incident_id, instance_id):
    client = sign_in(username)
    done = set()
    for address in DONE_BY:
        found = address.format(incident=incident_id, instance=instance_id)
        if client.post(found, data={"reason": ""}).status_code != 403:
            done.add(address)
    assert done == {address for address, people in DONE_BY.items() if username in people}


@pytest.mark.sqlite_only  # the guard asks no database
def test_nobody_signed_in_is_sent_to_the_login(app, client):
    for address in ("/procedures", "/procedures/incidents", "/procedures/instances/1"):
        assert client.get(address).status_code == 302
    assert client.post("/procedures/deploy").status_code == 303


@pytest.mark.parametrize("more", [0, 6])
def test_the_pages_cost_as_many_statements_whatever_the_data(
    app, sign_in, desk, instance_id, incident_id, count_statements, more
):
    with app.app_context():
        for number in range(more):
            case = desk.receive()
            error = StepFailed("x", instance_id=case.instance.id, element="register", detail="x")
            text = CALLBACK.replace("拨满次数", f"拨满次数{number}")
            with transaction():
                engine.record_incident(error, now=clock.now())
            with transaction():
                engine.deploy({"complaints/callback.bpmn": text}, actor=SYSTEM, now=clock.now())
        desk.pass_time(timedelta(hours=4))
        close_read_session()
    client = sign_in("operator")
    client.get("/procedures/incidents")
    most = {
        "/procedures": 5,
        "/procedures/device_problem": 5,
        "/procedures/incidents": 7,
        "/procedures/instances": 6,
        f"/procedures/instances/{instance_id}": 10,
    }
    for address, limit in most.items():
        client.get(address)  # settings are read anew every few seconds, by whoever asks first
        with count_statements() as counted:
            assert client.get(address).status_code == 200
        assert len(counted) <= limit, f"{address}\n{counted}"


# ---------------------------------------------------------------- where instances wait


def test_a_diagram_says_how_many_instances_wait_at_each_step_and_leads_to_them(
    app, desk, sign_in, instance_id
):
    with app.app_context():
        element = session().scalar(sa.select(WorkItem.element).where(WorkItem.instance_id == instance_id))
        close_read_session()
    client = sign_in("operator")
    page = client.get("/procedures/customer_issue")
    assert '"here":1' in page.text.replace(" ", "") and "此处有 1 个实例" in page.text
    address = f"/procedures/instances?procedure=customer_issue&version=1&element={element}"
    assert address.replace("&", "&amp;") in page.text
    assert f'/procedures/instances/{instance_id}"' in client.get(address).text
    assert f'/procedures/instances/{instance_id}"' not in client.get(f"{address}_not").text

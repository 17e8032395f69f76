"""Procedures, instances, messages, monitoring and the document of the API, as a script outside sees them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from app.settings import ROOT
from tests.support.api import CASE, PROBLEM, Caller, check_problem, fields_of
from tests.support.engine_files import lane, line, process, user_task

STAMP = process(lane("check") + line(user_task("check"), ids=("check",)), id="stamp")
BROKEN = process(lane("check", name="没有这个角色") + line(user_task("check"), ids=("check",)), id="stamp")


def deploy(outside, *files, by="designer", query=""):
    parts = [(BytesIO(content), name) for name, content in files]
    return outside[by].send("POST", f"/procedures{query}", data={"files": parts})


def started(outside):
    assert deploy(outside, ("stamp.bpmn", STAMP)).status_code == 201
    answer = outside["operator"].post("/procedures/stamp/instances", {"variables": {"n": 1}})
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


# ---------------------------------------------------------------- procedures


def test_a_procedure_is_checked_deployed_and_unchanged_the_second_time(outside):
    checked = deploy(outside, ("stamp.bpmn", STAMP), query="?dry_run=1")
    assert (checked.status_code, checked.json["created"]) == (200, True)
    check_problem(outside["designer"].get("/procedures/stamp/versions"), 404)
    made = deploy(outside, ("stamp.bpmn", STAMP))
    assert made.status_code == 201
    assert (made.json["key"], made.json["version"]) == ("stamp", 1)
    again = deploy(outside, ("stamp.bpmn", STAMP))
    assert (again.status_code, again.json["version"], again.json["created"]) == (200, 1, False)
    newer = deploy(outside, ("stamp.bpmn", STAMP.replace(b'name="check"', b'name="look"')))
    assert (newer.status_code, newer.json["version"]) == (201, 2)
    keys = {one["key"]: one["version"] for one in outside["agent"].get("/procedures").json}
    assert keys["stamp"] == 2 and keys["customer_issue"] == 1
    versions = outside["agent"].get("/procedures/stamp/versions").json
    assert [one["number"] for one in versions] == [2, 1]
    assert versions[1]["files"] == ["stamp.bpmn"]
    kept = outside["agent"].get("/procedures/stamp/versions/1/files/stamp.bpmn")
    assert kept.data == STAMP and kept.mimetype == "application/xml"
    assert "attachment" in kept.headers["Content-Disposition"]


def test_several_files_under_one_field_name_are_all_deployed(outside):
    changed = {
        path.name: path.read_bytes().replace("设备问题".encode(), "设备的问题".encode())
        for path in Path(ROOT / "bpmn/complaints").glob("*_problem.bpmn")
    }
    answer = deploy(outside, *changed.items())
    assert answer.status_code == 201, answer.text
    made = {one["key"]: one["version"] for one in answer.json["procedures"] if one["created"]}
    # The caller has a new version too.
    assert made["device_problem"] == 2 and made["customer_issue"] == 2


def test_a_procedure_with_problems_is_refused_with_file_element_line_and_rule(outside):
    answer = deploy(outside, ("stamp.bpmn", BROKEN))
    body = check_problem(answer, 422)
    found = body["problems"][0]
    assert {"file", "element", "line", "rule", "message", "level"} <= set(found)
    assert found["file"] == "stamp.bpmn" and found["line"] and found["message"]
    check_problem(outside["designer"].get("/procedures/stamp/versions"), 404)
    check_problem(deploy(outside, ("stamp.bpmn", b"<not xml")), 422)


@pytest.mark.parametrize(
    "files",
    [
        (),
        (("notes.txt", b"x"),),
        (("../stamp.bpmn", STAMP),),
        (("stamp.bpmn", STAMP), ("stamp.bpmn", STAMP)),
    ],
)
def test_an_upload_that_is_none_is_refused(outside, files):
    assert set(fields_of(deploy(outside, *files))) == {"files"}


def test_only_designers_deploy_and_only_operators_steer(outside):
    check_problem(deploy(outside, ("stamp.bpmn", STAMP), by="agent"), 403)
    check_problem(outside["repairpoint"].get("/procedures"), 403)
    number = started(outside)
    for verb in ("suspend", "resume", "cancel", "migrate"):
        check_problem(
            outside["agent"].post(f"/instances/{number}/{verb}", {"reason": "x"} if verb != "migrate" else {"version": 1}),
            403,
        )  # fmt: skip
    check_problem(outside["agent"].get(f"/instances/{number}"), 403)
    check_problem(outside["agent"].post("/procedures/stamp/instances", {}), 403)


def test_what_does_not_exist_is_not_found(outside):
    operator = outside["operator"]
    for path in (
        "/procedures/nothing/versions", "/procedures/customer_issue/versions/9/files/x.bpmn",
        "/procedures/customer_issue/versions/1/files/x.bpmn", "/instances/77", f"/instances/{10**12}",
        f"/procedures/customer_issue/versions/{10**12}/files/x.bpmn",
    ):  # fmt: skip
        check_problem(operator.get(path), 404)
    check_problem(operator.post("/procedures/nothing/instances", {}), 404)
    for verb, body in (
        ("suspend", {}),
        ("resume", {}),
        ("cancel", {"reason": "x"}),
        ("migrate", {"version": 1}),
    ):
        check_problem(operator.post(f"/instances/77/{verb}", body), 404)


# ---------------------------------------------------------------- instances


def test_an_instance_shows_its_elements_timers_and_incidents(outside):
    with outside.desk() as desk:
        instance = desk.receive().instance.id
    shown = outside["operator"].get(f"/instances/{instance}").json
    assert shown["procedure"] == {"key": "customer_issue", "version": 1} and shown["status"] == "running"
    current = [one for one in shown["elements"] if one["status"] == "current"]
    assert current and all(one["entered_at"] and one["left_at"] is None for one in current)
    done = [one for one in shown["elements"] if one["status"] == "done"]
    assert done and all(one["left_at"] for one in done)
    assert shown["timers"][0].keys() >= {"element", "due_at", "status"} and shown["incidents"] == []


def test_an_instance_without_a_case_is_worked_on(outside):
    number = started(outside)
    item = outside["agent"].items(scope="all")[0]
    assert item["case"] is None and item["element"] == "check"
    shown = outside["agent"].get(f"/work-items/{item['id']}").json
    assert shown["form"] is None
    done = outside["agent"].post(f"/work-items/{item['id']}/complete", {"values": {}})
    assert done.status_code == 200, done.text
    assert outside["operator"].get(f"/instances/{number}").json["status"] == "completed"


def test_an_instance_is_suspended_resumed_and_cancelled(outside):
    number = started(outside)
    item = outside["agent"].items(scope="all")[0]["id"]
    operator = outside["operator"]
    assert operator.post(f"/instances/{number}/suspend", {"reason": "库存盘点"}).json["status"] == "suspended"
    check_problem(outside["agent"].post(f"/work-items/{item}/complete", {"values": {}}), 409)
    check_problem(operator.post(f"/instances/{number}/suspend"), 409)
    assert operator.post(f"/instances/{number}/resume").json["status"] == "running"
    check_problem(operator.post(f"/instances/{number}/resume"), 409)
    assert set(fields_of(operator.post(f"/instances/{number}/cancel", {}))) == {"reason"}
    assert operator.post(f"/instances/{number}/cancel", {"reason": "重复"}).json["status"] == "cancelled"
    check_problem(operator.post(f"/instances/{number}/cancel", {"reason": "重复"}), 409)
    assert outside["agent"].items(scope="all") == []


def test_an_instance_migrates_with_its_open_work(outside):
    number = started(outside)
    assert deploy(outside, ("stamp.bpmn", STAMP.replace(b'name="check"', b'name="look"'))).status_code == 201
    operator = outside["operator"]
    tried = operator.post(f"/instances/{number}/migrate", {"version": 2, "dry_run": True}).json
    assert tried["problems"] == [] and tried["dry_run"] is True
    assert operator.get(f"/instances/{number}").json["procedure"]["version"] == 1
    assert operator.post(f"/instances/{number}/migrate", {"version": 2}).json["to_version"] == 2
    assert operator.get(f"/instances/{number}").json["procedure"]["version"] == 2
    for version in (9, 0, "x", 10**20):
        assert set(fields_of(operator.post(f"/instances/{number}/migrate", {"version": version}))) == {
            "version"
        }
    item = outside["agent"].items(scope="all")[0]["id"]
    assert outside["agent"].post(f"/work-items/{item}/complete", {}).status_code == 200


def test_process_data_that_cannot_be_kept_is_refused(outside):
    started(outside)
    for variables in ({"a": "x\0"}, [1], "x"):
        check_problem(outside["operator"].post("/procedures/stamp/instances", {"variables": variables}), 422)


# ---------------------------------------------------------------- messages


def test_a_message_is_delivered_or_kept(outside):
    case = outside["agent"].post("/cases", CASE).json["number"]
    told = outside["agent"].post(
        "/messages", {"name": "customer_withdraws", "correlation": case, "payload": {}}
    )
    assert told.status_code == 202 and told.json["delivered"] is True
    assert outside["agent"].get(f"/cases/{case}").json["status"] == "withdrawn"
    kept = outside["agent"].post("/messages", {"name": "customer_withdraws", "correlation": "K26-77777"})
    assert kept.status_code == 202 and kept.json == {"delivered": False, "instance": None}


def test_a_message_needs_a_name_an_address_and_a_right(outside):
    assert set(fields_of(outside["agent"].post("/messages", {}))) == {"name", "correlation"}
    empty = {"name": "", "correlation": "", "payload": 5}
    assert set(fields_of(outside["agent"].post("/messages", empty))) == set(empty)
    check_problem(outside["technician"].post("/messages", {"name": "a", "correlation": "b"}), 403)


# ---------------------------------------------------------------- around


def test_an_unknown_address_and_a_wrong_method_are_problems_too(outside):
    check_problem(outside["agent"].get("/nothing"), 404)
    check_problem(outside.nobody.get("/nothing"), 404)
    answer = outside["agent"].send("DELETE", "/cases")
    check_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_messages_come_in_the_language_asked_for_else_the_accounts(outside):
    def words(**headers):
        return fields_of(outside["agent"].post("/cases", CASE | {"title": ""}, **headers))["title"]

    assert "characters" in words(accept_language="en") and "字符" in words(accept_language="zh-CN")
    assert "字符" in words()
    import sqlalchemy as sa

    from app.accounts.tables import Person
    from app.db import session, transaction

    with outside.desk(), transaction():
        session().execute(sa.update(Person).where(Person.username == "agent").values(locale="en"))
    assert "characters" in words() and "字符" in words(accept_language="zh")


def test_answers_are_kept_by_nobody_on_the_way(outside):
    assert outside["agent"].get("/cases").headers["Cache-Control"] == "no-store"


def test_monitoring_asks_without_a_token(outside):
    outside["agent"].post("/cases", CASE)
    for path in ("//healthz", "//readyz", "/healthz", "/readyz"):
        assert outside.nobody.send("GET", path).json == {"status": "ok"}
    metrics = outside.nobody.send("GET", "//metrics")
    assert metrics.mimetype == "text/plain" and 'desk_work_items{status="open"} 1.0' in metrics.text
    assert "desk_incidents_open 0.0" in metrics.text


def test_the_document_is_valid_openapi_3_1_and_names_every_address(app, outside):
    document = outside.nobody.send("GET", "//api/openapi.json").json
    validate(document)
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    ours = {
        rule.rule.replace("<", "{").replace(">", "}").replace("{int:", "{").replace("{string:", "{").replace("{path:", "{")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith(("api_desk", "api_processes", "api_timers", "api_drafts"))
    }  # fmt: skip
    assert ours | {"/healthz", "/readyz", "/metrics"} == set(paths)
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["security"] == [{"token": []}]
    for path in ours:
        for method, operation in paths[path].items():
            if method == "parameters":
                continue
            assert {"401", "403"} <= set(operation["responses"]), (path, method)
            assert operation["summary"]
    for answer in document["components"]["responses"].values():
        assert list(answer["content"]) == [PROBLEM]
    complete = paths["/api/v1/work-items/{item_id}/complete"]["post"]["responses"]
    assert {"200", "401", "403", "404", "409", "422"} <= set(complete)
    assert any(one["name"] == "Idempotency-Key" for one in paths["/api/v1/cases"]["post"]["parameters"])


def test_a_step_that_fails_is_an_incident_and_changes_nothing(outside):
    bad = process(
        lane("check") + line(user_task("check"), '<bpmn:scriptTask id="sum"><bpmn:script>x = 1 / n</bpmn:script></bpmn:scriptTask>',
                             ids=("check", "sum")), id="stamp",
    )  # fmt: skip
    assert deploy(outside, ("stamp.bpmn", bad)).status_code == 201
    number = outside["operator"].post("/procedures/stamp/instances", {"variables": {"n": 0}}).json["id"]
    item = outside["agent"].items(scope="all")[0]["id"]
    answer = outside["agent"].post(f"/work-items/{item}/complete", {"values": {}})
    check_problem(answer, 500)
    shown = outside["operator"].get(f"/instances/{number}").json
    assert len(shown["incidents"]) == 1 and shown["incidents"][0]["detail"]
    assert outside["agent"].items(scope="all")[0]["id"] == item


@pytest.mark.sqlite_only  # there is no server to take away
def test_a_database_that_is_away_is_503_and_the_process_still_lives(app, tmp_path, database_url):
    from dataclasses import replace

    from app import create_app

    away = create_app(
        replace(app.config["SETTINGS"], database_url=f"sqlite:///{tmp_path}/nowhere/desk.db", testing=False)
    )
    caller = Caller(away, "sd_any")
    check_problem(caller.get("/cases"), 503)
    check_problem(caller.post("/cases", CASE), 503)
    assert caller.send("GET", "//readyz").status_code == 503
    assert caller.send("GET", "//healthz").status_code == 200

"""Cases and work items over REST, as a script outside sees them."""

from __future__ import annotations

import json
import threading

import pytest

from tests.support.api import CASE, REGISTER, check_problem, fields_of


def make(outside, **values):
    answer = outside["agent"].post("/cases", CASE | values)
    assert answer.status_code == 201, answer.text
    return answer.json["number"]


def complete(outside, by, item, values, **more):
    return outside[by].post(f"/work-items/{item['id']}/complete", {"values": values, **more})


# ---------------------------------------------------------------- who calls


@pytest.mark.parametrize("token", [None, "sd_nobody", ""])
def test_without_a_token_that_works_every_address_answers_401(outside, token):
    caller = outside.nobody
    caller.token = token
    for path in ("/cases", "/work-items", "/procedures", "/instances/1"):
        answer = caller.get(path)
        check_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    check_problem(caller.post("/cases", CASE), 401)


def test_a_token_works_until_it_is_revoked_or_its_owner_disabled(outside):
    import sqlalchemy as sa

    from app.accounts import tokens
    from app.accounts.actor import SYSTEM
    from app.accounts.tables import ApiToken, Person
    from app.db import session, transaction
    from tests.factories import MONDAY

    assert outside["agent"].get("/cases").status_code == 200
    with outside.desk() as desk:
        person = desk.actor("agent").id
        with transaction():
            kept = session().scalar(sa.select(ApiToken.id).where(ApiToken.person_id == person))
            assert tokens.revoke(kept, person, actor=SYSTEM, now=MONDAY)
            session().execute(sa.update(Person).where(Person.username == "manager").values(disabled=True))
    check_problem(outside["agent"].get("/cases"), 401)
    check_problem(outside["manager"].get("/cases"), 401)


def test_a_session_cookie_is_no_token(app, outside):
    client = app.test_client()
    client.post("/login", data={"username": "agent", "password": "correct-horse"})
    assert client.get("/api/v1/cases").status_code == 401


def test_a_write_notes_when_the_token_was_used(outside):
    import sqlalchemy as sa

    from app.accounts.tables import ApiToken
    from app.db import session
    from tests.factories import MONDAY

    make(outside)
    with outside.desk():
        used = session().scalars(sa.select(ApiToken.last_used_at).where(ApiToken.last_used_at.is_not(None)))
        assert list(used) == [MONDAY]


# ---------------------------------------------------------------- cases


def test_a_case_is_made_and_its_procedure_started(outside):
    answer = outside["agent"].post(
        "/cases",
        CASE | {"class": "device", "severity": "high", "customer": CASE["customer"] | {"email": None}},
    )
    assert answer.status_code == 201
    made = answer.json
    assert made["status"] == "open" and made["class"] == "device" and made["severity"] == "high"
    assert made["url"].endswith(f"/cases/{made['number']}")
    assert made["procedure"] == {"key": "customer_issue", "version": 1}
    assert [item["element"] for item in made["open_items"]] == ["register"]
    shown = outside["agent"].get(f"/cases/{made['number']}").json
    assert {
        "number",
        "status",
        "class",
        "severity",
        "procedure",
        "open_items",
        "timeline",
        "deadlines",
    } <= set(shown)
    assert shown["deadlines"][0]["element"] == "register" and shown["deadlines"][0]["due_at"]
    assert "case.created" in [entry["kind"] for entry in shown["timeline"]]


def test_phone_plate_and_serial_number_stay_masked(outside):
    number = make(outside)
    text = outside["auditor"].get(f"/cases/{number}").text
    assert "赵文礼" in text and "139****0261" in text
    assert "13900000261" not in text and "D7182" not in text and "2210917" not in text


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"channel", "title", "customer"}),
        (CASE | {"channel": "pigeon"}, {"channel"}),
        (CASE | {"title": ""}, {"title"}),
        (CASE | {"title": "长" * 201}, {"title"}),
        (CASE | {"title": ["a"]}, {"title"}),
        (CASE | {"title": "a\0b"}, {"title"}),
        (CASE | {"class": "toaster"}, {"class"}),
        (CASE | {"severity": 5}, {"severity"}),
        (CASE | {"colour": "red"}, {"colour"}),
        (CASE | {"customer": {"phone": "13900000261"}}, {"customer.name"}),
        (CASE | {"customer": {"name": "赵", "phone": "12"}}, {"customer.phone"}),
        (CASE | {"customer": {"name": "赵", "email": "nowhere"}}, {"customer.email"}),
        (CASE | {"customer": "赵"}, {"customer"}),
        (CASE | {"asset": {"kind": "boat", "fitted_on": "soon"}}, {"asset.kind", "asset.fitted_on"}),
        ([1, 2], {""}),
        ("text", {""}),
    ],
)  # fmt: skip
def test_a_case_that_does_not_fit_names_its_fields_and_makes_nothing(outside, body, wrong):
    answer = outside["agent"].post("/cases", body)
    assert set(fields_of(answer)) == wrong
    assert outside["agent"].get("/cases").json["items"] == []


def test_a_body_that_is_no_json_is_refused(outside):
    agent = outside["agent"]
    for body in (b'{"title', b"\xff", b'{"title": NaN}', b"[" * 100_000):
        check_problem(agent.send("POST", "/cases", data=body, content_type="application/json"), 400)
    check_problem(agent.send("POST", "/cases", data={"title": "x"}), 415)
    check_problem(agent.send("POST", "/cases", data=b"<case/>", content_type="text/xml"), 415)


def test_half_a_character_is_refused(outside):
    body = json.dumps(CASE | {"title": "half \ud800"})
    answer = outside["agent"].send("POST", "/cases", data=body, content_type="application/json")
    assert set(fields_of(answer)) == {"title"}


def test_only_those_who_may_make_cases_do(outside):
    for username in ("platform", "repairpoint", "designer", "auditor", "operator"):
        check_problem(outside[username].post("/cases", CASE), 403)


def test_the_same_key_and_body_make_one_case_and_give_one_answer(outside):
    first = outside["agent"].post("/cases", CASE, idempotency_key="order-1")
    again = outside["agent"].post("/cases", CASE, idempotency_key="order-1")
    assert (first.status_code, first.data) == (again.status_code, again.data) == (201, first.data)
    assert len(outside["agent"].get("/cases").json["items"]) == 1
    # Another body, another person, a key that is too long.
    other = outside["agent"].post("/cases", CASE | {"title": "别的问题"}, idempotency_key="order-1")
    assert set(fields_of(other)) == {"Idempotency-Key"}
    assert (
        outside["agent2"].post("/cases", CASE, idempotency_key="order-1").json["number"]
        != first.json["number"]
    )
    assert set(fields_of(outside["agent"].post("/cases", CASE, idempotency_key="k" * 121))) == {
        "Idempotency-Key"
    }


def test_a_key_whose_case_was_refused_may_be_used_again(outside):
    check_problem(outside["agent"].post("/cases", CASE | {"title": ""}, idempotency_key="order-2"), 422)
    bad_phone = CASE | {"customer": {"name": "赵", "phone": "12"}}
    check_problem(outside["agent"].post("/cases", bad_phone, idempotency_key="order-2"), 422)
    assert outside["agent"].post("/cases", CASE, idempotency_key="order-2").status_code == 201


def test_two_requests_with_one_key_at_the_same_moment_make_one_case(outside):
    start = threading.Barrier(4)
    answers = []

    def send():
        start.wait()
        answers.append(outside["agent"].post("/cases", CASE, idempotency_key="at-once"))

    threads = [threading.Thread(target=send) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1 and len(answers) == 4
    assert len(outside["agent"].get("/cases").json["items"]) == 1


def test_cases_are_found_filtered_and_paged(outside):
    numbers = [make(outside, title=f"终端离线 {n}") for n in range(5)]
    make(
        outside,
        title="平台登录不了",
        **{"class": "platform"},
        customer={"name": "钱", "phone": "13900000999"},
    )
    agent = outside["agent"]
    first = agent.get("/cases", q="终端离线", limit=2).json
    second = agent.get("/cases", q="终端离线", limit=2, cursor=first["next"]).json
    third = agent.get("/cases", q="终端离线", limit=2, cursor=second["next"]).json
    shown = [case["number"] for page in (first, second, third) for case in page["items"]]
    assert shown == numbers[::-1] and third["next"] is None
    assert [case["title"] for case in agent.get("/cases", **{"class": "platform"}).json["items"]] == [
        "平台登录不了"
    ]
    assert len(agent.get("/cases", status="open").json["items"]) == 6
    assert agent.get("/cases", status="closed").json == {"items": [], "next": None}
    assert len(agent.get("/cases", q="139 0000 0999").json["items"]) == 1
    assert len(agent.get("/cases", q=numbers[0].lower()).json["items"]) == 1
    for query, field in (
        ({"status": "odd"}, "status"), ({"limit": 0}, "limit"), ({"limit": "x"}, "limit"), ({"class": "x"}, "class"),
        ({"cursor": "rubbish"}, "cursor"), ({"cursor": "W251bGwsMV0"}, "cursor"), ({"q": "a\0"}, "q"),
    ):  # fmt: skip
        assert set(fields_of(agent.get("/cases", **query))) == {field}


def test_an_unknown_number_is_not_found(outside):
    for path in (
        "/cases/K26-99999",
        "/cases/%00",
        "/cases/' OR 1=1",
        "/work-items/77",
        f"/work-items/{10**30}",
    ):
        check_problem(outside["agent"].get(path), 404)


# ---------------------------------------------------------------- work items


def test_an_item_is_claimed_released_assigned_and_completed(outside):
    number = make(outside)
    item = outside["agent"].item("register", number)
    assert {
        "id",
        "case",
        "element",
        "name",
        "role",
        "assignee",
        "status",
        "due_at",
        "priority",
        "form",
        "revision",
    } <= (set(item))
    assert item["case"] == number and item["status"] == "open" and item["assignee"] is None
    assert list(item["form"]["schema"]["properties"])[:2] == ["title", "description"]
    assert item["form"]["values"]["title"] == CASE["title"]
    path = f"/work-items/{item['id']}"
    claimed = outside["agent"].post(f"{path}/claim").json
    assert (claimed["status"], claimed["assignee"]) == ("claimed", "agent")
    taken = check_problem(outside["agent2"].post(f"{path}/claim"), 409)
    assert taken["by"] and taken["at"]
    check_problem(complete(outside, "agent2", item, REGISTER), 409)
    assert outside["agent"].post(f"{path}/release").json["status"] == "open"
    assert outside["agent"].post(f"{path}/assign", {"username": "agent2"}).json["assignee"] == "agent2"
    done = complete(outside, "agent2", item, REGISTER)
    assert done.status_code == 200 and done.json["status"] == "done"
    assert done.json["form"]["values"]["severity"] == "normal"
    again = check_problem(complete(outside, "agent2", item, REGISTER), 409)
    assert again["by"] and again["at"]
    assert [one["element"] for one in outside["agent"].get(f"/cases/{number}").json["open_items"]] == [
        "analyse"
    ]


def test_an_item_goes_only_to_somebody_who_may_do_it(outside):
    item = outside["agent"].item("register", make(outside))
    path = f"/work-items/{item['id']}/assign"
    for username in ("nobody", "designer"):
        assert set(fields_of(outside["agent"].post(path, {"username": username}))) == {"username"}
    assert set(fields_of(outside["agent"].post(path, {}))) == {"username"}
    check_problem(outside["technician"].post(path, {"username": "agent"}), 404)


def test_values_that_do_not_fit_name_their_fields_and_change_nothing(outside):
    number = make(outside)
    item = outside["agent"].item("register", number)
    answer = complete(outside, "agent", item, {"severity": "terrible", "customer_name": ""})
    wrong = fields_of(answer)
    assert "severity" in wrong and all(wrong.values())
    assert set(fields_of(complete(outside, "agent", item, "text"))) == {"values"}
    assert set(fields_of(complete(outside, "agent", item, {"severity": "a\0"}))) == {"values"}
    assert outside["agent"].item("register", number)["revision"] == item["revision"]


def test_a_stale_revision_is_a_conflict(outside):
    item = outside["agent"].item("register", make(outside))
    check_problem(complete(outside, "agent", item, REGISTER, revision=item["revision"] + 1), 409)
    assert complete(outside, "agent", item, REGISTER, revision=item["revision"]).status_code == 200


def test_who_sees_an_item_but_has_another_role_may_not_do_it(outside):
    item = outside["agent"].item("register", make(outside))
    check_problem(outside["auditor"].post(f"/work-items/{item['id']}/claim"), 403)
    check_problem(complete(outside, "auditor", item, REGISTER), 403)
    check_problem(complete(outside, "platform", item, REGISTER), 404)
    # And does not see what identifies the vehicle.
    seen = outside["auditor"].get(f"/work-items/{item['id']}").json["form"]["values"]
    assert "plate" not in seen and "serial" not in seen and seen["title"]


def test_work_items_are_listed_by_scope_role_case_status_and_sort(outside):
    one, two = make(outside), make(outside, title="第二件")
    item = outside["agent"].item("register", one)
    assert complete(outside, "agent", item, REGISTER).status_code == 200
    outside["agent"].post(f"/work-items/{outside['agent'].item('register', two)['id']}/claim")
    agent = outside["agent"]
    assert [i["case"] for i in agent.items(scope="mine")] == [two]
    assert {i["element"] for i in agent.items(scope="group")} == {"register", "analyse"}
    assert outside["technician"].items(scope="all") == []
    assert len(outside["auditor"].items(scope="all")) == 2 and outside["auditor"].items(scope="group") == []
    assert [i["element"] for i in agent.items(case=two)] == ["register"]
    assert agent.items(role="technician") == []
    assert [i["id"] for i in agent.items(status="done", scope="mine")] == [item["id"]]
    assert agent.items(status="done")[0]["assignee"] == "agent"
    for sort in ("due_at", "created_at", "priority"):
        up = [i["id"] for i in agent.items(sort=sort)]
        assert [i["id"] for i in agent.items(sort=f"-{sort}")] == up[::-1] and len(up) == 2
    for query in ({"scope": "their"}, {"status": "lost"}, {"sort": "name"}, {"cursor": "x"}):
        assert set(fields_of(agent.get("/work-items", **query))) == set(query)


@pytest.mark.parametrize("sort", ["due_at", "-due_at", "created_at", "priority", "-priority"])
def test_pages_of_work_items_show_each_exactly_once(outside, sort):
    for number in range(5):
        make(outside, title=f"终端离线 {number}")
    seen, cursor = [], None
    while True:
        page = (
            outside["agent"]
            .get("/work-items", sort=sort, limit=2, **({"cursor": cursor} if cursor else {}))
            .json
        )
        seen += [item["id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5
    check_problem(outside["agent"].get("/work-items", sort="created_at", cursor="WzEsMV0"), 422)


def test_a_repair_point_sees_only_its_own_cases_and_items(outside):
    with outside.desk() as desk:
        theirs = desk.receive().analyse("device")
        theirs.do("judge", can_solve=True)
        theirs.do("analyse_cause")
        theirs.do("inform")
        theirs.do("contact", repair_point="WP003")
        other = desk.receive(title="别家的终端离线").analyse("device")
        number, foreign = theirs.row.number, other.row.number
    point = outside["repairpoint"]
    assert [case["number"] for case in point.get("/cases").json["items"]] == [number]
    assert [item["element"] for item in point.items(scope="all")] == ["repair"]
    assert point.get(f"/cases/{number}").status_code == 200
    check_problem(point.get(f"/cases/{foreign}"), 404)
    elsewhere = outside["supervisor"].items(scope="all", case=foreign)[0]
    check_problem(point.get(f"/work-items/{elsewhere['id']}"), 404)
    check_problem(point.post(f"/work-items/{elsewhere['id']}/claim"), 404)


# ---------------------------------------------------------------- cost


def test_lists_cost_the_same_few_statements_however_long_they_are(outside, count_statements):
    def cost(path):
        outside["agent"].get(path)
        with count_statements() as counted:
            assert outside["agent"].get(path).status_code == 200
        return len(counted)

    make(outside)
    few = {path: cost(path) for path in ("/cases", "/work-items", "/work-items?scope=all")}
    for number in range(30):
        make(outside, title=f"终端离线 {number}")
    assert {path: cost(path) for path in few} == few
    assert max(few.values()) <= 4, few


def test_a_step_over_rest_costs_at_most_21_statements(outside, count_statements):
    make(outside)
    item = outside["agent"].item("register", make(outside))
    with count_statements() as counted:
        assert complete(outside, "agent", item, REGISTER).status_code == 200
    assert len(counted) <= 21, str(counted)

"""Who holds which post, who does whose work, and the pages that administer it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.accounts import audit, organisation, queries, service
from app.accounts.actor import SYSTEM
from app.accounts.tables import Post
from app.db import close_read_session, session, transaction
from app.errors import Refused
from tests.conftest import FrozenClock
from tests.support.database import Counted
from tests.support.people import actor, make_centre, make_person, person_id, post_id, sign_in

CountStatements = Callable[[], AbstractContextManager[Counted]]


@pytest.fixture
def centre(app: Flask, frozen_clock: FrozenClock) -> Flask:
    """An organisation with an administrator, a supervisor and an agent."""
    return make_centre(app)


# ---------------------------------------------------------------- who does whose work


def test_seeding_twice_makes_nothing_twice(centre: Flask) -> None:
    with centre.app_context(), transaction():
        before = session().scalar(sa.select(sa.func.count()).select_from(Post))
        assert organisation.seed_organisation(clock.now(), SYSTEM) == 0
        assert session().scalar(sa.select(sa.func.count()).select_from(Post)) == before


def test_a_supervisor_does_the_work_of_vacant_posts_below(centre: Flask) -> None:
    with centre.app_context():
        held = actor("supervisor")
        assert {"supervisor", "callback", "platform", "repairpoint:WP003"} <= held.groups
        assert "agent" not in held.groups and held.may("work.assign")
        assert [person.username for person in organisation.candidates("callback")] == ["supervisor"]


def test_vacancies_close_and_open_at_once_when_posts_change(centre: Flask) -> None:
    with centre.app_context():
        assert "callback" in actor("supervisor").groups
        made = make_person("caller", "callback")
        assert "callback" not in actor("supervisor").groups
        with transaction():
            service.disable(made, actor=SYSTEM, now=clock.now())
        assert "callback" in actor("supervisor").groups
        with transaction():
            service.enable(made, actor=SYSTEM, now=clock.now())
        assert "callback" not in actor("supervisor").groups


def test_one_person_in_several_posts_has_the_roles_of_all(centre: Flask) -> None:
    with centre.app_context():
        make_person("both", "agent", "callback", "quality")
        held = actor("both")
        assert held.roles == {"agent", "callback", "quality"} == held.groups
        assert held.may("customer.view") and held.may("report.view")


def test_a_repair_point_is_a_candidate_for_its_own_unit_only(centre: Flask) -> None:
    with centre.app_context():
        make_person("wp3", "repairpoint:WP003")
        held = actor("wp3")
        assert held.roles == {"repairpoint"} and held.groups == {"repairpoint:WP003"}
        assert [one.username for one in organisation.candidates("repairpoint:WP003")] == ["wp3"]
        assert [one.username for one in organisation.candidates("repairpoint:WP001")] == ["supervisor"]
        # Work that names no repair point, or one that never was, must not be shown to outsiders.
        assert [one.username for one in organisation.candidates("repairpoint")] == ["supervisor"]
        assert [one.username for one in organisation.candidates("repairpoint:WP999")] == ["supervisor"]
        assert [one.username for one in organisation.people_holding("repairpoint")] == ["wp3"]


def test_people_holding_a_vacant_role_are_those_above(centre: Flask) -> None:
    with centre.app_context():
        assert organisation.people_holding("manager") == []
        make_person("boss", "manager")
        assert [one.username for one in organisation.people_holding("technician")] == ["boss"]
        assert organisation.people_holding("designer") == []


def test_a_change_that_is_rolled_back_is_forgotten(centre: Flask) -> None:
    with centre.app_context():
        with pytest.raises(RuntimeError, match="no"), transaction():
            service.create_person("x1", "X", posts=[post_id("callback")], actor=SYSTEM, now=clock.now())
            assert [one.username for one in organisation.candidates("callback")] == ["x1"]
            raise RuntimeError("no")
        assert [one.username for one in organisation.candidates("callback")] == ["supervisor"]


def test_others_do_not_see_an_uncommitted_change(centre: Flask) -> None:
    seen: list[list[str]] = []

    def look() -> None:
        with centre.app_context():
            seen.append([one.username for one in organisation.candidates("callback")])
            close_read_session()

    with centre.app_context(), transaction():
        service.create_person("x1", "X", posts=[post_id("callback")], actor=SYSTEM, now=clock.now())
        thread = threading.Thread(target=look)
        thread.start()
        thread.join(10)
    look()
    assert seen == [["supervisor"], ["x1"]]


def test_a_request_asks_at_most_two_statements_about_who_asks(
    centre: Flask, client: FlaskClient, count_statements: CountStatements
) -> None:
    centre.add_url_rule("/nothing-else", view_func=lambda: "nothing else")
    sign_in(client, "agent")
    client.get("/nothing-else")  # the organisation is in memory from here on
    with count_statements() as counted:
        assert client.get("/nothing-else").status_code == 200
    assert len(counted) <= 2, counted


# ---------------------------------------------------------------- administration


def test_an_administrator_makes_an_account_and_sees_its_password_once(
    centre: Flask, client: FlaskClient
) -> None:
    sign_in(client, "admin")
    with centre.app_context():
        posts = [post_id("agent"), post_id("callback")]
    form = {"username": "lin", "name": "林晓雯", "name_en": "", "email": "lin@example.com", "posts": posts}
    made = client.post("/admin/users", data=form)
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    given = made.text.split('id="given">')[1].split("<")[0]
    assert sign_in(centre.test_client(), "lin", given) == 303
    with centre.app_context():
        assert actor("lin").roles == {"agent", "callback"}


def test_a_refused_account_comes_back_as_typed(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "admin")
    with centre.app_context():
        chosen = post_id("quality")
    form = {"username": "agent", "name": "", "email": "not an address", "posts": [chosen]}
    refused = client.post("/admin/users", data=form)
    assert refused.status_code == 422
    assert all(f'id="e-{name}"' in refused.text for name in ("username", "name", "email"))
    assert 'value="not an address"' in refused.text and f'value="{chosen}" checked' in refused.text


def test_posts_are_given_and_taken_with_several_at_once(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "admin")
    with centre.app_context():
        person, posts = person_id("agent"), [post_id("callback"), post_id("technician")]
    form = {"name": "Agent", "posts": posts}
    assert client.post(f"/admin/users/{person}", data=form).status_code == 303
    with centre.app_context():
        assert {"callback", "technician"} == actor("agent").roles
        assert "agent" in actor("supervisor").groups


def test_the_last_administrator_can_neither_leave_nor_be_disabled(centre: Flask, client: FlaskClient) -> None:
    sign_in(client, "admin")
    with centre.app_context():
        admin, other = person_id("admin"), post_id("agent")
    assert client.post(f"/admin/users/{admin}/disable").status_code == 409
    assert client.post(f"/admin/users/{admin}", data={"name": "Admin", "posts": [other]}).status_code == 409
    assert client.get("/admin/users").status_code == 200
    with centre.app_context():
        second = make_person("second", "admin")
        with transaction():
            service.disable(admin, actor=SYSTEM, now=clock.now())
        with pytest.raises(Refused), transaction():
            service.disable(second, actor=SYSTEM, now=clock.now())


def test_two_administrators_who_disable_each_other_at_once_leave_one(centre: Flask) -> None:
    with centre.app_context():
        second = make_person("second", "admin")
        first = person_id("admin")
        close_read_session()
    now, refused = clock.now(), []

    def remove(person: int) -> None:
        with centre.app_context():
            try:
                with transaction():
                    service.disable(person, actor=SYSTEM, now=now)
            except Refused:
                refused.append(person)

    threads = [threading.Thread(target=remove, args=(person,)) for person in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1


def test_users_are_found_by_name_role_and_state(
    centre: Flask, client: FlaskClient, frozen_clock: FrozenClock
) -> None:
    with centre.app_context():
        for number in range(queries.PAGE + 3):
            make_person(f"helper{number:03}", "callback")
        page = queries.list_people(search="HELPER", now=clock.now())
        assert (len(page.rows), page.total) == (queries.PAGE, queries.PAGE + 3)
        rest = queries.list_people(search="helper", after=page.after or "", now=clock.now())
        assert [row.username for row in rest.rows] == ["helper050", "helper051", "helper052"]
        assert [row.username for row in queries.list_people(role="agent", now=clock.now()).rows] == ["agent"]
        assert queries.list_people(search="%", role="agent", state="locked", now=clock.now()).rows == []
    for _ in range(5):
        sign_in(client, "agent", "wrong")
    with centre.app_context():
        assert [row.username for row in queries.list_people(state="locked", now=clock.now()).rows] == [
            "agent"
        ]


def test_the_list_of_users_costs_the_same_whatever_its_size(
    centre: Flask, client: FlaskClient, count_statements: CountStatements
) -> None:
    sign_in(client, "admin")
    costs = []
    for more in (1, 30):
        with centre.app_context():
            for number in range(more):
                make_person(f"p{more}x{number}", "agent")
        client.get("/admin/users")
        with count_statements() as counted:
            client.get("/admin/users")
        costs.append(len(counted))
    assert costs[0] == costs[1] <= 8


def test_the_organisation_page_names_vacancies_and_who_does_the_work(
    centre: Flask, client: FlaskClient
) -> None:
    with centre.app_context():
        lines = {line.post.key: line for _unit, lines in queries.organisation_chart() for line in lines}
        assert [one.username for one in lines["callback"].covered_by] == ["supervisor"]
        assert lines["manager"].holders == lines["manager"].covered_by == []
    sign_in(client, "admin")
    assert client.get("/admin/organisation").status_code == 200


def test_every_change_is_told_with_its_actor_and_never_a_password(
    centre: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str, str, str]] = []
    monkeypatch.setattr(
        audit,
        "on_change",
        [
            lambda stream, kind, data, *, actor, now: told.append(
                (stream, kind, actor.username, json.dumps(data))
            )
        ],
    )
    sign_in(client, "admin")
    with centre.app_context():
        person = person_id("agent")
    client.post(f"/admin/users/{person}", data={"name": "Agent", "posts": []})
    for verb in ("reset-password", "unlock", "disable", "enable"):
        client.post(f"/admin/users/{person}/{verb}")
    kinds = ["person.edited", "person.password_reset", "person.unlocked", "person.disabled", "person.enabled"]
    assert [entry[1] for entry in told] == ["person.signed_in", *kinds]
    assert all(entry[0] == f"person:{person}" and entry[2] == "admin" for entry in told[1:])
    assert "password" not in "".join(entry[3] for entry in told)

"""Who does whose work, and which passwords are refused: plain values, no application."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask_babel import Babel

from app.accounts import roles, rules
from app.accounts.rules import Seat
from app.errors import Invalid, Refused

ANNA, BEN, CARL = 1, 2, 3
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def seat(post_id: int, role: str, *holders: int, above: int | None = None, key: str | None = None) -> Seat:
    return Seat(post_id, role, key or role, above, frozenset(holders))


def test_a_post_that_somebody_holds_is_nobody_elses_work() -> None:
    duties = rules.duties([seat(1, "supervisor", ANNA), seat(2, "agent", BEN, above=1)])
    assert duties == {"supervisor": {ANNA}, "agent": {BEN}}


def test_work_of_a_vacant_post_goes_to_the_post_above() -> None:
    duties = rules.duties([seat(1, "supervisor", ANNA), seat(2, "agent", above=1)])
    assert duties["agent"] == {ANNA}


def test_work_of_a_whole_vacant_line_goes_up_until_somebody_is_there() -> None:
    line = [seat(1, "manager", ANNA), seat(2, "supervisor", above=1), seat(3, "agent", above=2)]
    assert rules.groups_of(rules.duties(line)) == {ANNA: {"manager", "supervisor", "agent"}}


def test_a_vacant_post_below_a_held_one_does_not_reach_the_top() -> None:
    line = [seat(1, "manager", ANNA), seat(2, "supervisor", BEN, above=1), seat(3, "agent", above=2)]
    assert rules.duties(line)["agent"] == {BEN}


def test_a_role_held_in_another_unit_is_not_vacant() -> None:
    seats = [seat(1, "supervisor", ANNA), seat(2, "agent", above=1), seat(3, "agent", BEN, above=1)]
    assert rules.duties(seats)["agent"] == {BEN}


def test_a_repair_point_is_vacant_even_while_another_one_is_not() -> None:
    seats = [
        seat(1, "supervisor", ANNA),
        seat(2, "repairpoint", BEN, above=1, key="repairpoint:WP001"),
        seat(3, "repairpoint", above=1, key="repairpoint:WP002"),
    ]
    assert rules.duties(seats) == {
        "supervisor": {ANNA},
        "repairpoint:WP001": {BEN},
        "repairpoint:WP002": {ANNA},
    }


def test_two_vacant_posts_above_each_other_have_nobody_and_end() -> None:
    assert rules.duties([seat(1, "agent", above=2), seat(2, "callback", above=1)])["agent"] == frozenset()


def test_every_lane_name_of_a_role_leads_to_its_key() -> None:
    for role in roles.ROLES:
        for name in (role.key, role.name, role.name_en, role.name_en.upper(), f"  {role.name} "):
            assert roles.lane_to_role(name) == role.key
    assert roles.lane_to_role("火星部") is None


def test_roles_posts_and_permissions_name_only_what_exists() -> None:
    assert all(set(role.permissions.split()) <= roles.PERMISSIONS for role in roles.ROLES)
    granted = {permission for role in roles.ROLES for permission in role.permissions.split()}
    assert granted | {"demo.control"} == roles.PERMISSIONS
    units, posts = {unit.key for unit in roles.UNITS}, {(post.role, post.unit) for post in roles.POSTS}
    assert all(post.role in roles.BY_KEY and post.unit in units for post in roles.POSTS)
    assert all(post.above is None or post.above in posts for post in roles.POSTS)
    assert {role.key for role in roles.ROLES} == {post.role for post in roles.POSTS}


def test_an_auditor_may_change_nothing() -> None:
    allowed = set(roles.BY_KEY["auditor"].permissions.split())
    assert all(permission.endswith(("view", "view_all")) for permission in allowed)


@pytest.fixture
def words() -> Iterator[Flask]:
    app = Flask(__name__)
    Babel(app)
    with app.app_context():
        yield app


@pytest.mark.parametrize(
    "password", ["", "short", "ninechars", "servicedesk", "ksedecivres", "aaaaaaaaaaaa", "x" * 201]
)
def test_a_weak_password_is_refused(words: Flask, password: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_password(password, "servicedesk")
    assert refused.value.errors[0].field == "new_password"


def test_a_sentence_is_a_good_password_and_the_demo_takes_short_ones(words: Flask) -> None:
    rules.check_password("三包期内的设备免费维修呢", "agent")
    rules.check_password("plain words do", "agent")
    rules.check_password("demo", "agent", demo=True)


def test_an_account_locks_at_the_allowed_number_of_failures() -> None:
    assert rules.lock_after(4, 5, 15, NOW) is None
    assert rules.lock_after(5, 5, 15, NOW) == NOW + timedelta(minutes=15)


def test_somebody_must_remain_to_administer(words: Flask) -> None:
    rules.check_an_admin_remains({ANNA})
    with pytest.raises(Refused):
        rules.check_an_admin_remains(set())

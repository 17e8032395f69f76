"""What each step of an instance set: kept in the history, shown to operators, nothing of it about a person."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.db import close_read_session, session
from app.engine import discretion
from app.engine.tables import Event
from app.procedures import operations
from tests.factories import Desk
from tests.integration.case_pages import signed_in


def brought(instance_id: int) -> list[tuple[str, dict]]:
    rows = session().scalars(
        sa.select(Event.data)
        .where(Event.instance_id == instance_id, Event.kind == "instance.step")
        .order_by(Event.id)
    )
    return [(element, values) for data in rows for _process, element, values in data.get("set", [])]


@pytest.fixture
def case(app):
    with app.app_context():
        desk = Desk(app)
        found = desk.receive().analyse("device")
        found.do("judge", can_solve=True)
        found.do(
            "analyse_cause",
            by="technician",
            in_warranty=False,
            man_made=False,
            quote=38000,
            opinion="司机李四的卡",
        )
        close_read_session()
    yield found
    with app.app_context():
        desk.close()


def test_each_step_is_kept_with_what_it_set_and_no_word_that_somebody_wrote(app, case):
    with app.app_context():
        found = dict(brought(case.instance.id))
        close_read_session()
    assert found["analyse"] == {"klass": "device"}
    assert found["judge"] == {"can_solve": True, "rounds_done": 0}
    assert found["analyse_cause"].items() >= {"in_warranty": False, "man_made": False, "quote": 38000}.items()
    assert found["charge"] == {"payer": "owner", "quotation": True, "consent_needed": True}
    # A called process begins with what its caller knows: it has set none of it.
    assert not any(
        "klass" in values for element, values in found.items() if element not in ("analyse", "register")
    )


def test_a_step_is_called_as_its_own_process_calls_it(app, case):
    with app.app_context():
        other = case.desk.receive(title="服务到期").analyse("other", other_type="renew")
        other.do("guide_renew")
        other.do("refer", department="platform")
        # Another process of the same version has a step of this id and another name.
        names = {one.element: one.name for one in operations.instance_page(other.instance.id).brought}
        close_read_session()
    assert names["refer"] == "反馈部门"


def test_an_operator_reads_it_on_the_page(app, case):
    with app.app_context():
        number = case.instance.id
        close_read_session()
    page = signed_in(app, "operator", "en").get(f"/procedures/instances/{number}").text
    assert "What each step set" in page and "can_solve</span> = true" in page and "38000" in page
    assert "李四" not in page


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("klass", "device", True),
        ("due", "2026-11-27T08:00:00+08:00", True),
        ("amount", 1200, True),
        ("ok", None, True),
        ("parts", ["a1", "b2"], True),
        ("note", "客户很生气", False),
        ("note", "two words", False),
        ("ring", "13812345678", False),
        ("ring", 13812345678, False),
        ("contact_name", "Li", False),
        ("plate", "A12345", False),
        ("mail_to", "a@b.cn", False),
        ("many", list(range(21)), False),
        ("deep", [["a"]], False),
        ("rows", [{"a": 1}], False),
    ],
)
def test_the_history_keeps_only_what_cannot_be_about_a_person(name, value, kept):
    assert bool(discretion.of_step({name: value})) is kept

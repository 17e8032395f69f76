"""Every path through customer_issue.bpmn: the branches, withdrawal at each waiting step, reopening."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from app import clock, settings_store
from app.db import transaction
from app.errors import NotFound, Refused

PLATFORM = ["judge", "refer", "solve", "call", "archive"]
DEVICE = ["analyse_cause", "inform", "contact", "repair"]
REFERRED = ["refer", "solve", "manager_handles"]
OTHER = ["guide_renew", "guide_add", "guide_deregister"]


def brought_to(desk, klass, step):
    """Bring a new case to where `step` waits."""
    case = desk.receive()
    if step == "register":
        return case
    if step == "analyse":
        case.do("register")
        return case
    kind = step.removeprefix("guide_") if step.startswith("guide_") else "renew"
    case.analyse(klass, other_type=kind)
    for element in _route(klass, step):
        if element == "call":
            case.until_callback()
            if step == "call":
                return case
            case.call("satisfied")
        elif element == step:
            break
        else:
            case.do(element, can_solve=step == "resolve" or (klass == "device" and step not in REFERRED))
    if step == "manager_handles":
        while "manager_handles" not in case.open:
            case.do("refer")
            case.do("solve")
            case.call("dissatisfied")
    return case


def _route(klass, step):
    if klass == "device" and step not in REFERRED:
        return ["judge", "analyse_cause", "inform", "contact", "repair", "call", "archive"]
    if klass == "other":
        return [step if step.startswith("guide_") else "guide_renew", "refer", "solve", "call", "archive"]
    if step == "resolve":
        return ["judge", "resolve"]
    # To the manager: as often round as it takes, below.
    return ["judge"] if step == "manager_handles" else ["judge", "refer", "solve", "call", "archive"]


@pytest.mark.parametrize(
    ("klass", "step"),
    [
        ("", "register"),
        ("", "analyse"),
        *[("platform", step) for step in (*PLATFORM, "resolve", "manager_handles")],
        *[("device", step) for step in ("judge", *REFERRED, *DEVICE, "call", "archive")],
        *[("other", step) for step in (*OTHER, "refer", "solve", "call", "archive")],
    ],
)
def test_a_case_withdrawn_at_each_waiting_step_ends_whatever_was_open(desk, klass, step):
    case = brought_to(desk, klass, step)
    assert case.open == [step]
    case.withdraw()
    assert (case.status, case.open, case.instance.status) == ("withdrawn", [], "completed")
    assert None not in case.callbacks
    assert desk.pass_time(timedelta(days=30)) == 0


def test_a_case_withdrawn_while_it_waits_for_the_day_of_the_callback(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    assert case.open == []
    case.withdraw()
    assert (case.status, case.callbacks, case.instance.status) == ("withdrawn", ["cancelled"], "completed")


def test_another_time_is_called_at_the_time_the_customer_asked_for(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    case.call("another_time", callback_at="2026-03-12T07:30:00+00:00")
    case.until_callback()
    item = case.item("call")
    assert item.created_at.isoformat() == "2026-03-12T07:30:00+00:00"
    case.call("satisfied")
    case.do("archive")
    assert case.callbacks == ["another_time", "satisfied"]


def test_a_call_is_planned_outside_the_quiet_hours(desk):
    with transaction():
        settings_store.put("callbacks.quiet_hours", ["17:00", "10:15"], actor_id=None, now=clock.now())
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    case.until_callback()
    planned = case.item("call").created_at.astimezone(ZoneInfo("Asia/Shanghai"))
    assert (planned.hour, planned.minute) == (10, 15)


def test_who_solved_it_does_not_call_back_where_somebody_else_can(desk):
    case = desk.receive().analyse("device")
    case.do("judge", can_solve=True)
    case.do("analyse_cause")
    case.do("inform")
    case.do("contact", repair_point="WP003")
    case.do("repair", by="repairpoint")
    case.until_callback()
    assert case.item("call").excluded_id == desk.actor("repairpoint").id


def test_a_closed_case_is_reopened_as_a_new_round_of_the_procedure(desk):
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=True)
    case.do("resolve")
    case.do("archive")
    first = case.instance.id
    desk.pass_time(timedelta(days=10))
    case.reopen()
    assert (case.status, case.row.round) == ("open", 2)
    assert case.instance.id != first
    case.analyse("platform")
    case.do("judge", can_solve=True)
    case.do("resolve")
    case.do("archive")
    assert case.status == "closed"


def test_a_withdrawn_case_is_reopened_too(desk):
    case = desk.receive()
    case.withdraw()
    case.reopen()
    assert (case.status, case.open) == ("open", ["register"])


def test_after_the_configured_period_a_case_is_not_reopened(desk):
    case = desk.receive()
    case.withdraw()
    desk.pass_time(timedelta(days=31))
    with pytest.raises(Refused):
        case.reopen()
    assert case.status == "withdrawn"


def test_an_agent_links_the_customer_and_the_vehicle_on_file_while_analysing(desk):
    known = desk.receive(customer={"name": "孙国庆", "phone": "13700001111"}, asset={"plate": "陕E6K818"}).row
    case = desk.receive(customer={}, asset={}, channel="mail")
    assert (case.row.customer_id, case.row.asset_id) == (None, None)
    case.do("register", customer_name="孙先生")
    case.do("analyse", **{"class": "device"}, customer=known.customer_id, asset=known.asset_id)
    assert (case.row.customer_id, case.row.asset_id) == (known.customer_id, known.asset_id)
    assert "孙国庆" in case.row.search


def test_a_customer_that_is_not_on_file_is_refused_and_nothing_is_changed(desk):
    case = desk.receive()
    case.do("register")
    before = case.row.customer_id
    with pytest.raises(NotFound):
        case.do("analyse", **{"class": "device"}, customer=987654)
    assert (case.row.customer_id, case.open) == (before, ["analyse"])

"""Every path through device_problem.bpmn, named after the path."""

import pytest


@pytest.fixture
def case(desk):
    return desk.receive().analyse("device")


def repaired(case):
    case.do("contact", repair_point="WP003")
    # Nothing is to be done at the desk until the owner has been to the repair point.
    assert (case.item("repair").candidate, case.status) == ("repairpoint:WP003", "waiting")
    case.do("repair", by="repairpoint")


def archived(case):
    case.do("archive", parts_used="馈线 ×1", parts_source="new_store", parts_quantity=1, repair_hours=1.5)
    assert (case.status, case.open, case.instance.status) == ("closed", [], "completed")


def test_in_warranty_and_no_misuse_is_repaired_free_without_a_quotation(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause", by="technician", in_warranty=True, man_made=False)
    case.do("inform")
    repaired(case)
    case.call("satisfied")
    archived(case)
    assert (case.row.cost, case.row.parts_used, case.row.repair_hours) == (0, "馈线 ×1", 1.5)


def test_out_of_warranty_with_the_owners_consent_is_repaired(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause", in_warranty=False, man_made=False, quote=38000)
    case.do("inform", quote=38000, consent=True)
    repaired(case)
    case.call("satisfied")
    archived(case)


def test_out_of_warranty_without_consent_is_archived_unrepaired(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause", in_warranty=False, man_made=False, quote=38000)
    case.do("inform", quote=38000, consent=False, refusal="price")
    assert case.open == ["archive"]
    case.do("archive", repaired=False)
    assert case.status == "closed"
    assert case.callbacks == []


def test_man_made_damage_in_warranty_needs_consent_too(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause", in_warranty=True, man_made=True, quote=52000)
    case.do("inform", quote=52000, consent=True)
    assert case.open == ["contact"]
    repaired(case)
    case.call("satisfied")
    archived(case)


def test_what_the_desk_cannot_solve_goes_to_a_department(case):
    case.do("judge", can_solve=False)
    case.do("refer", department="engineering")
    case.do("solve", by="engineering")
    case.call("satisfied")
    archived(case)


def test_dissatisfied_with_the_department_goes_back_to_it(case):
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    case.call("dissatisfied")
    assert case.open == ["refer"]
    case.do("refer")
    case.do("solve")
    case.call("satisfied")
    archived(case)


def test_dissatisfied_with_the_department_too_often_goes_to_the_manager(case):
    case.do("judge", can_solve=False)
    while "manager_handles" not in case.open:
        case.do("refer")
        case.do("solve")
        case.call("dissatisfied")
        assert len(case.callbacks) <= 6
    case.do("manager_handles", by="manager")
    archived(case)


def test_dissatisfied_once_with_the_repair_goes_back_to_the_repair_point(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause")
    case.do("inform")
    repaired(case)
    case.call("dissatisfied")
    assert (case.open, case.status) == (["contact"], "open")
    repaired(case)
    case.call("satisfied")
    archived(case)


def test_dissatisfied_twice_with_the_repair_then_satisfied(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause")
    case.do("inform")
    for outcome in ("dissatisfied", "dissatisfied", "satisfied"):
        repaired(case)
        case.call(outcome)
    archived(case)


def test_dissatisfied_with_the_repair_too_often_goes_to_the_manager(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause")
    case.do("inform")
    while "manager_handles" not in case.open:
        repaired(case)
        case.call("dissatisfied")
        assert len(case.callbacks) <= 6
    case.do("manager_handles", by="manager")
    archived(case)


def test_an_unreachable_owner_after_the_repair_is_archived(case):
    case.do("judge", can_solve=True)
    case.do("analyse_cause")
    case.do("inform")
    repaired(case)
    while "archive" not in case.open:
        case.call("no_answer")
        assert len(case.callbacks) <= 6
    archived(case)

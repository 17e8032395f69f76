"""Every path through platform_problem.bpmn, named after the path."""

import pytest


@pytest.fixture
def case(desk):
    return desk.receive().analyse("platform")


def test_solved_at_once_by_the_agent(case):
    assert case.open == ["judge"]
    case.do("judge", can_solve=True)
    case.do("resolve")
    assert case.status == "resolved"
    case.do("archive")
    assert (case.status, case.open, case.instance.status) == ("closed", [], "completed")


def test_one_department_round_then_satisfied(case):
    case.do("judge", can_solve=False)
    case.do("refer", department="platform")
    assert case.item("solve").candidate == "platform"
    case.do("solve", by="platform")
    assert case.status == "resolved"
    assert case.callbacks == [None]
    case.call("satisfied")
    case.do("archive")
    assert case.status == "closed"
    assert case.callbacks == ["satisfied"]
    assert case.row.satisfaction == 5


def test_dissatisfied_once_goes_round_again(case):
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    case.call("dissatisfied")
    assert (case.open, case.status) == (["refer"], "open")
    case.do("refer", department="engineering")
    assert case.item("solve").round == 2
    case.do("solve", by="engineering")
    case.call("satisfied")
    case.do("archive")
    assert case.status == "closed"


def test_dissatisfied_twice_then_satisfied(case):
    case.do("judge", can_solve=False)
    for outcome in ("dissatisfied", "dissatisfied", "satisfied"):
        case.do("refer")
        case.do("solve")
        case.call(outcome)
    case.do("archive")
    assert case.callbacks == ["dissatisfied", "dissatisfied", "satisfied"]


def test_dissatisfied_as_often_as_configured_goes_to_the_manager(case):
    case.do("judge", can_solve=False)
    for _round in range(3):
        case.do("refer")
        case.do("solve")
        case.call("dissatisfied")
        if "manager_handles" in case.open:
            break
    assert case.open == ["manager_handles"]
    assert case.item("manager_handles").role == "manager"
    case.do("manager_handles", by="manager")
    case.do("archive")
    assert case.status == "closed"


def test_no_answer_three_times_ends_as_unreachable(case):
    case.do("judge", can_solve=False)
    case.do("refer")
    case.do("solve")
    while "archive" not in case.open:
        case.call("no_answer")
        assert len(case.callbacks) <= 6
    assert case.callbacks == ["no_answer"] * 3
    case.do("archive", satisfaction=None)
    assert (case.status, case.row.satisfaction) == ("closed", None)

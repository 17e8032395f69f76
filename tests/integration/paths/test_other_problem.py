"""Every path through other_problem.bpmn, named after the path."""

import pytest


@pytest.mark.parametrize("kind", ["renew", "add", "deregister"])
def test_guided_referred_solved_called_and_archived(desk, kind):
    case = desk.receive(title="服务到期").analyse("other", other_type=kind)
    assert case.open == [f"guide_{kind}"]
    case.do(f"guide_{kind}")
    case.do("refer", department="platform")
    case.do("solve", by="platform")
    case.call("satisfied")
    case.do("archive")
    assert (case.status, case.instance.status, case.row.other_type) == ("closed", "completed", kind)


def test_a_dissatisfied_customer_is_heard_and_the_case_archived_as_drawn(desk):
    case = desk.receive(title="服务到期").analyse("other", other_type="renew")
    case.do("guide_renew")
    case.do("refer")
    case.do("solve")
    case.call("dissatisfied")
    assert case.open == ["archive"]
    case.do("archive", satisfaction=1)
    assert (case.status, case.row.satisfaction) == ("closed", 1)


def test_an_unreachable_customer_is_archived(desk):
    case = desk.receive(title="服务到期").analyse("other", other_type="add")
    case.do("guide_add")
    case.do("refer")
    case.do("solve")
    while "archive" not in case.open:
        case.call("no_answer")
        assert len(case.callbacks) <= 6
    case.do("archive")
    assert case.status == "closed"

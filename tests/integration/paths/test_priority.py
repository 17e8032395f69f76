"""A grave case's tasks come first."""


def test_the_tasks_of_a_grave_case_have_high_priority(desk):
    case = desk.receive().analyse("platform", severity="high")
    assert case.item("judge").priority == 1
    ordinary = desk.receive(title="另一台终端离线").analyse("platform")
    assert ordinary.item("judge").priority == 2

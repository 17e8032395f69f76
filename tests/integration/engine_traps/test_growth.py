"""An instance stays small, however long it lives; and what is cut off is never missed."""

import pytest


def test_a_loop_of_300_rounds_keeps_its_state_small(desk):
    desk.run("rounds", dissatisfied=True)
    sizes = []
    for _round in range(300):
        desk.complete("ask", note="再问")
        desk.complete("answer")
        sizes.append((desk.task_count(), len(desk.row().state)))
    assert max(count for count, _size in sizes) <= 24
    assert max(size for _count, size in sizes) - min(size for _count, size in sizes) < 400
    assert desk.item("ask").round == 301
    desk.complete("ask")
    desk.complete("answer", dissatisfied=False)
    assert desk.row().status == "completed"


def test_a_loop_with_an_escalation_in_each_round_keeps_its_state_small(desk):
    desk.run("rounds", dissatisfied=True)
    counts = []
    for _round in range(12):
        desk.wake(hours=20)
        desk.complete("ask")
        desk.complete("answer")
        counts.append(desk.task_count())
    assert max(counts) <= 32
    desk.complete("ask")
    desk.complete("answer", dissatisfied=False)
    assert desk.row().status == "completed"


def test_a_loop_inside_a_called_process_keeps_the_state_small(desk):
    desk.run("outer", "middle", "inner", again=True)
    desk.complete("register")
    counts = []
    for _round in range(40):
        desk.wake(hours=9)
        desk.complete("inner_work")
        counts.append(desk.task_count())
    assert len(set(counts[2:])) == 1
    desk.complete("inner_work", again=False)
    desk.complete("middle_check")
    desk.complete("close")
    assert desk.row().status == "completed"


def test_a_reminder_every_day_for_a_year_keeps_the_state_small(desk):
    desk.deploy("reminders", change=lambda text: text.replace("P30D", "P400D"))
    desk.start("reminders")
    counts = []
    for _day in range(365):
        assert desk.wake(days=1) == 1
        counts.append(desk.task_count())
    assert len(set(counts[1:])) == 1
    desk.complete("work")
    assert desk.row().status == "completed"


@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_branches_that_meet_in_a_loop_wait_for_each_other_in_every_round(desk, order):
    desk.run("branches", rounds=0, again=True)
    for number in range(1, 8):
        assert desk.open() == ["left", "right"]
        desk.complete(order[0])
        assert desk.open() == [order[1]]
        desk.complete(order[1])
        assert desk.open() == ["after"]
        assert desk.data("after")["rounds"] == number
        desk.complete("after", again=number < 7)
    assert desk.row().status == "completed"
    assert desk.task_count() < 40


def test_cutting_never_loses_a_token_that_waits_at_a_join(desk):
    desk.run("branches", rounds=0, again=False)
    desk.complete("left", seen_left=1)
    desk.wake(hours=1)
    desk.complete("right", seen_right=2)
    assert {"seen_left": 1, "seen_right": 2}.items() <= desk.data("after").items()


def test_data_of_the_main_path_survives_the_cutting(desk):
    desk.run("rounds", dissatisfied=True, first="kept")
    for number in range(5):
        desk.complete("ask", asked=number)
        desk.complete("answer")
    assert desk.data("ask") == {"dissatisfied": True, "first": "kept", "asked": 4}


def test_a_long_chain_of_scripts_in_one_step_is_no_problem(desk):
    steps = 300

    def longer(text):
        scripts = "".join(
            f'<bpmn:scriptTask id="s{n}" name="s{n}"><bpmn:script>n = {n}</bpmn:script></bpmn:scriptTask>'
            for n in range(steps)
        )
        flows = "".join(
            f'<bpmn:sequenceFlow id="fs{n}" sourceRef="s{n}" targetRef="{f"s{n + 1}" if n + 1 < steps else "judge"}" />'
            for n in range(steps)
        )
        text = text.replace('sourceRef="start" targetRef="judge"', 'sourceRef="start" targetRef="s0"')
        return text.replace("  </bpmn:process>", scripts + flows + "  </bpmn:process>")

    desk.deploy("simple", change=longer)
    desk.start("simple")
    assert desk.data("judge") == {"n": steps - 1}
    assert desk.task_count() < 10

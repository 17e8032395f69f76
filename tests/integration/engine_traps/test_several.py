"""Several people at one step: multi-instance tasks."""

from app.engine.tables import WorkItem


def test_each_department_has_its_own_item_with_one_deadline(desk):
    desk.run("departments", departments=["platform", "quality", "engineering"], again=False)
    items = desk.items("feedback")
    assert [item.candidate for item in items] == ["platform", "quality", "engineering"]
    assert {item.due_at for item in items} == {desk.timers()[0].due_at}
    assert {item.round for item in items} == {1}
    assert {item.role for item in items} == {"department"}


def test_the_answers_come_together_when_the_last_one_is_in(desk):
    desk.run("departments", departments=["platform", "quality"], again=False)
    desk.complete("feedback", feedback_text="一")
    assert desk.open() == ["feedback"]
    desk.complete("feedback", feedback_text="二")
    assert desk.open() == ["after"]
    assert desk.data("after")["feedbacks"] == ["一", "二"]


def test_a_second_round_of_several_people_starts_afresh(desk):
    desk.run("departments", departments=["platform", "quality"], again=True)
    counts = []
    for _round in range(6):
        desk.complete("feedback", feedback_text="甲")
        desk.complete("feedback", feedback_text="乙")
        assert desk.data("after")["feedbacks"] == ["甲", "乙"]
        desk.complete("after")
        counts.append(desk.task_count())
    assert len(set(counts[1:])) == 1
    assert {item.round for item in desk.items("feedback")} == {7}


def test_one_deadline_escalates_every_item_that_is_still_open(desk):
    desk.run("departments", departments=["platform", "quality", "engineering"], again=False)
    desk.complete("feedback", feedback_text="已处理")
    desk.wake(hours=9)
    assert [item.escalation_level for item in desk.items("feedback")] == [1, 1]
    assert [item.escalation_level for item in desk.items("feedback", every=True)] == [0, 1, 1]


def test_people_who_sign_in_turn_share_one_round(desk):
    desk.run("in_turn", departments=["platform", "quality"])
    assert [item.candidate for item in desk.items()] == ["platform"]
    desk.complete("sign", sign_text="同意")
    (second,) = desk.items()
    assert (second.candidate, second.round) == ("quality", 1)
    desk.complete("sign", sign_text="同意")
    assert desk.row().status == "completed"


def test_nobody_to_ask_is_no_wait(desk):
    desk.run("departments", departments=[], again=False)
    assert desk.open() == ["after"]
    assert not desk.timers()
    assert all(isinstance(item, WorkItem) for item in desk.items())


def test_a_step_inside_an_embedded_sub_process_belongs_to_the_diagram_around_it(desk):
    desk.run("embedded", business_key="K1", again=True)
    counts = []
    for _round in range(20):
        desk.complete("inside")
        counts.append(desk.task_count())
    assert len(set(counts[2:])) == 1
    assert (desk.item("inside").process_id, desk.item("inside").role) == ("embedded", "agent")
    assert desk.states()["inside"] == "current"
    desk.complete("inside", again=False)
    assert desk.open() == ["after"]
    desk.start("embedded", business_key="K1", again=True)
    desk.send("customer_withdraws", instance_id=desk.instance)
    assert desk.row().status == "completed"
    assert desk.states()["inside"] == "cancelled"

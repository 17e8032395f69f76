"""Where a token waits for ever, where two walk one path, where one runs in circles."""

from __future__ import annotations

from app.engine import lint
from tests.support.engine_files import flow, lane, line, process, timer, user_task

START, END = '<bpmn:startEvent id="start"/>', '<bpmn:endEvent id="end"/>'


def gateway(kind: str, id: str, default: str = "") -> str:
    return f'<bpmn:{kind}Gateway id="{id}"{f" default={default!r}" if default else ""}/>'


def found(body: str, **more: str) -> dict[str, str]:
    """Rule → level of what the linter says about the tokens."""
    mine = ("deadlock", "not-synchronised", "loop-without-wait")
    problems = lint.check({"p.bpmn": process(body, **more)}, connector_names=())
    return {f"{p.rule} {p.element}": p.level for p in problems if p.rule in mine}


def split_and_join(split: str, join: str) -> str:
    """start → split → a, b → join → end."""
    conditional = split in ("exclusive", "inclusive")
    return (
        lane("a", "b")
        + START
        + END
        + gateway(split, "s", "s__b" if conditional else "")
        + gateway(join, "j")
        + user_task("a")
        + user_task("b")
        + flow("start", "s")
        + flow("s", "a", "klass == 'x'" if conditional else None)
        + flow("s", "b")
        + flow("a", "j")
        + flow("b", "j")
        + flow("j", "end")
    )


def test_ways_of_a_choice_joined_in_parallel_stand_still():
    assert found(split_and_join("exclusive", "parallel")) == {"deadlock j": "error"}


def test_parallel_ways_joined_by_a_choice_go_on_twice():
    assert found(split_and_join("parallel", "exclusive")) == {"not-synchronised j": "warning"}


def test_what_is_joined_as_it_was_split_is_sound():
    for kind in ("exclusive", "parallel", "inclusive"):
        assert found(split_and_join(kind, kind)) == {}


def test_an_inclusive_join_waits_for_what_may_still_come_and_for_nothing_else():
    assert found(split_and_join("parallel", "inclusive")) == {}
    assert found(split_and_join("exclusive", "inclusive")) == {}
    assert found(split_and_join("inclusive", "parallel")) == {"deadlock j": "error"}


def test_a_deadlock_after_two_choices_is_only_a_warning_since_they_may_hang_together():
    body = split_and_join("exclusive", "exclusive").replace(flow("j", "end"), "")
    body += gateway("exclusive", "s2", "s2__c") + gateway("parallel", "p") + gateway("parallel", "j2")
    body += user_task("c") + user_task("d") + lane("c", "d")
    body += (
        flow("j", "p")
        + flow("p", "s2")
        + flow("p", "d")
        + flow("s2", "c")
        + flow("s2", "end", "klass == 'y'")
    )
    body += flow("c", "j2") + flow("d", "j2") + flow("j2", "end")
    assert found(body)["deadlock j2"] == "warning"


def test_many_parallel_ways_are_walked_without_trying_every_order():
    ways = [f"w{n}" for n in range(14)]
    body = lane(*ways) + START + END + gateway("parallel", "s") + gateway("parallel", "j")
    body += "".join(user_task(way) + flow("s", way) + flow(way, "j") for way in ways)
    assert found(body + flow("start", "s") + flow("j", "end")) == {}
    for way in ways[:3]:
        body = body.replace(flow(way, "j"), flow(way, "x"))
    assert "not-synchronised x" in found(
        body + gateway("exclusive", "x") + flow("x", "j") + flow("start", "s") + flow("j", "end")
    )


def test_a_border_that_interrupts_leaves_a_parallel_join_waiting():
    body = split_and_join("parallel", "parallel")
    late = f'<bpmn:boundaryEvent id="late" attachedToRef="a">{timer("timeDuration", "PT1H")}</bpmn:boundaryEvent>'
    assert found(body + late + flow("late", "end")) == {"deadlock j": "error"}
    reminder = late.replace('id="late"', 'id="late" cancelActivity="false"')
    assert found(body + reminder + '<bpmn:endEvent id="told"/>' + flow("late", "told")) == {}


def test_a_terminate_end_takes_all_tokens_with_it():
    body = split_and_join("parallel", "parallel")
    stop = '<bpmn:endEvent id="stop"><bpmn:terminateEventDefinition/></bpmn:endEvent>'
    late = f'<bpmn:boundaryEvent id="late" attachedToRef="a">{timer("timeDuration", "PT1H")}</bpmn:boundaryEvent>'
    assert found(body + late + stop + flow("late", "stop")) == {}


def test_a_loop_in_which_nothing_waits_is_found_with_and_without_a_way_out():
    script = '<bpmn:scriptTask id="s"><bpmn:script>n = 1</bpmn:script></bpmn:scriptTask>'
    body = START + END + script + gateway("exclusive", "m") + gateway("exclusive", "g", "out")
    body += (
        flow("start", "m")
        + flow("m", "s")
        + flow("s", "g")
        + flow("g", "m", "n > 1")
        + flow("g", "end", id="out")
    )
    assert list(found(body).values()) == ["warning"]
    endless = (
        START
        + END
        + script
        + gateway("exclusive", "m")
        + flow("start", "m")
        + flow("m", "s")
        + flow("s", "m")
    )
    assert [level for rule, level in found(endless).items() if rule.startswith("loop")] == ["error"]


def test_a_loop_with_a_person_or_a_timer_in_it_waits():
    body = (
        START
        + END
        + user_task("a")
        + lane("a")
        + gateway("exclusive", "m")
        + gateway("exclusive", "g", "out")
    )
    body += flow("start", "m") + flow("m", "a") + flow("a", "g") + flow("g", "m", "klass == 'x'")
    assert found(body + flow("g", "end", id="out")) == {}


def test_each_embedded_sub_process_is_a_net_of_its_own():
    inside = split_and_join("exclusive", "parallel").replace(lane("a", "b"), "")
    for id in ("start", "end", "s", "j", "a", "b"):
        inside = inside.replace(f'"{id}"', f'"i{id}"').replace(f'"{id}__', f'"i{id}__')
    inside = inside.replace("'s__b'", "'is__b'")
    sub = f'<bpmn:subProcess id="sub">{inside}</bpmn:subProcess>'
    assert found(lane("sub") + line(sub, ids=("sub",))) == {"deadlock ij": "error"}

"""What is refused at the door: each trap of the engine that a diagram can hold, by the name of its rule."""

from __future__ import annotations

import pytest

from app.engine import lint
from tests.support.engine_files import (
    flow,
    lane,
    line,
    process,
    properties,
    table,
    timer,
    user_task,
)

FORM = b'{"type": "object", "properties": {"klass": {"type": "string", "enum": ["a", "b"]}}}'
CONNECTORS = ("notify",)


def rules(files: bytes | dict[str, bytes], *, level: str = "error") -> set[str]:
    files = {"p.bpmn": files} if isinstance(files, bytes) else files
    return {found.rule for found in lint.check(files, connector_names=CONNECTORS) if found.level == level}


def with_node(node: str, id: str = "x", **more: str) -> bytes:
    return process(lane("a") + line(user_task("a"), node, ids=("a", id)), **more)


def after_task(body: str) -> str:
    """start → a → whatever `body` draws."""
    return lane("a") + '<bpmn:startEvent id="start"/>' + user_task("a") + flow("start", "a") + body


def test_a_sound_process_has_no_problems():
    assert rules(process(lane("a") + line(user_task("a"), ids=("a",)))) == set()


# ------------------------------------------------------------------ what the engine silently gets wrong


def test_a_link_event_would_let_the_path_end_without_a_word():
    link = '<bpmn:linkEventDefinition name="L"/>'
    node = f'<bpmn:intermediateThrowEvent id="x">{link}</bpmn:intermediateThrowEvent>'
    assert "link-event" in rules(with_node(node))


def test_a_compensation_event_would_do_nothing():
    node = (
        '<bpmn:intermediateThrowEvent id="x"><bpmn:compensateEventDefinition/></bpmn:intermediateThrowEvent>'
    )
    assert "compensation" in rules(with_node(node))
    handler = '<bpmn:userTask id="undo" isForCompensation="true"/>'
    assert "compensation" in rules(process(lane("a", "undo") + line(user_task("a"), ids=("a",)) + handler))


def test_a_signal_end_event_would_be_a_plain_end():
    body = after_task(
        '<bpmn:endEvent id="end"><bpmn:signalEventDefinition signalRef="s"/></bpmn:endEvent>'
        + flow("a", "end")
    )
    assert rules(process(body, outside='<bpmn:signal id="s" name="s"/>')) == {"signal-end"}


def test_a_condition_on_a_tasks_outflow_would_be_ignored():
    body = after_task('<bpmn:endEvent id="end"/>' + flow("a", "end", "klass == 'a'"))
    assert rules(process(body)) == {"condition-ignored"}


def test_of_duplicate_ids_the_last_would_win():
    body = lane("a") + line(user_task("a"), user_task("a"), ids=("a",))
    assert "duplicate-id" in rules(process(body))


def test_an_unreachable_element_would_never_be_looked_at():
    body = (
        lane("a", "lost")
        + line(user_task("a"), ids=("a",))
        + user_task("lost")
        + '<bpmn:endEvent id="end2"/>'
    )
    assert rules(process(body + flow("lost", "end2"))) == {"unreachable"}


def test_an_ad_hoc_sub_process_would_fail_at_run_time():
    assert "ad-hoc" in rules(
        with_node('<bpmn:adHocSubProcess id="x"><bpmn:userTask id="in"/></bpmn:adHocSubProcess>')
    )


def test_an_event_sub_process_is_refused_with_its_line_and_a_remedy():
    inside = (
        '<bpmn:subProcess id="esp" name="撤回" triggeredByEvent="true"><bpmn:startEvent id="s2">'
        '<bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent><bpmn:endEvent id="e2"/>'
        + flow("s2", "e2")
        + "</bpmn:subProcess>"
    )
    body = lane("a") + "\n" + line(user_task("a"), ids=("a",)) + "\n" + inside
    found = lint.check({"p.bpmn": process(body, outside='<bpmn:message id="m" name="withdraw"/>')})
    errors = [problem for problem in found if problem.level == "error"]
    assert [(e.rule, e.element, e.name, e.line, e.file) for e in errors] == [
        ("event-subprocess", "esp", "撤回", 3, "p.bpmn")
    ]
    assert errors[0].remedy


def test_a_syntax_error_in_a_condition_would_appear_only_when_a_token_comes():
    body = after_task(
        '<bpmn:exclusiveGateway id="g" default="no"/><bpmn:endEvent id="end"/><bpmn:endEvent id="end2"/>'
        + flow("a", "g")
        + flow("g", "end", "klass = 'a'")
        + flow("g", "end2", id="no")
    )
    assert rules(process(body)) == {"bad-expression"}


def test_a_dangling_message_reference_is_named_instead_of_a_type_error():
    node = (
        '<bpmn:intermediateCatchEvent id="x"><bpmn:messageEventDefinition messageRef="gone"/>'
        "</bpmn:intermediateCatchEvent>"
    )
    assert rules(with_node(node)) == {"dangling-reference"}


def test_a_dangling_flow_is_named_instead_of_two_items():
    body = lane("a") + line(user_task("a"), ids=("a",)) + flow("a", "nowhere")
    assert "dangling-flow" in rules(process(body))


# ------------------------------------------------------------------ what the engine refuses, in our words


def test_a_complex_gateway_is_refused():
    assert "complex-gateway" in rules(with_node('<bpmn:complexGateway id="x"/>'))


def test_several_flows_out_of_a_task_need_a_gateway():
    body = after_task(
        '<bpmn:endEvent id="end"/><bpmn:endEvent id="end2"/>' + flow("a", "end") + flow("a", "end2")
    )
    assert rules(process(body)) == {"several-outflows"}


def test_a_flow_out_of_a_choice_needs_a_condition_unless_it_is_the_default():
    body = after_task(
        '<bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="end"/><bpmn:endEvent id="end2"/>'
        + flow("a", "g")
        + flow("g", "end", "klass == 'a'")
        + flow("g", "end2")
    )
    assert rules(process(body)) == {"missing-condition"}


def test_a_service_task_needs_a_known_connector():
    assert rules(with_node('<bpmn:serviceTask id="x"/>')) == {"no-connector"}
    other = (
        '<bpmn:serviceTask id="x"><bpmn:extensionElements><spiffworkflow:serviceTaskOperator id="rockets"/>'
        "</bpmn:extensionElements></bpmn:serviceTask>"
    )
    assert rules(with_node(other)) == {"unknown-connector"}
    assert rules(with_node(other.replace("rockets", "notify"))) == set()
    assert rules(with_node('<bpmn:serviceTask id="x" camunda:topic="notify"/>')) == set()


def test_a_business_rule_task_and_decide_need_their_decision():
    assert rules(with_node('<bpmn:businessRuleTask id="x" camunda:decisionRef="gone"/>')) == {
        "missing-decision"
    }
    script = '<bpmn:scriptTask id="x"><bpmn:script>y = decide("gone")</bpmn:script></bpmn:scriptTask>'
    assert rules(with_node(script)) == {"missing-decision"}
    table_file = table((["-"], ["1"]), id="gone")
    assert rules({"p.bpmn": with_node(script), "t.dmn": table_file}) == set()


def test_a_called_process_must_be_there_and_must_not_call_its_caller():
    call = '<bpmn:callActivity id="x" calledElement="q"/>'
    back = '<bpmn:callActivity id="x" calledElement="p"/>'
    assert rules(with_node(call)) == {"missing-process"}
    called = process(line(back, ids=("x",)), id="q")
    both = {"p.bpmn": with_node(call), "q.bpmn": called}
    assert rules(both) == {"call-cycle"}


def test_a_data_store_is_refused():
    body = lane("a") + line(user_task("a"), ids=("a",)) + '<bpmn:dataStoreReference id="ds"/>'
    assert "data-store" in rules(process(body))


def test_start_end_and_executable_are_asked_for():
    assert "no-start" in rules(process(lane("a") + user_task("a")))
    assert "no-end" in rules(
        process(lane("a") + '<bpmn:startEvent id="s"/>' + user_task("a") + flow("s", "a"))
    )
    not_executable = process(line(ids=()), attributes='isExecutable="false"')
    assert rules(not_executable) == {"not-executable"}
    assert rules(process(line(ids=()), attributes="")) == set()


def test_a_process_or_decision_in_two_files_is_refused():
    one = process(line(ids=()))
    assert rules({"a.bpmn": one, "b.bpmn": one}) == {"duplicate-process"}
    rule = table((["-"], ["1"]))
    assert rules({"a.dmn": rule, "b.dmn": rule}) == {"duplicate-decision"}


# ------------------------------------------------------------------ events and timers


def boundary(text: str, kind: str = "timeDuration") -> bytes:
    body = lane("a") + line(user_task("a"), ids=("a",))
    body += f'<bpmn:boundaryEvent id="late" attachedToRef="a">{timer(kind, text)}</bpmn:boundaryEvent>'
    return process(body + '<bpmn:endEvent id="end2"/>' + flow("late", "end2"))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeDuration", "P1D"),
        ("timeDuration", '"PT8H"'),
        ("timeDuration", "working_time('PT8H')"),
        ("timeDate", "2026-12-01"),
        ("timeDate", "2026-12-01T09:00:00+08:00"),
        ("timeDate", "working_day(3)"),
        ("timeCycle", "R3/P1D"),
        ("timeCycle", 'ladder({"allowed": "PT8H", "then": "PT4H"})'),
    ],
)
def test_durations_and_dates_may_be_written_bare_or_as_expressions(kind, text):
    assert rules(boundary(text.replace('"', "&quot;"), kind)) == set()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeDuration", ""),
        ("timeDuration", '"soon"'),
        ("timeDuration", '"P1X"'),
        ("timeDuration", "5"),
        ("timeDate", '"P1D"'),
        ("timeDate", '"tomorrow"'),
        ("timeDate", "None"),
        ("timeCycle", '"P1D"'),
        ("timeCycle", '"0 9 * * *"'),
    ],
)
def test_a_literal_that_is_no_time_is_refused(kind, text):
    assert rules(boundary(text.replace('"', "&quot;"), kind)) == {"bad-timer"}


def test_two_timers_at_one_event_gateway_would_share_one_clock():
    catch = '<bpmn:intermediateCatchEvent id="{0}">{1}</bpmn:intermediateCatchEvent>'
    body = after_task(
        '<bpmn:eventBasedGateway id="g"/><bpmn:endEvent id="end"/><bpmn:exclusiveGateway id="m"/>'
        + catch.format("t1", timer("timeDuration", "P9D"))
        + catch.format("t2", timer("timeDuration", "PT1H"))
        + flow("a", "g")
        + flow("g", "t1")
        + flow("g", "t2")
        + flow("t1", "m")
        + flow("t2", "m")
        + flow("m", "end")
    )
    assert rules(process(body)) == {"several-timers"}


def test_a_message_needs_a_name():
    node = '<bpmn:intermediateCatchEvent id="x"><bpmn:messageEventDefinition/></bpmn:intermediateCatchEvent>'
    assert rules(with_node(node)) == {"message-without-name"}


# ------------------------------------------------------------------ people, forms, data


def test_a_lane_is_a_role_by_key_chinese_or_english_name():
    for name in ("agent", "客服助理", "Service agent", "售后经理"):
        assert rules(process(lane("a", name=name) + line(user_task("a"), ids=("a",)))) == set()
    assert rules(process(lane("a", name="总裁办") + line(user_task("a"), ids=("a",)))) == {"unknown-role"}


def test_work_in_no_lane_would_be_in_nobodys_inbox():
    assert rules(process(line(user_task("a"), ids=("a",)))) == {"no-role"}
    groups = user_task("a", attributes='camunda:candidateGroups="platform"')
    assert rules(process(line(groups, ids=("a",)))) == set()
    strangers = user_task("a", attributes='camunda:candidateGroups="strangers"')
    assert rules(process(line(strangers, ids=("a",)))) == {"unknown-role"}


def test_a_form_must_be_there_and_be_a_json_schema_without_reserved_names():
    body = process(lane("a") + line(user_task("a", form="f/judge.json"), ids=("a",)))
    assert rules(body) == {"missing-form"}
    assert rules({"p.bpmn": body, "forms/f/judge.json": FORM}) == set()
    assert rules({"f.json": b"{"}) == {"bad-json"}
    assert rules({"f.json": b"\xff\xfe\x00"}) == {"bad-json"}
    assert rules({"f.json": b'{"type": "object", "properties": {"a": {"type": "text"}}}'}) == {"bad-form"}
    for name in ("typename", "__builtins__"):
        assert rules({"f.json": FORM.replace(b"klass", name.encode())}) == {"reserved-field"}
    assert rules({"f.json": FORM.replace(b"klass", b"len")}, level="warning") == {"reserved-field"}


def test_a_variable_that_nothing_sets_is_refused():
    body = (
        lane("a")
        + line(user_task("a", form="judge.json"), ids=("a",)).replace(flow("a", "end"), "")
        + '<bpmn:exclusiveGateway id="g" default="no"/><bpmn:endEvent id="end2"/>'
        + flow("a", "g")
        + flow("g", "end", "{0} == 1")
        + flow("g", "end2", id="no")
    )
    form = {"judge.json": FORM.replace(b"klass", b"verdict")}
    assert rules({"p.bpmn": process(body.format("verdict")), **form}) == set()
    assert rules({"p.bpmn": process(body.format("case_no")), **form}) == set()
    assert rules({"p.bpmn": process(body.format("verdikt")), **form}) == {"unset-variable"}
    given = body.replace('<bpmn:startEvent id="start"/>', '<bpmn:startEvent id="start">{1}</bpmn:startEvent>')
    given = given.format("verdikt", properties(variables="verdikt, other"))
    assert rules({"p.bpmn": process(given), **form}) == set()


def test_free_text_stays_in_the_submission_so_a_gateway_cannot_read_it():
    form = b'{"type": "object", "properties": {"words": {"type": "string"}}}'
    script = '<bpmn:scriptTask id="x"><bpmn:script>y = words</bpmn:script></bpmn:scriptTask>'
    body = process(lane("a") + line(user_task("a", form="f.json"), script, ids=("a", "x")))
    assert rules({"p.bpmn": body, "f.json": form}) == {"unset-variable"}
    to_process = form.replace(b'"string"', b'"string", "x-to": "process"')
    assert rules({"p.bpmn": body, "f.json": to_process}) == set()


def test_a_variable_read_before_the_step_that_sets_it_is_a_warning():
    first = '<bpmn:scriptTask id="x"><bpmn:script>y = late + 1</bpmn:script></bpmn:scriptTask>'
    then = '<bpmn:scriptTask id="z"><bpmn:script>late = 1</bpmn:script></bpmn:scriptTask>'
    body = process(line(first, then, ids=("x", "z")))
    assert rules(body, level="warning") == {"unset-variable", "missing-diagram"}
    assert rules(process(line(then, first, ids=("z", "x"))), level="warning") == {"missing-diagram"}


def test_the_output_list_of_a_repeated_step_must_be_empty_on_the_second_lap():
    many = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>2</bpmn:loopCardinality>"
        "<bpmn:loopDataOutputRef>results</bpmn:loopDataOutputRef></bpmn:multiInstanceLoopCharacteristics>"
    )
    body = (
        lane("a")
        + '<bpmn:startEvent id="start"/><bpmn:exclusiveGateway id="m"/>{0}'
        + '<bpmn:exclusiveGateway id="g" default="y"/>'
        + '<bpmn:endEvent id="end"/>'
        + flow("start", "m")
        + flow("m", "a")
        + flow("a", "g")
        + flow("g", "end", id="y")
        + flow("g", "m", "severity == 1")
    )
    reset = "<bpmn:extensionElements><spiffworkflow:preScript>results = []</spiffworkflow:preScript>"
    reset += "</bpmn:extensionElements>"
    assert rules(process(body.format(user_task("a", inner=many)))) == {"output-not-reset"}
    assert rules(process(body.format(user_task("a", inner=reset + many)))) == set()


# ------------------------------------------------------------------ decision tables


@pytest.mark.parametrize(
    "cell",
    [
        '"a","b"',
        'not("a")',
        "true",
        "null",
        "[1..5]",
        '["a", "b"]',
        "platform",
        'date("2026-01-01")',
        "> ",
        "1 +",
    ],
)
def test_a_cell_that_would_never_match_or_fail_is_refused(cell):
    row = table(([cell.replace(">", "&gt;").replace('"', "&quot;")], ["1"]), (["-"], ["2"]))
    assert rules({"t.dmn": row}) == {"bad-cell"}


@pytest.mark.parametrize(
    "cell",
    [
        '"a"',
        "",
        "-",
        "> 3",
        "3 < ? < 9",
        '? in ["a", "b"]',
        'in ["a"]',
        'not in ["a"]',
        '!= "a"',
        "True",
        "-1",
    ],
)
def test_the_cells_that_the_tables_understand_are_accepted(cell):
    text = cell.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert rules({"t.dmn": table(([text], ["1"]), (["-"], ["2"]))}) == set()


def test_hit_policies_that_act_as_first_match_are_refused_by_name():
    for policy in ("PRIORITY", "RULE ORDER", "OUTPUT ORDER"):
        assert rules({"t.dmn": table((["-"], ["1"]), hit=policy)}) == {"hit-policy"}


def test_a_table_without_a_last_row_for_everything_else_is_a_warning():
    assert rules({"t.dmn": table((['"a"'], ["1"]))}, level="warning") == {"table-gap"}
    unsure = table((["len(klass) > 3"], ["1"]))
    assert rules({"t.dmn": unsure}, level="warning") == {"no-catch-all"}


# ------------------------------------------------------------------ files that are no procedure at all


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"<bpmn:definitions",
        b"<html><body/></html>",
        b"\xff\xfe<\0x\0/\0>\0",
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        b"PK\x03\x04" + bytes(200),
        b"<a>" * 400,
        b'<x xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>',
    ],
    ids=["empty", "text", "cut off", "html", "utf-16", "doctype", "zip", "deep", "no process"],
)
def test_whatever_the_file_holds_the_answer_is_a_list_of_problems(content):
    for name in ("p.bpmn", "p.dmn", "p.json"):
        found = lint.check({name: content}, connector_names=())
        assert [problem for problem in found if problem.level == "error"]
        assert all(problem.message and problem.remedy and problem.file == name for problem in found)


def test_the_engine_has_the_last_word_but_never_a_traceback(monkeypatch):
    from app.engine import parser

    def broken(*_arguments: object) -> None:
        raise TypeError("'module' object is not callable")

    monkeypatch.setattr(parser, "load_specs", broken)
    assert rules(process(line(ids=()))) == {"engine"}


def test_an_answer_for_which_no_way_is_open_is_a_warning():
    body = (
        lane("a")
        + '<bpmn:startEvent id="start"/>'
        + user_task("a", form="f.json")
        + '<bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="end"/>'
        + flow("start", "a")
        + flow("a", "g")
        + flow("g", "end", "klass == 'a'", id="one")
        + flow("g", "end", "{0}", id="two")
    )
    found = lint.check({"p.bpmn": process(body.format("klass == 'c'")), "f.json": FORM}, connector_names=())
    assert {"uncovered-choice", "missing-diagram"} == {problem.rule for problem in found}
    assert any('klass = "b"' in problem.message for problem in found)
    assert rules({"p.bpmn": process(body.format("klass == 'b'")), "f.json": FORM}, level="warning") == {
        "missing-diagram"
    }


def test_an_id_that_no_column_holds_is_refused():
    long = "a" * 121
    assert rules(process(lane(long) + line(user_task(long), ids=(long,)))) == {"too-long"}


def test_deadlines_of_a_case_must_be_known_and_have_a_table_to_say_how_long():
    start = '<bpmn:startEvent id="start">{}</bpmn:startEvent>'
    plain = process(lane("a") + line(user_task("a"), ids=("a",)))
    named = properties(caseDeadlines="resolution,soon")
    assert b'<bpmn:startEvent id="start"/>' in plain
    with_deadlines = plain.replace(b'<bpmn:startEvent id="start"/>', start.format(named).encode())
    found = [
        one
        for one in lint.check({"p.bpmn": with_deadlines}, connector_names=CONNECTORS)
        if one.level == "error"
    ]
    assert [one.rule for one in found] == ["bad-property", "bad-property"]
    assert any("soon" in one.message for one in found)
    assert any("allowance" in one.message for one in found)

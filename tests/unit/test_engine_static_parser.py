"""Reading strangers' XML, specs that survive a save, bundles, and decision tables."""

from __future__ import annotations

import time

import pytest
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.util.task import TaskState

from app.engine import bundles, parser, xml
from app.engine.expressions import ExpressionError
from app.engine.reckoning import About
from app.engine.script_engine import BpmnError, script_engine
from tests.support.engine_files import flow, lane, line, process, table, user_task

LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
FORM = b'{"type": "object", "properties": {}}'


class Connectors:
    """A host that has connectors and knows no roles."""

    def __init__(self, call) -> None:
        self.call = call

    def about(self, _task: object) -> About:
        return About()


def run(files: dict[str, bytes], call=None, **data: object) -> BpmnWorkflow:
    specs = parser.load_specs(parser.dump_specs(parser.parse(files, "p")))
    engine = script_engine(specs.decisions, Connectors(call) if call else None)
    workflow = BpmnWorkflow(specs.spec, dict(specs.subs), script_engine=engine)
    workflow.task_tree.data.update(data)
    workflow.do_engine_steps()
    return workflow


@pytest.mark.parametrize(
    "content",
    [
        LAUGHS + "]><l>&j;</l>",
        '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>',
        '<!DOCTYPE l SYSTEM "http://localhost:1/evil.dtd"><l/>',
        '<!DOCTYPE l [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><l/>',
        '<!DOCTYPE l [<!ENTITY a "' + "x" * 100_000 + '">]><l>' + "&a;" * 10_000 + "</l>",
        "<!DOCTYPE html><html/>",
    ],
    ids=["billion laughs", "file", "remote", "parameter", "quadratic", "plain doctype"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_and_entities_are_refused_at_once(content, encoding):
    begun = time.process_time()
    with pytest.raises(xml.BadFile):
        xml.read_xml(content.encode(encoding))
    assert time.process_time() - begun < 0.5


def test_a_file_of_many_megabytes_is_refused_before_it_is_parsed():
    with pytest.raises(xml.BadFile):
        xml.read_xml(b"<a>" + b"x" * (xml.MAX_BYTES + 1))


def test_comments_anywhere_do_not_disturb_the_parser():
    script = '<bpmn:scriptTask id="x"><!-- why --><bpmn:script>y = 1</bpmn:script></bpmn:scriptTask>'
    assert run({"p.bpmn": process(line(script, ids=("x",)))}).data == {"y": 1}


def test_camunda_attributes_survive_a_save():
    task = user_task("a", attributes='camunda:candidateGroups="platform" camunda:dueDate="P1D"')
    specs = parser.load_specs(
        parser.dump_specs(parser.parse({"p.bpmn": process(line(task, ids=("a",)))}, "p"))
    )
    extensions = specs.spec.task_specs["a"].extensions
    assert extensions["camunda"] == {"candidateGroups": "platform", "dueDate": "P1D"}


def test_specs_are_the_same_after_a_save_and_quick_to_restore():
    rule = '<bpmn:businessRuleTask id="x" camunda:decisionRef="rule"/>'
    files = {"p.bpmn": process(line(rule, ids=("x",))), "t.dmn": table((["-"], ["1"]))}
    text = parser.dump_specs(parser.parse(files, "p"))
    begun = time.process_time()
    assert parser.dump_specs(parser.load_specs(text)) == text
    assert time.process_time() - begun < 0.2


def test_a_condition_never_reaches_pythons_own_eval():
    body = (
        '<bpmn:startEvent id="s"/><bpmn:exclusiveGateway id="g" default="no"/><bpmn:endEvent id="e"/>'
        + flow("s", "g")
        + flow("g", "e", "__import__('os').getpid() &gt; 0")
        + flow("g", "e", id="no")
    )
    with pytest.raises(WorkflowTaskException):
        run({"p.bpmn": process(body)})


def test_a_script_task_never_reaches_pythons_own_exec():
    script = '<bpmn:scriptTask id="x"><bpmn:script>import os</bpmn:script></bpmn:scriptTask>'
    with pytest.raises(WorkflowTaskException):
        run({"p.bpmn": process(line(script, ids=("x",)))})


SERVICE = (
    '<bpmn:serviceTask id="x"><bpmn:extensionElements><spiffworkflow:serviceTaskOperator id="send" {0}>'
    '<spiffworkflow:parameters><spiffworkflow:parameter id="to" value="who + 1"/></spiffworkflow:parameters>'
    "</spiffworkflow:serviceTaskOperator></bpmn:extensionElements></bpmn:serviceTask>"
)


def test_a_service_task_calls_its_connector_with_evaluated_parameters():
    calls = []

    def call(name, parameters, task):
        calls.append((name, parameters, task.task_spec.bpmn_id))
        return {"sent": True}

    body = line(SERVICE.format('resultVariable="answer"'), ids=("x",))
    workflow = run({"p.bpmn": process(body)}, call, who=1)
    assert calls == [("send", {"to": 2}, "x")]
    assert workflow.data["answer"] == {"sent": True}
    assert run({"p.bpmn": process(line(SERVICE.format(""), ids=("x",)))}, call, who=1).data == {"who": 1}


def test_a_connectors_failure_goes_to_the_error_boundary_event_of_its_code():
    body = lane("a") + line(SERVICE.format(""), ids=("x",)) + user_task("a")
    body += '<bpmn:boundaryEvent id="caught" attachedToRef="x"><bpmn:errorEventDefinition errorRef="err"/>'
    body += "</bpmn:boundaryEvent>" + flow("caught", "a") + '<bpmn:endEvent id="e2"/>' + flow("a", "e2")
    files = {"p.bpmn": process(body, outside='<bpmn:error id="err" name="n" errorCode="SMS"/>')}

    def failing(code):
        def call(_name, _parameters, _task):
            raise BpmnError(code)

        return call

    ready = run(files, failing("SMS"), who=1).get_tasks(state=TaskState.READY)
    assert [task.task_spec.bpmn_id for task in ready] == ["a"]
    with pytest.raises(Exception, match="OTHER"):
        run(files, failing("OTHER"), who=1)


# ------------------------------------------------------------------ decisions


def decide(content: bytes, **data: object) -> object:
    text = 'found = decide("rule", step="refer")'
    script = f'<bpmn:scriptTask id="x"><bpmn:script>{text}</bpmn:script></bpmn:scriptTask>'
    workflow = run({"p.bpmn": process(line(script, ids=("x",))), "t.dmn": content}, **data)
    return workflow.data["found"]


def test_the_first_row_that_fits_decides_and_a_call_may_add_values():
    content = table(
        (['"refer"', "&gt; 3"], ['"PT1H"']),
        (['"refer"', "1 &lt; ? &lt; 3"], ['"PT2H"']),
        (['in ["refer", "call"]', "-"], ['"PT" + str(n) + "H"']),
        inputs=("step", "n"),
        outputs=("allowed",),
    )
    assert decide(content, n=4) == {"allowed": "PT1H"}
    assert decide(content, n=2) == {"allowed": "PT2H"}
    assert decide(content, n=3) == {"allowed": "PT3H"}


def test_collect_gives_lists_over_all_rows_that_fit():
    content = table((["-"], ["1"]), (['"x"'], ["2"]), (["-"], ["3"]), inputs=("step",), hit="COLLECT")
    assert decide(content) == {"result": [1, 3]}


def test_no_row_fits_is_an_error_for_decide_and_clears_the_outputs_of_a_rule_task():
    content = table((['"x"'], ["1"]), inputs=("step",))
    with pytest.raises(WorkflowTaskException):
        decide(content)
    rule = '<bpmn:businessRuleTask id="x" camunda:decisionRef="rule"/>'
    files = {"p.bpmn": process(line(rule, ids=("x",))), "t.dmn": content}
    assert run(files, step="other", result="stale").data["result"] is None


def test_a_decision_and_a_rule_task_agree():
    content = table((["&gt; 3"], ['"many"']), (["-"], ['"few"']), inputs=("n",))
    rule = '<bpmn:businessRuleTask id="x" camunda:decisionRef="rule"/>'
    files = {"p.bpmn": process(line(rule, ids=("x",))), "t.dmn": content}
    for n in (3, 4):
        assert run(files, n=n).data["result"] == decide(content, n=n)["result"]


def test_an_error_in_a_row_names_the_row():
    content = table((["-"], ["gone"]), inputs=("step",))
    with pytest.raises((ExpressionError, WorkflowTaskException), match="1"):
        decide(content)


# ------------------------------------------------------------------ bundles


def family() -> dict[str, bytes]:
    call = '<bpmn:callActivity id="c" calledElement="q"/>'
    script = '<bpmn:scriptTask id="x"><bpmn:script>y = decide("rule")</bpmn:script></bpmn:scriptTask>'
    return {
        "bpmn/area/p.bpmn": process(line(call, ids=("c",))),
        "bpmn/area/q.bpmn": process(line(user_task("a", form="f.json"), script, ids=("a", "x")), id="q"),
        "bpmn/area/t.dmn": table((["-"], ["1"])),
        "forms/area/f.json": FORM,
        "bpmn/area/stranger.dmn": table((["-"], ["1"]), id="other"),
    }


def test_a_bundle_is_what_its_process_reaches_by_calls_forms_and_decisions():
    known = bundles.library(family())
    assert list(bundles.closure(known, "p").files) == [
        "area/f.json",
        "area/p.bpmn",
        "area/q.bpmn",
        "area/t.dmn",
    ]
    assert list(bundles.closure(known, "q").files) == ["area/f.json", "area/q.bpmn", "area/t.dmn"]


def test_the_digest_depends_on_content_alone_and_reaches_callers():
    files = family()
    before = {bundle.root: bundle.digest for bundle in bundles.bundles(bundles.library(files))}
    again = bundles.bundles(bundles.library(dict(reversed(files.items()))))
    assert {bundle.root: bundle.digest for bundle in again} == before
    files["forms/area/f.json"] = FORM + b"\n"
    changed = {bundle.root: bundle.digest for bundle in bundles.bundles(bundles.library(files))}
    assert changed["p"] != before["p"]
    assert changed["q"] != before["q"]
    files = {**family(), "bpmn/area/stranger.dmn": table((["-"], ["2"]), id="other")}
    assert {b.root: b.digest for b in bundles.bundles(bundles.library(files))} == before


def test_the_catalogue_says_what_pages_need():
    catalog = bundles.closure(bundles.library(family()), "p").catalog()
    assert set(catalog["processes"]) == {"p", "q"}
    assert catalog["processes"]["p"]["calls"] == {"c": "q"}
    assert catalog["processes"]["q"]["order"] == ["start", "a", "x", "end"]
    assert catalog["processes"]["q"]["elements"]["a"]["form"] == "f.json"
    assert catalog["forms"] == {"f.json": "area/f.json"}
    assert catalog["decisions"] == {"rule": "area/t.dmn"}

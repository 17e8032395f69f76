"""Names, times, limits, unused fields, layout; and the book of rules that designers read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.engine import lint, rule_book
from app.settings import ROOT
from tests.support.engine_files import flow, lane, line, process, properties, timer, user_task

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def rules(files: bytes | dict[str, bytes], *, connectors: tuple[str, ...] = ("notify",)) -> dict[str, str]:
    files = {"p.bpmn": files} if isinstance(files, bytes) else files
    return {p.rule: p.level for p in lint.check(files, connector_names=connectors, now=NOW)}


def with_node(node: str, id: str = "x", more: str = "") -> bytes:
    return process(lane("a") + line(user_task("a"), node, ids=("a", id)) + more)


@pytest.mark.parametrize("name", ["typename", "__builtins__", "two words"])
def test_a_result_of_a_name_that_the_engine_keeps_is_refused(name):
    node = (
        f'<bpmn:serviceTask id="x"><bpmn:extensionElements><spiffworkflow:serviceTaskOperator id="notify" '
        f'resultVariable="{name}"/></bpmn:extensionElements></bpmn:serviceTask>'
    )
    assert rules(with_node(node))["bad-name"] == "error"


@pytest.mark.parametrize(
    ("count", "refused"), [("3", False), ("200", False), ("1000", True), ("0", True), ("9" * 400, True)]
)
def test_a_step_is_not_repeated_a_thousand_times_at_once(count, refused):
    many = f"<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>{count}</bpmn:loopCardinality>"
    node = user_task("x", inner=f"{many}</bpmn:multiInstanceLoopCharacteristics>")
    assert (
        "too-many-laps" in rules(process(lane("a", "x") + line(user_task("a"), node, ids=("a", "x"))))
    ) is refused


@pytest.mark.parametrize(
    ("kind", "text", "past"),
    [
        ("timeDate", "2026-03-01", True),
        ("timeDate", '"2026-03-01T23:00:00Z"', True),
        ("timeDate", "2026-03-03", False),
        ("timeDate", "klass", False),
        ("timeCycle", "R3/2025-01-01T09:00:00Z/P1D", True),
        ("timeCycle", "R3/P1D", False),
        ("timeDuration", "PT1H", False),
    ],
)
def test_a_date_that_has_passed_is_a_warning(kind, text, past):
    node = f'<bpmn:intermediateCatchEvent id="x">{timer(kind, text)}</bpmn:intermediateCatchEvent>'
    assert (rules(with_node(node)).get("timer-in-past") == "warning") is past


def test_an_error_needs_somebody_who_catches_it():
    end = '<bpmn:endEvent id="bad"><bpmn:errorEventDefinition errorRef="e"/></bpmn:endEvent>'
    error = '<bpmn:error id="e" errorCode="E1"/>'
    inside = '<bpmn:startEvent id="s2"/>' + end + flow("s2", "bad")
    sub = f'<bpmn:subProcess id="x">{inside}</bpmn:subProcess>'
    alone = process(lane("x") + line(sub, ids=("x",)), outside=error)
    assert rules(alone)["uncaught-error"] == "error"
    border = (
        '<bpmn:boundaryEvent id="b" attachedToRef="x"><bpmn:errorEventDefinition errorRef="e"/></bpmn:boundaryEvent>'
        + flow("b", "end")
    )
    assert "uncaught-error" not in rules(process(lane("x") + line(sub, ids=("x",)) + border, outside=error))
    called = process(f'<bpmn:startEvent id="start"/>{end}' + flow("start", "bad"), id="q", outside=error)
    assert rules({"q.bpmn": called})["uncaught-error"] == "warning"
    caller = process(
        line('<bpmn:callActivity id="x" calledElement="q"/>', ids=("x",)) + border, outside=error
    )
    assert "uncaught-error" not in rules({"q.bpmn": called, "p.bpmn": caller})


def test_a_field_that_nothing_reads_and_a_look_at_what_nothing_sets_are_warnings():
    form = {
        "type": "object",
        "x-context": ["data.gone", {"path": "case.title"}],
        "properties": {
            "answer": {"type": "string", "enum": ["yes", "no"]},
            "idle": {"type": "boolean"},
            "kept": {"type": "boolean", "x-to": "submission"},
        },
    }
    body = (
        lane("a") + '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>' + user_task("a", form="f.json")
    )
    body += '<bpmn:exclusiveGateway id="g" default="o"/>' + flow("start", "a") + flow("a", "g")
    body += flow("g", "end", 'answer == "yes"') + flow("g", "end", id="o")
    found = lint.check({"p.bpmn": process(body), "f.json": json.dumps(form).encode()}, connector_names=())
    named = {(p.rule, p.element) for p in found if p.file == "f.json"}
    assert named == {("field-never-read", "idle"), ("field-never-set", "")}


def test_shapes_on_one_place_are_named_but_not_events_on_their_step():
    def shape(id: str, x: int, width: int = 100) -> str:
        bounds = f'<dc:Bounds x="{x}" y="0" width="{width}" height="80"/>'
        return f'<di:BPMNShape bpmnElement="{id}">{bounds}</di:BPMNShape>'

    spaces = 'xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
    late = f'<bpmn:boundaryEvent id="late" attachedToRef="a">{timer("timeDuration", "PT1H")}</bpmn:boundaryEvent>'

    def drawn(end: int) -> bytes:
        shapes = shape("start", 0, 36) + shape("a", 90) + shape("late", 170, 36) + shape("end", end, 36)
        plane = f"<di:BPMNDiagram {spaces}><di:BPMNPlane>{shapes}</di:BPMNPlane></di:BPMNDiagram>"
        return process(
            lane("a") + line(user_task("a"), ids=("a",)) + late + flow("late", "end"), outside=plane
        )

    assert "overlapping-shapes" not in rules(drawn(300))
    assert rules(drawn(120))["overlapping-shapes"] == "warning"


def test_ten_thousand_elements_get_one_answer():
    chain = [f"t{n}" for n in range(10_000)]
    content = process(line(*(f'<bpmn:manualTask id="{id}"/>' for id in chain), ids=tuple(chain)))
    assert set(rules(content)) == {"too-large"}


def test_every_rule_of_the_linter_is_in_the_book_and_the_book_has_no_other():
    used: set[str] = set()
    for path in [*(ROOT / "app/engine/lint").glob("*.py"), ROOT / "app/procedures/collect.py"]:
        used |= set(
            re.findall(
                r'"([a-z]+(?:-[a-z]+)+|engine|transaction|compensation|unreachable|deadlock|unreadable)"',
                path.read_text("utf-8"),
            )
        )
    assert used & rule_book.RULES.keys() == rule_book.RULES.keys()
    others = {name for name in used - rule_book.RULES.keys() if not name.startswith("x-")}
    assert others <= {"date-time"}


def test_the_designers_page_lists_every_rule_as_the_book_has_it():
    page = (Path(ROOT) / "docs/designers/checking.md").read_text("utf-8")
    made = page.split("<!-- rules -->")[1].split("<!-- /rules -->")[0]
    assert made.strip() == rule_book.page().strip(), "flask --app wsgi bpmn rules --lang en prints it anew"


def named_step(name: str, english: str) -> bytes:
    step = f'<bpmn:manualTask id="a" name="{name}">{properties(nameEn=english)}</bpmn:manualTask>'
    return process(lane("a") + line(step, ids=("a",)))


def test_a_chinese_name_needs_an_english_one_in_the_catalogue_or_beside_it(app_context):
    step = user_task("a").replace('name="a"', 'name="查配件"')
    assert "missing-translation" in rules(process(lane("a") + line(step, ids=("a",))))
    found = rules(named_step("查配件", "Look up the part"))
    assert not {"missing-translation", "two-translations", "too-long"} & found.keys()


def test_another_english_name_than_the_one_known_is_a_warning_and_a_long_one_an_error(app_context):
    # “客户回访” is in the catalogue as “Customer callback”.
    assert rules(named_step("客户回访", "Ring the customer"))["two-translations"] == "warning"
    assert "two-translations" not in rules(named_step("客户回访", "Customer callback"))
    both = {"a.bpmn": named_step("查配件", "One"), "b.bpmn": named_step("查配件", "Other").replace(b'"p"', b'"q"')}
    assert rules(both)["two-translations"] == "warning"
    assert rules(named_step("查配件", "x" * 201))["too-long"] == "error"


def test_a_name_in_an_unexpected_place_of_a_foreign_file_does_no_harm(app_context):
    stray = '<spiffworkflow:property name="nameEn" value="Stray"/>'
    assert "missing-translation" not in rules(with_node(user_task("x"), more=stray))

"""The drawn procedures: they parse, follow the conventions of docs/designers, and fit one screen."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import polib
import pytest
from lxml import etree
from SpiffWorkflow.spiff.parser.process import VALIDATOR, SpiffBpmnParser

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "bpmn" / "complaints"
DIAGRAMS = sorted(FOLDER.glob("*.bpmn"))
TABLES = sorted(FOLDER.glob("*.dmn"))
NS = {
    "b": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "wp": "http://www.omg.org/spec/DD/20100524/DI",
    "s": "http://spiffworkflow.org/bpmn/schema/1.0/core",
}
ROLES = {"客服助理", "相关部门", "客服回访", "售后经理", "三包技术员", "维修网点"}
CHINESE = re.compile("[\u4e00-\u9fff]")
Box = tuple[float, float, float, float]

each_diagram = pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)


def find(path: Path, query: str) -> list[etree._Element]:
    return list(etree.parse(path).xpath(query, namespaces=NS))


def box(shape: etree._Element) -> Box:
    bounds = shape.find("dc:Bounds", NS)
    x, y, width, height = (float(bounds.get(key)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def node_boxes(path: Path) -> dict[str, Box]:
    nodes = {node.get("id") for node in find(path, "//b:process/b:*[b:incoming or b:outgoing]")}
    shapes = find(path, "//di:BPMNShape")
    return {shape.get("bpmnElement"): box(shape) for shape in shapes if shape.get("bpmnElement") in nodes}


def test_all_diagrams_and_tables_are_read_by_the_engine_and_are_valid_bpmn():
    parser = SpiffBpmnParser(validator=VALIDATOR)
    for path in TABLES:
        parser.add_dmn_str(path.read_bytes())
    for path in DIAGRAMS:
        parser.add_bpmn_str(path.read_bytes(), filename=path.name)
    for path in DIAGRAMS:
        assert parser.get_spec(path.stem).name == path.stem
    called = set(parser.get_subprocess_specs("customer_issue"))
    assert called == {"platform_problem", "device_problem", "other_problem", "callback"}


@each_diagram
def test_every_lane_is_a_role_and_every_step_stands_in_one(path: Path):
    lanes = find(path, "//b:lane")
    assert {lane.get("name") for lane in lanes} <= ROLES
    refs = [ref.text for ref in find(path, "//b:flowNodeRef")]
    nodes = find(path, "//b:process/b:*[b:incoming or b:outgoing]")
    assert sorted(refs) == sorted(node.get("id") for node in nodes)


@each_diagram
def test_every_user_task_has_a_form_that_exists(path: Path):
    for task in find(path, "//b:userTask"):
        forms = task.xpath(".//s:property[@name='formJsonSchemaFilename']/@value", namespaces=NS)
        assert [(ROOT / "forms" / form).is_file() for form in forms] == [True], task.get("id")


@each_diagram
def test_every_user_task_has_one_escalation_ladder(path: Path):
    for task in find(path, "//b:userTask"):
        timers = find(path, f"//b:boundaryEvent[@attachedToRef='{task.get('id')}'][b:timerEventDefinition]")
        assert [(timer.get("name"), timer.get("cancelActivity")) for timer in timers] == [("超时", "false")]
        text = timers[0].findtext("b:timerEventDefinition/b:timeCycle", namespaces=NS)
        assert re.fullmatch(r'ladder\(decide\("allowance", step="\w+".*\)\)', text)
        end = find(path, f"//b:endEvent[b:incoming='{timers[0].findtext('b:outgoing', namespaces=NS)}']")[0]
        told = end.xpath(".//s:property[@name='escalation']/@value", namespaces=NS)
        # The manager's own step has nobody above it to be told but the manager.
        manager = task.get("id") == "manager_handles"
        assert told == ["assignee,manager" if manager else "assignee,supervisor,manager"]
        assert end.find("b:escalationEventDefinition", NS).get("escalationRef") == "overdue"


def test_a_customer_can_withdraw_at_every_waiting_step_of_the_main_procedure():
    path = FOLDER / "customer_issue.bpmn"
    waiting = {node.get("id") for node in find(path, "//b:userTask | //b:callActivity")}
    events = find(path, "//b:boundaryEvent[b:messageEventDefinition/@messageRef='customer_withdraws']")
    assert {event.get("attachedToRef") for event in events} == waiting
    assert {event.get("cancelActivity", "true") for event in events} == {"true"}


@each_diagram
def test_every_branch_of_a_gateway_has_its_condition(path: Path):
    for gateway in find(path, "//b:exclusiveGateway"):
        flows = find(path, f"//b:sequenceFlow[@sourceRef='{gateway.get('id')}']")
        assert len(flows) == 1 or all(flow.find("b:conditionExpression", NS) is not None for flow in flows)


@each_diagram
def test_everything_is_drawn(path: Path):
    elements = {node.get("id") for node in find(path, "//b:process/b:*[@id] | //b:lane | //b:participant")}
    elements -= {node.get("id") for node in find(path, "//b:laneSet")}
    drawn = [shape.get("bpmnElement") for shape in find(path, "//di:BPMNShape | //di:BPMNEdge")]
    assert sorted(drawn) == sorted(elements)


@each_diagram
def test_a_diagram_fits_one_screen(path: Path):
    left, top, right, bottom = box(find(path, "//di:BPMNShape[contains(@bpmnElement, '_pool')]")[0])
    assert right - left <= 1500
    assert bottom - top <= 800
    for x0, y0, x1, y1 in node_boxes(path).values():
        assert left < x0
        assert x1 < right
        assert top < y0
        assert y1 < bottom


@each_diagram
def test_no_two_shapes_overlap(path: Path):
    hosts = {event.get("id"): event.get("attachedToRef") for event in find(path, "//b:boundaryEvent")}
    for (one, first), (other, second) in combinations(node_boxes(path).items(), 2):
        if other not in (hosts.get(one), one) and one != hosts.get(other):
            assert not overlap(first, second), (one, other)


@each_diagram
def test_no_label_covers_a_shape_or_another_label(path: Path):
    labels = {label.getparent().get("bpmnElement"): box(label) for label in find(path, "//di:BPMNLabel")}
    for (one, first), (other, second) in combinations(labels.items(), 2):
        assert not overlap(first, second), (one, other)
    for one, first in labels.items():
        for other, second in node_boxes(path).items():
            assert not overlap(first, second), (one, other)


@each_diagram
def test_lines_run_straight_and_keep_clear_of_steps_they_do_not_join(path: Path):
    hosts = {event.get("id"): event.get("attachedToRef") for event in find(path, "//b:boundaryEvent")}
    flows = find(path, "//b:sequenceFlow")
    ends = {flow.get("id"): (flow.get("sourceRef"), flow.get("targetRef")) for flow in flows}
    boxes = node_boxes(path)
    for edge in find(path, "//di:BPMNEdge"):
        points = [(float(point.get("x")), float(point.get("y"))) for point in edge.findall("wp:waypoint", NS)]
        joined = ends[edge.get("bpmnElement")]
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            assert x0 == x1 or y0 == y1, edge.get("bpmnElement")
            line = (min(x0, x1) - 0.5, min(y0, y1) - 0.5, max(x0, x1) + 0.5, max(y0, y1) + 0.5)
            for name, shape in boxes.items():
                if name not in joined and name not in {hosts.get(end) for end in joined}:
                    assert not overlap(line, shape), (edge.get("bpmnElement"), name)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_decision_table_takes_the_first_rule_and_always_has_one(path: Path):
    root = etree.parse(path).getroot()
    dmn = {"d": root.nsmap[None]}
    assert root.find("d:decision", dmn).get("id") == path.stem
    assert root.find("d:decision/d:decisionTable", dmn).get("hitPolicy") == "FIRST"
    last = root.findall(".//d:rule", dmn)[-1]
    assert {entry.findtext("d:text", "", dmn) or "" for entry in last.findall("d:inputEntry", dmn)} == {""}


@pytest.mark.parametrize("path", [*DIAGRAMS, *TABLES], ids=lambda path: path.name)
def test_every_chinese_text_has_its_english(path: Path):
    catalogue = polib.pofile(str(ROOT / "app/translations/en/LC_MESSAGES/messages.po"))
    english = {entry.msgid for entry in catalogue if entry.msgstr}
    elements = list(etree.parse(path).getroot().iter(etree.Element))
    texts = {element.get(key) for element in elements for key in ("name", "label")}
    spoken = ("documentation", "description")
    texts |= {element.text for element in elements if etree.QName(element).localname in spoken}
    assert {text for text in texts if text and CHINESE.search(text)} <= english

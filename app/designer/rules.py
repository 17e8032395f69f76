"""What a draft's names must look like, and what its files start with. Plain values only."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from app.engine.naming import ENGLISH
from app.engine.startable import STARTED_BY

KEY = re.compile(r"[a-z][a-z0-9_]{1,58}[a-z0-9]")
MAX_BYTES = 5_000_000
# A person whose browser was silent for longer has closed the page.
PRESENT_SECONDS = 75

LANE_HEIGHT, LEFT, TOP, WIDTH, HEAD = 160, 160, 80, 900, 30

NAMESPACES = (
    'xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core"'
)


def is_key(text: str) -> bool:
    """Tell whether this can be the id of a process and the name of its file."""
    return bool(KEY.fullmatch(text))


def new_diagram(key: str, name: str, lanes: Sequence[tuple[str, str]], english: str = "") -> str:
    """Return a diagram with a pool, these lanes (role key, name) and a way from a start to an end.

    english: the name for English screens, "" for none. The first lane holds both events; what is drawn
    between them is the designer's. These roles may begin it by hand.
    """
    middle = TOP + LANE_HEIGHT // 2
    sets = "".join(
        f"      <bpmn:lane id={quoteattr(f'lane_{role}')} name={quoteattr(words)}>\n"
        + (
            "        <bpmn:flowNodeRef>begin</bpmn:flowNodeRef>\n"
            "        <bpmn:flowNodeRef>finished</bpmn:flowNodeRef>\n"
            if not number
            else ""
        )
        + "      </bpmn:lane>\n"
        for number, (role, words) in enumerate(lanes)
    )
    drawn = "".join(
        _shape(f"lane_{role}", LEFT + HEAD, TOP + number * LANE_HEIGHT, WIDTH - HEAD, LANE_HEIGHT, True)
        for number, (role, _words) in enumerate(lanes)
    )
    translation = _properties("    ", **{ENGLISH: english} if english else {})
    begun_by = ", ".join(role for role, _words in lanes)
    begin = _properties("      ", **{ENGLISH: "Start", STARTED_BY: begun_by})
    start, end = LEFT + 90, LEFT + WIDTH - 120
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<bpmn:definitions {NAMESPACES} id="{key}_definitions" '
        'targetNamespace="http://bpmn.io/schema/bpmn">\n'
        f'  <bpmn:collaboration id="{key}_collaboration">\n'
        f'    <bpmn:participant id="{key}_pool" name={quoteattr(name)} processRef="{key}" />\n'
        "  </bpmn:collaboration>\n"
        f'  <bpmn:process id="{key}" name={quoteattr(name)} isExecutable="true">\n'
        f'{translation}    <bpmn:laneSet id="{key}_lanes">\n{sets}    </bpmn:laneSet>\n'
        '    <bpmn:startEvent id="begin" name="开始">\n'
        f"{begin}"
        "      <bpmn:outgoing>begin__finished</bpmn:outgoing>\n"
        "    </bpmn:startEvent>\n"
        '    <bpmn:endEvent id="finished" name="结束">\n'
        f"{_properties('      ', **{ENGLISH: 'End'})}"
        "      <bpmn:incoming>begin__finished</bpmn:incoming>\n"
        "    </bpmn:endEvent>\n"
        '    <bpmn:sequenceFlow id="begin__finished" sourceRef="begin" targetRef="finished" />\n'
        "  </bpmn:process>\n"
        f'  <bpmndi:BPMNDiagram id="{key}_diagram">\n'
        f'    <bpmndi:BPMNPlane id="{key}_plane" bpmnElement="{key}_collaboration">\n'
        + _shape(f"{key}_pool", LEFT, TOP, WIDTH, LANE_HEIGHT * len(lanes), True)
        + drawn
        + _shape("begin", start, middle - 18, 36, 36)
        + _shape("finished", end, middle - 18, 36, 36)
        + '      <bpmndi:BPMNEdge id="begin__finished_di" bpmnElement="begin__finished">\n'
        f'        <di:waypoint x="{start + 36}" y="{middle}" />\n'
        f'        <di:waypoint x="{end}" y="{middle}" />\n'
        "      </bpmndi:BPMNEdge>\n"
        "    </bpmndi:BPMNPlane>\n"
        "  </bpmndi:BPMNDiagram>\n"
        "</bpmn:definitions>\n"
    )


def new_table(key: str, name: str) -> str:
    """Return a decision table with one input, one output and the row that catches all."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="{key}_definitions" '
        f'name={quoteattr(name)} namespace="http://camunda.org/schema/1.0/dmn">\n'
        f'  <decision id="{key}" name={quoteattr(name)}>\n'
        f'    <decisionTable id="{key}_table" hitPolicy="FIRST">\n'
        f'      <input id="{key}_in_1" label="问题类别">\n'
        f'        <inputExpression id="{key}_expression_1" typeRef="string">\n'
        "          <text>klass</text>\n"
        "        </inputExpression>\n"
        "      </input>\n"
        f'      <output id="{key}_out_1" label="结果" name="result" typeRef="string" />\n'
        f'      <rule id="{key}_rule_1">\n'
        f'        <inputEntry id="{key}_rule_1_in">\n          <text></text>\n        </inputEntry>\n'
        f'        <outputEntry id="{key}_rule_1_out">\n'
        '          <text>"normal"</text>\n        </outputEntry>\n'
        "      </rule>\n"
        "    </decisionTable>\n"
        "  </decision>\n"
        "</definitions>\n"
    )


def new_form(name: str) -> str:
    """Return a form with one question."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "x-submit": "提交",
        "required": ["result"],
        "properties": {
            "result": {"type": "string", "title": "处理结果", "x-widget": "textarea", "maxLength": 2000}
        },
        "x-en": {"提交": "Submit", "处理结果": "Result"},
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _properties(indent: str, **values: str) -> str:
    """Return extension elements with these properties, nothing for none."""
    if not values:
        return ""
    lines = "".join(
        f'{indent}    <spiffworkflow:property name="{name}" value={quoteattr(value)} />\n'
        for name, value in values.items()
    )
    return (
        f"{indent}<bpmn:extensionElements>\n{indent}  <spiffworkflow:properties>\n{lines}"
        f"{indent}  </spiffworkflow:properties>\n{indent}</bpmn:extensionElements>\n"
    )


def _shape(element: str, x: int, y: int, width: int, height: int, horizontal: bool = False) -> str:
    return (
        f"      <bpmndi:BPMNShape id={quoteattr(element + '_di')} bpmnElement={quoteattr(element)}"
        + (' isHorizontal="true">\n' if horizontal else ">\n")
        + f'        <dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}" />\n'
        "      </bpmndi:BPMNShape>\n"
    )

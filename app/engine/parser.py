"""BPMN and DMN text to SpiffWorkflow's specs, and specs to text and back.

XML comes from strangers: no document types, no entities, no network. What designers' tools write differently
(bare durations, camunda: attributes) is brought into the one form that the engine reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.spiff.serializer.task_spec import BusinessRuleTaskConverter, ServiceTaskConverter
from SpiffWorkflow.spiff.specs.defaults import BusinessRuleTask, ServiceTask
from SpiffWorkflow.task import Task

from app.engine import decisions, message_events, timer_text
from app.engine.decisions import Decision, DecisionEngine
from app.engine.message_events import DeskMessage
from app.engine.timer_events import CONVERTERS, DeskCycle, DeskDuration, DeskTimeDate
from app.engine.xml import BPMN, CAMUNDA, NS, SPIFF, Node, read_xml

_TIMERS = (("timeDate", DeskTimeDate), ("timeDuration", DeskDuration), ("timeCycle", DeskCycle))


@dataclass(frozen=True)
class Specs:
    """What instances of one version share: never changed after parsing or loading.

    spec:      the root process.
    subs:      called and embedded processes by id.
    decisions: decision tables by id, for `decide(…)`.
    """

    spec: Any
    subs: Mapping[str, Any]
    decisions: Mapping[str, Decision] = field(default_factory=dict)


def normalise(root: Node) -> Node:
    """Bring what other tools write into the form the engine reads; changes and returns `root`."""
    for tag, _kind in _TIMERS:
        for node in root.iter(f"{{{BPMN}}}{tag}"):
            node.text = timer_text.normalised(node.text)
    for node in root.iter(f"{{{BPMN}}}conditionExpression", f"{{{BPMN}}}condition"):
        node.text = _expression_text(node.text)
    for node in root.iter(f"{{{BPMN}}}serviceTask"):
        _operator_from_topic(node)
    for node in root.iter(f"{{{BPMN}}}businessRuleTask"):
        _decision_from_ref(node)
    for node in root.iter(f"{{{SPIFF}}}parameter"):
        # The library's parser fails with a KeyError where these are missing.
        if "type" not in node.attrib:
            node.set("type", "any")
        if "value" not in node.attrib:
            node.set("value", "None")
    return root


def parse(files: Mapping[str, bytes], root: str) -> Specs:
    """Return the specs of process `root` from its files (.bpmn and .dmn; others are ignored).

    Raises BadFile, or SpiffWorkflow's ValidationException; the linter says both in the designer's words.
    """
    reader = DeskParser()
    tables: dict[str, Decision] = {}
    for path, content in files.items():
        if path.endswith(".dmn"):
            document = read_xml(content)
            tables.update({decision.id: decision for decision in decisions.parse(document)})
            reader.add_dmn_xml(document, filename=path)
    for path, content in files.items():
        if path.endswith(".bpmn"):
            reader.add_bpmn_xml(normalise(read_xml(content)), filename=path)
    spec = reader.get_spec(root)
    return Specs(spec, reader.get_subprocess_specs(root), tables)


def dump_specs(specs: Specs) -> str:
    """Return the specs as JSON text."""
    return json.dumps(
        {
            "v": serializer.VERSION,
            "spec": registry.convert(specs.spec),
            "subs": {name: registry.convert(sub) for name, sub in specs.subs.items()},
            "decisions": [decisions.dump(decision) for decision in specs.decisions.values()],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def load_specs(text: str) -> Specs:
    """Return the specs that `dump_specs` wrote; a few milliseconds, so keep them per version."""
    values = json.loads(text)
    tables = [decisions.load(decision) for decision in values["decisions"]]
    return Specs(
        spec=registry.restore(values["spec"]),
        subs={name: registry.restore(sub) for name, sub in values["subs"].items()},
        decisions={decision.id: decision for decision in tables},
    )


class _Desk:
    """What every element's parser does besides the library's: keep camunda: attributes, use our timers."""

    def parse_extensions(self, node: Any = None) -> dict[str, Any]:
        node = self.node if node is None else node  # type: ignore[attr-defined]
        found: dict[str, Any] = super().parse_extensions(node)  # type: ignore[misc]
        prefix = f"{{{CAMUNDA}}}"
        camunda = {
            name[len(prefix) :]: value for name, value in node.attrib.items() if name.startswith(prefix)
        }
        return {**found, "camunda": camunda} if camunda else found

    def parse_timer_event(self, event: Any) -> Any:
        name = self.node.get("name", self.node.get("id"))  # type: ignore[attr-defined]
        for tag, kind in _TIMERS:
            nodes = event.findall(f"{{{BPMN}}}{tag}")
            if nodes:
                return kind(name, nodes[0].text, description=self.get_event_description(event))  # type: ignore[attr-defined]
        return super().parse_timer_event(event)  # type: ignore[misc]

    def parse_message_event(self, message_event: Any) -> DeskMessage:
        return DeskMessage.of(super().parse_message_event(message_event))  # type: ignore[misc]


class DeskService(ServiceTask):
    """A service task whose answer nobody asked for leaves nothing in process data."""

    def _execute(self, task: Task) -> bool:
        done = super()._execute(task)
        # The library's own name for the answer when the diagram gives none.
        if self.result_variable.startswith("spiff__"):
            task.data.pop(self.result_variable, None)
        return bool(done)


SPECS = {ServiceTask: DeskService}


def _desk_parser(parser: type) -> type:
    return type(f"Desk{parser.__name__}", (_Desk, parser), {})


class DeskParser(SpiffBpmnParser):
    """The library's parser with our element parsers and decision engine."""

    OVERRIDE_PARSER_CLASSES = {
        tag: (_desk_parser(parser), SPECS.get(spec, spec))
        for tag, (parser, spec) in SpiffBpmnParser.OVERRIDE_PARSER_CLASSES.items()
    }

    def get_engine(self, decision_ref: str, node: Any) -> DecisionEngine:
        """Return our evaluation of the decision that a business rule task calls."""
        return DecisionEngine(super().get_engine(decision_ref, node).decision_table)


class _RuleConverter(BusinessRuleTaskConverter):
    def from_dict(self, dct: dict[str, Any]) -> Any:
        spec = super().from_dict(dct)
        spec.dmnEngine = DecisionEngine(spec.dmnEngine.decision_table)
        return spec


CONFIG = {
    **SPIFF_CONFIG,
    **CONVERTERS,
    **message_events.CONVERTERS,
    BusinessRuleTask: _RuleConverter,
    DeskService: ServiceTaskConverter,
}
registry = BpmnWorkflowSerializer.configure(CONFIG)
serializer = BpmnWorkflowSerializer(registry)


def _expression_text(text: str | None) -> str:
    text = (text or "").strip()
    return text[2:-1].strip() if text.startswith(("${", "#{")) and text.endswith("}") else text


def _operator_from_topic(node: Node) -> None:
    topic = node.get(f"{{{CAMUNDA}}}topic")
    if topic and not node.findall(".//spiff:serviceTaskOperator", NS):
        operator = etree.SubElement(_extensions(node), f"{{{SPIFF}}}serviceTaskOperator", id=topic)
        etree.SubElement(operator, f"{{{SPIFF}}}parameters")


def _decision_from_ref(node: Node) -> None:
    reference = node.get(f"{{{CAMUNDA}}}decisionRef")
    if reference and not node.findall(".//spiff:calledDecisionId", NS):
        etree.SubElement(_extensions(node), f"{{{SPIFF}}}calledDecisionId").text = reference


def _extensions(node: Node) -> Node:
    found = node.find("bpmn:extensionElements", NS)
    if found is None:
        found = etree.Element(f"{{{BPMN}}}extensionElements")
        node.insert(0, found)
    return found

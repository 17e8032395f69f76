"""A BPMN document as plain values: what the linter, the catalogue and the pages look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.engine import expressions, roles
from app.engine.expressions import ExpressionError
from app.engine.xml import BPMN, CAMUNDA, NS, Node, local

TASKS = frozenset(
    [
        "task",
        "userTask",
        "manualTask",
        "scriptTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "businessRuleTask",
        "callActivity",
        "subProcess",
        "transaction",
        "adHocSubProcess",
    ]
)
EVENTS = frozenset(
    ["startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"]
)
GATEWAYS = frozenset(
    ["exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway", "complexGateway"]
)
FLOW_NODES = TASKS | EVENTS | GATEWAYS
SUBPROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
WORK = frozenset({"userTask", "manualTask", "task"})
# A process of more is refused (see `lint.details.too_large`): reading all of it would only take time.
MOST_READ = 1_000
CAMUNDA_EXPRESSIONS = ("candidateGroups", "assignee", "dueDate", "followUpDate", "priority")


@dataclass(frozen=True)
class Flow:
    """One sequence flow; `condition` is its expression or None."""

    id: str
    source: str
    target: str
    name: str
    condition: str | None
    line: int


@dataclass(frozen=True)
class Expression:
    """One text of an element that the engine will evaluate.

    kind: condition, timer, script, parameter, candidateGroups, loop, payload, …
    sets: the variable that its value goes to, if any (scripts say it themselves).
    """

    kind: str
    text: str
    line: int

    @property
    def is_script(self) -> bool:
        """Tell whether it is lines of assignments rather than one expression."""
        return self.kind in ("script", "preScript", "postScript")


@dataclass(frozen=True)
class Element:
    """One flow node.

    scope:       id of the process or embedded sub-process that holds it.
    event:       timer, message, … for events, "" for a plain one; several are joined by "+".
    event_name:  message, signal name or error, escalation code.
    properties:  spiffworkflow properties.
    """

    id: str
    type: str
    name: str
    line: int
    scope: str
    lane: str | None = None
    form: str | None = None
    called: str | None = None
    decision: str | None = None
    connector: str | None = None
    result: str | None = None
    attached_to: str | None = None
    interrupting: bool = True
    default: str | None = None
    event: str = ""
    event_name: str | None = None
    timer: tuple[str, str] | None = None
    multi: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    camunda: Mapping[str, str] = field(default_factory=dict)
    expressions: tuple[Expression, ...] = ()
    node: Any = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Process:
    """One process with all its flow nodes, those of embedded sub-processes included (`scopes`)."""

    id: str
    name: str
    line: int
    executable: bool
    elements: Mapping[str, Element]
    flows: tuple[Flow, ...]
    scopes: tuple[str, ...]
    node: Any = field(default=None, repr=False, compare=False)

    @property
    def called(self) -> list[str]:
        """Ids of the processes that its call activities name."""
        return [element.called for element in self.elements.values() if element.called]

    @property
    def decisions(self) -> set[str]:
        """Ids of the decisions that its business rule tasks and `decide("…")` calls name."""
        found = {element.decision for element in self.elements.values() if element.decision}
        for expression in self.all_expressions():
            found |= {
                str(first) for name, first in called_functions(expression) if name == "decide" and first
            }
        return found

    def all_expressions(self) -> Iterator[Expression]:
        """Yield every text that the engine evaluates, conditions on flows included."""
        for element in self.elements.values():
            yield from element.expressions
        for flow in self.flows:
            if flow.condition:
                yield Expression("condition", flow.condition, flow.line)

    def out_of(self, element_id: str) -> list[Flow]:
        """Return the flows that leave an element."""
        return self._out.get(element_id, [])

    def into(self, element_id: str) -> list[Flow]:
        """Return the flows that lead to an element."""
        return self._into.get(element_id, [])

    @cached_property
    def _into(self) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = {}
        for flow in self.flows:
            found.setdefault(flow.target, []).append(flow)
        return found

    @cached_property
    def _out(self) -> dict[str, list[Flow]]:
        found: dict[str, list[Flow]] = {}
        for flow in self.flows:
            found.setdefault(flow.source, []).append(flow)
        return found

    def order(self) -> list[str]:
        """Return element ids in the order in which a token meets them; unreachable ones last."""
        following: dict[str, list[str]] = {}
        for flow in self.flows:
            following.setdefault(flow.source, []).append(flow.target)
        for element in self.elements.values():
            if element.attached_to:
                following.setdefault(element.attached_to, []).append(element.id)
            if element.scope != self.id and element.type == "startEvent":
                following.setdefault(element.scope, []).insert(0, element.id)
        seen: dict[str, None] = {}
        waiting = [e.id for e in self.elements.values() if e.type == "startEvent" and e.scope == self.id]
        while waiting:
            current = waiting.pop(0)
            if current in self.elements and current not in seen:
                seen[current] = None
                waiting.extend(following.get(current, []))
        return [*seen, *(id for id in self.elements if id not in seen)]

    def describe(self, path: str) -> dict[str, Any]:
        """Return the process as JSON for the catalogue.

        {"name", "file", "order": [element ids], "elements": {id: see below}, "calls": {element id: process},
         "flows": {id: [source, target]}}; an element has type and name, and where it has them: scope, lane,
        role, form, called, decision, connector, attached_to, interrupting, event, event_name,
        timer [kind, text], multi, camunda {…}, properties {…} (caseStatus, separateFrom, escalation, …).
        """
        return {
            "name": self.name or self.id,
            "file": path,
            "order": self.order(),
            "elements": {element.id: _describe(element, self.id) for element in self.elements.values()},
            "calls": {element.id: element.called for element in self.elements.values() if element.called},
            "flows": {flow.id: [flow.source, flow.target] for flow in self.flows},
        }


@dataclass(frozen=True)
class Document:
    """One BPMN file; `root` is its normalised XML."""

    root: Any
    processes: tuple[Process, ...]


def read(root: Node) -> Document:
    """Read a normalised document; odd or broken parts are kept as they are, for the linter to name."""
    return Document(root, tuple(_process(node) for node in root.iterfind(".//bpmn:process", NS)))


def called_functions(expression: Expression) -> set[tuple[str, Any]]:
    """Return the functions an expression calls, with constant first arguments; none if it cannot be read."""
    try:
        if expression.is_script:
            return expressions.script_calls(expression.text)
        return expressions.calls(expression.text)
    except ExpressionError:
        return set()


def _process(node: Node) -> Process:
    lanes = _lanes(node)
    nodes = [
        child
        for child in node.iterdescendants()
        if child.tag.startswith(f"{{{BPMN}}}") and local(child) in FLOW_NODES and child.get("id")
    ]
    elements = {child.get("id", ""): _element(child, lanes) for child in nodes[: MOST_READ + 1]}
    return Process(
        id=node.get("id", ""),
        name=node.get("name", ""),
        line=node.sourceline or 0,
        executable=node.get("isExecutable", "true") == "true",
        elements=elements,
        flows=tuple(_flow(flow) for flow in node.iterfind(".//bpmn:sequenceFlow", NS)),
        scopes=tuple(element.id for element in elements.values() if element.type in SUBPROCESSES),
        node=node,
    )


def _lanes(process: Node) -> dict[str, str]:
    # Document order: an inner lane comes after the lane around it and wins.
    return {
        (reference.text or "").strip(): lane.get("name", "")
        for lane in process.iterfind(".//bpmn:lane", NS)
        for reference in lane.findall("bpmn:flowNodeRef", NS)
    }


def _flow(node: Node) -> Flow:
    condition = node.find("bpmn:conditionExpression", NS)
    text = (condition.text or "").strip() if condition is not None else None
    return Flow(
        id=node.get("id", ""),
        source=node.get("sourceRef", ""),
        target=node.get("targetRef", ""),
        name=node.get("name", ""),
        condition=text,
        line=node.sourceline or 0,
    )


def _element(node: Node, lanes: Mapping[str, str]) -> Element:
    properties = _properties(node)
    camunda = {
        name.split("}")[1]: value for name, value in node.attrib.items() if name.startswith(f"{{{CAMUNDA}}}")
    }
    operator = node.find("bpmn:extensionElements/spiff:serviceTaskOperator", NS)
    decision = node.find("bpmn:extensionElements/spiff:calledDecisionId", NS)
    event, event_name = _event(node)
    return Element(
        id=node.get("id", ""),
        type=local(node),
        name=node.get("name", ""),
        line=node.sourceline or 0,
        scope=_scope(node),
        lane=_lane(node, lanes),
        form=properties.get("formJsonSchemaFilename") or _form_key(camunda.get("formKey")),
        called=node.get("calledElement"),
        decision=(decision.text or "").strip() if decision is not None else None,
        connector=operator.get("id") if operator is not None else None,
        result=operator.get("resultVariable") if operator is not None else None,
        attached_to=node.get("attachedToRef"),
        interrupting=node.get("cancelActivity", "true").lower() == "true",
        default=node.get("default"),
        event=event,
        event_name=event_name,
        timer=_timer(node),
        multi=node.find("bpmn:multiInstanceLoopCharacteristics", NS) is not None,
        properties=properties,
        camunda=camunda,
        expressions=tuple(_expressions(node, camunda)),
        node=node,
    )


def _properties(node: Node) -> dict[str, str]:
    found = node.findall("bpmn:extensionElements/spiff:properties/spiff:property", NS)
    return {item.get("name", ""): item.get("value", "") for item in found}


def _form_key(key: str | None) -> str | None:
    # Camunda writes embedded:app:forms/judge.json and the like; the file is after the last colon.
    return key.rsplit(":", 1)[-1] if key else None


def _scope(node: Node) -> str:
    parent = node.getparent()
    while parent is not None and local(parent) not in SUBPROCESSES and local(parent) != "process":
        parent = parent.getparent()
    return parent.get("id", "") if parent is not None else ""


def _lane(node: Node, lanes: Mapping[str, str]) -> str | None:
    # What is inside an embedded sub-process belongs to the sub-process's lane.
    current: Node | None = node
    while current is not None:
        if current.get("id", "") in lanes:
            return lanes[current.get("id", "")]
        current = current.getparent()
    return None


def _event(node: Node) -> tuple[str, str | None]:
    definitions = [child for child in node if local(child).endswith("EventDefinition")]
    kinds = "+".join(local(child).removesuffix("EventDefinition") for child in definitions)
    holder = definitions[0] if definitions else node
    for attribute, tag, named in (
        ("messageRef", "message", "name"),
        ("signalRef", "signal", "name"),
        ("errorRef", "error", "errorCode"),
        ("escalationRef", "escalation", "escalationCode"),
    ):
        reference = holder.get(attribute)
        if reference:
            found = node.getroottree().getroot().findall(f"bpmn:{tag}", NS)
            name = next(
                (item.get(named) or item.get("name") for item in found if item.get("id") == reference), None
            )
            return kinds or tag, name
    return kinds, None


def _timer(node: Node) -> tuple[str, str] | None:
    for tag in ("timeDate", "timeDuration", "timeCycle"):
        found = node.find(f"bpmn:timerEventDefinition/bpmn:{tag}", NS)
        if found is not None:
            return tag, (found.text or "").strip()
    return None


def _expressions(node: Node, camunda: Mapping[str, str]) -> Iterator[Expression]:
    places = (
        ("timer", "bpmn:timerEventDefinition/*"),
        ("condition", "bpmn:conditionalEventDefinition/bpmn:condition"),
        ("script", "bpmn:script"),
        ("preScript", "bpmn:extensionElements/spiff:preScript"),
        ("postScript", "bpmn:extensionElements/spiff:postScript"),
        ("loop", "bpmn:multiInstanceLoopCharacteristics/bpmn:loopCardinality"),
        ("loop", "bpmn:multiInstanceLoopCharacteristics/bpmn:completionCondition"),
        ("loop", "bpmn:standardLoopCharacteristics/bpmn:loopCondition"),
        ("payload", "bpmn:messageEventDefinition/bpmn:extensionElements/spiff:messagePayload"),
    )
    for kind, path in places if len(node) else ():
        for found in node.findall(path, NS):
            yield Expression(kind, (found.text or "").strip(), found.sourceline or node.sourceline or 0)
    parameters = "bpmn:extensionElements/spiff:serviceTaskOperator//spiff:parameter"
    for parameter in node.findall(parameters, NS) if len(node) else ():
        yield Expression("parameter", parameter.get("value", ""), parameter.sourceline or 0)
    for name in CAMUNDA_EXPRESSIONS:
        if camunda.get(name):
            yield Expression(name, camunda[name], node.sourceline or 0)


def _describe(element: Element, process_id: str) -> dict[str, Any]:
    full = {
        "type": element.type,
        "name": element.name,
        "scope": element.scope if element.scope != process_id else None,
        "lane": element.lane,
        "role": roles.find_key(element.lane),
        "form": element.form,
        "called": element.called,
        "decision": element.decision,
        "connector": element.connector,
        "attached_to": element.attached_to,
        "interrupting": element.interrupting if element.type == "boundaryEvent" else None,
        "event": element.event or None,
        "event_name": element.event_name,
        "timer": list(element.timer) if element.timer else None,
        "multi": element.multi or None,
        "camunda": dict(element.camunda) or None,
        "properties": dict(element.properties) or None,
    }
    return {"type": element.type, "name": element.name, **{k: v for k, v in full.items() if v is not None}}

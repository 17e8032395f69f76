"""What can be mended without knowing what the drawing is for; each repair changes the tree and says what."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from flask_babel import gettext as _
from lxml import etree

from app.engine.adapt import dialects
from app.engine.adapt.model import Change, changed
from app.engine.adapt.source import Source
from app.engine.diagram import FLOW_NODES, GATEWAYS
from app.engine.xml import BPMN, CAMUNDA, NS, SPIFF, Node, local

ZEEBE = "http://camunda.org/schema/zeebe/1.0"
PREFIXES = {"bpmn": BPMN, "camunda": CAMUNDA, "spiffworkflow": SPIFF}


def executable(source: Source) -> list[Change]:
    """Processes that hold steps are marked as executable."""
    found = []
    for process in source.root.iter(f"{{{BPMN}}}process"):
        if process.get("isExecutable") == "false" and any(True for _node in flow_nodes(process)):
            process.set("isExecutable", "true")
            found.append(changed("executable", process, _("Marked as executable.")))
    return found


def encoding(source: Source) -> list[Change]:
    """The file becomes UTF-8, which every editor reads."""
    if source.encoding in ("utf-8", "us-ascii"):
        return []
    return [Change("encoding", "", "", 1, _("Written in UTF-8 instead of %(name)s.", name=source.encoding))]


def timers(source: Source) -> list[Change]:
    """Durations as people and other engines write them become quoted ISO durations."""
    found = []
    for kind in ("timeDuration", "timeDate", "timeCycle"):
        for node in source.root.iter(f"{{{BPMN}}}{kind}"):
            new = dialects.timer(kind, node.text or "")
            if new is not None:
                found.append(
                    changed(
                        "timers", node, _("Time %(old)s written as %(new)s.", old=node.text.strip(), new=new)
                    )
                )
                node.text = new
    return found


def expressions(source: Source) -> list[Change]:
    """Conditions of Camunda (`${…}`) and Zeebe (`=…`) become ours."""
    found = []
    for tag in (
        "conditionExpression",
        "condition",
        "loopCondition",
        "completionCondition",
        "loopCardinality",
    ):
        for node in source.root.iter(f"{{{BPMN}}}{tag}"):
            old = (node.text or "").strip()
            new = dialects.expression(old) if old else None
            if new is not None:
                node.text = new
                words = _("Expression %(old)s written as %(new)s.", old=old[:80], new=new[:80])
                found.append(changed("expressions", node, words))
    return found


def assignments(source: Source) -> list[Change]:
    """Who does a step: `zeebe:assignmentDefinition` becomes the attributes that the desk reads."""
    found = []
    for node in list(source.root.iter(f"{{{ZEEBE}}}assignmentDefinition")):
        step = _step(node)
        for name in ("assignee", "candidateGroups"):
            value = dialects.word(node.get(name, ""))
            if step is not None and value and not step.get(f"{{{CAMUNDA}}}{name}"):
                step.set(f"{{{CAMUNDA}}}{name}", value)
                words = _("%(name)s taken over: %(value)s.", name=name, value=value)
                found.append(changed("assignments", step, words))
    for node in list(source.root.iter(f"{{{ZEEBE}}}taskSchedule")):
        step = _step(node)
        for name in ("dueDate", "followUpDate"):
            value = dialects.word(node.get(name, ""))
            if step is not None and value and not step.get(f"{{{CAMUNDA}}}{name}"):
                step.set(f"{{{CAMUNDA}}}{name}", value)
                words = _("%(name)s taken over: %(value)s.", name=name, value=value)
                found.append(changed("assignments", step, words))
    return found


def forms(source: Source) -> list[Change]:
    """Which form a step has becomes the property that the desk reads."""
    found = []
    for step in _steps(source, "userTask", "manualTask", "task"):
        if any(one.get("name") == "formJsonSchemaFilename" for one in step.iter(f"{{{SPIFF}}}property")):
            continue
        name = _form_of(step)
        if name:
            _property(source, step, "formJsonSchemaFilename", name)
            found.append(changed("forms", step, _("Form taken over: %(value)s.", value=name)))
    return found


def connectors(source: Source) -> list[Change]:
    """Jobs, decisions and called processes of Zeebe become the desk's connectors, decisions and calls."""
    found = []
    for node in list(source.root.iter(f"{{{ZEEBE}}}taskDefinition")):
        step, kind = _step(node), dialects.word(node.get("type", ""))
        if (
            step is not None
            and kind
            and local(step) == "serviceTask"
            and not _has(step, "serviceTaskOperator")
        ):
            operator = _extension(source, step, "serviceTaskOperator")
            operator.set("id", kind)
            source.append(operator, _new("parameters", operator))
            found.append(changed("connectors", step, _("Connector taken over: %(value)s.", value=kind)))
    for node in list(source.root.iter(f"{{{ZEEBE}}}calledDecision")):
        step, decision = _step(node), dialects.word(node.get("decisionId", ""))
        if step is not None and decision and not _has(step, "calledDecisionId"):
            _extension(source, step, "calledDecisionId").text = decision
            found.append(changed("connectors", step, _("Decision taken over: %(value)s.", value=decision)))
    for node in list(source.root.iter(f"{{{ZEEBE}}}calledElement")):
        step, called = _step(node), dialects.word(node.get("processId", ""))
        if step is not None and called and not step.get("calledElement"):
            step.set("calledElement", called)
            found.append(
                changed("connectors", step, _("Called process taken over: %(value)s.", value=called))
            )
    return found


def default_flows(source: Source) -> list[Change]:
    """Where one way out of a choice has no condition, it is the default."""
    found = []
    for gateway in _steps(source, "exclusiveGateway", "inclusiveGateway"):
        out = [flow for flow in _flows(source) if flow.get("sourceRef") == gateway.get("id")]
        bare = [flow for flow in out if flow.find("bpmn:conditionExpression", NS) is None]
        if len(out) > 1 and len(bare) == 1 and not gateway.get("default") and bare[0].get("id"):
            gateway.set("default", bare[0].get("id"))
            words = _("Flow %(id)s made the default.", id=bare[0].get("name") or bare[0].get("id"))
            found.append(changed("default_flows", gateway, words))
    return found


def flow_nodes(within: Node) -> Iterator[Node]:
    """Yield the steps, events and gateways below an element."""
    for node in within.iterdescendants():
        if node.tag == f"{{{BPMN}}}{local(node)}" and local(node) in FLOW_NODES:
            yield node


def _steps(source: Source, *kinds: str) -> list[Node]:
    return list(source.root.iter(*(f"{{{BPMN}}}{kind}" for kind in kinds)))


def _flows(source: Source) -> list[Node]:
    return list(source.root.iter(f"{{{BPMN}}}sequenceFlow"))


def _step(node: Node) -> Node | None:
    current = node
    while current is not None and local(current) not in FLOW_NODES - GATEWAYS:
        current = current.getparent()
    return current


def _form_of(step: Node) -> str:
    for node in step.iter(f"{{{ZEEBE}}}formDefinition"):
        key = node.get("formId") or node.get("externalReference") or node.get("formKey") or ""
        # Camunda 8's own forms are stored inside the diagram under keys that say nothing.
        return "" if key.startswith("camunda-forms:") else _file_name(dialects.word(key))
    reference = step.get(f"{{{CAMUNDA}}}formRef")
    if reference:
        return _file_name(reference)
    key = step.get(f"{{{CAMUNDA}}}formKey", "")
    # A key that names a JSON file is read as it is.
    return "" if not key or key.endswith(".json") else _file_name(key)


def _file_name(key: str) -> str:
    name = key.rsplit(":", 1)[-1].strip("/ ")
    stem, dot, _ending = name.rpartition(".") if "." in posixpath.basename(name) else (name, "", "")
    return f"{stem or name}.json" if name else ""


def _has(step: Node, name: str) -> bool:
    return step.find(f"bpmn:extensionElements/spiff:{name}", NS) is not None


def _new(name: str, near: Node) -> Node:
    return etree.Element(
        f"{{{SPIFF}}}{name}", nsmap={"spiffworkflow": SPIFF} if SPIFF not in near.nsmap.values() else None
    )


def _extension(source: Source, step: Node, name: str) -> Node:
    """Return a new spiffworkflow element among a step's extension elements."""
    holder = step.find("bpmn:extensionElements", NS)
    if holder is None:
        holder = etree.Element(f"{{{BPMN}}}extensionElements", nsmap={step.prefix: BPMN})
        documentation = step.find("bpmn:documentation", NS)
        if documentation is not None:
            source.insert_after(documentation, holder)
        else:
            source.prepend(step, holder)
    made = _new(name, step)
    source.append(holder, made)
    return made


def _property(source: Source, step: Node, name: str, value: str) -> None:
    properties = step.find("bpmn:extensionElements/spiff:properties", NS)
    if properties is None:
        properties = _extension(source, step, "properties")
    made = _new("property", properties)
    made.set("name", name)
    made.set("value", value)
    source.append(properties, made)

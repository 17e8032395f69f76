"""Gateways that other editors leave out: a step with several flows out of it, or into it."""

from __future__ import annotations

from flask_babel import gettext as _
from lxml import etree

from app.engine.adapt.drawing import Picture
from app.engine.adapt.model import Change, changed
from app.engine.adapt.source import Source
from app.engine.diagram import FLOW_NODES, GATEWAYS
from app.engine.xml import BPMN, NS, Node


def implicit_splits(source: Source) -> list[Change]:
    """Several flows out of a step are what a parallel gateway says; with conditions, an inclusive one."""
    found = []
    for step in _steps(source):
        out = [flow for flow in _flows(source) if flow.get("sourceRef") == step.get("id")]
        if len(out) < 2:
            continue
        conditional = any(flow.find("bpmn:conditionExpression", NS) is not None for flow in out)
        kind = "inclusiveGateway" if conditional else "parallelGateway"
        gateway = _gateway(source, step, kind, "split")
        # What was the step's default is the gateway's; so is the one flow without a condition.
        bare = [flow for flow in out if flow.find("bpmn:conditionExpression", NS) is None]
        default = step.attrib.pop("default", None) or (
            bare[0].get("id") if conditional and len(bare) == 1 else None
        )
        if default and conditional:
            gateway.set("default", default)
        for flow in out:
            flow.set("sourceRef", gateway.get("id", ""))
        added = _flow(source, step, gateway, out[0])
        for node in step.findall("bpmn:outgoing", NS):
            step.remove(node)
        Picture(source).put_between(step, gateway, added, out, after=True)
        words = _("%(kind)s drawn after it, since %(n)s flows leave it.", kind=_kind(kind), n=len(out))
        found.append(changed("implicit_splits", step, words))
    return found


def implicit_joins(source: Source) -> list[Change]:
    """Several flows into a step are what an exclusive gateway says: each token goes on for itself."""
    found = []
    for step in _steps(source):
        into = [flow for flow in _flows(source) if flow.get("targetRef") == step.get("id")]
        if len(into) < 2:
            continue
        gateway = _gateway(source, step, "exclusiveGateway", "join")
        for flow in into:
            flow.set("targetRef", gateway.get("id", ""))
        added = _flow(source, gateway, step, into[0])
        for node in step.findall("bpmn:incoming", NS):
            step.remove(node)
        Picture(source).put_between(step, gateway, added, into, after=False)
        words = _(
            "%(kind)s drawn before it, since %(n)s flows lead to it.",
            kind=_kind("exclusiveGateway"),
            n=len(into),
        )
        found.append(changed("implicit_joins", step, words))
    return found


def _kind(tag: str) -> str:
    return {
        "parallelGateway": _("A parallel gateway"),
        "inclusiveGateway": _("An inclusive gateway"),
        "exclusiveGateway": _("An exclusive gateway"),
    }[tag]


def _steps(source: Source) -> list[Node]:
    # Start events and borders may split too; gateways and ends are what they are.
    kinds = sorted(FLOW_NODES - GATEWAYS - {"endEvent"})
    return [node for node in source.root.iter(*(f"{{{BPMN}}}{kind}" for kind in kinds)) if node.get("id")]


def _flows(source: Source) -> list[Node]:
    return list(source.root.iter(f"{{{BPMN}}}sequenceFlow"))


def _gateway(source: Source, step: Node, kind: str, role: str) -> Node:
    made = etree.Element(f"{{{BPMN}}}{kind}", nsmap={step.prefix: BPMN})
    made.set("id", free_id(source, f"{step.get('id')}_{role}"))
    source.insert_after(step, made)
    for lane in source.root.iter(f"{{{BPMN}}}flowNodeRef"):
        if (lane.text or "").strip() == step.get("id"):
            reference = etree.Element(f"{{{BPMN}}}flowNodeRef", nsmap={lane.prefix: BPMN})
            reference.text = made.get("id")
            source.insert_after(lane, reference)
            break
    return made


def _flow(source: Source, begin: Node, end: Node, beside: Node) -> Node:
    made = etree.Element(f"{{{BPMN}}}sequenceFlow", nsmap={beside.prefix: BPMN})
    made.set("id", free_id(source, f"{begin.get('id')}__{end.get('id')}"))
    made.set("sourceRef", begin.get("id", ""))
    made.set("targetRef", end.get("id", ""))
    source.insert_after(beside, made)
    return made


def free_id(source: Source, wanted: str) -> str:
    """Return an id that no element has."""
    taken = {node.get("id") for node in source.root.iter() if isinstance(node.tag, str)}
    number, name = 2, wanted
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name

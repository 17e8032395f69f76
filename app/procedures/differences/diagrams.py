"""Two diagrams, element by element: what they say, and last where they are drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from app.engine import diagram, parser
from app.engine.diagram import CAMUNDA_EXPRESSIONS, Element, Flow
from app.engine.lint.layout import Box, boxes
from app.engine.xml import BadFile, read_xml
from app.procedures.differences.model import ADDED, CHANGED, MOVED, REMOVED, Fact, Facts, Item, differing

FLOW = "sequenceFlow"


@dataclass
class _Drawn:
    """All that a file holds. facts: id → what is said of it; boxes: where it is drawn."""

    facts: dict[str, Facts] = field(default_factory=dict)
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    boxes: Mapping[str, Box] = field(default_factory=dict)


def compare_diagrams(before: bytes, after: bytes) -> list[Item]:
    """Return what differs between two BPMN files; one that cannot be read counts as empty."""
    old, new = _read(before), _read(after)
    found = []
    for id in {**old.facts, **new.facts}:
        name, type = (new if id in new.facts else old).names[id]
        facts = differing(old.facts.get(id, {}), new.facts.get(id, {}))
        if type == FLOW:  # its ends are compared by id and read by name
            facts = tuple(_named(fact, old, new) for fact in facts)
        if id not in old.facts:
            found.append(Item(id, name, type, ADDED, facts if type == FLOW else ()))
        elif id not in new.facts:
            found.append(Item(id, name, type, REMOVED))
        elif facts:
            found.append(Item(id, name, type, CHANGED, facts))
        elif old.boxes.get(id) != new.boxes.get(id):
            found.append(Item(id, name, type, MOVED))
    order = {CHANGED: 0, ADDED: 1, REMOVED: 2, MOVED: 3}
    return sorted(found, key=lambda item: order[item.change])


def _read(content: bytes) -> _Drawn:
    try:
        document = diagram.read(parser.normalise(read_xml(content)))
    except BadFile:
        return _Drawn()
    drawn = _Drawn(boxes=boxes(document.root))
    for process in document.processes:
        drawn.facts[process.id] = {("name", ""): process.name}
        drawn.names[process.id] = process.name, "process"
        for element in process.elements.values():
            drawn.facts[element.id] = _element(element)
            drawn.names[element.id] = element.name, element.type
        for flow in process.flows:
            drawn.facts[flow.id] = _flow(flow)
            drawn.names[flow.id] = flow.name, FLOW
    return drawn


def _element(one: Element) -> Facts:
    said: dict[tuple[str, str], str] = {
        ("name", ""): one.name,
        ("type", ""): one.type,
        ("role", ""): one.lane or "",
        ("form", ""): one.form or "",
        ("called", ""): one.called or "",
        ("decision", ""): one.decision or "",
        ("connector", ""): one.connector or "",
        ("result", ""): one.result or "",
        ("event", ""): one.event,
        ("message", ""): one.event_name or "",
        ("on", ""): one.attached_to or "",
        ("interrupting", ""): "" if one.interrupting else "no",
        ("default", ""): one.default or "",
        ("timer", ""): one.timer[1] if one.timer else "",
        ("several", ""): "yes" if one.multi else "",
    }
    said |= {
        ("property", name): value
        for name, value in one.properties.items()
        if name != "formJsonSchemaFilename"
    }
    said |= {("attribute", name): value for name, value in one.camunda.items() if name != "formKey"}
    texts: dict[str, list[str]] = defaultdict(list)
    for expression in one.expressions:
        if expression.kind not in (*CAMUNDA_EXPRESSIONS, "timer"):
            texts[expression.kind].append(expression.text)
    return said | {("expression", kind): "\n".join(lines) for kind, lines in texts.items()}


def _flow(flow: Flow) -> Facts:
    return {
        ("name", ""): flow.name,
        ("from", ""): flow.source,
        ("to", ""): flow.target,
        ("condition", ""): flow.condition or "",
    }


def _named(fact: Fact, old: _Drawn, new: _Drawn) -> Fact:
    if fact.key not in ("from", "to"):
        return fact
    before, after = (
        drawn.names.get(id, ("", ""))[0] or id for drawn, id in ((old, fact.before), (new, fact.after))
    )
    return replace(fact, before=before, after=after)

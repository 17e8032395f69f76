"""Diagrams in the reader's language: every name in the file, flows, lanes and pools and notes included."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lxml import etree

from app.engine import naming
from app.engine.xml import BPMN, BadFile, named, read_xml
from app.web.i18n import content, in_english

DI, DC = "{http://www.omg.org/spec/BPMN/20100524/DI}", "{http://www.omg.org/spec/DD/20100524/DC}"
LABEL_WIDTH = 72.0


def translated(diagram: bytes) -> bytes:
    """Return a BPMN file for drawing, its names in the reader's language; never for deploying.

    Its own English names go first: those of later versions may be others.
    """
    root = read_xml(diagram)
    own = naming.english_names(root) if in_english() else {}
    for node in root.iter(f"{{{BPMN}}}*"):
        if node.get("name"):
            node.set("name", own.get(node.get("name", "")) or content(node.get("name")))
        elif etree.QName(node).localname == "text" and (node.text or "").strip():
            text = (node.text or "").strip()
            node.text = own.get(text) or content(text)
    for bounds in root.iterfind(f".//{DI}BPMNLabel/{DC}Bounds"):
        # Drawn for two Chinese signs; a word in another language would break in its middle.
        with suppress(ValueError):  # a foreign file may hold anything
            width = float(bounds.get("width", "0"))
            if width < LABEL_WIDTH:
                bounds.set("x", str(float(bounds.get("x", "0")) - (LABEL_WIDTH - width) / 2))
                bounds.set("width", str(LABEL_WIDTH))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def compared(before: bytes, after: bytes, marks: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return two drawings for compare.js: [{"xml", "marks"}, …]; "" where nothing is drawn.

    marks: element → changed | moved, and more; an element of only one of them is added or removed.
    """
    sides = [_drawn(before), _drawn(after)]
    ids = [set(ids) for _xml, ids in sides]
    found: list[dict[str, Any]] = []
    for (xml, own), others, lone in zip(sides, reversed(ids), ("removed", "added"), strict=True):
        here = {id: lone if id not in others else marks[id] for id in own if id in marks or id not in others}
        found.append({"xml": xml, "marks": here if all(one for one, _ids in sides) else {}})
    return found


def _drawn(content: bytes) -> tuple[str, list[str]]:
    try:
        root = read_xml(content)
    except BadFile:
        return "", []
    drawn = [*named(root, "BPMNShape"), *named(root, "BPMNEdge")]
    ids = [shape.get("bpmnElement", "") for shape in drawn if shape.get("bpmnElement")]
    return (translated(content).decode() if ids else ""), ids

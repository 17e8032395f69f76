"""Diagrams in the reader's language: every name in the file, flows, lanes and pools and notes included."""

from __future__ import annotations

from lxml import etree

from app.engine.xml import BPMN, read_xml
from app.web.i18n import content


def translated(diagram: bytes) -> bytes:
    """Return a BPMN file for drawing, its names looked up in the content catalogue; never for deploying."""
    root = read_xml(diagram)
    for node in root.iter(f"{{{BPMN}}}*"):
        if node.get("name"):
            node.set("name", content(node.get("name")))
        elif etree.QName(node).localname == "text" and (node.text or "").strip():
            node.text = content((node.text or "").strip())
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))

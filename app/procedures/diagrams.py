"""Diagrams in the reader's language: every name in the file, flows, lanes and pools and notes included."""

from __future__ import annotations

from lxml import etree

from app.engine.xml import BPMN, read_xml
from app.web.i18n import content

DI, DC = "{http://www.omg.org/spec/BPMN/20100524/DI}", "{http://www.omg.org/spec/DD/20100524/DC}"
LABEL_WIDTH = 72.0


def translated(diagram: bytes) -> bytes:
    """Return a BPMN file for drawing, its names looked up in the content catalogue; never for deploying."""
    root = read_xml(diagram)
    for node in root.iter(f"{{{BPMN}}}*"):
        if node.get("name"):
            node.set("name", content(node.get("name")))
        elif etree.QName(node).localname == "text" and (node.text or "").strip():
            node.text = content((node.text or "").strip())
    for bounds in root.iterfind(f".//{DI}BPMNLabel/{DC}Bounds"):
        # Drawn for two Chinese signs; a word in another language would break in its middle.
        width = float(bounds.get("width", "0"))
        if width < LABEL_WIDTH:
            bounds.set("x", str(float(bounds.get("x", "0")) - (LABEL_WIDTH - width) / 2))
            bounds.set("width", str(LABEL_WIDTH))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))

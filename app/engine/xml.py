"""XML that comes from strangers: no document types, no entities, no network, no comments."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from lxml import etree

# lxml's stubs know neither line numbers nor text attributes well enough to be of help.
Node = Any

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
NS = {"bpmn": BPMN, "spiff": SPIFF, "camunda": CAMUNDA}
MAX_BYTES = 5_000_000


class BadFile(ValueError):
    """The file is not XML that we read; line is 0 if unknown."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read_xml(content: bytes) -> Node:
    """Return the root element, without comments; raises BadFile with the line.

    A document type is refused outright: it is where entity bombs and file reading live, and BPMN needs none.
    """
    if len(content) > MAX_BYTES:
        raise BadFile(_("The file is larger than %(n)s MB.", n=MAX_BYTES // 1_000_000))
    # Before parsing too, in any encoding: even an unused entity declaration costs time.
    if re.search(rb"<!(?:DOCTYPE|ENTITY)", content.replace(b"\0", b"")):
        raise BadFile(_("Document types and entities are not allowed."), 1)
    reader = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root: Node = etree.fromstring(content, reader)
    except etree.XMLSyntaxError as error:
        raise BadFile(
            _("This is not well-formed XML: %(why)s", why=error.msg or ""), error.lineno or 0
        ) from error
    except ValueError as error:
        raise BadFile(_("This is not well-formed XML: %(why)s", why=str(error))) from error
    if root.getroottree().docinfo.doctype:
        raise BadFile(_("Document types and entities are not allowed."), 1)
    return root


def local(node: Node) -> str:
    """Return the tag without its namespace."""
    return str(etree.QName(node).localname)


def named(root: Node, name: str) -> list[Node]:
    """Return the elements of this local name below `root` and itself, whatever their namespace."""
    return [node for node in root.iter() if isinstance(node.tag, str) and local(node) == name]

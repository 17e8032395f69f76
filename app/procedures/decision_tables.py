"""Decision tables as a page shows them: labels, hit policy, and cells as people read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from app.engine.xml import read_xml

# What stands in a list of steps; gateways and events are only drawn.
STEPS = ("userTask", "manualTask", "task", "callActivity", "businessRuleTask", "serviceTask", "scriptTask")
_QUOTED = re.compile(r'"[^"]*"|\'[^\']*\'')


@dataclass(frozen=True)
class Column:
    """One column: its label, and the expression or the name it stands for."""

    label: str
    name: str


@dataclass(frozen=True)
class Cell:
    """One cell. text: without the quotes of a plain text, "" where any value fits; code: as it is written."""

    text: str
    code: str


@dataclass(frozen=True)
class Row:
    """One rule: what must hold, what follows, and the remark."""

    given: list[Cell]
    then: list[Cell]
    remark: str


@dataclass(frozen=True)
class DecisionView:
    """One decision table. hit_policy: UNIQUE, FIRST, ANY or COLLECT."""

    id: str
    name: str
    remark: str
    hit_policy: str
    inputs: list[Column]
    outputs: list[Column]
    rows: list[Row]


def read(content: bytes) -> list[DecisionView]:
    """Return the decision tables of a deployed file, whatever its version's namespace."""
    root = read_xml(content)
    return [_decision(node) for node in _children(root, "decision") if _children(node, "decisionTable")]


def _decision(node: etree._Element) -> DecisionView:
    table = _children(node, "decisionTable")[0]
    return DecisionView(
        id=node.get("id", ""),
        name=node.get("name") or node.get("id") or "",
        remark=_said(node),
        hit_policy=table.get("hitPolicy", "UNIQUE").upper(),
        inputs=[
            Column(column.get("label") or _text(column, "inputExpression"), _text(column, "inputExpression"))
            for column in _children(table, "input")
        ],
        outputs=[
            Column(column.get("label") or column.get("name") or "", column.get("name", ""))
            for column in _children(table, "output")
        ],
        rows=[
            Row(
                [_cell(_text(cell)) for cell in _children(rule, "inputEntry")],
                [_cell(_text(cell)) for cell in _children(rule, "outputEntry")],
                _said(rule),
            )
            for rule in _children(table, "rule")
        ],
    )


def _cell(code: str) -> Cell:
    if code in ("", "-"):
        return Cell("", code)
    return Cell(code[1:-1] if _QUOTED.fullmatch(code) else code, code)


def _said(node: etree._Element) -> str:
    return next(((one.text or "").strip() for one in _children(node, "description")), "")


def _children(node: etree._Element, name: str) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str) and etree.QName(child).localname == name]


def _text(node: etree._Element, within: str = "") -> str:
    inner = _children(node, within) if within else [node]
    texts = [text for parent in inner for text in _children(parent, "text")]
    return (texts[0].text or "").strip() if texts else ""

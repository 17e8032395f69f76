"""Damaged files: the shipped diagrams and tables, each changed in a way that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from lxml import etree

from app.engine import bundles
from app.settings import ROOT

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
TEXTS = (
    "", " ", "P1D", '"P1D"', "True", "1/0", "klass =", 'klass == "device"', "x.y.z", "[]", "{}", "((((", "9" * 300,
    "no_such_name", "${klass}", "=klass", "__import__('os')", "().__class__", "a := 1", "lambda: 1", "9**9**9",
    '"a" * 10**9', "R/PT0S", "R5/P1D", "2020-01-01", "P99999999Y", "\u0000".replace("\0", "�"), "中文", "\u202e<b>",
    "decide('allowance')", "decide(klass)", "working_time('x')", "[1..5]", "not(1)", "-", "None",
)  # fmt: skip
TAGS = (
    "userTask", "task", "serviceTask", "scriptTask", "businessRuleTask", "callActivity", "subProcess", "manualTask",
    "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway", "startEvent",
    "endEvent", "intermediateThrowEvent", "intermediateCatchEvent", "boundaryEvent", "receiveTask", "sendTask",
    "adHocSubProcess", "transaction", "dataStoreReference", "choreographyTask", "nonsense",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One damaged file among those it belongs to.

    name: how it came about; path: which of `files` is damaged; root: id of the process to start, or None.
    """

    name: str
    path: str
    files: dict[str, bytes]
    root: str | None

    @property
    def content(self) -> bytes:
        """The damaged file."""
        return self.files[self.path]


@cache
def shipped() -> dict[str, bytes]:
    """Return all diagrams, tables and forms of the project."""
    paths = [
        *(ROOT / "bpmn").rglob("*.bpmn"),
        *(ROOT / "bpmn").rglob("*.dmn"),
        *(ROOT / "forms").rglob("*.json"),
        *(ROOT / "tests/fixtures/bpmn").glob("*.bpmn"),
    ]
    return {bundles.canonical(path.relative_to(ROOT).as_posix()): path.read_bytes() for path in sorted(paths)}


def mutants(seed: int, count: int) -> Iterator[Mutant]:
    """Yield `count` damaged files; one seed always gives the same."""
    chance = random.Random(seed)
    known = bundles.library(shipped())
    names = [path for path in shipped() if not path.endswith(".json")]
    for number in range(count):
        path = chance.choice(names)
        kind = chance.choice(list(KINDS))
        content = shipped()[path]
        for _again in range(chance.choice((1, 1, 2, 4))):
            content = KINDS[kind](content, chance)
        home = next((id for id, (where, _process) in known.processes.items() if where == path), None)
        files = dict(bundles.closure(known, home).files) if home else {}
        yield Mutant(f"{seed}-{number} {kind} {path}", path, {**files, path: content}, home)


def _structure(content: bytes, chance: random.Random) -> bytes:
    """Change the tree: elements gone, doubled, renamed, moved; attributes gone, exchanged, pointed elsewhere."""
    try:
        root = etree.fromstring(content)
    except etree.XMLSyntaxError:
        return content
    nodes = [node for node in root.iterdescendants() if isinstance(node.tag, str)]
    if not nodes:
        return content
    # The drawing is most of a file and the least of its meaning.
    meaning = [node for node in nodes if "/DI" not in node.tag and "/DD/" not in node.tag] or nodes
    node = chance.choice(meaning)
    change = chance.choice((_drop, _double, _retag, _move, _lose_attribute, _point_elsewhere, _reorder))
    change(node, nodes, chance)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _drop(node, _nodes, _chance) -> None:
    node.getparent().remove(node)


def _double(node, _nodes, _chance) -> None:
    node.addnext(etree.fromstring(etree.tostring(node)))


def _retag(node, _nodes, chance) -> None:
    node.tag = f"{{{BPMN}}}{chance.choice(TAGS)}"


def _move(node, nodes, chance) -> None:
    target = chance.choice(nodes)
    if node not in target.iterancestors() and node is not target:
        target.append(node)


def _lose_attribute(node, _nodes, chance) -> None:
    if node.attrib:
        del node.attrib[chance.choice(list(node.attrib))]


def _point_elsewhere(node, nodes, chance) -> None:
    ids = [other.get("id") for other in nodes if other.get("id")]
    if node.attrib and ids:
        node.set(chance.choice(list(node.attrib)), chance.choice(ids))


def _reorder(node, _nodes, chance) -> None:
    children = list(node)
    chance.shuffle(children)
    for child in children:
        node.append(child)


def _text(content: bytes, chance: random.Random) -> bytes:
    """Change what is written into elements and attributes."""
    try:
        root = etree.fromstring(content)
    except etree.XMLSyntaxError:
        return content
    nodes = [node for node in root.iterdescendants() if isinstance(node.tag, str)]
    written = [node for node in nodes if (node.text or "").strip()] or nodes
    if not nodes:
        return content
    if chance.random() < 0.6:
        chance.choice(written).text = chance.choice(TEXTS)
    else:
        holders = [node for node in nodes if node.attrib and "/DI" not in node.tag and "/DD/" not in node.tag]
        node = chance.choice(holders or nodes)
        if node.attrib:
            node.set(chance.choice(list(node.attrib)), chance.choice(TEXTS))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _xml(content: bytes, chance: random.Random) -> bytes:
    """Change bytes: cut off, gone, doubled, replaced, other namespaces, other encodings."""
    at = chance.randrange(max(len(content), 1))
    upto = min(at + chance.randrange(1, 200), len(content))
    match chance.randrange(8):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[upto:]
        case 2:
            return content[:upto] + content[at:]
        case 3:
            return content[:at] + chance.randbytes(4) + content[at:]
        case 4:
            return content.replace(b"20100524/MODEL", chance.choice((b"20100524/MODEL2", b"20050101/OLD")))
        case 5:
            return content.replace(b"bpmn:", b"bpmn2:", chance.randrange(1, 50))
        case 6:
            return content.replace(b'encoding="UTF-8"', b'encoding="GBK"')
        case _:
            return content.decode("utf-8", "replace").encode(
                chance.choice(("utf-16", "utf-32", "gb18030")), "replace"
            )


KINDS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "structure": _structure,
    "structure again": _structure,
    "text": _text,
    "xml": _xml,
}

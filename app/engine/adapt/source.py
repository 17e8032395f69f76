"""A document whose tree is changed and whose text stays: what was not touched is written byte by byte."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from flask_babel import gettext as _
from lxml import etree

from app.engine.xml import BadFile, Node, read_xml

_DECLARATION = re.compile(r"^\ufeff?\s*<\?xml\b[^>]*\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([\w.-]+)["']""")
_TAG = re.compile(r"""<[^\s/>]+(?:[^>"']|"[^"]*"|'[^']*')*>""")


@dataclass
class _Raw:
    """Where an element stands in the text, and how it was."""

    start: int
    content: int
    close: int
    end: int
    tag: str
    attributes: dict[str, str]
    text: str | None
    tail: str | None


class Source:
    """One XML file. `root` may be changed freely; `text()` writes it.

    encoding: what the file was written in, "utf-8" for ours. Raises BadFile for what cannot be read.
    """

    def __init__(self, content: bytes) -> None:
        self.root: Node = read_xml(content)
        self.encoding = (self.root.getroottree().docinfo.encoding or "utf-8").lower()
        self.before: Node = read_xml(content)
        self._nodes = list(self.root.iter())  # held, so that each stays one and the same object
        try:
            self.original = _decoded(content, self.encoding)
            self._raw = self._located()
        except (UnicodeError, LookupError, ValueError, expat.ExpatError) as error:
            raise BadFile(_("The file cannot be changed safely: %(why)s", why=error)) from error
        self._tails: dict[Node, Node] = {}
        self._spaces: dict[str, str] = {}

    def insert_after(self, node: Node, new: Node) -> None:
        """Put a new element behind `node`, on a line of its own as deep as `node`."""
        node.addnext(new)  # the tail goes along
        self._tails[new] = self._tails.pop(node, node)
        new.tail, node.tail = node.tail or new.tail, _indent_of(node)

    def append(self, parent: Node, new: Node) -> None:
        """Put a new element at the end of `parent`."""
        if len(parent):
            self.insert_after(parent[-1], new)
            return
        outer = _indent_of(parent)
        parent.append(new)
        parent.text = f"{outer}  " if outer else parent.text
        new.tail = outer

    def prepend(self, parent: Node, new: Node) -> None:
        """Put a new element at the beginning of `parent`."""
        if not len(parent):
            self.append(parent, new)
            return
        parent.insert(0, new)
        new.tail = parent.text

    def text(self) -> str:
        """Return the document as text, declared as UTF-8."""
        raw = self._raw[self.root]
        self._spaces = self._missing_spaces()
        head = self.original[: raw.start]
        if self.encoding not in ("utf-8", "us-ascii"):
            head = declared_utf8(head)
        return head + "".join(self._write(self.root)) + self.original[raw.end :]

    # ------------------------------------------------------------ reading

    def _located(self) -> dict[Node, _Raw]:
        """Return each element's place; expat tells where, in the order in which lxml has them."""
        data = self.original.encode()
        # Byte places to places in the text.
        starts: list[int] = []
        closes: dict[int, tuple[int, int]] = {}
        open_: list[int] = []
        parser = expat.ParserCreate("utf-8")

        def begin(_name: str, _attributes: dict[str, str]) -> None:
            open_.append(len(starts))
            starts.append(parser.CurrentByteIndex)

        def end(_name: str) -> None:
            closes[open_.pop()] = (parser.CurrentByteIndex, 0)

        parser.StartElementHandler = begin
        parser.EndElementHandler = end
        parser.Parse(data, True)
        places = _characters(data, [*starts, *(close for close, _end in closes.values())])
        found: dict[Node, _Raw] = {}
        for number, node in enumerate(self._nodes):
            start = places[starts[number]]
            match = _TAG.match(self.original, start)
            content = match.end() if match else start
            if self.original[content - 2 : content] == "/>":
                close = end_ = content
            else:
                close = places[closes[number][0]]
                end_ = self.original.index(">", close) + 1
            found[node] = _Raw(start, content, close, end_, node.tag, dict(node.attrib), node.text, node.tail)
        return found

    # ------------------------------------------------------------ writing

    def _missing_spaces(self) -> dict[str, str]:
        """Namespace → prefix of those that only the new parts use."""
        declared = set(self.root.nsmap.values())
        found: dict[str, str] = {}
        for node in self.root.iter():
            names = [node.tag, *node.attrib] if node not in self._raw else list(node.attrib)
            for name in names:
                space = etree.QName(name).namespace
                if space and space not in declared and space not in found and node.nsmap.get(None) != space:
                    if node in self._raw and name in self._raw[node].attributes:
                        continue
                    found[space] = (
                        next((p for p, s in node.nsmap.items() if s == space and p), "") or f"x{len(found)}"
                    )
        return found

    def _write(self, node: Node) -> list[str]:
        raw = self._raw.get(node)
        has_content = len(node) > 0 or bool(node.text)
        name = self._name(node)
        if raw is None:
            attributes = "".join(
                f" {self._attribute(node, k)}={quoteattr(v)}" for k, v in node.attrib.items()
            )
            parts = [f"<{name}{attributes}" + (">" if has_content else " />")]
        else:
            parts = [self._start_tag(node, raw, has_content)]
        if has_content or raw is not None:
            parts.append(self._text(node, raw))
        before: Node | None = None
        for child in node:
            if before is not None:
                parts.append(self._tail(before))
            parts.extend(self._write(child))
            before = child
        if before is not None:
            parts.append(self._tail(before))
        if raw is not None and raw.close < raw.end and raw.tag == node.tag:
            parts.append(self.original[raw.close : raw.end])
        elif has_content or raw is not None and raw.close < raw.end:
            parts.append(f"</{name}>")
        return parts

    def _start_tag(self, node: Node, raw: _Raw, has_content: bool) -> str:
        text = self.original[raw.start : raw.content]
        if node.tag != raw.tag:
            text = re.sub(r"^<[^\s/>]+", lambda _m: f"<{self._name(node)}", text)
        if raw.close == raw.end == raw.content and has_content:
            text = text[:-2].rstrip() + ">"
        tail = "/>" if text.endswith("/>") else ">"
        for key in raw.attributes.keys() - set(node.attrib):
            text = re.sub(
                rf"\s+{re.escape(self._attribute(node, key))}\s*=\s*(\"[^\"]*\"|'[^']*')", "", text, count=1
            )
        added = ""
        for key, value in node.attrib.items():
            if raw.attributes.get(key) == value:
                continue
            written = f"{self._attribute(node, key)}={quoteattr(value)}"
            if key in raw.attributes:
                old = rf"\s{re.escape(self._attribute(node, key))}\s*=\s*(\"[^\"]*\"|'[^']*')"
                found = re.search(old, text)
                if found is not None:  # written with another prefix otherwise, which the tree does not tell
                    text = f"{text[: found.start() + 1]}{written}{text[found.end() :]}"
            else:
                added += f" {written}"
        if node is self.root:
            added = "".join(f' xmlns:{prefix}="{space}"' for space, prefix in self._spaces.items()) + added
        if not added:
            return text
        body = text[: -len(tail)]
        kept = body.rstrip()
        return kept + added + body[len(kept) :] + tail

    def _text(self, node: Node, raw: _Raw | None) -> str:
        if raw is not None and node.text == raw.text:
            first = next((self._raw[child] for child in self._nodes_in(node)), None)
            return self.original[raw.content : first.start if first else raw.close]
        return escape(node.text or "")

    def _nodes_in(self, node: Node) -> list[Node]:
        """The children that an element had at first."""
        raw = self._raw[node]
        return [
            child
            for child in node
            if child in self._raw
            and raw.content <= self._raw[child].start
            and self._raw[child].end <= raw.close
        ]

    def _tail(self, node: Node) -> str:
        owner = self._tails.get(node, node)
        raw = self._raw.get(owner)
        if raw is not None and node.tail == raw.tail:
            stop = self.original.find("<", raw.end)
            while self.original.startswith(("<!--", "<?", "<![CDATA["), stop):
                close = {"<!-": "-->", "<?": "?>", "<![": "]]>"}
                mark = next(end for begin, end in close.items() if self.original.startswith(begin, stop))
                stop = self.original.find("<", self.original.index(mark, stop) + len(mark))
            return self.original[raw.end : stop if stop >= 0 else len(self.original)]
        return escape(node.tail or "")

    def _name(self, node: Node) -> str:
        name = etree.QName(node)
        prefix = self._spaces.get(name.namespace) if name.namespace else None
        if prefix is None:
            prefix = next(
                (p for p, s in node.nsmap.items() if s == name.namespace and p == node.prefix), None
            )
        return f"{prefix}:{name.localname}" if prefix else name.localname

    def _attribute(self, node: Node, key: str) -> str:
        name = etree.QName(key)
        if not name.namespace:
            return name.localname
        if name.namespace == "http://www.w3.org/XML/1998/namespace":
            return f"xml:{name.localname}"
        known = next((p for p, s in node.nsmap.items() if s == name.namespace and p), None)
        return f"{self._spaces.get(name.namespace) or known}:{name.localname}"


def declared_utf8(text: str) -> str:
    """Return an XML text that declares UTF-8 where it declared another encoding."""
    return _DECLARATION.sub(lambda found: _ENCODING.sub('encoding="UTF-8"', found[0]), text)


def _indent_of(node: Node) -> str:
    """Return the line break and spaces in front of an element."""
    previous = node.getprevious()
    parent = node.getparent()
    before = previous.tail if previous is not None else parent.text if parent is not None else ""
    match = re.search(r"\n[ \t]*$", before or "")
    return match[0] if match else ""


# How a file begins that says so little of its encoding that XML goes by its first bytes.
_BEGINS = (
    (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\0\0\0<", "utf-32-be"),
    (b"<\0\0\0", "utf-32-le"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"),
    (b"\0<", "utf-16-be"), (b"<\0", "utf-16-le"),
)  # fmt: skip


def _decoded(content: bytes, encoding: str) -> str:
    encoding = next((name for begin, name in _BEGINS if content.startswith(begin)), encoding)
    return content.decode(encoding)


def _characters(data: bytes, wanted: list[int]) -> dict[int, int]:
    """Return byte place → place in the text."""
    found: dict[int, int] = {}
    last = count = 0
    for place in sorted(set(wanted)):
        count += len(data[last:place].decode())
        found[place] = count
        last = place
    return found

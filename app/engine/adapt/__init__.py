"""Files of other editors, mended where it takes no knowledge of what they are for.

Each repair changes the tree and says what; nothing is written anywhere. What none touched stays as it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest

from flask_babel import gettext as _

from app.engine.adapt import drawing, gateways, repairs
from app.engine.adapt.model import Change, Repair
from app.engine.adapt.source import Source, declared_utf8
from app.engine.bundles import kind
from app.engine.diagram import FLOW_NODES
from app.engine.xml import BPMN, BadFile, Node, read_xml

REPAIRS: dict[str, Repair] = {
    "encoding": repairs.encoding,
    "executable": repairs.executable,
    "timers": repairs.timers,
    "expressions": repairs.expressions,
    "assignments": repairs.assignments,
    "forms": repairs.forms,
    "connectors": repairs.connectors,
    "implicit_splits": gateways.implicit_splits,
    "implicit_joins": gateways.implicit_joins,
    "default_flows": repairs.default_flows,
    "drawing": drawing.drawing,
}
# A step with several flows into it runs as it is; the gateway only says so.
OPTIONAL = frozenset({"implicit_joins"})
MAX_STEPS, MAX_ATTRIBUTES = 1_000, 200


@dataclass(frozen=True)
class Adapted:
    """What came of it: `content` as UTF-8, equal to `before` where nothing was to be mended."""

    before: bytes
    content: bytes
    changes: tuple[Change, ...]
    before_text: str

    @property
    def elements(self) -> list[str]:
        """Ids of the elements that were changed, each once."""
        return list(dict.fromkeys(change.element for change in self.changes if change.element))

    def difference(self, *, context: int = 2) -> list[str]:
        """Return the changed lines as a unified diff, without its two lines of file names."""
        old, new = self.before_text.splitlines(), self.content.decode().splitlines()
        return list(difflib.unified_diff(old, new, lineterm="", n=context))[2:]


def adapt(path: str, content: bytes, *, only: Collection[str] | None = None) -> Adapted:
    """Return the file mended; only: keys of REPAIRS, else all but OPTIONAL.

    Files that are no BPMN come back unchanged. Raises BadFile for what cannot be read.
    """
    if kind(path) != "bpmn":
        return Adapted(content, content, (), "")
    readable, changes = _readable(content)
    if _is_huge(read_xml(readable)):
        raise BadFile(_("The file is too large to be changed mechanically."))
    source = Source(readable)
    chosen = [key for key in REPAIRS if (key in only if only is not None else key not in OPTIONAL)]
    changes += [change for key in chosen for change in REPAIRS[key](source)]
    if not changes:
        return Adapted(content, content, (), source.original)
    written = source.text().encode()
    if not _same(source.root, read_xml(written)):
        raise BadFile(_("The file is written in a way that cannot be changed safely; save it anew first."))
    return Adapted(content, written, tuple(changes), source.original)


def _readable(content: bytes) -> tuple[bytes, list[Change]]:
    """Return the file as UTF-8 where it is not in the encoding that it declares, else as it is."""
    try:
        read_xml(content)
    except BadFile:
        for encoding in ("utf-8", "gb18030"):  # what Chinese editors write when they mean something else
            with suppress(UnicodeError, BadFile):
                recoded = declared_utf8(content.decode(encoding)).encode()
                read_xml(recoded)
                words = _("Declared as UTF-8; it was written in %(name)s.", name=encoding.upper())
                return recoded, [Change("encoding", "", "", 1, words)]
        raise
    return content, []


def _is_huge(root: Node) -> bool:
    """Tell whether it is larger than the check takes; laying such a thing out would take minutes."""
    steps = sum(1 for _node in root.iter(*(f"{{{BPMN}}}{kind}" for kind in FLOW_NODES)))
    return steps > MAX_STEPS or any(len(node.attrib) > MAX_ATTRIBUTES for node in root.iter())


def _same(wanted: Node, written: Node) -> bool:
    """Tell whether what was written is what was meant; texts of other editors hold surprises."""
    pairs = zip_longest(wanted.iter(), written.iter())
    return all(
        one is not None
        and other is not None
        and one.tag == other.tag
        and dict(one.attrib) == dict(other.attrib)
        and (one.text or "").strip() == (other.text or "").strip()
        for one, other in pairs
    )


__all__ = ["OPTIONAL", "REPAIRS", "Adapted", "Change", "adapt"]

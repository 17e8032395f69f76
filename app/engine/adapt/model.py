"""What an adapter changes, and the words for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from app.engine.adapt.source import Source
from app.engine.xml import Node, local


@dataclass(frozen=True)
class Change:
    """One repair.

    repair: key of what was mended, e.g. "executable". element, name: where; element "" for the file.
    line:   in the file as it was, 0 for what is new. message: in the reader's language.
    """

    repair: str
    element: str
    name: str
    line: int
    message: str

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return asdict(self)


Repair = Callable[[Source], list[Change]]


def changed(repair: str, node: Node, message: str) -> Change:
    """Return a change at an element, or at the next one around it that has an id."""
    place = node
    while place is not None and not (place.get("id") and not local(place).endswith("Definition")):
        place = place.getparent()
    if place is None:
        place = node
    return Change(repair, place.get("id", ""), place.get("name", ""), node.sourceline or 0, message)

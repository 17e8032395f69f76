"""What a difference is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ADDED, REMOVED, CHANGED, MOVED = "added", "removed", "changed", "moved"


@dataclass(frozen=True)
class Fact:
    """One thing that was said of an element and is said otherwise now; "" where it was not, or is not.

    key: what it is about, see differences/words.py; of: more of it, such as a property's name.
    """

    key: str
    of: str
    before: str
    after: str


@dataclass(frozen=True)
class Item:
    """One element, flow or field that differs.

    change: added | removed | changed | moved. type: a BPMN tag, or what a field holds.
    """

    id: str
    name: str
    type: str
    change: str
    facts: tuple[Fact, ...] = ()


Facts = Mapping[tuple[str, str], str]


def differing(before: Facts, after: Facts) -> tuple[Fact, ...]:
    """Return the facts that two elements do not share."""
    keys: Iterable[tuple[str, str]] = {**before, **after}
    return tuple(
        Fact(*key, before.get(key, ""), after.get(key, ""))
        for key in keys
        if before.get(key, "") != after.get(key, "")
    )

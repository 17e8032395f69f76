"""What differs between two states of a procedure's files: by element, by cell, by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.engine import bundles
from app.procedures.diagrams import compared
from app.procedures.differences import words
from app.procedures.differences.diagrams import compare_diagrams
from app.procedures.differences.forms import compare_forms
from app.procedures.differences.model import ADDED, CHANGED, MOVED, REMOVED, Fact, Item
from app.procedures.differences.tables import TableDifference, compare_tables


@dataclass(frozen=True)
class FileDifference:
    """One file that differs.

    path, kind: bpmn, dmn or form. change: added | removed | changed.
    items:  elements of a diagram or fields of a form. tables: of a decision file.
    sides:  the two drawings of a diagram, for compare.js.
    """

    path: str
    kind: str
    change: str
    items: list[Item]
    tables: list[TableDifference]
    sides: list[dict[str, Any]]

    @property
    def says_nothing(self) -> bool:
        """Tell whether only bytes differ, such as spaces: what runs is the same."""
        return not self.items and not self.tables


def compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[FileDifference]:
    """Return the files that differ, diagrams first; files that cannot be read differ as a whole."""
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    order = {"bpmn": 0, "dmn": 1, "form": 2}
    found = [_compare(path, before.get(path), after.get(path)) for path in paths]
    return sorted(found, key=lambda one: (order[one.kind], one.path))


def _compare(path: str, before: bytes | None, after: bytes | None) -> FileDifference:
    kind = bundles.kind(path) or "form"
    change = ADDED if before is None else REMOVED if after is None else CHANGED
    old, new = before or b"", after or b""
    items: list[Item] = []
    tables: list[TableDifference] = []
    sides: list[dict[str, Any]] = []
    if kind == "bpmn":
        items = compare_diagrams(old, new)
        sides = compared(
            old, new, {item.id: item.change for item in items if item.change in (CHANGED, MOVED)}
        )
    elif kind == "dmn":
        tables = compare_tables(old, new)
    else:
        items = compare_forms(old, new)
    return FileDifference(path, kind, change, items, tables, sides)


__all__ = [
    "ADDED", "CHANGED", "MOVED", "REMOVED", "Fact", "FileDifference", "Item", "TableDifference",
    "compare", "words",
]  # fmt: skip

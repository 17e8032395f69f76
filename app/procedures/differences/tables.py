"""Two decision files, cell by cell; rows are matched by what they say, since they have no lasting ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from app.engine.bundles import decisions_in
from app.engine.decisions import Decision
from app.procedures.differences.model import ADDED, CHANGED, REMOVED, Fact, differing

SAME = "same"
Cells = tuple[str, ...]


@dataclass(frozen=True)
class RowDifference:
    """One row. change: same | added | removed | changed; number: in its own table, from 1.

    cells: (before, after) a column; both alike where nothing changed.
    """

    change: str
    number: int
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TableDifference:
    """One decision that differs. columns: (name, added | removed | same), inputs first."""

    id: str
    name: str
    change: str
    facts: tuple[Fact, ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[RowDifference, ...]


def compare_tables(before: bytes, after: bytes) -> list[TableDifference]:
    """Return the decisions that differ; a file that cannot be read counts as empty."""
    old = {one.id: one for one in decisions_in(before)}
    new = {one.id: one for one in decisions_in(after)}
    return [_compare(old.get(id), new.get(id)) for id in {**old, **new} if old.get(id) != new.get(id)]


def _compare(old: Decision | None, new: Decision | None) -> TableDifference:
    shown = new or old
    assert shown is not None
    facts = {
        one: {("name", ""): one.name, ("hit_policy", ""): one.hit_policy}
        for one in (old, new)
        if one is not None
    }
    columns = _columns(old, new)
    before, after = (_rows(old, columns), _rows(new, columns))
    return TableDifference(
        shown.id,
        shown.name,
        ADDED if old is None else REMOVED if new is None else CHANGED,
        differing(facts[old], facts[new]) if old and new else (),
        tuple((name, change) for _side, name, change in columns),
        tuple(_aligned(before, after)),
    )


def _columns(old: Decision | None, new: Decision | None) -> list[tuple[str, str, str]]:
    """Return (in | out, name, same | added | removed) as the new table has them, then what is gone."""
    found = []
    for side in ("in", "out"):
        had, has = _names(old, side), _names(new, side)
        found += [(side, name, SAME if name in had or not old else ADDED) for name in has]
        found += [(side, name, REMOVED if new else SAME) for name in had if name not in has]
    return found


def _names(decision: Decision | None, side: str) -> Sequence[str]:
    if decision is None:
        return ()
    return decision.inputs if side == "in" else decision.outputs


def _rows(decision: Decision | None, columns: list[tuple[str, str, str]]) -> list[Cells]:
    if decision is None:
        return []
    found = []
    for inputs, outputs in decision.rules:
        said = {("in", name): cell for name, cell in zip(decision.inputs, inputs, strict=False)}
        said |= {("out", name): cell for name, cell in zip(decision.outputs, outputs, strict=False)}
        found.append(tuple(said.get((side, name), "") for side, name, _change in columns))
    return found


def _aligned(before: list[Cells], after: list[Cells]) -> list[RowDifference]:
    found = []
    for kind, i, to_i, j, to_j in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for offset in range(max(to_i - i, to_j - j)):
            old = before[i + offset] if i + offset < to_i else None
            new = after[j + offset] if j + offset < to_j else None
            if kind == "equal":
                change = SAME
            else:
                change = CHANGED if old and new else ADDED if new else REMOVED
            # An added row shows what it says, a removed one what it said.
            cells = tuple(zip(old or new or (), new or old or (), strict=True))
            found.append(RowDifference(change, (j if new else i) + offset + 1, cells))
    return found

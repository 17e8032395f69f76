"""Trying out: values on both sides of everything that conditions compare with.

Conditions and cells are comparisons with constants, so between two neighbouring constants nothing changes.
One value from each part, and each constant itself, say as much as all values would.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import product
from typing import Any

from app.engine import expressions
from app.engine.expressions import ExpressionError

MAX_COMBINATIONS = 2_000
MAX_EVALUATIONS = 10_000
MAX_STEPS = 20_000
MAX_ATOMS = 10
OTHER = "…"
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.NotEq: ast.Eq,
    ast.NotIn: ast.In,
    ast.IsNot: ast.Is,
}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_LOGIC = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.Compare, ast.Name, ast.Load,
    ast.Constant, ast.List, ast.Tuple, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
    ast.Is, ast.IsNot,
)  # fmt: skip

Known = Callable[[str], Sequence[Any]]


def values_for(texts: Iterable[str], known: Known = lambda _name: ()) -> dict[str, list[Any]] | None:
    """Return variable → values worth trying, None if the texts are more than comparisons with constants.

    known: all values that a variable can have, empty where that cannot be said.
    """
    compared: dict[str, list[Any]] = {}
    for text in texts:
        try:
            tree = expressions.parse(text)
        except ExpressionError:
            return None
        if not _note(tree, compared):
            return None
    return {name: list(known(name)) or spread(constants) for name, constants in compared.items()}


def constants_of(text: str) -> dict[str, list[Any]]:
    """Return variable → the constants it is compared with, wherever in the expression that is."""
    found: dict[str, list[Any]] = {}
    try:
        tree = expressions.parse(text)
    except ExpressionError:
        return found
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and all(
            isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for operator in node.ops
        ):
            _note_compare(node, found)
    return found


def spread(constants: Sequence[Any]) -> list[Any]:
    """Return each constant, and a value below, between and above them."""
    found: list[Any] = []
    if any(isinstance(value, bool) for value in constants):
        found += [True, False]
    numbers = sorted({v for v in constants if isinstance(v, int | float) and not isinstance(v, bool)})
    found += _numbers(numbers)
    texts = [value for value in constants if isinstance(value, str)]
    if texts and all(_day(text) for text in texts):
        found += _days(texts)
    elif texts:
        found += [*dict.fromkeys(texts), OTHER]
    if any(value is None for value in constants):
        found.append(None)
    return found or [OTHER]


def gap(conditions: Sequence[str], values: Mapping[str, Sequence[Any]]) -> tuple[str, dict[str, Any] | None]:
    """Say whether some values fit no condition: ("gap", example), ("none", None) or ("unknown", None)."""
    total = 1
    for one in values.values():
        total *= max(len(one), 1)
    if total > MAX_COMBINATIONS:
        return "unknown", None
    for combination in product(*values.values()):
        data = dict(zip(values, combination, strict=True))
        try:
            if not any(expressions.evaluate(text, data) for text in conditions):
                return "gap", data
        except ExpressionError:
            # Values of several kinds beside each other: what would fail here is not what people enter.
            continue
    return "none", None


def always_one(conditions: Sequence[str]) -> bool:
    """Tell whether one of the conditions holds whatever their comparisons give: `a < b` beside `a >= b`."""
    trees: list[ast.expr] = []
    atoms: dict[str, None] = {}
    for text in conditions:
        try:
            trees.append(expressions.parse(text))
        except ExpressionError:
            return False
    for tree in trees:
        _atoms(tree, atoms)
    if len(atoms) > MAX_ATOMS:
        return False
    return all(
        any(_holds(tree, dict(zip(atoms, truths, strict=True))) for tree in trees)
        for truths in product((True, False), repeat=len(atoms))
    )


class Grid:
    """A table's rows over the values of its columns: which rows fit which value.

    columns: the values to try; fits: column → for each value the rows that fit, as bits.
    """

    def __init__(self, columns: Sequence[Sequence[Any]], fits: Sequence[Sequence[int]], rows: int) -> None:
        self.columns = columns
        self.fits = fits
        self.rows = rows
        self._steps = 0
        # Rows that fit every value of this and all later columns decide early.
        self._rest = [0] * len(columns) + [(1 << rows) - 1]
        for number in range(len(columns) - 1, -1, -1):
            everywhere = self._rest[number + 1]
            for one in fits[number]:
                everywhere &= one
            self._rest[number] = everywhere

    def uncovered(self) -> list[Any] | None:
        """Return values that no row fits, or None."""
        return self._search(0, (1 << self.rows) - 1, 0)

    def first_of(self, row: int) -> list[Any] | None:
        """Return values that this row is the first to fit, counted from 0, or None."""
        return self._search(0, (1 << row) - 1, 1 << row)

    def both(self, one: int, other: int) -> list[Any] | None:
        """Return values that two rows fit, or None."""
        wanted, found = (1 << one) | (1 << other), []
        for values, fits in zip(self.columns, self.fits, strict=True):
            value = next(((v,) for v, f in zip(values, fits, strict=True) if f & wanted == wanted), None)
            if value is None:
                return None
            found.append(value[0])
        return found

    @property
    def exhausted(self) -> bool:
        """Tell whether a search was given up: what it did not find may still be there."""
        return self._steps > MAX_STEPS

    def _search(self, column: int, unwanted: int, wanted: int) -> list[Any] | None:
        self._steps += 1
        if self.exhausted or (unwanted & self._rest[column]):
            return None
        if column == len(self.columns):
            return []
        for value, fits in zip(self.columns[column], self.fits[column], strict=True):
            if wanted and not fits & wanted:
                continue
            rest = self._search(column + 1, unwanted & fits, wanted)
            if rest is not None:
                return [value, *rest]
        return None


def shown(value: Any) -> str:
    """Return a value as one would write it into a cell."""
    return "…" if value == OTHER else repr(value).replace("'", '"') if isinstance(value, str) else repr(value)


def _atoms(tree: ast.expr, found: dict[str, None]) -> None:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BoolOp):
            waiting.extend(node.values)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            waiting.append(node.operand)
        else:
            found[_atom(node)[0]] = None


def _atom(node: ast.expr) -> tuple[str, bool]:
    """Return a comparison's text in one of its two directions, and whether it is turned round."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        opposite = _OPPOSITE.get(type(node.ops[0]))
        if opposite is not None:
            turned = ast.Compare(node.left, [opposite()], node.comparators)
            return ast.unparse(turned), True
    return ast.unparse(node), False


def _holds(node: ast.expr, truths: Mapping[str, bool]) -> bool:
    if isinstance(node, ast.BoolOp):
        parts = (_holds(value, truths) for value in node.values)
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _holds(node.operand, truths)
    text, turned = _atom(node)
    return truths[text] != turned


def _note(tree: ast.expr, compared: dict[str, list[Any]]) -> bool:
    if not all(isinstance(node, _LOGIC) for node in ast.walk(tree)):
        return False
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and not _note_compare(node, compared):
            return False
    return _note_truths(tree, compared)


def _note_truths(tree: ast.expr, compared: dict[str, list[Any]]) -> bool:
    """A name that stands for itself is asked whether it is true."""
    waiting: list[ast.expr] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.BoolOp):
            waiting.extend(node.values)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            waiting.append(node.operand)
        elif isinstance(node, ast.Name):
            compared.setdefault(node.id, []).append(True)
        elif not isinstance(node, ast.Compare | ast.Constant):
            return False
    return True


def _note_compare(node: ast.Compare, compared: dict[str, list[Any]]) -> bool:
    names: list[str] = []
    constants: list[Any] = []
    for part in (node.left, *node.comparators):
        if isinstance(part, ast.Name):
            names.append(part.id)
        elif (value := _constants(part)) is not None:
            constants.extend(value)
        else:
            return False
    if len(names) != 1:
        return False
    compared.setdefault(names[0], []).extend(constants)
    return True


def _constants(node: ast.expr) -> list[Any] | None:
    if isinstance(node, ast.Constant):
        return [node.value]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _constants(node.operand)
        if inner and isinstance(inner[0], int | float):
            return [-inner[0] if isinstance(node.op, ast.USub) else inner[0]]
        return None
    if isinstance(node, ast.List | ast.Tuple):
        parts = [_constants(part) for part in node.elts]
        return None if any(part is None for part in parts) else [v for part in parts for v in part or ()]
    return None


def _numbers(numbers: Sequence[int | float]) -> Iterator[int | float]:
    whole = all(isinstance(value, int) for value in numbers)
    found: set[int | float] = set(numbers)
    if whole:
        found |= {value + step for value in numbers for step in (-1, 1)}
    else:
        found |= {(a + b) / 2 for a, b in zip(numbers, numbers[1:], strict=False)}
        found |= {numbers[0] - 1, numbers[-1] + 1}
    yield from sorted(found)


def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _days(texts: Sequence[str]) -> Iterator[str]:
    days = {day for text in texts if (day := _day(text))}
    for step in (-1, 1):
        days |= {day + timedelta(days=step) for day in list(days) if date.min < day < date.max}
    yield from (day.isoformat() for day in sorted(days))

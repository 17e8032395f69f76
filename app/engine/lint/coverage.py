"""Rules about whole decision tables: inputs that no row fits, rows that fit the same, rows never reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from app.engine import decisions, expressions
from app.engine.decisions import INPUT_NAME, Decision
from app.engine.expressions import ExpressionError
from app.engine.lint import sampling
from app.engine.lint.sampling import Grid

MAX_ROWS_COMPARED = 150
MAX_ROWS = 600

Choices = Callable[[str], Sequence[Any]]


def grid(decision: Decision, choices: Choices) -> Grid | None:
    """Return the table over the values worth trying; None where its cells look at more than their input."""
    columns, fits = [], []
    rows, left = decision.rules, sampling.MAX_EVALUATIONS
    if not rows or len(rows) > MAX_ROWS or any(len(given) != len(decision.inputs) for given, _then in rows):
        return None
    for number, text in enumerate(decision.inputs):
        cells = [given[number] for given, _then in rows]
        values = _values(text, cells, choices)
        if values is None:
            return None
        left -= len(set(cells)) * len(values)
        if left < 0:
            return None
        columns.append(values)
        fits.append(_fits(cells, values))
    return Grid(columns, fits, len(rows))


def example(decision: Decision, values: Sequence[Any]) -> str:
    """Return values as one would say them: klass = "device", severity = "high"."""
    named = zip(decision.inputs, values, strict=True)
    return ", ".join(f"{name} = {sampling.shown(value)}" for name, value in named)


def overlaps(decision: Decision, table: Grid) -> list[tuple[int, int, list[Any]]]:
    """Return (row, later row, values that both fit) where two rows differ in what they say, from 0."""
    if len(decision.rules) > MAX_ROWS_COMPARED:
        return []
    found = []
    for one, other in combinations(range(len(decision.rules)), 2):
        if decision.rules[one][1] == decision.rules[other][1]:
            continue
        values = table.both(one, other)
        if values is not None:
            found.append((one, other, values))
    return found


def _values(text: str, cells: Sequence[str], choices: Choices) -> list[Any] | None:
    used = [decisions.cell_expression(cell) for cell in cells if not decisions.is_any(cell)]
    known = list(choices(text)) if text.isidentifier() else []
    spread = sampling.values_for(dict.fromkeys(used))
    if spread is None or spread.keys() - {INPUT_NAME}:
        return None
    if known:
        # What forms offer, and what cells wait for all the same; nothing else ever comes.
        named = [value for value in spread.get(INPUT_NAME, ()) if value != sampling.OTHER]
        return [*known, *(value for value in named if value not in known)]
    return spread.get(INPUT_NAME) or [sampling.OTHER]


def _fits(cells: Sequence[str], values: Sequence[Any]) -> list[int]:
    matching = {cell: [_matches(cell, value) for value in values] for cell in dict.fromkeys(cells)}
    return [
        sum(1 << row for row, cell in enumerate(cells) if matching[cell][number])
        for number in range(len(values))
    ]


def _matches(cell: str, value: Any) -> bool:
    if decisions.is_any(cell):
        return True
    try:
        return bool(expressions.evaluate(decisions.cell_expression(cell), {INPUT_NAME: value}))
    except ExpressionError:
        return False

"""Rules about decision tables: cells that would never match and say nothing about it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from flask_babel import gettext as _
from lxml import etree

from app.engine import decisions, expressions, functions
from app.engine.bundles import Library
from app.engine.decisions import Decision
from app.engine.lint import coverage, sampling
from app.engine.lint.choices import closed_choices, impossible
from app.engine.lint.context import ERROR, WARNING, Findings
from app.engine.lint.sampling import Grid
from app.engine.problems import Problem
from app.engine.xml import Node

_RANGE = re.compile(r"^[\[\](].*\.\..*[\])\[]$")
MAX_OVERLAPS = 10
_WORDS = {"true": "True", "false": "False", "null": "None"}


@dataclass(frozen=True)
class _Place:
    """Where findings about one decision point."""

    path: str
    decision: Decision
    lines: tuple[int, ...]  # of the decision, then of its rows
    ids: tuple[str, ...]
    known: Library

    def problem(self, rule: str, message: str, remedy: str, *, row: int = 0, level: str = ERROR) -> Problem:
        """Return a finding at the decision (row 0) or at a row, counted from 1."""
        at = min(row, len(self.lines) - 1)
        name = self.decision.name if not row else _("row %(n)s", n=row)
        return Problem(self.path, self.lines[at], self.ids[at], name, rule, level, message, remedy)


def check_tables(path: str, root: Node, known: Library) -> Findings:
    """Yield the findings of one DMN document; `known`: all files, for what forms can give its columns."""
    nodes = [
        node
        for node in root.iter()
        if isinstance(node.tag, str) and etree.QName(node).localname == "decision"
    ]
    if not nodes:
        yield Problem(
            path, 1, "", "", "no-decision", ERROR,
            _("The file holds no decision."), _("Draw a decision table with a decision editor."),
        )  # fmt: skip
    if len(nodes) > 1:
        yield Problem(
            path, nodes[1].sourceline or 0, nodes[1].get("id", ""), nodes[1].get("name", ""),
            "several-decisions", ERROR,
            _("The file holds more than one decision."), _("Give each decision a file of its own."),
        )  # fmt: skip
    tables = {decision.id: decision for decision in decisions.parse(root)}
    for node in nodes:
        decision = tables.get(node.get("id", ""))
        if decision is None:
            yield Problem(
                path, node.sourceline or 0, node.get("id", ""), node.get("name", ""), "no-table", ERROR,
                _("The decision has no decision table, or no id."),
                _("Only decision tables are supported; other boxed expressions are not."),
            )  # fmt: skip
            continue
        yield from _check(_place(path, node, decision, known))


def _place(path: str, node: Node, decision: Decision, known: Library) -> _Place:
    rows = [
        child
        for child in node.iter()
        if isinstance(child.tag, str) and etree.QName(child).localname == "rule"
    ]
    return _Place(
        path,
        decision,
        (node.sourceline or 0, *(row.sourceline or 0 for row in rows)),
        (decision.id, *(row.get("id", "") for row in rows)),
        known,
    )


def _check(place: _Place) -> Findings:
    for rule in (
        _hit_policy,
        _columns,
        _rows_are_complete,
        _input_cells,
        _output_cells,
        _whole_table,
        _possible_values,
    ):
        yield from rule(place)


def _hit_policy(place: _Place) -> Findings:
    if place.decision.hit_policy not in decisions.HIT_POLICIES:
        yield place.problem(
            "hit-policy",
            _("The hit policy %(name)s is not supported.", name=place.decision.hit_policy),
            _("Use FIRST (the first row that fits) or COLLECT (all rows that fit)."),
        )


def _columns(place: _Place) -> Findings:
    for text in place.decision.inputs:
        error = expressions.check(text)
        if error:
            yield place.problem(
                "bad-expression",
                _("Input column “%(text)s”: %(why)s", text=text[:60], why=error.message),
                _("Enter the variable or expression that the column looks at."),
            )
    for name in place.decision.outputs:
        problem = (
            expressions.name_problem(name.split(".")[0]) if name else _("The output column has no name.")
        )
        if problem:
            yield place.problem("bad-output", problem, _("Give the output column the name of a variable."))
    if not place.decision.outputs:
        yield place.problem(
            "bad-output", _("The table has no output column."), _("Add a column for what is decided.")
        )


def _rows_are_complete(place: _Place) -> Findings:
    for row, (given, then) in enumerate(place.decision.rules, start=1):
        if len(given) != len(place.decision.inputs) or len(then) != len(place.decision.outputs):
            yield place.problem(
                "incomplete-row",
                _("The row has not one cell for each column."),
                _("Add the missing cells, or delete those too many."),
                row=row,
            )


def _input_cells(place: _Place) -> Findings:
    for row, (given, _then) in enumerate(place.decision.rules, start=1):
        for cell in given:
            found = None if decisions.is_any(cell) else _cell_problem(cell)
            if found:
                yield place.problem(
                    "bad-cell", _("“%(cell)s”: %(why)s", cell=cell[:60], why=found[0]), found[1], row=row
                )


def _cell_problem(cell: str) -> tuple[str, str] | None:
    """Return (what is wrong, remedy) of a cell as a modeller with FEEL in mind would write it."""
    if cell in _WORDS:
        return _("this word means nothing here."), _("Write %(word)s.", word=_WORDS[cell])
    if _RANGE.match(cell):
        return _("ranges with two dots are not understood."), _("Write 1 <= ? <= 5.")
    error = expressions.check(decisions.cell_expression(cell))
    if error:
        return error.message, _('Write a value, a comparison such as > 3, or in ["a", "b"].')
    try:
        alone = expressions.parse(cell)
    except expressions.ExpressionError:
        return None
    if isinstance(alone, ast.Tuple):
        return _("several values never match."), _('Write in ["a", "b"].')
    if isinstance(alone, ast.UnaryOp) and isinstance(alone.op, ast.Not):
        return _("“not” in front of a value never matches."), _('Write != "a" or not in ["a", "b"].')
    if isinstance(alone, ast.List | ast.BoolOp) and "?" not in cell:
        return _("a list or “or” never matches one value."), _('Write in ["a", "b"].')
    if isinstance(alone, ast.Name):
        return _("a word without quotes is a variable."), _(
            'Write the text in quotes: "%(cell)s".', cell=cell
        )
    return _unknown_call(cell)


def _output_cells(place: _Place) -> Findings:
    for row, (_given, then) in enumerate(place.decision.rules, start=1):
        for cell in then:
            found = _output_problem(cell) if cell else None
            if found:
                yield place.problem(
                    "bad-cell", _("“%(cell)s”: %(why)s", cell=cell[:60], why=found[0]), found[1], row=row
                )


def _output_problem(cell: str) -> tuple[str, str] | None:
    if cell in _WORDS:
        return _("this word means nothing here."), _("Write %(word)s.", word=_WORDS[cell])
    error = expressions.check(cell)
    if error:
        return error.message, _("Write a number, a text in quotes or an expression.")
    return _unknown_call(cell)


def _unknown_call(cell: str) -> tuple[str, str] | None:
    text = cell if not expressions.check(cell) else decisions.cell_expression(cell)
    unknown = sorted({name for name, _first in expressions.calls(text)} - functions.NAMES)
    if not unknown:
        return None
    return (
        _("There is no function “%(name)s”.", name=unknown[0]),
        _("Use one of: %(names)s.", names=", ".join(sorted(functions.NAMES))),
    )


def _whole_table(place: _Place) -> Findings:
    """Gaps, overlaps and rows never reached, each with values to see it by."""
    rules = place.decision.rules
    if not rules or place.decision.hit_policy == decisions.COLLECT:
        if not rules:
            yield _no_catch_all(place)
        return
    table = coverage.grid(place.decision, lambda name: closed_choices(place.known, name))
    open_rows = [row for row, (given, _then) in enumerate(rules) if all(map(decisions.is_any, given))]
    if not open_rows:
        hole = table.uncovered() if table else None
        if hole:
            yield place.problem(
                "table-gap",
                _("No row fits when %(given)s.", given=coverage.example(place.decision, hole)),
                _("Add a row for it, or a last row whose input cells are empty."),
                level=WARNING,
            )
        elif table is None or table.exhausted:
            yield _no_catch_all(place)
    if open_rows and open_rows[0] < len(rules) - 1:
        yield place.problem(
            "row-never-reached",
            _("The rows after this one are never reached: it fits everything."),
            _("Move it to the end."),
            row=open_rows[0] + 1,
            level=WARNING,
        )
    elif table:
        yield from _hidden_rows(place, table)
    if place.decision.hit_policy in ("UNIQUE", "ANY"):
        yield from _overlaps(place, table, open_rows)


def _hidden_rows(place: _Place, table: Grid) -> Findings:
    for row in range(1, table.rows):
        # A last row for everything else may be there for what is still to come.
        if all(map(decisions.is_any, place.decision.rules[row][0])):
            continue
        if table.first_of(row) is None and not table.exhausted:
            yield place.problem(
                "row-never-reached",
                _("This row is never reached: whatever it fits, rows above it fit too."),
                _("Move it up, delete it, or narrow the rows above it."),
                row=row + 1,
                level=WARNING,
            )


def _overlaps(place: _Place, table: Grid | None, open_rows: list[int]) -> Findings:
    policy = place.decision.hit_policy
    if open_rows and table is None and len(place.decision.rules) > 1:
        yield place.problem(
            "table-overlap",
            _(
                "%(policy)s says that rows do not contradict each other, but the last one always fits.",
                policy=policy,
            ),
            _("Use the hit policy FIRST."),
            row=open_rows[0] + 1,
        )
    for one, other, values in coverage.overlaps(place.decision, table)[:MAX_OVERLAPS] if table else ():
        yield place.problem(
            "table-overlap",
            _(
                "Rows %(one)s and %(other)s both fit when %(given)s, and say different things; the engine "
                "takes the first without a word.",
                one=one + 1,
                other=other + 1,
                given=coverage.example(place.decision, values),
            ),
            _("Narrow one of the rows, or use the hit policy FIRST."),
            row=other + 1,
        )


def _no_catch_all(place: _Place) -> Problem:
    return place.problem(
        "no-catch-all",
        _("If no row fits, nothing is decided."),
        _("Add a last row whose input cells are empty."),
        level=WARNING,
    )


def _possible_values(place: _Place) -> Findings:
    """A cell that waits for a value which no form offers never fits."""
    closed = {text for text in place.decision.inputs if closed_choices(place.known, text)}
    for row, (given, _then) in enumerate(place.decision.rules, start=1):
        for text, cell in zip(place.decision.inputs, given, strict=False):
            if decisions.is_any(cell) or text not in closed:
                continue
            waited = decisions.cell_expression(cell).replace(decisions.INPUT_NAME, text)
            for name, value, offered in impossible(place.known, waited):
                yield place.problem(
                    "impossible-value",
                    _(
                        "“%(name)s” is never %(value)s; forms give it %(offered)s.",
                        name=name,
                        value=sampling.shown(value),
                        offered=", ".join(map(sampling.shown, offered[:6])),
                    ),
                    _("Correct the value, or offer it in the form."),
                    row=row,
                    level=WARNING,
                )

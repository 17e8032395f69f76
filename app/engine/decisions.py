"""Decision tables (DMN), evaluated by the locked evaluator; the same for `decide(…)` and business rule tasks.

Cells are Python: a literal is compared for equality, `> 3` and `in [...]` continue the input expression,
`3 < ? < 9` puts the input where the question mark is, empty and `-` fit everything.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.dmn.engine.DMNEngine import DMNEngine
from SpiffWorkflow.task import Task

from app.engine import expressions, functions
from app.engine.expressions import ExpressionError
from app.engine.xml import Node, read_xml

COLLECT = "COLLECT"
HIT_POLICIES = ("UNIQUE", "FIRST", "ANY", COLLECT)
INPUT_NAME = "dmninputexpr"
_MARK = re.compile(r"\?(?=(?:[^'\"]|\"[^\"]*\"|'[^']*')*$)")
_CONTINUES = re.compile(r"^(?:[<>=!]=?|(?:not\s+)?in\b|is\b)")


@dataclass(frozen=True)
class Decided:
    """What a table said and why.

    outputs: by name; None when no row fits; lists over all rows that fit for COLLECT.
    row:     1 for the first; None when no row fits, and for COLLECT.
    inputs:  the value of each input expression that had to be looked at.
    """

    outputs: dict[str, Any] | None
    row: int | None
    inputs: dict[str, Any]


@dataclass(frozen=True)
class Decision:
    """One decision table.

    inputs:  expression of each column.
    outputs: name of each output column.
    rules:   (input cells, output cells) of each row, as written.
    """

    id: str
    name: str
    hit_policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of process data that the table reads; what is no expression is left out."""
        texts = [*self.inputs]
        for given, then in self.rules:
            texts += [cell_expression(cell) for cell in given if not is_any(cell)]
            texts += then
        found: set[str] = set()
        for text in filter(None, dict.fromkeys(texts)):
            with suppress(ExpressionError):
                found |= expressions.names_read(text)
        return frozenset(found - {INPUT_NAME})

    def evaluate(self, data: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the outputs of the first row that fits, or None; for COLLECT lists over all rows that fit.

        Raises ExpressionError with the row's number.
        """
        return self.decide(data).outputs

    def decide(self, data: Mapping[str, Any]) -> Decided:
        """Return the outputs with the row that gave them. Raises ExpressionError with the row's number."""
        scope = functions.build(data)
        known: dict[int, Any] = {}
        fitting = (row for row in range(len(self.rules)) if self._fits(row, data, scope, known))
        if self.hit_policy == COLLECT:
            rows = [self._output(row, data, scope) for row in fitting]
            outputs = {name: [row[name] for row in rows] for name in self.outputs}
            return Decided(outputs, None, self._named(known))
        row = next(fitting, None)
        if row is None:
            return Decided(None, None, self._named(known))
        return Decided(self._output(row, data, scope), row + 1, self._named(known))

    def _named(self, known: Mapping[int, Any]) -> dict[str, Any]:
        return {self.inputs[column]: value for column, value in sorted(known.items())}

    def _fits(
        self, row: int, data: Mapping[str, Any], scope: expressions.Functions, known: dict[int, Any]
    ) -> bool:
        for column, cell in enumerate(self.rules[row][0]):
            if is_any(cell):
                continue
            try:
                if column not in known:
                    known[column] = expressions.evaluate(self.inputs[column], data, scope)
                if not _cell_fits(cell, known[column], data, scope):
                    return False
            except ExpressionError as error:
                raise self._located(error, row) from error
        return True

    def _output(self, row: int, data: Mapping[str, Any], scope: expressions.Functions) -> dict[str, Any]:
        cells = self.rules[row][1]
        try:
            return {
                name: expressions.evaluate(cell, data, scope) if cell else None
                for name, cell in zip(self.outputs, cells, strict=True)
            }
        except ExpressionError as error:
            raise self._located(error, row) from error

    def _located(self, error: ExpressionError, row: int) -> ExpressionError:
        return ExpressionError(
            _("%(name)s, row %(row)s: %(why)s", name=self.name, row=row + 1, why=error.message)
        )


class DecisionEngine(DMNEngine):
    """What a business rule task calls: our evaluation behind the library's interface.

    No row fits: the outputs become None, so that a loop never goes on with the values of its last round.
    """

    def __init__(self, decision_table: Any) -> None:
        super().__init__(decision_table)
        self.decision = from_library(decision_table)

    def result(self, task: Task) -> dict[str, Any]:
        """Return the outputs for the task's data."""
        try:
            result = self.decision.evaluate(task.data)
        except ExpressionError as error:
            raise WorkflowTaskException(str(error), task=task, exception=error) from error
        return dict.fromkeys(self.decision.outputs) if result is None else result


def parse(root: Node) -> list[Decision]:
    """Return the decision tables of a DMN document, whatever its version's namespace."""
    return [_decision(node) for node in _children(root, "decision") if _children(node, "decisionTable")]


def row_description(content: bytes, name: str, row: int) -> str:
    """Return what a DMN file says beside a decision's row, counted from 1; "" when it says nothing."""
    for node in read_xml(content):
        if isinstance(node.tag, str) and node.get("id") == name and _children(node, "decisionTable"):
            found = _children(_children(node, "decisionTable")[0], "rule")[row - 1 : row]
            told = [text for rule in found for text in _children(rule, "description")]
            return (told[0].text or "").strip() if told else ""
    return ""


def from_library(table: Any) -> Decision:
    """Return our form of the library's parsed decision table."""
    rules = tuple(
        (
            tuple((entry.lhs[0] or "").strip() for entry in rule.inputEntries),
            tuple((entry.text or "").strip() for entry in rule.outputEntries),
        )
        for rule in table.rules
    )
    return Decision(
        id=table.id,
        name=table.name or table.id,
        hit_policy=table.hit_policy,
        inputs=tuple((column.expression or column.label or "").strip() for column in table.inputs),
        outputs=tuple(column.name or column.label for column in table.outputs),
        rules=rules,
    )


def dump(decision: Decision) -> dict[str, Any]:
    """Return the decision as JSON values."""
    return {
        "id": decision.id,
        "name": decision.name,
        "hit_policy": decision.hit_policy,
        "inputs": list(decision.inputs),
        "outputs": list(decision.outputs),
        "rules": [[list(given), list(then)] for given, then in decision.rules],
    }


def load(values: Mapping[str, Any]) -> Decision:
    """Return the decision that `dump` wrote."""
    rules = tuple((tuple(given), tuple(then)) for given, then in values["rules"])
    return Decision(
        values["id"],
        values["name"],
        values["hit_policy"],
        tuple(values["inputs"]),
        tuple(values["outputs"]),
        rules,
    )


def is_any(cell: str) -> bool:
    """Tell whether this input cell fits every value."""
    return cell in ("", "-")


def cell_expression(cell: str) -> str:
    """Return the expression that a cell stands for, the input being the name INPUT_NAME."""
    marked = _MARK.sub(INPUT_NAME, cell)
    if marked != cell:
        return marked
    if _CONTINUES.match(cell):
        return f"{INPUT_NAME} {cell}"
    return f"{INPUT_NAME} == ({cell})"


def _cell_fits(cell: str, value: Any, data: Mapping[str, Any], scope: expressions.Functions) -> bool:
    literal = _literal(cell)
    if literal is not None:
        return bool(value == literal[0])
    return bool(expressions.evaluate(cell_expression(cell), {**data, INPUT_NAME: value}, scope))


def _literal(cell: str) -> tuple[Any] | None:
    """Most cells are one literal; comparing it directly makes a large table ten times faster."""
    try:
        node = expressions.parse(cell)
    except ExpressionError:
        return None
    return (node.value,) if isinstance(node, ast.Constant) else None


def _decision(node: Node) -> Decision:
    table = _children(node, "decisionTable")[0]
    return Decision(
        id=node.get("id", ""),
        name=node.get("name") or node.get("id", ""),
        hit_policy=table.get("hitPolicy", "UNIQUE").upper(),
        inputs=tuple(
            _text(column, "inputExpression") or column.get("label", "")
            for column in _children(table, "input")
        ),
        outputs=tuple(column.get("name") or column.get("label", "") for column in _children(table, "output")),
        rules=tuple(
            (
                tuple(_text(cell) for cell in _children(rule, "inputEntry")),
                tuple(_text(cell) for cell in _children(rule, "outputEntry")),
            )
            for rule in _children(table, "rule")
        ),
    )


def _children(node: Node, name: str) -> list[Node]:
    return [child for child in node if isinstance(child.tag, str) and child.tag.rpartition("}")[2] == name]


def _text(node: Node, within: str = "") -> str:
    inner = _children(node, within) if within else [node]
    texts = [text for parent in inner for text in _children(parent, "text")]
    return (texts[0].text or "").strip() if texts else ""

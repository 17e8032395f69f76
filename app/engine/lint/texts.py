"""Rules about the expressions, scripts and timers written into elements."""

from __future__ import annotations

import ast

from flask_babel import gettext as _

from app.engine import expressions, functions, timer_text
from app.engine.diagram import CAMUNDA_EXPRESSIONS, Element, Expression, Flow, called_functions
from app.engine.expressions import ExpressionError
from app.engine.lint.context import Findings, ProcessContext


def conditions_can_be_read(ctx: ProcessContext) -> Findings:
    """A condition's mistakes would appear only when a token comes."""
    for flow in ctx.process.flows:
        if flow.condition is not None:
            yield from _read(ctx, flow, Expression("condition", flow.condition, flow.line))


def texts_can_be_read(ctx: ProcessContext) -> Findings:
    """So would those of every other text that the engine evaluates."""
    for element in ctx.process.elements.values():
        for expression in element.expressions:
            yield from _read(ctx, element, expression)


def timers_have_times(ctx: ProcessContext) -> Findings:
    """A literal time is checked now; what an expression gives is known only later."""
    for element in ctx.process.elements.values():
        if "timer" not in element.event:
            continue
        if element.timer is None or not element.timer[1]:
            yield ctx.problem(
                element,
                "bad-timer",
                _("The timer has no time."),
                _("Enter a duration such as PT8H, a date, or a repetition such as R3/P1D."),
            )
            continue
        problem = _literal_timer(*element.timer)
        if problem:
            yield ctx.problem(
                element,
                "bad-timer",
                problem,
                _("Enter a duration such as PT8H, a date, or a repetition such as R3/P1D."),
            )


def decide_calls_exist(ctx: ProcessContext) -> Findings:
    """`decide("…")` names a decision that is among the files, as plain text: the bundle is cut by it."""
    for place, expression in _placed(ctx):
        for name, first in sorted(called_functions(expression), key=str):
            if name != "decide":
                continue
            if not isinstance(first, str):
                yield ctx.problem(
                    place,
                    "missing-decision",
                    _("decide needs the decision's id written out."),
                    _('Write decide("allowance", step="refer"), with the id in quotes.'),
                    line=expression.line,
                )
            elif first not in ctx.known.decisions:
                yield ctx.problem(
                    place,
                    "missing-decision",
                    _("The decision “%(id)s” is not among the files.", id=first),
                    _("Add the decision table's file, or correct the id."),
                    line=expression.line,
                )


def functions_exist(ctx: ProcessContext) -> Findings:
    """Only the desk's own functions can be called."""
    for place, expression in _placed(ctx):
        for name in sorted({name for name, _first in called_functions(expression)} - functions.NAMES):
            yield ctx.problem(
                place,
                "unknown-function",
                _("There is no function “%(name)s”.", name=name),
                _("Use one of: %(names)s.", names=", ".join(sorted(functions.NAMES))),
                line=expression.line,
            )


RULES = (
    conditions_can_be_read,
    texts_can_be_read,
    timers_have_times,
    decide_calls_exist,
    functions_exist,
)


def _placed(ctx: ProcessContext) -> list[tuple[Element | Flow, Expression]]:
    found: list[tuple[Element | Flow, Expression]] = []
    for element in ctx.process.elements.values():
        found.extend((element, expression) for expression in element.expressions)
    found.extend(
        (flow, Expression("condition", flow.condition, flow.line))
        for flow in ctx.process.flows
        if flow.condition
    )
    return found


def _read(ctx: ProcessContext, place: Element | Flow, expression: Expression) -> Findings:
    if expression.kind == "timer" and not expression.text:
        return
    error = _error(expression)
    if error is None:
        return
    rule = "bad-script" if expression.is_script else "bad-expression"
    where = _position(error)
    yield ctx.problem(
        place,
        rule,
        _("“%(text)s”: %(why)s", text=expression.text[:80], why=f"{error.message}{where}"),
        _("Correct the script: lines of the form name = expression.")
        if expression.is_script
        else _("Correct the expression; texts stand in quotes, and = is written ==."),
        line=expression.line + max(error.line - 1, 0),
    )


def _error(expression: Expression) -> ExpressionError | None:
    if expression.is_script:
        return expressions.script_check(expression.text)
    if expression.kind in CAMUNDA_EXPRESSIONS:
        return expressions.literal_check(expression.text)
    return expressions.check(expression.text)


def _position(error: ExpressionError) -> str:
    return " " + _("(character %(n)s)", n=error.position) if error.position else ""


def _literal_timer(kind: str, text: str) -> str | None:
    try:
        node = expressions.parse(text)
    except ExpressionError:
        return None  # reported by the rule about expressions
    if isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.Subscript | ast.Attribute | ast.IfExp):
        return None
    value = node.value if isinstance(node, ast.Constant) else None
    try:
        if kind == "timeCycle" and isinstance(node, ast.List | ast.Tuple):
            return None
        if not isinstance(value, str):
            return _("“%(text)s” is not a time.", text=text[:60])
        if kind == "timeCycle":
            timer_text.parse_cycle(value)
        elif kind == "timeDate" and value.upper().startswith("P"):
            return _("“%(text)s” is a duration, but the timer waits for a date.", text=value[:60])
        elif kind == "timeDuration":
            timer_text.parse_duration(value)
        else:
            timer_text.instant(value)
    except ExpressionError as error:
        return error.message
    return None

"""The one language that designers write: small Python expressions over process data, locked.

No method calls, comprehensions, f-strings, power, shifts, `%` or bit operators; attributes are dictionary
keys; results are plain, small JSON values. Built on simpleeval with a whitelist in front of it, because a
text that parses is not yet safe to evaluate, and size limits behind it, because data grows in loops.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from simpleeval import SimpleEval

from app.engine.values import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    RESERVED,
    ExpressionError,
    instant_text,
    plain,
    small,
)

MAX_TEXT = 1_000
MAX_SCRIPT = 10_000
# A word or list of words that is no expression: platform, repairpoint:WP003, agent,callback.
_WORDS = re.compile(r"[^\W\d][\w-]*(?::[\w-]+)?(?:\s*,\s*[^\W\d][\w-]*(?::[\w-]+)?)*")

__all__ = [
    "ExpressionError",
    "assign",
    "calls",
    "check",
    "evaluate",
    "instant_text",
    "literal_or_value",
    "plain",
]

Functions = Mapping[str, Callable[..., Any]]


_ALLOWED: tuple[type[ast.AST], ...] = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.UAdd, ast.USub, ast.Not,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv,
    ast.BoolOp, ast.And, ast.Or, ast.IfExp,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
    ast.Call, ast.keyword, ast.Attribute, ast.Subscript, ast.Slice,
    ast.List, ast.Tuple, ast.Dict,
)  # fmt: skip


def evaluate(text: str, names: Mapping[str, Any], functions: Functions | None = None) -> Any:
    """Return the value of one expression over `names`; instants come back as ISO text in UTC.

    Raises ExpressionError for everything that goes wrong, and for values too large or not plain JSON.
    """
    return plain(_run(parse(text), text, names, functions or {}))


def literal_or_value(text: str, names: Mapping[str, Any], functions: Functions | None = None) -> Any:
    """Return what an attribute such as candidateGroups means: an expression's value, or the text itself.

    A bare word is the variable of that name, or else just that word (`platform`, `repairpoint:WP003`);
    dates and durations may be bare. Raises ExpressionError for an expression that cannot be evaluated.
    """
    from app.engine import timer_text

    text = text.strip()
    if text.startswith("${") and text.endswith("}"):
        return evaluate(text[2:-1], names, functions)
    if timer_text.is_bare(text) or (_WORDS.fullmatch(text) and text not in names):
        return text
    return evaluate(text, names, functions)


def literal_check(text: str) -> ExpressionError | None:
    """Return why `literal_or_value` can never evaluate this text, or None."""
    from app.engine import timer_text

    text = text.strip()
    if text.startswith("${") and text.endswith("}"):
        return check(text[2:-1])
    return None if timer_text.is_bare(text) or _WORDS.fullmatch(text) else check(text)


def assign(script: str, names: Mapping[str, Any], functions: Functions | None = None) -> dict[str, Any]:
    """Return what a script sets: each line is `name = expression`, later lines see what earlier ones set.

    `names` stays as it is; the values are new objects. Raises ExpressionError with the line.
    """
    result: dict[str, Any] = {}
    for line, target, node in parse_script(script):
        try:
            result[target] = plain(_run(node, script, {**names, **result}, functions or {}))
        except ExpressionError as error:
            error.line = error.line or line
            raise
    return result


def check(text: str) -> ExpressionError | None:
    """Return why this text can never be evaluated, or None."""
    try:
        parse(text)
    except ExpressionError as error:
        return error
    return None


def script_check(script: str) -> ExpressionError | None:
    """Return why this script can never be run, or None."""
    try:
        parse_script(script)
    except ExpressionError as error:
        return error
    return None


def names_read(text: str) -> set[str]:
    """Return the variables that the expression looks at; function names are not among them."""
    return _names(parse(text))


def calls(text: str) -> set[tuple[str, Any]]:
    """Return each function called, with its first argument if that is a constant: ("decide", "allowance")."""
    return _calls(parse(text))


def script_names(script: str) -> list[tuple[set[str], str]]:
    """Return, line by line of a script, the variables it reads and the one it sets."""
    return [(_names(node), target) for _line, target, node in parse_script(script)]


def script_calls(script: str) -> set[tuple[str, Any]]:
    """Return the functions that a script calls, as `calls` does."""
    return {call for _line, _target, node in parse_script(script) for call in _calls(node)}


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """Return the expression's tree; raises ExpressionError with the position of what is not allowed."""
    if not isinstance(text, str) or not text.strip():
        raise ExpressionError(_("The expression is empty."))
    if len(text) > MAX_TEXT:
        raise ExpressionError(_("The expression is longer than %(n)s characters.", n=MAX_TEXT))
    tree = _tree(text.strip(), "eval")
    assert isinstance(tree, ast.Expression)
    _check_tree(tree)
    return tree.body


@lru_cache(maxsize=512)
def parse_script(script: str) -> tuple[tuple[int, str, ast.expr], ...]:
    """Return (line, name, tree) of each assignment; raises ExpressionError for anything else."""
    if len(script) > MAX_SCRIPT:
        raise ExpressionError(_("The script is longer than %(n)s characters.", n=MAX_SCRIPT))
    tree = _tree(script.strip(), "exec")
    assert isinstance(tree, ast.Module)
    found = []
    for statement in tree.body:
        target, value = _assignment(statement)
        _check_tree(value, line=statement.lineno)
        found.append((statement.lineno, target, value))
    return tuple(found)


def name_problem(name: str) -> str | None:
    """Return why process data may not hold a variable of this name, or None."""
    if name in RESERVED or name.startswith("__"):
        return _("“%(name)s” is reserved by the engine.", name=name)
    if not name.isidentifier():
        return _("“%(name)s” is not a name: use letters, digits and _.", name=name)
    return None


def _tree(text: str, mode: str) -> ast.AST:
    try:
        return ast.parse(text, mode=mode)
    except SyntaxError as error:
        raise ExpressionError(
            _("This is not a valid expression: %(why)s.", why=error.msg),
            position=error.offset or 0,
            line=(error.lineno or 0) if mode == "exec" else 0,
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ExpressionError(_("This is not a valid expression: %(why)s.", why=str(error))) from error


def _check_tree(tree: ast.AST, *, line: int = 0) -> None:
    # Iterative on purpose: a text of a thousand minus signs must not exhaust the stack here.
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ExpressionError(_("The expression is nested too deeply."), line=line)
        problem = _node_problem(node)
        if problem:
            raise ExpressionError(problem, position=getattr(node, "col_offset", -1) + 1, line=line)
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _node_problem(node: ast.AST) -> str | None:
    if not isinstance(node, _ALLOWED):
        return _refusal(node)
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name):
            return _("Only functions can be called, not methods.")
        if any(keyword.arg is None for keyword in node.keywords):
            return _("Arguments with ** are not allowed.")
    if isinstance(node, ast.Dict) and any(key is None for key in node.keys):
        return _("Entries with ** are not allowed.")
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        return _("“%(name)s” cannot be read: names with a leading underscore are private.", name=node.attr)
    if isinstance(node, ast.Name) and node.id.startswith("__"):
        return _("“%(name)s” cannot be read: names with a leading underscore are private.", name=node.id)
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | int | float | type(None)):
        return _("Only text, numbers, True, False and None can be written out.")
    return None


def _refusal(node: ast.AST) -> str:
    if isinstance(node, ast.BitAnd | ast.BitOr | ast.Invert):
        return _("Use and, or, not; &, | and ~ are not allowed.")
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        return _("Comprehensions are not allowed.")
    return _("%(what)s is not allowed in an expression.", what=type(node).__name__)


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AugAssign):
        target = statement.target
        read = ast.Name(id=getattr(target, "id", ""), ctx=ast.Load(), lineno=statement.lineno, col_offset=0)
        value = ast.BinOp(
            left=read, op=statement.op, right=statement.value, lineno=statement.lineno, col_offset=0
        )
    else:
        target, value = None, None
    if not isinstance(target, ast.Name) or value is None:
        raise ExpressionError(
            _("A script has lines of the form name = expression only."), line=statement.lineno
        )
    problem = name_problem(target.id)
    if problem:
        raise ExpressionError(problem, line=statement.lineno)
    return target.id, value


def _names(tree: ast.AST) -> set[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}


def _calls(tree: ast.AST) -> set[tuple[str, Any]]:
    found: set[tuple[str, Any]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            first = node.args[0] if node.args else None
            found.add((node.func.id, first.value if isinstance(first, ast.Constant) else None))
    return found


def _run(tree: ast.expr, text: str, names: Mapping[str, Any], functions: Functions) -> Any:
    try:
        return _Evaluator(names, functions).run(text, tree)
    except ExpressionError:
        raise
    except RecursionError as error:
        raise ExpressionError(_("The expression is nested too deeply.")) from error
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:300]
        raise ExpressionError(
            _("“%(text)s” could not be evaluated: %(why)s", text=text[:200], why=why)
        ) from error


def _lift(left: Any, right: Any) -> tuple[Any, Any]:
    """Read ISO text as an instant where the other side is one: `callback_at > now()`."""
    if isinstance(left, datetime | timedelta) and isinstance(right, str):
        return left, datetime.fromisoformat(right)
    if isinstance(right, datetime | timedelta) and isinstance(left, str):
        return datetime.fromisoformat(left), right
    return left, right


def _with_instants(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda left, right: apply(*_lift(left, right))


def _add(left: Any, right: Any) -> Any:
    left, right = _lift(left, right)
    if hasattr(left, "__len__") and hasattr(right, "__len__") and len(left) + len(right) > MAX_CHARACTERS:
        raise ExpressionError(_("The value is too large for process data."))
    return _bounded(left + right)


def _multiply(left: Any, right: Any) -> Any:
    for side in (left, right):
        # "x" * 10**9 and [x] * 10**9 would be gigabytes before anybody could measure them.
        if not isinstance(side, int | float | timedelta):
            raise ExpressionError(_("Only numbers can be multiplied."))
    return _bounded(left * right)


def _bounded(value: Any) -> Any:
    return small(value) if isinstance(value, int) else value


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add,
    ast.Sub: _with_instants(operator.sub),
    ast.Mult: _multiply,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Eq: _with_instants(operator.eq),
    ast.NotEq: _with_instants(operator.ne),
    ast.Gt: _with_instants(operator.gt),
    ast.Lt: _with_instants(operator.lt),
    ast.GtE: _with_instants(operator.ge),
    ast.LtE: _with_instants(operator.le),
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.In: lambda item, container: operator.contains(container, item),
    ast.NotIn: lambda item, container: not operator.contains(container, item),
    # `is` is what people write for None, True and False; on other values identity means nothing here.
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}


class _Evaluator(SimpleEval):
    """simpleeval without its own set-up, which copies tables and touches process-wide warnings each time."""

    def __init__(self, names: Mapping[str, Any], functions: Functions) -> None:
        self.operators = _OPERATORS
        self.functions = functions
        self.names = names
        self.nodes = {
            ast.Constant: self._eval_constant,
            ast.Name: self._eval_name,
            ast.UnaryOp: self._eval_unaryop,
            ast.BinOp: self._eval_binop,
            ast.BoolOp: self._eval_boolop,
            ast.Compare: self._eval_compare,
            ast.IfExp: self._eval_ifexp,
            ast.Call: self._eval_call,
            ast.keyword: self._eval_keyword,
            ast.Subscript: self._eval_subscript,
            ast.Slice: self._eval_slice,
            ast.Attribute: self._eval_attribute,
            ast.List: lambda node: [self._eval(item) for item in node.elts],
            ast.Tuple: lambda node: [self._eval(item) for item in node.elts],
            ast.Dict: self._eval_dict,
        }

    def run(self, text: str, tree: ast.expr) -> Any:
        """Evaluate a checked tree."""
        self.expr = text
        return self._eval(tree)

    def _check_disallowed_items(self, item: Any) -> None:
        """Nothing to look for: names never yield functions or modules, and results are checked by `plain`."""

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id in self.names:
            return self.names[node.id]
        raise ExpressionError(_("“%(name)s” has no value here.", name=node.id), position=node.col_offset + 1)

    def _eval_call(self, node: ast.Call) -> Any:
        assert isinstance(node.func, ast.Name)
        function = self.functions.get(node.func.id)
        if function is None:
            raise ExpressionError(_("There is no function “%(name)s”.", name=node.func.id))
        arguments = [self._eval(argument) for argument in node.args]
        return function(*arguments, **{str(k.arg): self._eval(k.value) for k in node.keywords})

    def _eval_attribute(self, node: ast.Attribute) -> Any:
        value = self._eval(node.value)
        if isinstance(value, Mapping) and node.attr in value:
            return value[node.attr]
        raise ExpressionError(
            _("There is no “%(name)s” in it.", name=node.attr), position=node.col_offset + 1
        )

    def _eval_dict(self, node: ast.Dict) -> dict[Any, Any]:
        return {self._eval(key): self._eval(value) for key, value in zip(node.keys, node.values, strict=True)}

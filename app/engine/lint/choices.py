"""A rule about choices: with what people can enter, some way out of a gateway must be open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from flask_babel import gettext as _

from app.engine import expressions
from app.engine.bundles import Library
from app.engine.expressions import ExpressionError
from app.engine.lint.context import WARNING, Findings, ProcessContext
from app.engine.lint.data import set_by

MAX_COMBINATIONS = 500


def every_answer_has_a_way(ctx: ProcessContext) -> Findings:
    """Without a default flow, a value that no condition takes stops the case at the gateway.

    Tried out, not guessed: where all variables come from choices in forms, each combination is evaluated.
    """
    for element in ctx.process.elements.values():
        out = ctx.process.out_of(element.id)
        if element.type != "exclusiveGateway" or element.default or len(out) < 2:
            continue
        conditions = [flow.condition or "" for flow in out]
        stuck = next(_without_way(ctx.known, conditions), None)
        if stuck:
            given = ", ".join(f"{name} = {value!r}" for name, value in stuck.items())
            yield ctx.problem(
                element,
                "uncovered-choice",
                _("No way out is open when %(given)s.", given=given),
                _("Add a flow for it, or make one of the flows the default."),
                level=WARNING,
            )


RULES = (every_answer_has_a_way,)


def _without_way(known: Library, conditions: list[str]) -> Iterator[dict[str, Any]]:
    if any(expressions.check(text) or expressions.calls(text) for text in conditions):
        return
    names = sorted(set().union(*(expressions.names_read(text) for text in conditions)))
    choices = [_choices(known, name) for name in names]
    total = 1
    for values in choices:
        total *= len(values)
    if not 0 < total <= MAX_COMBINATIONS or not names:
        return
    for combination in product(*choices):
        data = dict(zip(names, combination, strict=True))
        try:
            if not any(expressions.evaluate(text, data) for text in conditions):
                yield data
        except ExpressionError:
            return


def _choices(known: Library, name: str) -> list[Any]:
    """Return all values that forms can give a variable; nothing if it can have others too."""
    found: list[Any] = []
    for path, process in known.processes.values():
        for element in process.elements.values():
            if name not in set_by(known, element, path):
                continue
            values = _form_values(known, known.form_path(element.form, path), name)
            if not values or any(script.is_script for script in element.expressions):
                return []
            found.extend(value for value in values if value not in found)
    return found


def _form_values(known: Library, path: str | None, name: str) -> list[Any]:
    if path is None:
        return []
    try:
        fields = json.loads(known.files[path])["properties"]
    except (ValueError, KeyError, TypeError):
        return []
    for key, field in fields.items() if isinstance(fields, dict) else ():
        if isinstance(field, dict) and field.get("x-name", key) == name:
            if field.get("type") == "boolean":
                return [True, False]
            listed = [one.get("const") for one in field.get("oneOf", ()) if isinstance(one, dict)]
            return list(field.get("enum") or listed)
    return []

"""Rules about choices: with what people can enter, some way out of a gateway must be open."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _

from app.engine import expressions
from app.engine.bundles import Library
from app.engine.diagram import Element, Expression
from app.engine.expressions import ExpressionError
from app.engine.lint import sampling
from app.engine.lint.context import WARNING, Findings, ProcessContext
from app.engine.lint.data import START_NAMES, set_by

CHOICES = ("exclusiveGateway", "inclusiveGateway")


def every_answer_has_a_way(ctx: ProcessContext) -> Findings:
    """Without a default flow, a value that no condition takes stops the case at the gateway.

    Tried out, not guessed: conditions are evaluated with values from both sides of everything they compare
    with, or with all that forms let people choose.
    """
    for element in ctx.process.elements.values():
        conditions = [flow.condition or "" for flow in ctx.process.out_of(element.id)]
        if element.type not in CHOICES or element.default or len(conditions) < 2:
            continue
        if not all(conditions) or any(expressions.check(text) for text in conditions):
            continue  # said by other rules
        # What a choice right before has ruled out already needs no way here.
        conditions += [f"not ({text})" for text in _assumed(ctx, element)]
        values = sampling.values_for(conditions, lambda name: choices_of(ctx.known, name))
        told, stuck = ("unknown", None) if values is None else sampling.gap(conditions, values)
        if told == "unknown" and sampling.always_one(conditions):
            continue
        if stuck:
            yield _uncovered(ctx, element, stuck)
        elif told == "unknown":
            yield ctx.problem(
                element,
                "no-default",
                _("No flow is the default, and it cannot be seen that one of the conditions always holds."),
                _("Make the flow for everything else the default of the gateway."),
                level=WARNING,
            )


def compared_values_can_be_chosen(ctx: ProcessContext) -> Findings:
    """A condition on a value that no form offers never holds: mostly a slip of the pen."""
    for flow in ctx.process.flows:
        if not flow.condition:
            continue
        for name, value, offered in impossible(ctx.known, flow.condition):
            yield ctx.problem(
                flow,
                "impossible-value",
                _(
                    "“%(name)s” is never %(value)s; forms give it %(offered)s.",
                    name=name,
                    value=sampling.shown(value),
                    offered=_listed(offered),
                ),
                _("Correct the value, or offer it in the form."),
                level=WARNING,
            )


RULES = (every_answer_has_a_way, compared_values_can_be_chosen)


def _assumed(ctx: ProcessContext, element: Element) -> list[str]:
    """Return the conditions that hold at a gateway since the gateways right before it let the case pass."""
    found: list[str] = []
    seen: set[str] = set()
    current: Element | None = element
    while current is not None and current.id not in seen:
        seen.add(current.id)
        into = ctx.process.into(current.id)
        current = ctx.process.elements.get(into[0].source) if len(into) == 1 else None
        if current is not None and current.type != "exclusiveGateway":
            break
        if current is not None and into[0].condition and not expressions.check(into[0].condition):
            found.append(into[0].condition)
    return found


def impossible(known: Library, text: str) -> list[tuple[str, Any, list[Any]]]:
    """Return (variable, value, what forms offer) for each value that an expression waits for in vain."""
    found = []
    for name, values in sampling.constants_of(_bare(text)).items():
        offered = closed_choices(known, name)
        found += [(name, v, offered) for v in values if offered and v is not None and v not in offered]
    return found


def choices_of(known: Library, name: str) -> list[Any]:
    """Return all values that forms can give a variable; nothing if it can have others too."""
    kept: dict[str, list[Any]] = known.memo.setdefault("choices", {})
    if name not in kept:
        kept[name] = _choices(known, name)
    return kept[name]


def closed_choices(known: Library, name: str) -> list[Any]:
    """Return all values that a variable ever has; nothing if whoever starts the process may give others."""
    return [] if name in START_NAMES else choices_of(known, name)


def _choices(known: Library, name: str) -> list[Any]:
    found: list[Any] = []
    for path, process in known.processes.values():
        for element in process.elements.values():
            if name not in set_by(known, element, path):
                continue
            values = _form_values(known, known.form_path(element.form, path), name)
            if not values or any(name in _assigned(script) for script in element.expressions):
                return []
            found.extend(value for value in values if value not in found)
    return found


def _assigned(script: Expression) -> set[str]:
    if not script.is_script or expressions.script_check(script.text):
        return set()
    return {target for _read, target in expressions.script_names(script.text)}


def _form_values(known: Library, path: str | None, name: str) -> list[Any]:
    if path is None:
        return []
    try:
        fields = json.loads(known.files[path])["properties"]
        for key, field in fields.items():
            if field.get("x-name", key) == name:
                if field.get("type") == "boolean":
                    return [True, False]
                listed = [one.get("const") for one in field.get("oneOf", ())]
                return list(field.get("enum") or listed)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    return []


def _uncovered(ctx: ProcessContext, element: Element, stuck: dict[str, Any]) -> Any:
    given = ", ".join(f"{name} = {sampling.shown(value)}" for name, value in stuck.items())
    return ctx.problem(
        element,
        "uncovered-choice",
        _("No way out is open when %(given)s.", given=given),
        _("Add a flow for it, or make one of the flows the default."),
        level=WARNING,
    )


def _bare(text: str) -> str:
    try:
        expressions.parse(text)
    except ExpressionError:
        return "None"
    return text


def _listed(values: Iterable[Any], most: int = 6) -> str:
    listed = [sampling.shown(value) for value in values]
    return ", ".join(listed[:most]) + (", …" if len(listed) > most else "")

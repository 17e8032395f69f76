"""Rules about process data: a variable that is read must have been set before."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _

from app.engine import decisions, expressions, functions
from app.engine.bundles import Library, reachable
from app.engine.diagram import CAMUNDA_EXPRESSIONS, WORK, Element, Expression, Process
from app.engine.expressions import ExpressionError
from app.engine.lint.context import ERROR, WARNING, Findings, ProcessContext
from app.engine.xml import NS, SPIFF, read_xml

# What an instance starts with: the case's facts, see `cases`.
START_NAMES = frozenset(
    {
        "case_no",
        "channel",
        "kind",
        "klass",
        "severity",
        "other_type",
        "round",
        "rounds",
        "reopened",
        "customer_id",
        "asset_id",
        "department",
        "repair_point",
        "in_warranty",
    }
)
PROCESS_TYPES = ("boolean", "number", "integer", "array")


def variables_are_set_before(ctx: ProcessContext) -> Findings:
    """Reading a variable that no step sets stops the case there; an error if nothing anywhere sets it."""
    everywhere = all_names(ctx.known)
    sets = {element.id: set_by(ctx.known, element, ctx.path) for element in ctx.process.elements.values()}
    before = _set_before(ctx, sets)
    entry = _at_entry(ctx)
    reported: set[tuple[str, str]] = set()
    for place_id, expression in _reads(ctx.process):
        local = set(sets.get(place_id, ())) if _sees_own(expression) else _own_items(ctx.process, place_id)
        known = before.get(place_id, set()) | entry | local
        for name in sorted(read_by_expression(ctx.known, expression) - known):
            if (place_id, name) in reported or _may_be_literal(expression, name):
                continue
            reported.add((place_id, name))
            place = ctx.process.elements.get(place_id)
            yield ctx.problem(
                place or ctx.process,
                "unset-variable",
                _("“%(name)s” is read here, but no earlier step sets it.", name=name)
                if name in everywhere
                else _("“%(name)s” is read here, but no step sets it.", name=name),
                _(
                    "Set it in a form, script or decision before this step, or correct the name; what the "
                    "starter gives is listed in the start event's property “variables”."
                ),
                level=WARNING if name in everywhere or _is_unsure(ctx, place_id) else ERROR,
                line=expression.line,
            )


RULES = (variables_are_set_before,)


def all_names(known: Library) -> set[str]:
    """Return every variable that some step of some process sets, and those that cases start with."""
    if "all_names" not in known.memo:
        found = set(START_NAMES)
        for path, process in known.processes.values():
            for element in process.elements.values():
                found |= set_by(known, element, path)
        known.memo["all_names"] = found
    kept: set[str] = known.memo["all_names"]
    return kept


def set_by(known: Library, element: Element, path: str) -> set[str]:
    """Return the variables that process data has after this element, and may not have had before."""
    kept: dict[tuple[str, str, int], set[str]] = known.memo.setdefault("set_by", {})
    key = (path, element.id, id(element))
    if key not in kept:
        kept[key] = _set_by(known, element, path)
    return kept[key]


def _set_by(known: Library, element: Element, path: str) -> set[str]:
    found: set[str] = set()
    for expression in element.expressions:
        if expression.is_script and not expressions.script_check(expression.text):
            found |= {target for _read, target in expressions.script_names(expression.text)}
    if element.result:
        found.add(element.result)
    if element.decision:
        found |= _outputs(known, element.decision)
    if element.form:
        found |= form_names(known, known.form_path(element.form, path))
    for inner in ("variableName", "messageVariable"):
        found |= {(node.text or "").strip() for node in element.node.iter(f"{{{SPIFF}}}{inner}")}
    many = element.node.find("bpmn:multiInstanceLoopCharacteristics", NS)
    if many is not None:
        found.add(many.findtext("bpmn:loopDataOutputRef", "", NS).strip())
    return found - {""}


def form_names(known: Library, path: str | None) -> set[str]:
    """Return the variables that a form's fields become, by x-to, x-bind, x-process and x-name."""
    return set(process_fields(known, path))


def process_fields(known: Library, path: str | None) -> dict[str, str]:
    """Return process variable → field, for the fields of a form that become process data."""
    if path is None:
        return {}
    try:
        schema = json.loads(known.files[path])
        fields = schema["properties"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        str(field.get("x-name", name)): name
        for name, field in fields
        if isinstance(field, dict) and _to_process(field)
    }


def _to_process(field: dict[str, Any]) -> bool:
    if "x-bind" in field:
        return bool(field.get("x-process")) or field.get("x-to") == "process"
    if "x-to" in field:
        return bool(field["x-to"] == "process")
    if field.get("x-widget") in ("file", "phone", "textarea", "text"):
        return False
    chosen = "enum" in field or "oneOf" in field or "const" in field or "x-options-from" in field
    return chosen or field.get("type") in PROCESS_TYPES or field.get("format") in ("date", "date-time")


def _outputs(known: Library, decision_id: str) -> set[str]:
    decision = _decision(known, decision_id)
    return {name.split(".")[0] for name in decision.outputs} if decision else set()


def _decision(known: Library, decision_id: str) -> decisions.Decision | None:
    path = known.decisions.get(decision_id)
    if path is None:
        return None
    tables = decisions.parse(read_xml(known.files[path]))
    return next((table for table in tables if table.id == decision_id), None)


def _set_before(ctx: ProcessContext, sets: dict[str, set[str]]) -> dict[str, set[str]]:
    """Element or flow id → what some path to it may have set; called processes give back all they set."""
    following = ctx.following()
    own = {id: names | _by_call(ctx, ctx.process.elements[id]) for id, names in sets.items()}
    before: dict[str, set[str]] = {id: set() for id in ctx.process.elements}
    waiting = list(ctx.process.elements)
    while waiting:
        current = waiting.pop()
        after = before[current] | own[current]
        for target in following.get(current, ()):
            if target in before and not after <= before[target]:
                before[target] |= after
                waiting.append(target)
    for flow in ctx.process.flows:
        if flow.source in own:
            before[flow.id] = before[flow.source] | own[flow.source]
    return before


def _by_call(ctx: ProcessContext, element: Element) -> set[str]:
    if not element.called:
        return set()
    found: set[str] = set()
    for process_id in reachable(ctx.known, element.called):
        path, process = ctx.known.processes[process_id]
        for inner in process.elements.values():
            found |= set_by(ctx.known, inner, path)
    return found


def _at_entry(ctx: ProcessContext) -> set[str]:
    """What callers have set by the time they call; exact places in the caller are not looked at."""
    found = set(START_NAMES)
    for path, process in ctx.known.processes.values():
        if process.id != ctx.process.id and ctx.process.id in reachable(ctx.known, process.id):
            for element in process.elements.values():
                found |= set_by(ctx.known, element, path)
    for element in ctx.process.elements.values():
        # Whoever starts it may give more; the start event's property `variables` says what.
        if element.type == "startEvent":
            found |= {name.strip() for name in element.properties.get("variables", "").split(",")}
    return found


def _reads(process: Process) -> Iterator[tuple[str, Expression]]:
    for element in process.elements.values():
        for expression in element.expressions:
            yield element.id, expression
        if element.decision:
            yield element.id, Expression("decision", element.decision, element.line)
    for flow in process.flows:
        if flow.condition:
            yield flow.id, Expression("condition", flow.condition, flow.line)


def read_by_expression(known: Library, expression: Expression) -> set[str]:
    """Return the variables that an expression, script or decision looks at; none if it cannot be read."""
    if expression.kind == "decision":
        return _decision_reads(known, expression.text)
    try:
        if expression.is_script:
            return _script_reads(known, expression.text)
        text = expression.text
        if text.startswith("${"):
            text = text[2:-1]
        tree = expressions.parse(text)
    except ExpressionError:
        return set()
    return expressions.names_read(text) | _decide_reads(known, tree)


def _script_reads(known: Library, script: str) -> set[str]:
    found: set[str] = set()
    done: set[str] = set()
    for (read, target), (_line, _target, tree) in zip(
        expressions.script_names(script), expressions.parse_script(script), strict=True
    ):
        found |= (read | _decide_reads(known, tree)) - done
        done.add(target)
    return found


def _decide_reads(known: Library, tree: ast.expr) -> set[str]:
    """`decide("allowance", step="refer")` reads what the table's columns read, less what the call gives."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "decide":
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant):
                found |= _decision_reads(known, str(first.value)) - {str(word.arg) for word in node.keywords}
    return found


def _decision_reads(known: Library, decision_id: str) -> set[str]:
    decision = _decision(known, decision_id)
    found: set[str] = set()
    for text in decision.inputs if decision else ():
        if not expressions.check(text):
            found |= expressions.names_read(text)
    return found


def _sees_own(expression: Expression) -> bool:
    # After the work is done its form, result and decision are there.
    return expression.kind == "postScript"


def _own_items(process: Process, element_id: str) -> set[str]:
    element = process.elements.get(element_id)
    if element is None:
        return set()
    items = element.node.iterfind("bpmn:multiInstanceLoopCharacteristics/*", NS)
    names = {item.get("name") or item.get("id") or "" for item in items if item.get("id")}
    # A pre-script runs before all else that the element reads.
    for script in element.expressions:
        if script.kind == "preScript" and not expressions.script_check(script.text):
            names |= {target for _read, target in expressions.script_names(script.text)}
    return names


def _may_be_literal(expression: Expression, name: str) -> bool:
    if name in functions.NAMES:
        return True
    # A bare word there is a variable or just that word; unknown groups have a rule of their own.
    return expression.kind in CAMUNDA_EXPRESSIONS and expression.text.strip() == name


def _is_unsure(ctx: ProcessContext, place_id: str) -> bool:
    """Tell whether a step before this one may set anything: work without a form, or a message's payload."""
    flow = next((flow for flow in ctx.process.flows if flow.id == place_id), None)
    for element in ctx.process.elements.values():
        open_ended = (element.type in WORK and not element.form) or "message" in element.event
        if open_ended and (
            place_id in ctx.after(element.id) or (flow and _leads_to(ctx, element.id, flow.source))
        ):
            return True
    return False


def _leads_to(ctx: ProcessContext, source: str, target: str) -> bool:
    return source == target or target in ctx.after(source)

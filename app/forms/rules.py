"""What a form's schema means, decided over plain values: names, targets, conditions, dotted paths."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from typing import Any

WIDGETS = (
    "text",
    "textarea",
    "select",
    "radio",
    "yesno",
    "number",
    "money",
    "date",
    "datetime",
    "phone",
    "rating",
    "file",
    "customer",
    "asset",
    "checklist",
)
TARGETS = ("process", "submission")
RECORDS = ("case", "customer", "asset", "callback", "solution")
OPTION_SOURCES = ("departments", "repair_points", "solutions")

NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
BOUND = re.compile(rf"({'|'.join(RECORDS)})\.([a-z][a-z0-9_]*)")
PATH = re.compile(rf"({'|'.join(RECORDS)}|data)\.([a-z][a-z0-9_]*)")

# A process variable of one of these names breaks the instance: `typename` is the serialiser's own mark, the
# others would hide a function that the diagrams' expressions call.
ENGINE_NAMES = frozenset(
    [
        "typename",
        "working_time",
        "working_day",
        "working_days",
        "next_opening",
        "call_time",
        "decide",
        "ladder",
        "setting",
        "now",
        "days",
        "hours",
        "len",
        "min",
        "max",
        "abs",
        "round",
        "str",
        "int",
        "float",
        "sum",
        "today",
    ]
)
# What a page posts beside the form's fields.
PAGE_NAMES = frozenset(["csrf_token", "revision"])


def field_name_problem(name: str) -> str | None:
    """Say why `name` cannot be a field's, or None: "shape", "reserved"."""
    if not NAME.fullmatch(name) or "__" in name:
        return "shape"
    return "reserved" if name in ENGINE_NAMES or name in PAGE_NAMES else None


def process_name_problem(name: str) -> str | None:
    """Say why `name` cannot be a process variable, or None: "shape", "reserved", "keyword"."""
    return field_name_problem(name) or ("keyword" if keyword.iskeyword(name) else None)


def default_widget(schema: Mapping[str, Any]) -> str:
    """Return the widget of a property that names none."""
    if schema.get("format") in ("date", "phone"):
        return str(schema["format"])
    if schema.get("format") == "date-time":
        return "datetime"
    by_type = {"boolean": "yesno", "integer": "number", "number": "number", "array": "checklist"}
    if schema.get("type") in by_type:
        return by_type[schema["type"]]
    if "oneOf" in schema or "enum" in schema or "x-options-from" in schema:
        return "select"
    return "textarea" if schema.get("maxLength", 0) > 300 else "text"


def default_target(schema: Mapping[str, Any], widget: str) -> str:
    """Return "bound", "process" or "submission": where the value goes unless `x-to` says otherwise.

    Choices, yes/no, numbers and dates steer the process; free text, files and phone numbers may name a person
    and stay out of it.
    """
    if "x-to" in schema:
        return str(schema["x-to"])
    if "x-bind" in schema:
        return "bound"
    return "submission" if widget in ("text", "textarea", "file", "phone") else "process"


def same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def holds(condition: Mapping[str, Any] | None, values: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    """Tell whether an `x-when` condition holds.

    values: the form's values so far; a field that is absent or hidden counts as null.
    data:   process data, read by fields written `data.NAME`.
    """
    if not condition:
        return True
    if "all" in condition:
        return all(holds(part, values, data) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, values, data) for part in condition["any"])
    field = str(condition.get("field", ""))
    value = data.get(field[5:]) if field.startswith("data.") else values.get(field)
    wanted = condition["in"] if "in" in condition else [condition.get("equals")]
    if isinstance(value, list):  # a checklist: one of the ticked ones
        return any(same(part, want) for part in value for want in wanted)
    return any(same(value, want) for want in wanted)


def fields_of(condition: Mapping[str, Any] | None) -> set[str]:
    """Return the names a condition reads, `data.NAME` included."""
    if not condition:
        return set()
    parts = condition.get("all") or condition.get("any")
    if parts:
        return set().union(*(fields_of(part) for part in parts))
    return {str(condition["field"])} if "field" in condition else set()


def visible_fields(
    conditions: Mapping[str, Mapping[str, Any] | None], values: Mapping[str, Any], data: Mapping[str, Any]
) -> set[str]:
    """Return the names of the fields that are shown.

    conditions: each field's `x-when`, or None. A condition on a hidden field reads null; fields that
    depend on each other in a circle are shown rather than lost.
    """
    shown: dict[str, bool] = {}
    open_: set[str] = set()

    def look(name: str) -> bool:
        if name in shown:
            return shown[name]
        if name in open_:
            return True
        open_.add(name)
        known = {
            other: values.get(other)
            for other in fields_of(conditions[name])
            if other in conditions and look(other)
        }
        open_.discard(name)
        shown[name] = holds(conditions[name], known, data)
        return shown[name]

    return {name for name in conditions if look(name)}


def settle(condition: Mapping[str, Any] | None, data: Mapping[str, Any], names: set[str]) -> Any:
    """Reduce a condition to what a browser can watch: the parts about process data become true or false.

    names: the form's fields. Returns True, False, or a condition over those fields alone.
    """
    if not condition:
        return True
    for word, neutral in (("all", True), ("any", False)):
        if word in condition:
            parts = [settle(part, data, names) for part in condition[word]]
            if (not neutral) in parts:
                return not neutral
            left = [part for part in parts if part is not neutral]
            if not left:
                return neutral
            return left[0] if len(left) == 1 else {word: left}
    if str(condition.get("field", "")) in names:
        wanted = list(condition["in"]) if "in" in condition else [condition.get("equals")]
        return {"field": condition["field"], "in": wanted}
    return holds(condition, {}, data)


def at_path(context: Mapping[str, Any], path: str) -> Any:
    """Return the value of "case.title", "data.payer"…, or None where there is none.

    context: record name to a mapping or an object; `class` is found as `klass` too.
    """
    match = PATH.fullmatch(path)
    if match is None:
        return None
    record, name = context.get(match[1]), match[2]
    for candidate in (name, "klass") if name == "class" else (name,):
        value = record.get(candidate) if isinstance(record, Mapping) else getattr(record, candidate, None)
        if value is not None:
            return value
    return None

"""Rules about forms and processes together: what is asked and never used, what is shown and never set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask_babel import gettext as _

from app.engine import decisions
from app.engine.bundles import Library, kind
from app.engine.lint.context import WARNING, Findings
from app.engine.lint.data import all_names, process_fields, read_by_expression
from app.engine.problems import Problem
from app.engine.xml import BadFile, read_xml


def check_usage(known: Library) -> Findings:
    """Yield the findings about the forms that some step of some process uses."""
    used = _used_forms(known)
    if not used:
        return
    read = _read_anywhere(known)
    settable = all_names(known) | process_names(known)
    for path in sorted(used):
        fields = process_fields(known, path)
        for variable, field in sorted(fields.items()):
            if variable not in read:
                yield Problem(
                    path, _line(known, path, field), field, "", "field-never-read", WARNING,
                    _(
                        "“%(name)s” becomes process data, but no step, condition, table or form reads it.",
                        name=variable,
                    ),
                    _('Read it, or keep it with the submission alone: "x-to": "submission".'),
                )  # fmt: skip
        for variable, field in sorted(_shown(known, path).items()):
            if variable not in settable:
                yield Problem(
                    path, _line(known, path, f"data.{variable}"), field, "", "field-never-set", WARNING,
                    _("The form looks at “%(name)s”, but no step sets it.", name=variable),
                    _("Set it in an earlier form, script or decision, or correct the name."),
                )  # fmt: skip


def process_names(known: Library) -> set[str]:
    """Return the variables that starters give, as the start events' property `variables` says."""
    found: set[str] = set()
    for _path, process in known.processes.values():
        for element in process.elements.values():
            if element.type == "startEvent":
                found |= {name.strip() for name in element.properties.get("variables", "").split(",")}
    return found - {""}


def _used_forms(known: Library) -> set[str]:
    found = {
        known.form_path(element.form, path)
        for path, process in known.processes.values()
        for element in process.elements.values()
        if element.form
    }
    return {path for path in found if path}


def _read_anywhere(known: Library) -> set[str]:
    found: set[str] = set()
    for _path, process in known.processes.values():
        for expression in process.all_expressions():
            found |= read_by_expression(known, expression)
            if not expression.is_script:
                found |= _words(expression.text)
        for element in process.elements.values():
            # What a message, signal or property names may be read by the desk itself.
            found |= {value for value in element.properties.values() if value.isidentifier()}
    for path in known.decisions.values():
        found |= _read_by_table(known.files[path])
    for path in known.files:
        if kind(path) == "form":
            found |= set(_shown(known, path)) | _conditions(known, path)
    return found


def _words(text: str) -> set[str]:
    text = text.strip()
    return {text} if text.isidentifier() else set()


def _read_by_table(content: bytes) -> set[str]:
    try:
        tables = decisions.parse(read_xml(content))
    except BadFile:
        return set()
    return {name for table in tables for name in table.names}


def _conditions(known: Library, path: str) -> set[str]:
    """Names that `x-when` looks at; a form's own fields are looked at while it is filled in."""
    return {text for text in _texts(_schema(known, path), "x-when") if text.isidentifier()}


def _shown(known: Library, path: str) -> dict[str, str]:
    """Return process variable → field (or "") for everything that a form takes from process data."""
    found: dict[str, str] = {}
    schema = _schema(known, path)
    for text in _texts(schema, "x-context"):
        if text.startswith("data."):
            found.setdefault(text.split(".")[1], "")
    fields = schema.get("properties")
    for name, field in fields.items() if isinstance(fields, dict) else ():
        for key in ("x-when", "x-default"):
            for text in _texts(field, key):
                if text.startswith("data."):
                    found.setdefault(text.split(".")[1], name)
    return found


def _texts(value: Any, key: str) -> Iterator[str]:
    """Yield the texts below `key`, however deep; a form is as deep as its parser allows."""
    waiting = [(value, False)]
    while waiting:
        one, below = waiting.pop()
        if isinstance(one, dict):
            waiting.extend((inner, below or name == key) for name, inner in one.items())
        elif isinstance(one, list):
            waiting.extend((inner, below) for inner in one)
        elif below and isinstance(one, str):
            yield one


def _schema(known: Library, path: str) -> dict[str, Any]:
    kept: dict[str, dict[str, Any]] = known.memo.setdefault("schemas", {})
    if path not in kept:
        try:
            schema = json.loads(known.files[path])
        except (ValueError, RecursionError):
            schema = None
        kept[path] = schema if isinstance(schema, dict) else {}
    return kept[path]


def _line(known: Library, path: str, text: str) -> int:
    content = known.files[path].decode("utf-8", "replace")
    at = content.find(f'"{text}"')
    return content.count("\n", 0, at) + 1 if at >= 0 else 0

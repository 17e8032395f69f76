"""Rules about form files."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from app.engine import expressions, functions
from app.engine.lint.context import ERROR, WARNING, Findings
from app.engine.problems import Problem

# A repeated group that ends in something repeated: tried in more ways than there are seconds.
_SLOW = re.compile(r"\([^()]*[+*]\)?[^()]*\)(?:[+*]|\{\d*,)")


def check_form(path: str, content: bytes) -> Findings:
    """Yield the findings of one form."""
    try:
        schema = json.loads(content, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        yield _problem(
            path,
            "bad-json",
            _("This is not JSON: %(why)s.", why=error.msg),
            _("Correct the text."),
            line=error.lineno,
        )
        return
    except (ValueError, RecursionError) as error:
        yield _problem(
            path, "bad-json", _("This is not JSON: %(why)s.", why=str(error)), _("Correct the text.")
        )
        return
    if not isinstance(schema, dict) or schema.get("type") != "object":
        yield _problem(
            path,
            "bad-form",
            _("A form is a JSON Schema of type “object”."),
            _('Begin with "type": "object" and list the fields under "properties".'),
        )
        return
    text = content.decode("utf-8", "replace")
    yield from _schema(path, content)
    yield from _foreign_and_slow(path, text, schema)
    yield from _fields(path, text, schema)


def _schema(path: str, content: bytes) -> Findings:
    for where, why in _schema_errors(content):
        yield _problem(
            path,
            "bad-form",
            _(
                "The form does not follow JSON Schema at %(where)s: %(why)s",
                where=where or "/",
                why=why[:200],
            ),
            _("Correct this part of the form."),
            name=where,
        )


@lru_cache(maxsize=256)
def _schema_errors(content: bytes) -> tuple[tuple[str, str], ...]:
    """Return (where, why) if the schema is wrong; kept, since most forms are checked again unchanged."""
    try:
        Draft202012Validator.check_schema(json.loads(content))
    except SchemaError as error:
        return (("/".join(str(part) for part in error.absolute_path), error.message),)
    except RecursionError as error:
        return (("", str(error)),)
    return ()


def _foreign_and_slow(path: str, text: str, schema: dict[str, Any]) -> Findings:
    """What a form would fetch from elsewhere, and patterns that take for ever on some texts."""
    waiting: list[tuple[str, Any]] = [("", schema)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((str(name), inner) for name, inner in value.items())
        elif isinstance(value, list):
            waiting.extend((key, inner) for inner in value)
        elif key in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
            yield _problem(
                path,
                "bad-form",
                _("The form refers to “%(what)s”, outside itself.", what=str(value)[:80]),
                _("Write the part into the form."),
                line=_line(text, key),
            )
        elif key == "pattern" and isinstance(value, str) and _SLOW.search(value):
            yield _problem(
                path,
                "slow-pattern",
                _("The pattern “%(what)s” takes for ever on some texts.", what=value[:80]),
                _("Do not repeat what is repeated inside already: (a+)+ means a+."),
                line=_line(text, key),
            )


def _fields(path: str, text: str, schema: dict[str, Any]) -> Findings:
    properties = schema.get("properties")
    fields = properties if isinstance(properties, dict) else {}
    for name, field in fields.items():
        alias = field.get("x-name", name) if isinstance(field, dict) else name
        for used in {name, str(alias)}:
            problem = expressions.name_problem(used)
            if problem:
                yield _problem(
                    path, "reserved-field", problem, _("Rename the field."), name=name, line=_line(text, name)
                )
            elif used in functions.NAMES:
                yield _problem(
                    path,
                    "reserved-field",
                    _("“%(name)s” is also the name of a function.", name=used),
                    _("Rename the field, so that expressions stay readable."),
                    name=name,
                    line=_line(text, name),
                    level=WARNING,
                )
    for name in schema.get("required") or ():
        if isinstance(name, str) and name not in fields:
            yield _problem(
                path,
                "bad-form",
                _("The required field “%(name)s” does not exist.", name=name),
                _('Add the field, or take it out of "required".'),
                name=name,
            )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(_("“%(name)s” is there twice", name=key))
        found[key] = value
    return found


def _line(text: str, name: str) -> int:
    match = re.search(rf'"{re.escape(name)}"\s*:', text)
    return text.count("\n", 0, match.start()) + 1 if match else 0


def _problem(
    path: str, rule: str, message: str, remedy: str, *, name: str = "", line: int = 0, level: str = ERROR
) -> Problem:
    return Problem(path, line, name, "", rule, level, message, remedy)

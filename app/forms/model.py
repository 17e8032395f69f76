"""A form: its schema read once into fields that the parser and the templates use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import get_locale, gettext
from jsonschema import Draft202012Validator, SchemaError

from app.errors import AppError
from app.forms import rules

# How a value is read and shown follows from the widget, and from the type where a choice may be of several.
SCALARS = ("string", "integer", "number", "boolean")


class FormBroken(AppError):
    """The form file itself is wrong; `problems` are for its author."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Choice:
    """One option. `label` is shown through the content catalogue; `detail` beside it in small."""

    value: Any
    label: str
    detail: str = ""


@dataclass(frozen=True)
class ContextLine:
    """One read-only line above the form: a dotted path, and the file's own label if it gives one."""

    path: str
    label: str = ""


@dataclass(frozen=True)
class Field:
    """One property of the form.

    kind:         JSON type of the value (of its items for a list): string, integer, number or boolean.
    many:         the value is a list.
    target:       "bound", "process" or "submission".
    bind:         "case.severity" when bound, else None.
    process_name: the process variable that takes the value, or None.
    options_from: "departments" and so on when the server supplies the choices.
    when:         the `x-when` condition, or None.
    """

    name: str
    label: str
    widget: str
    kind: str
    many: bool
    required: bool
    target: str
    bind: str | None
    process_name: str | None
    options: tuple[Choice, ...]
    options_from: str | None
    when: Mapping[str, Any] | None
    default: Any
    help: str
    schema: Mapping[str, Any]
    english: Mapping[str, str] = field(default_factory=dict)

    def say(self, text: str) -> str:
        """Return a text of this field in the reader's language: the form's own `x-en`, else the catalogue."""
        return say(text, self.english)

    @property
    def chooses(self) -> bool:
        """Tell whether one picks among given options."""
        return self.widget in ("select", "radio", "checklist") or bool(self.options or self.options_from)

    @classmethod
    def from_schema(
        cls, name: str, schema: Mapping[str, Any], required: bool, english: Mapping[str, str] | None = None
    ) -> Field:
        """Read one property; `english`: the form's own translations."""
        widget = schema.get("x-widget") or rules.default_widget(schema)
        many = schema.get("type") == "array"
        part = schema.get("items", {}) if many else schema
        target = rules.default_target(schema, widget)
        bind = schema.get("x-bind")
        to_process = target == "process" or bool(bind and schema.get("x-process"))
        return cls(
            name=name,
            label=schema.get("title") or name,
            widget=widget,
            kind=_kind(part, widget),
            many=many,
            required=required,
            target=target,
            bind=bind,
            process_name=(schema.get("x-name") or name) if to_process else None,
            options=_options(part),
            options_from=schema.get("x-options-from"),
            when=schema.get("x-when"),
            default=schema.get("x-default", schema.get("default")),
            help=schema.get("x-help") or schema.get("description") or "",
            schema=schema,
            english=english or {},
        )


@dataclass(frozen=True)
class Form:
    """A whole form: `Form.from_schema(schema)`; raises FormBroken where the file is wrong."""

    title: str
    submit: str
    help: str
    context: tuple[ContextLine, ...]
    fields: tuple[Field, ...]
    schema: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_schema(cls, schema: Mapping[str, Any]) -> Form:
        """Read a form file's content."""
        found = problems(schema)
        if found:
            raise FormBroken(found)
        required = schema.get("required", [])
        return cls(
            title=schema.get("title", ""),
            submit=schema.get("x-submit", ""),
            help=schema.get("x-help") or schema.get("description") or "",
            context=tuple(_context_lines(schema.get("x-context", []))),
            fields=tuple(
                Field.from_schema(name, part, name in required, schema.get("x-en"))
                for name, part in schema.get("properties", {}).items()
            ),
            schema=schema,
        )

    def say(self, text: str) -> str:
        """Return a text of this form in the reader's language: its own `x-en`, else the catalogue."""
        return say(text, self.schema.get("x-en", {}))

    def __getitem__(self, name: str) -> Field:
        """Return the field of that name."""
        return next(part for part in self.fields if part.name == name)

    def visible(self, values: Mapping[str, Any], data: Mapping[str, Any]) -> set[str]:
        """Return the names of the fields that are shown for these values and this process data."""
        return rules.visible_fields({part.name: part.when for part in self.fields}, values, data)

    def texts(self) -> Iterator[str]:
        """Give every text that a person reads, so that a test can ask for its translation."""
        yield from filter(None, (self.title, self.submit, self.help, *(line.label for line in self.context)))
        for part in self.fields:
            yield part.label
            yield from filter(None, (part.help, part.schema.get("x-unit"), part.schema.get("x-error")))
            yield from (option.label for option in part.options if isinstance(option.label, str))


def say(text: str, english: Mapping[str, str]) -> str:
    """Return a form's Chinese text in the reader's language; "" stays ""."""
    if not text:
        return ""
    own = english.get(text) if str(get_locale()) == "en" else None
    return own or gettext(text)


def _kind(schema: Mapping[str, Any], widget: str) -> str:
    if schema.get("type") in SCALARS:
        return str(schema["type"])
    return "integer" if widget in ("rating", "file", "customer", "asset", "money") else "string"


def _options(schema: Mapping[str, Any]) -> tuple[Choice, ...]:
    if "oneOf" in schema:
        return tuple(
            Choice(part.get("const"), str(part.get("title", part.get("const"))), part.get("description", ""))
            for part in schema["oneOf"]
        )
    return tuple(Choice(value, str(value)) for value in schema.get("enum", []))


def _context_lines(lines: Sequence[Any]) -> Iterator[ContextLine]:
    for line in lines:
        if isinstance(line, str):
            yield ContextLine(line)
        else:
            yield ContextLine(line["path"], line.get("title", ""))


def problems(schema: Any) -> list[str]:
    """Return what is wrong with a form file, one English sentence each naming the field; [] if it is fine."""
    if not isinstance(schema, Mapping):
        return ["A form is a JSON object."]
    try:
        Draft202012Validator.check_schema(dict(schema))
    except SchemaError as error:
        where = "/".join(str(part) for part in error.absolute_path) or "the form"
        return [f"{where}: {error.message}"]
    if schema.get("type") != "object" or not isinstance(schema.get("properties", {}), Mapping):
        return ['A form has "type": "object" and its fields under "properties".']
    fields = schema.get("properties", {})
    english = schema.get("x-en", {})
    if not isinstance(english, Mapping) or not all(isinstance(one, str) for one in english.values()):
        return ["x-en is an object: a Chinese text of the form to its English."]
    found = [
        f"required: there is no field {name!r}." for name in schema.get("required", []) if name not in fields
    ]
    for line in schema.get("x-context", []) if isinstance(schema.get("x-context", []), list) else [None]:
        path = line.get("path") if isinstance(line, Mapping) else line
        if not isinstance(path, str) or not rules.PATH.fullmatch(path):
            found.append(f'x-context: {path!r} is no path such as "case.description" or "data.payer".')
    names: dict[str, str] = {}
    for name, part in fields.items():
        found += [f"{name}: {problem}" for problem in _field_problems(name, part, set(fields))]
        if isinstance(part, Mapping) and not found:
            process_name = Field.from_schema(name, part, False).process_name
            if process_name and names.setdefault(process_name, name) != name:
                found.append(f"{name}: the field {names[process_name]} already sets {process_name}.")
    found += [f"{ref}: a form refers to nothing outside itself." for ref in _foreign_refs(schema)]
    return found


def _field_problems(name: str, part: Any, fields: set[str]) -> Iterator[str]:
    if not isinstance(part, Mapping):
        yield "a field is an object."
        return
    if problem := rules.field_name_problem(name):
        yield (
            "this name is taken by the engine or the page; choose another."
            if problem == "reserved"
            else "a field's name is small letters, digits and single underscores, beginning with a letter."
        )
    widget = part.get("x-widget", rules.default_widget(part))
    if widget not in rules.WIDGETS:
        yield f"there is no widget {widget!r}; choose one of {', '.join(rules.WIDGETS)}."
        return
    kinds = (
        {"file": ("array",), "checklist": ("array",), "yesno": ("boolean",)}
        | dict.fromkeys(("text", "textarea", "date", "datetime", "phone"), ("string",))
        | dict.fromkeys(("money", "rating", "customer", "asset"), ("integer",))
        | {"number": ("integer", "number")}
    ).get(widget, SCALARS)
    if part.get("type") not in kinds:
        yield f"the widget {widget} is for {' or '.join(kinds)}, not for {part.get('type')!r}."
    if part.get("x-to", "process") not in rules.TARGETS:
        yield f"x-to is {' or '.join(rules.TARGETS)}."
    if "x-bind" in part and not rules.BOUND.fullmatch(str(part["x-bind"])):
        yield f"x-bind {part['x-bind']!r} names no attribute of {', '.join(rules.RECORDS)}."
    if not isinstance(part.get("x-name", name), str):
        yield "x-name is a text."
    elif rules.default_target(part, widget) == "process" or part.get("x-process"):
        process_name = part.get("x-name", name)
        if rules.process_name_problem(process_name):
            yield f"{process_name!r} cannot be a process variable; give another as x-name."
    if part.get("x-options-from", "departments") not in rules.OPTION_SOURCES:
        yield f"x-options-from is one of {', '.join(rules.OPTION_SOURCES)}."
    choices = part.get("items", {}) if part.get("type") == "array" else part
    if widget in ("select", "radio", "checklist"):
        if not isinstance(choices, Mapping) or not ({"oneOf", "enum", "x-options-from"} & {*choices, *part}):
            yield "nothing to choose from: give oneOf, enum or x-options-from."
        elif any("const" not in option for option in choices.get("oneOf", []) if isinstance(option, Mapping)):
            yield "each oneOf option has a const and a title."
    yield from _condition_problems(part.get("x-when"), fields)


def _condition_problems(when: Any, fields: set[str], depth: int = 0) -> Iterator[str]:
    if when is None:
        return
    if not isinstance(when, Mapping) or depth > 5:
        yield "x-when is an object such as {field, in: […]} or {all: […]}."
        return
    for word in ("all", "any"):
        if word in when:
            if not isinstance(when[word], list) or not when[word]:
                yield f"x-when: {word} is a list of conditions."
                return
            for part in when[word]:
                yield from _condition_problems(part or {}, fields, depth + 1)
            return
    read = when.get("field")
    if not isinstance(read, str) or read not in fields and not re.fullmatch(r"data\.[a-z][a-z0-9_]*", read):
        yield f"x-when reads {read!r}, which is neither a field of this form nor data.NAME."
    if ("in" in when) == ("equals" in when) or not isinstance(when.get("in", []), list):
        yield "x-when has either in: […] or equals."


def _foreign_refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        ref = schema.get("$ref")
        if isinstance(ref, str) and not ref.startswith("#"):
            yield ref
        for part in schema.values():
            yield from _foreign_refs(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _foreign_refs(part)

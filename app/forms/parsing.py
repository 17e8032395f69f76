"""What was posted, by a page or as JSON, to checked values and where each of them goes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, has_app_context
from flask_babel import force_locale
from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from app.errors import FieldError
from app.forms import coerce, messages, rules
from app.forms.formats import FORMATS
from app.forms.model import Choice, Field, Form, FormBroken

# What the object as a whole may ask beside its fields.
WHOLE = (
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "$defs",
)

Choices = Mapping[str, Sequence[Choice]]


@dataclass(frozen=True)
class Parsed:
    """The outcome of reading a form.

    values:      field name to value, only of the fields shown and answered; what the submission keeps.
    process:     process variable to value; a field shown and left blank gives None.
    bound:       "case.severity" to value; None only where something was shown and then cleared.
    errors:      in the order of the form; empty when the answers fit.
    typed:       what came in, as it came, JSON-ready: for drawing the form again and for drafts.
    files:       field name to the files of a plain multipart post, for the caller to keep and `attach`.
    suggestions: what a look-up without script found, to choose from when the form is drawn again.
    """

    values: dict[str, Any]
    process: dict[str, Any]
    bound: dict[str, Any]
    errors: list[FieldError]
    typed: dict[str, Any]
    files: dict[str, list[Any]] = field(default_factory=dict)
    suggestions: dict[str, list[Choice]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Tell whether the answers fit."""
        return not self.errors

    @property
    def submission(self) -> dict[str, Any]:
        """What the submission row keeps: every answer, whole."""
        return self.values

    def attach(self, name: str, ids: Sequence[int]) -> Parsed:
        """Add the ids of files that the caller has kept; also to `typed`: a refused form keeps them."""
        values = {**self.values, name: [*self.values.get(name, []), *ids]}
        typed = {**self.typed, name: [*self.typed.get(name, []), *(str(number) for number in ids)]}
        return replace(self, values=values, typed=typed, files={**self.files, name: []})


def parse(
    schema: Mapping[str, Any] | Form,
    posted: Any,
    *,
    context: Mapping[str, Any] | None = None,
    locale: str | None = None,
    zone: tzinfo | None = None,
    choices: Choices | None = None,
    files: Any = None,
    lookups: Mapping[str, Callable[[str], Iterable[Choice]]] | None = None,
) -> Parsed:
    """Read and check what was posted for a form.

    posted:  a MultiDict of a page, or a mapping of JSON values (unknown keys are then refused, not ignored).
    context: {"case": …, "customer": …, "asset": …, "callback": …, "data": process data}, mappings or objects.
    zone:    in which days and hours were typed; the centre's unless given.
    choices: what `x-options-from` fields offer, by source name or by field name.
    files:   the MultiDict of a multipart post.
    lookups: "customer"/"asset" to a search, for a text typed without script.
    Never raises for anything posted; a faulty form file is an error of the whole form (field "").
    """
    language = force_locale(locale) if locale and has_app_context() else nullcontext()
    with language:
        reader = _Reader(posted, context or {}, zone or centre_zone(), choices or {}, files, lookups or {})
        try:
            form = schema if isinstance(schema, Form) else Form.from_schema(schema)
        except FormBroken:
            return Parsed({}, {}, {}, [FieldError("", messages.broken())], reader.typed_of(()))
        return reader.read(form)


def centre_zone() -> tzinfo:
    """Return the zone that staff type times in."""
    name = current_app.config["SETTINGS"].centre_timezone if has_app_context() else "Asia/Shanghai"
    return ZoneInfo(name)


def initial(field: Field, context: Mapping[str, Any]) -> Any:
    """Return what a field starts with: its `x-default`, else the bound record's present value.

    A bound phone number is not shown, as it is masked everywhere else; nor is a masked text, which would be
    written back over the true one.
    """
    if isinstance(field.default, str) and rules.PATH.fullmatch(field.default):
        value = rules.at_path(context, field.default)
    elif field.default is not None:
        value = field.default
    elif field.bind and field.widget != "phone":
        value = rules.at_path(context, field.bind)
    else:
        return None
    return None if isinstance(value, str) and "**" in value else value


def offered(field: Field, choices: Choices) -> list[Choice] | None:
    """Return what may be chosen, or None when anything of the right type may: the caller supplied no list."""
    extra = choices.get(field.name) or choices.get(field.options_from or "")
    if extra is None and field.options_from:
        return None
    return [*field.options, *(extra or ())] if field.chooses else None


class _Reader:
    """One reading of one post."""

    def __init__(
        self,
        posted: Any,
        context: Mapping[str, Any],
        zone: tzinfo,
        choices: Choices,
        files: Any,
        lookups: Mapping[str, Callable[[str], Iterable[Choice]]],
    ) -> None:
        self.page = hasattr(posted, "getlist")
        self.posted: Any = posted if self.page or isinstance(posted, Mapping) else {}
        self.strange = not self.page and not isinstance(posted, Mapping)
        data = context.get("data")
        self.context = context
        self.data: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
        self.zone, self.choices, self.lookups = zone, choices, lookups
        self.posted_files = files
        self.errors: dict[str, str] = {}
        self.suggestions: dict[str, list[Choice]] = {}

    def read(self, form: Form) -> Parsed:
        values: dict[str, Any] = {}
        for part in form.fields:
            try:
                value = self.value(part)
            except coerce.Unreadable as error:
                self.errors[part.name] = messages.unreadable(part, error.why)
                continue
            if value is not None and value != "" and value != []:
                values[part.name] = value
        files = {part.name: self.files_of(part) for part in form.fields if part.widget == "file"}
        shown = form.visible(values, self.data)
        values = {name: value for name, value in values.items() if name in shown}
        self.check(form, values, shown, files)
        process, bound = self.targets(form, values, shown)
        return Parsed(
            values=values,
            process=process,
            bound=bound,
            errors=list(self.found(form, shown)),
            typed=self.typed_of(form.fields),
            files={name: some for name, some in files.items() if some and name in shown},
            suggestions=self.suggestions,
        )

    def found(self, form: Form, shown: set[str]) -> Iterator[FieldError]:
        """Give the errors in the form's order, the whole form's last; hidden fields are silent."""
        names = [part.name for part in form.fields]
        for name in (*(name for name in names if name in shown), *(n for n in self.errors if n not in names)):
            if name in self.errors:
                yield FieldError(name, self.errors[name])

    def raw(self, part: Field) -> Any:
        """Return what was posted for a field: text, a list of texts, or a JSON value."""
        if not self.page:
            return self.posted.get(part.name)
        if part.many:
            return [text for text in self.posted.getlist(part.name) if isinstance(text, str)]
        return self.posted.get(part.name)

    def value(self, part: Field) -> Any:
        """Read one field; None when it was left blank. Raises Unreadable."""
        raw = self.raw(part)
        if part.widget in ("customer", "asset") and (raw is None or raw == ""):
            return self.looked_up(part)
        if raw is None or isinstance(raw, str) and not coerce.clean(raw):
            return None
        if part.many:
            return coerce.to_list(raw, lambda item: self.one(part, item))
        return self.one(part, raw)

    def one(self, part: Field, raw: Any) -> Any:
        """Read one value of a field by its widget, else by its type."""
        match part.widget:
            case "money":
                return coerce.to_money(raw)
            case "date":
                return coerce.to_date(raw)
            case "datetime":
                return coerce.to_datetime(raw, self.zone)
            case "phone":
                return coerce.to_phone(raw)
            case "file" | "customer" | "asset":
                return coerce.to_id(raw)
        match part.kind:
            case "boolean":
                return coerce.to_yesno(raw)
            case "integer" | "number":
                return coerce.to_number(raw, whole=part.kind == "integer")
        return coerce.to_text(raw, lines=part.widget == "textarea")

    def looked_up(self, part: Field) -> Any:
        """Resolve a text typed into a look-up without script; the one match counts, several are offered."""
        query = self.posted.get(f"{part.name}__text", "")
        query = coerce.clean(query) if isinstance(query, str) else ""
        search = self.lookups.get(part.widget)
        if not query or search is None:
            if query:
                self.errors[part.name] = messages.unreadable(part)
            return None
        found = list(search(query))
        if len(found) == 1:
            return found[0].value
        self.suggestions[part.name] = found
        self.errors[part.name] = messages.several(query) if found else messages.none_found(query)
        return None

    def files_of(self, part: Field) -> list[Any]:
        if self.posted_files is None:
            return []
        return [file for file in self.posted_files.getlist(part.name) if getattr(file, "filename", "")]

    def typed_of(self, fields: Sequence[Field]) -> dict[str, Any]:
        """Return what came in for these fields, untouched but JSON-ready."""
        typed: dict[str, Any] = {}
        for part in fields:
            raw = self.raw(part)
            if raw is not None:
                typed[part.name] = raw
            text = self.posted.get(f"{part.name}__text")
            if part.widget in ("customer", "asset") and isinstance(text, str) and text:
                typed[f"{part.name}__text"] = text
        return typed

    def check(self, form: Form, values: dict[str, Any], shown: set[str], files: dict[str, list[Any]]) -> None:
        """Hold the values against the JSON Schema of the fields that are shown."""
        if self.strange:
            self.errors[""] = messages.whole_form()
        if not self.page:
            known = {part.name for part in form.fields}
            for name in self.posted:
                if name not in known and not str(name).endswith("__text"):
                    self.errors[str(name)] = messages.unknown(str(name))
        # Files that come with the post count as given; their ids are made after the check.
        held = dict(values)
        for name, some in files.items():
            if some and name in shown:
                held[name] = [*values.get(name, []), *range(-len(some), 0)]
        effective = {key: form.schema[key] for key in WHOLE if key in form.schema} | {
            "type": "object",
            "properties": {part.name: self.effective(part) for part in form.fields if part.name in shown},
            "required": [part.name for part in form.fields if part.required and part.name in shown],
        }
        try:
            validator = Draft202012Validator(effective, registry=Registry(), format_checker=FORMATS)
            # Shallow paths first: the field itself before one of its items.
            for error in sorted(validator.iter_errors(held), key=lambda error: len(error.absolute_path)):
                for name, text in self.said(form, error, held):
                    if name in shown or name == "":
                        self.errors.setdefault(name, text)
        except (Unresolvable, re.error, RecursionError):
            self.errors[""] = messages.broken()

    def effective(self, part: Field) -> dict[str, Any]:
        """Return a property's schema with the choices that the server supplies as its enum."""
        schema = {key: value for key, value in part.schema.items() if not key.startswith("x-")}
        options = offered(part, self.choices)
        if options is not None:
            inner = dict(schema.get("items", {})) if part.many else schema
            inner.pop("oneOf", None)
            inner["enum"] = [option.value for option in options]
            if part.many:
                schema["items"] = inner
        if part.widget == "rating":
            schema = {"minimum": 1, "maximum": 5} | schema
        if schema.get("format") == "phone":
            del schema["format"]
        return schema

    def said(self, form: Form, error: ValidationError, held: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Turn one finding of the validator into (field, sentence)."""
        names = {part.name for part in form.fields}
        if error.absolute_path and error.absolute_path[0] in names:
            part = form[str(error.absolute_path[0])]
            yield part.name, messages.refused(part, error)
            return
        wanted: list[str] = []
        rule: Any = error.validator_value
        if error.validator == "required":
            wanted = [name for name in rule if name not in held and name in names]
        elif error.validator == "dependentRequired":
            pairs = rule.items()
            wanted = [name for key, more in pairs if key in held for name in more if name in names - {*held}]
        for name in wanted:
            yield name, messages.missing(form[name])
        if not wanted:
            yield "", messages.whole_form()

    def targets(
        self, form: Form, values: dict[str, Any], shown: set[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Sort the values by where they go; hidden fields go nowhere."""
        process: dict[str, Any] = {}
        bound: dict[str, Any] = {}
        for part in form.fields:
            if part.name not in shown:
                continue
            if part.process_name:
                process[part.process_name] = values.get(part.name)
            if part.bind and part.target == "bound":
                answered = part.name in values
                # Left blank where nothing was shown says nothing about the record; cleared by hand says None.
                blank = part.name in self.posted and self.raw(part) in ("", None, [])
                cleared = blank and initial(part, self.context) is not None
                # Two fields of different conditions may write one attribute: an answer outweighs a blank.
                if answered or (cleared and part.bind not in bound):
                    bound[part.bind] = values.get(part.name)
        return process, bound

"""What the builder of forms offers and says, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import force_locale, gettext
from flask_babel import gettext as _

from app.engine import bundles
from app.forms import rules

# What each widget stores: (JSON type, more of the schema that it starts with).
STARTS: Mapping[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": 200},
    "textarea": {"type": "string", "maxLength": 2000},
    "select": {"type": "string"},
    "radio": {"type": "string"},
    "yesno": {"type": "boolean"},
    "number": {"type": "integer"},
    "money": {"type": "integer", "minimum": 0},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "phone": {"type": "string", "format": "phone"},
    "rating": {"type": "integer"},
    "file": {"type": "array", "items": {"type": "integer"}},
    "customer": {"type": "integer"},
    "asset": {"type": "integer"},
    "checklist": {"type": "array", "items": {"type": "string"}},
}


def describe(library: bundles.Library, path: str) -> dict[str, Any]:
    """Return {"words", "widgets", "sources", "binds", "starts", "english"} as JSON values.

    binds:   the records' attributes that some form binds a field to.
    english: what the catalogue knows of the texts of the form `path`; the form's own words go first.
    """
    labels = widget_labels()
    return {
        "words": words(),
        "widgets": [{"value": name, "label": labels[name]} for name in rules.WIDGETS],
        "sources": [{"value": name, "label": label} for name, label in source_labels().items()],
        "binds": _binds(library),
        "starts": STARTS,
        "english": _english(library.files.get(path, b"")),
    }


def widget_labels() -> dict[str, str]:
    """Return the kinds of questions in words."""
    return {
        "text": _("Short text"),
        "textarea": _("Long text"),
        "select": _("Choice from a list"),
        "radio": _("Choice, all visible"),
        "yesno": _("Yes or no"),
        "number": _("Number"),
        "money": _("Amount of money"),
        "date": _("Day"),
        "datetime": _("Day and time"),
        "phone": _("Phone number"),
        "rating": _("Rating, 1 to 5"),
        "file": _("Files and photos"),
        "customer": _("Customer"),
        "asset": _("Asset"),
        "checklist": _("Several to tick"),
    }


def source_labels() -> dict[str, str]:
    """Return where choices may come from, besides the form itself."""
    return {
        "departments": _("Departments"),
        "repair_points": _("Repair points"),
        "solutions": _("Solutions on file"),
    }


def words() -> dict[str, str]:
    """Return what the builder says itself."""
    return {
        "form": _("The form itself"),
        "title": _("Title, Chinese"),
        "title_en": _("Title, English"),
        "submit": _("Button, Chinese"),
        "submit_en": _("Button, English"),
        "help": _("What to do, Chinese"),
        "help_en": _("What to do, English"),
        "context": _("Shown above, read only"),
        "context_help": _("One a line: case.title, asset.plate, data.payer; after a = what it is called."),
        "label": _("Question, Chinese"),
        "label_en": _("Question, English"),
        "name": _("Name of the field"),
        "name_help": _("Small letters, digits, underscores; conditions in diagrams read it."),
        "widget": _("Kind"),
        "required": _("Must be answered"),
        "field_help": _("Help below it, Chinese"),
        "field_help_en": _("Help below it, English"),
        "options": _("Choices"),
        "options_help": _("One a line: key = Chinese = English. A single word is key and text alike."),
        "source": _("Choices from"),
        "here": _("The list here"),
        "bind": _("Written to"),
        "bind_help": _(
            "The record that takes the answer, for example case.cause; empty: kept with this step."
        ),
        "process": _("Also into process data"),
        "when": _("Only if"),
        "when_help": _("Shown and required only if another field has this answer: can_solve = true."),
        "maximum": _("At most"),
        "up": _("Move up"),
        "down": _("Move down"),
        "remove": _("Remove"),
        "add": _("Add a field"),
        "new": _("New question"),
        "complex": _("A condition of several parts; change it as JSON."),
        "bad": _("This is not JSON: %(why)s", why="{why}"),
        "name_taken": _("There is a field of this name already, or it is no name."),
    }


def _english(content: bytes) -> dict[str, str]:
    try:
        found = set(_texts(bundles.form_schema(content)))
    except (ValueError, RecursionError):
        return {}
    with force_locale("en"):
        return {text: said for text in sorted(found) if (said := gettext(text)) != text}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _binds(library: bundles.Library) -> list[str]:
    found: set[str] = set()
    for path, content in library.files.items():
        if bundles.kind(path) != "form":
            continue
        try:
            fields = bundles.form_schema(content).get("properties", {})
        except ValueError:
            continue
        if isinstance(fields, dict):
            found |= {
                str(one["x-bind"]) for one in fields.values() if isinstance(one, dict) and "x-bind" in one
            }
    return sorted(found)

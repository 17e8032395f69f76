"""What is wrong with an answer, in a sentence that says what is wanted."""

from __future__ import annotations

from typing import Any, cast

from flask_babel import gettext as _
from flask_babel import ngettext
from jsonschema import ValidationError

from app.forms.coerce import LONGEST, MOST
from app.forms.model import Field


def _content(text: str) -> str:
    """Translate a text of the form file."""
    return _(text) if text else ""


def missing(field: Field) -> str:
    """Ask for an answer that is not there."""
    label = field.say(field.label)
    if field.widget == "file":
        return _("%(label)s: add a file.", label=label)
    if field.widget in ("customer", "asset"):
        return _("%(label)s: choose one from the list.", label=label)
    if field.widget == "rating":
        return _("%(label)s: choose a score from 1 to 5.", label=label)
    if field.widget == "yesno" or field.chooses:
        return _("%(label)s: choose an answer.", label=label)
    return _("%(label)s: fill this in.", label=label)


def unreadable(field: Field, why: str = "") -> str:
    """Say what kind of answer is wanted; `why` is the reader's reason."""
    if why == "large":
        return _("This number is too large.")
    if why == "fen":
        return _("Give an amount in yuan and fen, with two decimals at most.")
    if why == "no_such_day":
        return _("There is no such day or time; check it.")
    if why == "day_and_time":
        return _("Give a day and a time, such as 2026-10-08 15:05.")
    if why == "extension":
        return _("Give the number without its extension.")
    if why == "many":
        return _("Give %(n)s at most.", n=MOST)
    if why == "long":
        return _("Keep it to %(n)s characters or fewer.", n=LONGEST)
    if field.chooses or field.widget == "yesno":
        return _("Choose one of the options.")
    return {
        "number": _("Give a whole number, such as 12.")
        if field.kind == "integer"
        else _("Give a number, such as 12.5."),
        "money": _("Give an amount in yuan, such as 380.00."),
        "date": _("Give a day, such as 2026-10-08."),
        "datetime": _("Give a day and a time, such as 2026-10-08 15:05."),
        "phone": _("Give a phone number with its area code, such as 138 0013 8000 or 029 8765 4321."),
        "rating": _("Choose a score from 1 to 5."),
        "file": _("This file could not be read; add it again."),
        "customer": _("Choose a customer from the list."),
        "asset": _("Choose a vehicle or device from the list."),
    }.get(field.widget, _("Write an answer in words."))


def amount(field: Field, number: Any) -> str:
    """Write a bound of a number as it is typed: money in yuan."""
    if field.widget == "money":
        return f"¥{number / 100:,.2f}"
    return f"{number:,}"


def refused(field: Field, error: ValidationError) -> str:
    """Say what a JSON Schema check wants; every keyword has its sentence, an unknown one the field's help."""
    if own := field.schema.get("x-error"):
        return _content(str(own))
    word, limit = str(error.validator), cast(Any, error.validator_value)
    if word in ("enum", "oneOf", "const", "anyOf"):
        return _("Choose one of the options.")
    if word in ("type", "format"):
        return _format(field, str(limit)) if word == "format" else unreadable(field)
    if word == "minLength":
        return ngettext("Write %(num)s character or more.", "Write %(num)s characters or more.", limit)
    if word == "maxLength":
        return _(
            "Keep it to %(n)s characters or fewer; it has %(m)s now.", n=limit, m=len(str(error.instance))
        )
    if word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"):
        number = amount(field, limit)
        return {
            "minimum": _("Give %(n)s or more.", n=number),
            "maximum": _("Give %(n)s or less.", n=number),
            "exclusiveMinimum": _("Give more than %(n)s.", n=number),
            "exclusiveMaximum": _("Give less than %(n)s.", n=number),
        }[word]
    if word == "multipleOf":
        return _("Give a multiple of %(n)s.", n=amount(field, limit))
    if word == "minItems":
        if field.widget == "file":
            return ngettext("Add %(num)s file or more.", "Add %(num)s files or more.", limit)
        return ngettext("Tick %(num)s or more.", "Tick %(num)s or more.", limit)
    if word == "maxItems":
        if field.widget == "file":
            return ngettext("Add %(num)s file at most.", "Add %(num)s files at most.", limit)
        return ngettext("Tick %(num)s at most.", "Tick %(num)s at most.", limit)
    if word == "uniqueItems":
        return _("Give each only once.")
    if word == "pattern" and not field.help:
        return _("This is not written the way it is wanted here; check it character by character.")
    if field.help:
        return _("This does not fit. Wanted: %(help)s", help=_content(field.help))
    return _("This answer does not fit here; check it.")


def _format(field: Field, name: str) -> str:
    if name in ("email", "idn-email"):
        return _("Give an e-mail address, such as name@example.com.")
    if name in ("uri", "uri-reference", "iri"):
        return _("Give a web address, such as https://example.com.")
    if name == "time":
        return _("Give a time, such as 15:05.")
    return unreadable(field)


def unknown(name: str) -> str:
    """Refuse a key that the form does not have."""
    return _("This form has no field %(name)s.", name=name[:80])


def broken() -> str:
    """Say that the form file, not the answer, is at fault."""
    return _("This form has a fault of its own; tell the process designer. Nothing you typed was lost.")


def several(query: str) -> str:
    """Ask which of several matches is meant."""
    return _("More than one fits “%(text)s”; choose one.", text=query[:60])


def none_found(query: str) -> str:
    """Say that a look-up found nothing."""
    return _(
        "Nothing found for “%(text)s”; try a phone number, number plate or serial number.", text=query[:60]
    )


def whole_form() -> str:
    """Speak of answers that do not go together."""
    return _("These answers do not go together; check them.")

"""Marshmallow's fields, saying in the caller's language what does not fit."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import Schema as PlainSchema
from marshmallow import ValidationError, fields, validate

from app.addresses import LARGEST

# What no database column takes: NUL, and halves of characters that JSON can spell alone.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

WORDS = {
    "required": _l("An answer is needed here."),
    "null": _l("This may be left out, but not be null."),
    "text": _l("Text is expected."),
    "number": _l("A whole number is expected."),
    "date": _l("A date is expected, such as 2026-03-31."),
    "flag": _l("true or false is expected."),
    "object": _l("An object is expected."),
    "unknown": _l("There is no such field."),
    "mail": _l("This is no e-mail address."),
    "characters": _l("This holds characters that cannot be kept."),
    "longest": _l("At most {max} characters."),
    "length": _l("Between {min} and {max} characters."),
    "range": _l("A number from {min} to {max} is expected."),
    "choice": _l("One of these is expected: {choices}"),
}


class Spoken:
    """Says what is wrong in our words; `kind` is the word for a value of the wrong type."""

    kind = ""

    def make_error(self, key: str, **values: Any) -> ValidationError:
        """Return the error for one of marshmallow's reasons."""
        return ValidationError(str(WORDS[key if key in WORDS else self.kind]))


class Text(Spoken, fields.String):
    """Text of at most `longest` characters; `shortest` 1 refuses an empty one."""

    kind = "text"

    def __init__(self, longest: int | None = None, shortest: int = 0, **more: Any) -> None:
        if longest is not None:
            words = WORDS["length" if shortest else "longest"]
            more["validate"] = validate.Length(shortest, longest, error=words)
        super().__init__(**more)

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *more, **named)
        if UNSTORABLE.search(text):
            raise self.make_error("characters")
        return text


class Choice(Text):
    """One of the words."""

    def __init__(self, words: Iterable[str], **more: Any) -> None:
        one_of = validate.OneOf(list(words), error=WORDS["choice"])
        super().__init__(validate=one_of, **more)


class Mail(Text):
    """An e-mail address."""

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:
        text = super()._deserialize(value, *more, **named)
        if text and not MAIL.fullmatch(text):
            raise self.make_error("mail")
        return text


class Number(Spoken, fields.Integer):
    """A whole number from `least` to `most`."""

    kind = "number"

    def __init__(self, least: int = 0, most: int = LARGEST, **more: Any) -> None:
        within = validate.Range(least, most, error=WORDS["range"])
        super().__init__(validate=within, **more)


class Flag(Spoken, fields.Boolean):
    """True or false."""

    kind = "flag"


class Day(Spoken, fields.Date):
    """A date."""

    kind = "date"


class Object(Spoken, fields.Dict):
    """Any object; the texts in it can be kept."""

    kind = "object"

    def _deserialize(self, value: Any, *more: Any, **named: Any) -> Any:
        found = super()._deserialize(value, *more, **named)
        waiting = [found]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                waiting += [*one.keys(), *one.values()]
            elif isinstance(one, list):
                waiting += one
            elif isinstance(one, str) and UNSTORABLE.search(one):
                raise self.make_error("characters")
        return found


class Part(Spoken, fields.Nested):
    """An object with fields of its own."""

    kind = "object"


class Schema(PlainSchema):
    """A body or an answer; of a body, a field that it does not know is refused."""

    error_messages = {"unknown": WORDS["unknown"], "type": WORDS["object"]}

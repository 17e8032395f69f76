"""A form made ready to draw: what each field shows, its ids, error and help. Templates only show it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import FieldError
from app.forms import coerce, rules, showing
from app.forms.model import Choice, Field, Form
from app.forms.parsing import Choices, centre_zone, initial, offered

# Short answers stand two in a row where there is room.
SHORT = ("number", "money", "date", "datetime", "phone")


@dataclass(frozen=True)
class DrawnOption:
    """One option: `value` as it is posted, `label` as it is read."""

    value: str
    label: str
    detail: str
    on: bool
    id: str


@dataclass(frozen=True)
class DrawnFile:
    """One file that is kept already."""

    id: str
    name: str
    url: str
    size: int | None


@dataclass(frozen=True)
class Drawn:
    """One field ready to draw. `text`: what its box holds; `when`: JSON for forms.js, "" if always shown."""

    field: Field
    id: str
    label: str
    help: str
    error: str
    text: str
    shown_text: str
    options: tuple[DrawnOption, ...]
    files: tuple[DrawnFile, ...]
    hidden: bool
    when: str
    when_words: str
    input_type: str
    unit: str

    @property
    def name(self) -> str:
        """Return the name it is posted under."""
        return self.field.name

    @property
    def widget(self) -> str:
        """Return the widget."""
        return self.field.widget

    @property
    def required(self) -> bool:
        """Tell whether it must be answered while it is shown."""
        return self.field.required

    @property
    def described_by(self) -> str:
        """Return the ids that explain it, error first."""
        parts = (("error", self.error), ("help", self.help), ("when", self.when_words))
        return " ".join(f"{self.id}-{name}" for name, text in parts if text)

    @property
    def grouped(self) -> bool:
        """Tell whether it is a group of controls under a legend."""
        return self.widget in ("radio", "yesno", "rating", "checklist") or bool(
            self.widget in ("customer", "asset") and self.options
        )

    @property
    def short(self) -> bool:
        """Tell whether it may share its row."""
        return self.widget in SHORT or self.widget == "select"


@dataclass(frozen=True)
class DrawnForm:
    """A whole form ready to draw."""

    title: str
    submit: str
    help: str
    context: list[tuple[str, str, str]]
    fields: list[Drawn]
    errors: list[tuple[str, str, str]]  # (id to jump to or "", label, sentence)
    headline: str


def draw(
    form: Mapping[str, Any] | Form,
    values: Mapping[str, Any] | None = None,
    errors: Sequence[FieldError] = (),
    context: Mapping[str, Any] | None = None,
    choices: Choices | None = None,
    prefix: str = "f",
) -> DrawnForm:
    """Make a form ready to draw.

    values:  typed text (`Parsed.typed`, a draft) or checked values; None: defaults, bound records' values.
    choices: options by source ("departments") or field name; "attachments": id to name, url, size.
    """
    form = form if isinstance(form, Form) else Form.from_schema(form)
    context, choices = context or {}, choices or {}
    data = context.get("data")
    data = data if isinstance(data, Mapping) else {}
    held = {
        part.name: initial(part, context) if values is None else values.get(part.name) for part in form.fields
    }
    said = {error.field: str(error.message) for error in reversed(errors)}
    names = set(held)
    shown = form.visible({part.name: _comparable(part, held[part.name]) for part in form.fields}, data)
    fields = []
    for part in form.fields:
        watch = rules.settle(part.when, data, names)
        if watch is False:  # no answer in this form can bring it up
            continue
        typed_text = str((values or {}).get(f"{part.name}__text", ""))
        fields.append(
            _drawn(
                part,
                held[part.name],
                said.get(part.name, ""),
                watch,
                part.name not in shown,
                choices,
                prefix,
                typed_text,
                form,
            )
        )
    summary = [(part.id, part.label, part.error) for part in fields if part.error]
    known = {part.name for part in fields}
    summary += [("", "", str(error.message)) for error in errors if error.field not in known]
    return DrawnForm(
        title=form.say(form.title),
        submit=form.say(form.submit) or _("Submit"),
        help=form.say(form.help),
        context=showing.context_lines(form, context, choices),
        fields=fields,
        errors=summary,
        headline=headline(len(summary)),
    )


def headline(count: int) -> str:
    """Say how many answers are wanted, and that nothing was lost."""
    if not count:
        return ""
    return ngettext(
        "One field still needs an answer. Nothing you typed was lost.",
        "%(num)d fields still need an answer. Nothing you typed was lost.",
        count,
    )


def _drawn(
    part: Field,
    value: Any,
    error: str,
    watch: Any,
    hidden: bool,
    choices: Choices,
    prefix: str,
    typed_text: str,
    form: Form,
) -> Drawn:
    id_ = f"{prefix}-{part.name}"
    options = tuple(
        DrawnOption(
            value=posted(option.value),
            label=part.say(option.label),
            detail=part.say(option.detail),
            on=_on(part, value, option.value),
            id=f"{id_}-{number}",
        )
        for number, option in enumerate(_choices(part, value, choices))
    )
    text = box_text(part, value)
    return Drawn(
        field=part,
        id=id_,
        label=part.say(part.label),
        help=part.say(part.help),
        error=error,
        text=text,
        shown_text=typed_text or _lookup_text(part, value, choices),
        options=options,
        files=tuple(_files(value, choices)) if part.widget == "file" else (),
        hidden=hidden,
        when="" if watch is True else json.dumps(_posted_condition(watch), ensure_ascii=False),
        when_words="" if watch is True else _when_words(watch, form),
        input_type=_input_type(part, text),
        unit=part.say(part.schema.get("x-unit", "")),
    )


def posted(value: Any) -> str:
    """Write a value as the form posts it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def box_text(part: Field, value: Any) -> str:
    """Write what a text box holds: what was typed as it was typed, a checked value as one would type it."""
    if value is None or isinstance(value, list | dict):
        return ""
    if part.widget == "money" and isinstance(value, int) and not isinstance(value, bool):
        return f"{value / 100:.2f}"
    if part.widget == "datetime":
        return _local(value)
    if part.widget == "phone" and str(value).startswith("+"):
        return showing.phone(str(value), reveal=True)
    return posted(value.isoformat() if hasattr(value, "isoformat") else value)


def _local(value: Any) -> str:
    """Write an instant as <input type=datetime-local> wants it; what cannot be read stays as it was typed."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    if isinstance(value, datetime):
        return (value.astimezone(centre_zone()) if value.tzinfo else value).strftime("%Y-%m-%dT%H:%M")
    return str(value)


def _input_type(part: Field, text: str) -> str:
    """Choose the input's type; a browser would drop a day that it cannot read, so that one stays text."""
    if part.widget == "date":
        return "date" if not text or re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "text"
    if part.widget == "datetime":
        return "datetime-local" if not text or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text) else "text"
    if part.widget == "phone":
        return "tel"
    return {"email": "email", "uri": "url"}.get(part.schema.get("format", ""), "text")


def _choices(part: Field, value: Any, choices: Choices) -> Sequence[Choice]:
    if part.widget == "yesno" and not part.options:
        return (Choice(True, "Yes"), Choice(False, "No"))
    if part.widget == "rating" and not part.options:
        words = ("Very dissatisfied", "Dissatisfied", "Fair", "Satisfied", "Very satisfied")
        return tuple(Choice(number, word) for number, word in enumerate(words, 1))
    if part.widget in ("customer", "asset"):
        found = choices.get(part.name, ())
        # One known record is the present answer and stands in the box; several are to choose from.
        return found if len(found) > 1 else ()
    return offered(part, choices) or part.options


def _on(part: Field, value: Any, option: Any) -> bool:
    held = value if isinstance(value, list) else [value]
    return any(item is not None and posted(item) == posted(option) for item in held) or (
        part.kind == "boolean" and rules.same(_comparable(part, value), option)
    )


def _comparable(part: Field, value: Any) -> Any:
    """Turn typed text into what `x-when` compares; what cannot be read compares as it stands."""
    if isinstance(value, list):
        return [_comparable(part, item) for item in value]
    if not isinstance(value, str) or not value:
        return value if value != "" else None
    try:
        if part.kind == "boolean":
            return coerce.to_yesno(value)
        return coerce.to_number(value, whole=True) if part.kind in ("integer", "number") else value
    except coerce.Unreadable:
        return value


def _lookup_text(part: Field, value: Any, choices: Choices) -> str:
    if part.widget not in ("customer", "asset") or value in (None, ""):
        return ""
    for option in choices.get(part.name, ()):
        if posted(option.value) == posted(value):
            return option.label
    return f"#{value}"


def _files(value: Any, choices: Choices) -> list[DrawnFile]:
    known: Any = choices.get("attachments") or {}
    files = []
    for item in value if isinstance(value, list) else []:
        row = known.get(int(item)) if str(item).isdecimal() else None
        if str(item).isdecimal():
            files.append(
                DrawnFile(
                    id=str(item),
                    name=getattr(row, "name", None) or _("file %(id)s", id=item),
                    url=getattr(row, "url", None) or "",
                    size=getattr(row, "size", None),
                )
            )
    return files


def _posted_condition(watch: Mapping[str, Any]) -> dict[str, Any]:
    """Write a condition with its values as the form posts them, which is all that the browser sees."""
    for word in ("all", "any"):
        if word in watch:
            return {word: [_posted_condition(part) for part in watch[word]]}
    return {"field": watch["field"], "in": [posted(value) for value in watch["in"]]}


def _when_words(watch: Mapping[str, Any], form: Form) -> str:
    """Say in words when a field counts, for a browser without script, which cannot hide it."""
    for word in ("all", "any"):
        if word in watch:
            return " ".join(_when_words(part, form) for part in watch[word])
    part = form[watch["field"]]
    wanted = [showing.text_of(part, value, {}) for value in watch["in"] if value is not None]
    return _("Only if “%(field)s” is: %(values)s.", field=part.say(part.label), values=" / ".join(wanted))

"""Values back to what a person reads: the submissions of a case, the read-only lines above a form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any

from flask import current_app, has_app_context
from flask_babel import force_locale
from flask_babel import gettext as _

from app.forms import rules
from app.forms.model import Choice, Field, Form
from app.forms.parsing import Choices, offered


def display(
    form: Mapping[str, Any] | Form,
    values: Mapping[str, Any],
    locale: str | None = None,
    *,
    choices: Choices | None = None,
    reveal: bool = False,
) -> list[tuple[str, str]]:
    """Return (label, text) of every answered field, in the form's order; phones are masked unless `reveal`.

    A value whose field the form no longer has is shown under its bare name: nothing sent in disappears.
    """
    form = form if isinstance(form, Form) else Form.from_schema(form)
    with force_locale(locale) if locale and has_app_context() else nullcontext():
        lines = [
            (part.say(part.label), text(part, values[part.name], choices=choices or {}, reveal=reveal))
            for part in form.fields
            if values.get(part.name) not in (None, "", [])
        ]
        known = {part.name for part in form.fields}
        lines += [
            (name, str(value)) for name, value in values.items() if name not in known and value is not None
        ]
    return lines


def text(part: Field, value: Any, *, choices: Choices, reveal: bool = False) -> str:
    """Write one value as a person reads it."""
    if part.many and isinstance(value, list):
        if part.widget == "file":
            return "、".join(_label(value_, choices.get("attachments")) for value_ in value)
        return _list([text_of(part, item, choices, reveal) for item in value])
    return text_of(part, value, choices, reveal)


def text_of(part: Field, value: Any, choices: Choices, reveal: bool = False) -> str:
    """Write one value, or one item of a list."""
    options = offered(part, choices) or (part.options if part.chooses else choices.get(part.name, ()))
    for option in options or ():
        if rules.same(option.value, value):
            return part.say(option.label)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    written = ""
    if part.widget == "money" and isinstance(value, int):
        written = filtered("money", value)
    elif part.widget == "phone":
        written = phone(str(value), reveal=reveal)
    elif part.widget in ("date", "datetime"):
        written = day_or_time(value)
    elif part.widget == "rating":
        written = _("%(n)s of 5", n=value)
    elif part.widget in ("customer", "asset"):
        written = f"#{value}"
    elif isinstance(value, int | float):
        written = filtered("num", value) if part.kind == "integer" else f"{value:g}"
    unit = part.schema.get("x-unit")
    return (written or str(value)) + (f" {part.say(unit)}" if unit else "")


def _label(value: Any, known: Any) -> str:
    if isinstance(known, Mapping) and value in known:
        return str(getattr(known[value], "name", known[value]))
    return _("file %(id)s", id=value)


def _list(texts: list[str]) -> str:
    return _(", ").join(texts)


def phone(value: str, *, reveal: bool = False) -> str:
    """Write a phone number as one dials it at home, its middle hidden unless `reveal`."""
    if "*" in value:
        return value
    import phonenumbers

    try:
        number = phonenumbers.parse(value, "CN")
    except phonenumbers.NumberParseException:
        return value if reveal else filtered("mask_phone", value)
    home = number.country_code == phonenumbers.country_code_for_region("CN")
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    written = phonenumbers.format_number(number, style)
    return written if reveal else filtered("mask_phone", written)


def day_or_time(value: Any) -> str:
    """Write a day or an instant, given as ISO text or as a date or datetime."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)
        except ValueError:
            return str(value)
    if isinstance(value, datetime):
        return filtered("local_time", value) if value.tzinfo else f"{value:%Y-%m-%d %H:%M}"
    return filtered("local_date", value)


def filtered(name: str, value: Any) -> str:
    """Write a value by one of the shell's template filters: dates and money look the same everywhere."""
    use: Callable[[Any], Any] = current_app.jinja_env.filters[name]
    return str(use(value))


def context_lines(
    form: Form, context: Mapping[str, Any], choices: Choices | None = None
) -> list[tuple[str, str, str]]:
    """Return (path, label, text) of the read-only lines above the form; empty ones are left out."""
    lines = []
    for line in form.context:
        value = rules.at_path(context, line.path)
        if value in (None, "", []):
            continue
        label = form.say(line.label) or path_label(line.path)
        lines.append((line.path, label, path_text(line.path, value, choices or {})))
    return lines


def path_label(path: str) -> str:
    """Name what a dotted path holds; an unknown one gives its last part."""
    name = path.partition(".")[2]
    known = {
        "case.number": _("Case number"),
        "case.channel": _("Channel"),
        "case.kind": _("Kind"),
        "case.title": _("Title"),
        "case.description": _("Description"),
        "case.status": _("Status"),
        "case.class": _("Class"),
        "case.severity": _("Severity"),
        "case.other_type": _("Request"),
        "case.cause": _("Cause"),
        "case.solution": _("Solution"),
        "case.cost": _("Cost"),
        "case.satisfaction": _("Satisfaction"),
        "case.department": _("Department"),
        "case.repair_point": _("Repair point"),
        "case.preferred_time": _("Preferred time"),
        "case.parts_used": _("Parts used"),
        "case.repair_hours": _("Repair hours"),
        "case.received_at": _("Received"),
        "case.due_at": _("Due"),
        "customer.name": _("Customer"),
        "customer.phone": _("Phone"),
        "customer.company": _("Company"),
        "customer.region": _("Region"),
        "customer.address": _("Address"),
        "customer.email": _("E-mail"),
        "customer.preferred_time": _("Preferred time"),
        "customer.note": _("Note"),
        "asset.kind": _("Kind"),
        "asset.plate": _("Number plate"),
        "asset.serial": _("Serial number"),
        "asset.make": _("Make"),
        "asset.model": _("Model"),
        "asset.firmware": _("Firmware"),
        "asset.fitted_on": _("Fitted on"),
        "asset.warranty_until": _("Warranty until"),
        "callback.attempt": _("Attempt"),
        "callback.due_at": _("Callback due"),
        "callback.outcome": _("Outcome"),
        "callback.score": _("Score"),
        "callback.words": _("Customer's words"),
        "data.klass": _("Class"),
        "data.severity": _("Severity"),
        "data.other_type": _("Request"),
        "data.department": _("Department"),
        "data.repair_point": _("Repair point"),
        "data.in_warranty": _("In warranty"),
        "data.man_made": _("Damage by misuse"),
        "data.payer": _("Who pays"),
        "data.quotation": _("Quotation"),
        "data.consent": _("Owner's consent"),
        "data.consent_needed": _("Consent needed"),
        "data.rounds": _("Rounds"),
        "data.attempt": _("Attempt"),
        "data.callback_result": _("Callback result"),
        "data.callback_at": _("Callback at"),
        "data.outcome": _("Outcome"),
        "data.score": _("Score"),
    }
    return known.get(path) or _(name.replace("_", " ").capitalize())


def path_text(path: str, value: Any, choices: Choices) -> str:
    """Write the value of a dotted path; what names a person is masked."""
    name = path.partition(".")[2]
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name == "phone":
        return phone(str(value))
    if name == "plate":
        return filtered("mask_plate", value)
    if name == "cost" and isinstance(value, int):
        return filtered("money", value)
    if isinstance(value, datetime | date) or name.endswith(("_at", "_on", "_until")):
        return day_or_time(value)
    for source in (name, f"{name}s"):
        for option in choices.get(source, ()):
            if isinstance(option, Choice) and rules.same(option.value, value):
                return _(option.label)
    if name == "cause":
        # One of the designers' own words, kept as they are written in a form.
        return _(str(value)) if str(value) else ""
    return words().get(str(value)) or str(value)


def words() -> dict[str, str]:
    """Return the words for the keys that cases and process data hold."""
    return {
        "platform": _("Platform problem"),
        "device": _("Device problem"),
        "other": _("Other problem"),
        "renew": _("Renewal"),
        "add": _("Addition"),
        "deregister": _("Deregistration"),
        "low": _("Low"),
        "normal": _("Normal"),
        "high": _("High"),
        "critical": _("Critical"),
        "open": _("Open"),
        "waiting": _("Waiting"),
        "resolved": _("Resolved"),
        "closed": _("Closed"),
        "withdrawn": _("Withdrawn"),
        "complaint": _("Complaint"),
        "question": _("Question"),
        "suggestion": _("Suggestion"),
        "phone": _("Phone call"),
        "visit": _("Visit"),
        "web": _("Web form"),
        "mail": _("E-mail"),
        "message": _("Message"),
        "import": _("Import"),
        "api": _("Interface"),
        "vehicle": _("Vehicle"),
        "terminal": _("Terminal"),
        "camera": _("Camera"),
        "sensor": _("Sensor"),
        "owner": _("Owner"),
        "maker": _("Manufacturer"),
        "satisfied": _("Satisfied"),
        "dissatisfied": _("Dissatisfied"),
        "unreachable": _("Unreachable"),
        "no_answer": _("No answer"),
        "another_time": _("Another time"),
    }

"""What a new case brings, and what a form may write to one: checked before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app.cases import rules
from app.errors import FieldError, Invalid

PROCEDURE = "customer_issue"


@dataclass(frozen=True)
class NewCase:
    """What is known when a customer's problem arrives.

    customer:    `customers.CUSTOMER_FIELDS`, or customer_id; one with the same phone number is used.
    asset:       `customers.ASSET_FIELDS`, or asset_id; found by plate or serial number.
    received_at: aware; now, unless it comes from elsewhere (import).
    token:       the form's; a form sent twice makes one case.
    procedure:   key or version id of what handles it.
    """

    channel: str
    title: str
    description: str = ""
    kind: str = "complaint"
    klass: str | None = None
    severity: str | None = None
    other_type: str | None = None
    preferred_time: str | None = None
    customer_id: int | None = None
    customer: Mapping[str, Any] = field(default_factory=dict)
    asset_id: int | None = None
    asset: Mapping[str, Any] = field(default_factory=dict)
    received_at: datetime | None = None
    token: str | None = None
    import_source: str | None = None
    import_key: str | None = None
    procedure: str | int = PROCEDURE


def check(new: NewCase) -> None:
    """Refuse values that no case can have. Raises Invalid with one error a field."""
    errors = []
    title = new.title.strip()
    if not title:
        errors.append(FieldError("title", _("Say in one line what is wrong.")))
    elif len(title) > rules.FIELDS["title"]:
        errors.append(FieldError("title", _("At most %(n)s characters.", n=rules.FIELDS["title"])))
    if len(new.description) > rules.FIELDS["description"]:
        errors.append(
            FieldError("description", _("At most %(n)s characters.", n=rules.FIELDS["description"]))
        )
    choices = (
        ("channel", new.channel, rules.CHANNELS),
        ("kind", new.kind, rules.KINDS),
        ("class", new.klass, (None, *rules.CLASSES)),
        ("severity", new.severity, (None, *rules.SEVERITIES)),
        ("other_type", new.other_type, (None, *rules.OTHER_TYPES)),
    )
    errors += [
        FieldError(name, _("Not one of the choices.")) for name, value, known in choices if value not in known
    ]
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)


def clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return case attributes fit for their columns; refuses names that no form may bind."""
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        if name not in rules.FIELDS:
            raise ValueError(f"a case has no {name} that a form may write")
        longest = rules.FIELDS[name]
        if isinstance(value, str):
            value = value.strip() or None
            if value and longest and len(value) > longest:
                raise Invalid(
                    _("Some fields do not fit."),
                    [FieldError(name, _("At most %(n)s characters.", n=longest))],
                )
        if value is None and name in ("title", "kind", "description"):
            continue  # these are never emptied by a form that left them blank
        cleaned[name] = value
    return cleaned

"""One function per verb: make or find customers and what they own, keep them true, show what is hidden."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.customers import rules
from app.customers.tables import Asset, Customer
from app.db import session
from app.errors import FieldError, Forbidden, Invalid, NotFound

# Attributes that a form may write (`x-bind: "customer.…"`), with the longest text kept.
CUSTOMER_FIELDS = {
    "name": 80, "phone": 24, "company": 120, "region": 60, "address": 200, "email": 120,
    "preferred_time": 80, "note": 4000,
}  # fmt: skip
ASSET_FIELDS = {
    "kind": 16, "plate": 20, "serial": 60, "make": 60, "model": 80, "firmware": 40,
    "fitted_on": 0, "warranty_until": 0,
}  # fmt: skip
KINDS = ("vehicle", "terminal", "camera", "sensor")
# One address, as it stands in a mail's header: "a@b, c@d" would be two.
EMAIL = re.compile(r"[^@\s,;:<>()\[\]\\\"]+@[^@\s,;:<>()\[\]\\\".]+(\.[^@\s,;:<>()\[\]\\\".]+)*")
REASONS = ("contact", "verify", "dispatch", "other")

# Told after a customer or asset changed: (customer_id, asset_id). The case list keeps its search text by it.
_listeners: list[Callable[[int | None, int | None], None]] = []


def on_change(listener: Callable[[int | None, int | None], None]) -> None:
    """Be told, inside the transaction, when a customer or an asset changed."""
    if listener not in _listeners:
        _listeners.append(listener)


@dataclass(frozen=True)
class Revealed:
    """What was hidden, for sixty seconds on one screen."""

    phone: str
    email: str
    address: str
    plate: str = ""
    serial: str = ""


def get(customer_id: int) -> Customer:
    """Return a customer; raises NotFound."""
    found = session().get(Customer, customer_id)
    if found is None:
        raise NotFound(_("There is no such customer."))
    return found


def get_asset(asset_id: int) -> Asset:
    """Return an asset; raises NotFound."""
    found = session().get(Asset, asset_id)
    if found is None:
        raise NotFound(_("There is no such vehicle or device."))
    return found


def clean_customer(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return column values for `CUSTOMER_FIELDS`; raises Invalid with one error a field."""
    cleaned: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, longest in CUSTOMER_FIELDS.items():
        if name not in values:
            continue
        text = str(values[name] or "").strip()
        if len(text) > longest:
            errors.append(FieldError(name, _("At most %(n)s characters.", n=longest)))
        elif name == "phone":
            try:
                e164 = rules.normalise_phone(text) if text else None
            except rules.BadPhone:
                errors.append(FieldError(name, _("This is no phone number. Example: 138 1234 5678.")))
                continue
            cleaned |= {"phone": e164, "phone_digits": rules.phone_digits(e164) if e164 else None}
        elif name == "email" and text and not EMAIL.fullmatch(text):
            errors.append(FieldError(name, _("This does not look like an e-mail address.")))
        elif name == "name" and not text:
            errors.append(FieldError(name, _("Who is it? A name is needed.")))
        else:
            cleaned[name] = text or None
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return cleaned


def clean_asset(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return column values for `ASSET_FIELDS`; raises Invalid with one error a field."""
    cleaned: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, longest in ASSET_FIELDS.items():
        if name not in values:
            continue
        value = values[name]
        if name in ("fitted_on", "warranty_until"):
            try:
                cleaned[name] = (
                    value if isinstance(value, date) or not value else date.fromisoformat(str(value))
                )
            except ValueError:
                errors.append(FieldError(name, _("This is no date.")))
            cleaned[name] = cleaned.get(name) or None
            continue
        text = str(value or "").strip()
        if len(text) > longest or len(rules.fold(text)) > longest:
            errors.append(FieldError(name, _("At most %(n)s characters.", n=longest)))
        elif name == "kind":
            cleaned[name] = text if text in KINDS else "vehicle"
        else:
            cleaned[name] = text or None
            if name in ("plate", "serial"):
                cleaned[f"{name}_folded"] = rules.fold(text) or None
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return cleaned


def find_by_phone(phone: str) -> Customer | None:
    """Return the customer with this number (as people write it), or None."""
    try:
        digits = rules.phone_digits(rules.normalise_phone(phone))
    except rules.BadPhone:
        return None
    found: Customer | None = session().scalar(
        sa.select(Customer).where(Customer.phone_digits == digits).order_by(Customer.id).limit(1)
    )
    return found


def create(values: Mapping[str, Any], *, actor: Actor, now: datetime, fill: bool = True) -> Customer:
    """Make a customer from `CUSTOMER_FIELDS`; one with the same phone is used instead.

    fill: write into its blanks. Never what strangers send: whoever knows somebody's phone number could add an
          address of their own to the file, and would be mailed the codes of that person's cases.
    """
    cleaned = clean_customer({"name": "", **values})
    if digits := cleaned.get("phone_digits"):
        known: Customer | None = session().scalar(
            sa.select(Customer).where(Customer.phone_digits == digits).order_by(Customer.id).limit(1)
        )
        if known is not None:
            if fill:
                blanks = {key: value for key, value in cleaned.items() if value and not getattr(known, key)}
                _write(known, blanks, actor=actor, now=now)
            return known
    made = Customer(**cleaned, created_at=now, updated_at=now)
    session().add(made)
    session().flush()
    engine.record_event(f"customer:{made.id}", "customer.created", {}, actor=actor, now=now)
    return made


def change(
    customer_id: int, values: Mapping[str, Any], *, actor: Actor, now: datetime, stream: str | None = None
) -> list[str]:
    """Write attributes of a customer; returns the names of those that changed. Raises Invalid, NotFound.

    stream: where the event is filed, e.g. "case:12" when a case brought the change.
    """
    return _write(get(customer_id), clean_customer(values), actor=actor, now=now, stream=stream)


def find_or_create_asset(
    customer_id: int | None, values: Mapping[str, Any], *, actor: Actor, now: datetime
) -> Asset | None:
    """Return the asset with this plate or serial number, made when there is none; None when neither is given.

    A thing is known by its number, whoever calls about it: its owner stays as filed.
    """
    cleaned = clean_asset(values)
    plate, serial = cleaned.get("plate_folded"), cleaned.get("serial_folded")
    if not plate and not serial:
        return None
    same = [clause for clause in (
        Asset.plate_folded == plate if plate else None,
        Asset.serial_folded == serial if serial else None,
    ) if clause is not None]  # fmt: skip
    known: Asset | None = session().scalar(
        # The caller's own comes first, should two things carry one number.
        sa.select(Asset)
        .where(sa.or_(*same))
        .order_by(sa.case((Asset.customer_id == customer_id, 0), else_=1), Asset.id)
        .limit(1)
    )
    if known is not None:
        blanks = {key: value for key, value in cleaned.items() if value and not getattr(known, key)}
        if known.customer_id is None and customer_id is not None:
            blanks["customer_id"] = customer_id
        _write(known, blanks, actor=actor, now=now)
        return known
    made = Asset(**cleaned, customer_id=customer_id, created_at=now, updated_at=now)
    session().add(made)
    session().flush()
    engine.record_event(f"customer:{customer_id}", "asset.created", {"asset": made.id}, actor=actor, now=now)
    return made


def change_asset(
    asset_id: int, values: Mapping[str, Any], *, actor: Actor, now: datetime, stream: str | None = None
) -> list[str]:
    """Write attributes of an asset; returns the names of those that changed. Raises Invalid, NotFound."""
    return _write(get_asset(asset_id), clean_asset(values), actor=actor, now=now, stream=stream)


def reveal(
    customer: Customer,
    asset: Asset | None,
    reason: str,
    words: str,
    *,
    stream: str,
    actor: Actor,
    now: datetime,
) -> Revealed:
    """Show what is masked; the reason is kept for the auditor, what was shown is not.

    reason: one of REASONS; "other" wants words.
    stream: where the event is filed, "case:12" or "customer:3".
    Raises Forbidden without `customer.reveal`, Invalid without a reason.
    """
    if not actor.may("customer.reveal"):
        raise Forbidden(_("Your roles may not see hidden numbers."))
    words = words.strip()[:80]
    if reason not in REASONS:
        raise Invalid(_("Say why you need it."), [FieldError("reason", _("Say why you need it."))])
    if reason == "other" and not words:
        raise Invalid(_("Say why you need it."), [FieldError("words", _("Say why you need it."))])
    data: dict[str, Any] = {"reason": reason, "customer": customer.id}
    if reason == "other":
        data["words"] = words
    engine.record_event(stream, "customer.revealed", data, actor=actor, now=now)
    return Revealed(
        phone=rules.show_phone(customer.phone),
        email=customer.email or "",
        address=customer.address or "",
        plate=(asset.plate or "") if asset else "",
        serial=(asset.serial or "") if asset else "",
    )


def _write(
    row: Customer | Asset,
    values: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
    stream: str | None = None,
) -> list[str]:
    """Set what differs, tell the listeners, file an event that names the attributes but not their values."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    if not changed:
        return []
    for name in changed:
        setattr(row, name, values[name])
    row.updated_at = now
    session().flush()
    customer_id = row.id if isinstance(row, Customer) else row.customer_id
    asset_id = row.id if isinstance(row, Asset) else None
    shown = [name for name in changed if name not in ("phone_digits", "plate_folded", "serial_folded")]
    data: dict[str, Any] = {"changed": shown} | ({"asset": asset_id} if asset_id else {})
    kind = "asset.changed" if asset_id else "customer.changed"
    engine.record_event(stream or f"customer:{customer_id}", kind, data, actor=actor, now=now)
    for listener in _listeners:
        listener(None if asset_id else customer_id, asset_id)
    return shown

"""Columns to what a case consists of, guessed from their names; then each row to a case or a reason."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.cases import rules
from app.cases.imports.vocabulary import NAMES, WORDS
from app.cases.values import NewCase
from app.customers.rules import BadPhone, normalise_phone
from app.customers.service import ASSET_FIELDS, CUSTOMER_FIELDS
from app.forms import coerce
from app.forms.parsing import centre_zone

# What a column may be. "detail" goes into the description with its name; "" is left out.
TARGETS: dict[str, LazyString] = {
    "title": _l("Title"),
    "description": _l("Description"),
    "detail": _l("Add to the description"),
    "key": _l("Number in the other system"),
    "received_at": _l("Received"),
    "channel": _l("Channel"),
    "kind": _l("Kind"),
    "class": _l("Class"),
    "severity": _l("Severity"),
    "other_type": _l("Request"),
    "preferred_time": _l("Preferred time"),
    "customer.name": _l("Customer: name"),
    "customer.phone": _l("Customer: phone"),
    "customer.company": _l("Customer: company"),
    "customer.region": _l("Customer: region"),
    "customer.address": _l("Customer: address"),
    "customer.email": _l("Customer: e-mail"),
    "asset.kind": _l("Device: kind"),
    "asset.plate": _l("Device: number plate"),
    "asset.serial": _l("Device: serial number"),
    "asset.make": _l("Device: make"),
    "asset.model": _l("Device: model"),
    "asset.firmware": _l("Device: firmware"),
    "asset.fitted_on": _l("Device: fitted on"),
    "asset.warranty_until": _l("Device: warranty until"),
}
# Only these may stand for several columns.
MANY = ("description", "detail", "")


@dataclass(frozen=True)
class Plan:
    """How a spreadsheet is taken in.

    columns:  a target for each column, "" to leave it out.
    source:   where the rows come from; with the key it tells whether a row is here already.
    defaults: what rows say that have no such column: class, kind, severity, channel.
    """

    columns: tuple[str, ...]
    source: str
    defaults: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what an ImportRun keeps."""
        return {"columns": list(self.columns), "source": self.source, "defaults": dict(self.defaults)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Plan:
        """Read back what was kept."""
        return cls(tuple(kept["columns"]), kept["source"], kept["defaults"])


class RowRefused(Exception):
    """A row that makes no case: the column's name ("" for the row) and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


def _fold(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


_TARGET_OF = {_fold(name): target for target, names in NAMES.items() for name in names.split()}
_VALUE_OF = {
    target: {_fold(word): value for value, words in choices.items() for word in words.split()}
    for target, choices in WORDS.items()
}


def guess(headers: Sequence[str]) -> Plan:
    """Guess what the columns are; the first of several that mean the same wins, the others are left out."""
    columns: list[str] = []
    for header in headers:
        # "客户电话（必填）" and "Phone *" mean what stands before the bracket.
        target = _TARGET_OF.get(_fold(header)) or _TARGET_OF.get(
            _fold(re.split(r"[(（\[【*]", header)[0]), ""
        )
        columns.append("" if target in columns and target not in MANY else target)
    # Spreadsheets of one layout come from one system: only their keys are compared with each other.
    layout = hashlib.sha256("\n".join(_fold(header) for header in headers).encode()).hexdigest()[:8]
    return Plan(tuple(columns), f"sheet-{layout}")


def check_plan(plan: Plan) -> str | None:
    """Say what keeps a plan from being carried out, or None."""
    for target in plan.columns:
        if target and target not in TARGETS:
            return _("There is nothing called %(name)s.", name=target[:40])
        if target not in MANY and plan.columns.count(target) > 1:
            return _("Two columns are both “%(name)s”.", name=TARGETS[target])
    if not {"title", "description"} & {*plan.columns}:
        return _("Say which column has the title or the description.")
    if not plan.source.strip() or len(plan.source) > 80:
        return _("Name the source in 80 characters or fewer.")
    for name, value in plan.defaults.items():
        if value and value not in WORDS.get(name, {}):
            return _("There is nothing called %(name)s.", name=value[:40])
    return None


def digest(cells: Sequence[str]) -> str:
    """Return what tells whether the same row was taken in before, whatever its file was called."""
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()


def new_case(headers: Sequence[str], cells: Sequence[str], plan: Plan, now: datetime) -> NewCase:
    """Make a row a case; raises RowRefused."""
    found: dict[str, str] = {}
    where: dict[str, str] = {}
    texts: list[str] = []
    details: list[str] = []
    for header, cell, target in zip(headers, cells, plan.columns, strict=True):
        cell = coerce.clean(cell)
        if not cell or not target:
            continue
        if target == "description":
            texts.append(cell)
        elif target == "detail":
            details.append(_("%(name)s: %(value)s", name=header, value=cell))
        else:
            found[target], where[target] = cell, header
    reader = _Row(found, where, plan, now)
    customer, asset = reader.customer(), reader.asset()
    # Without a name or number there is nothing to file these under; the facts stay readable.
    if not (customer.get("name") or customer.get("phone")):
        details += [
            _("%(name)s: %(value)s", name=where[f"customer.{key}"], value=v)
            for key, v in customer.items()
            if v
        ]
        customer = {}
    elif not customer.get("name"):
        customer["name"] = customer.get("company") or _("Customer %(n)s", n=str(customer["phone"])[-4:])
    if not (asset.get("plate") or asset.get("serial")):
        details += [
            _("%(name)s: %(value)s", name=where[f"asset.{key}"], value=v) for key, v in asset.items() if v
        ]
        asset = {}
    title = " ".join(found.get("title", "").split())
    if not title:
        title = _first_words(texts[0] if texts else "")
    elif len(title) > rules.FIELDS["title"]:
        texts.insert(0, title)
        title = _first_words(title, rules.FIELDS["title"])
    if not title:
        raise RowRefused("", _("Neither a title nor a description."))
    description = "\n\n".join(part for part in ("\n\n".join(texts), "\n".join(details)) if part)
    if len(description) > rules.FIELDS["description"]:
        raise RowRefused(
            "", _("The description is longer than %(n)s characters.", n=rules.FIELDS["description"])
        )
    key = found.get("key", "")
    if len(key) > 120:
        raise RowRefused(where["key"], _("Longer than %(n)s characters.", n=120))
    return NewCase(
        channel=reader.choice("channel") or "import",
        kind=reader.choice("kind") or "complaint",
        title=title,
        description=description,
        klass=reader.choice("class"),
        severity=reader.choice("severity"),
        other_type=reader.choice("other_type"),
        preferred_time=reader.text("preferred_time", 80),
        customer=customer,
        asset=asset,
        received_at=reader.instant(),
        import_source=plan.source,
        import_key=key or f"row:{digest(cells)[:32]}",
    )


def _first_words(text: str, most: int = 60) -> str:
    """Return the beginning of a text as a title: its first sentence where that is short enough."""
    text = " ".join(text.split())
    sentence = re.split(r"(?<=[。！？])|(?<=[.!?])\s", text, maxsplit=1)[0].rstrip("。.")
    if 0 < len(sentence) <= most:
        return sentence
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


@dataclass(frozen=True)
class _Row:
    """One row's cells by target, and the header each came from."""

    found: Mapping[str, str]
    where: Mapping[str, str]
    plan: Plan
    now: datetime

    def choice(self, target: str) -> str | None:
        word = self.found.get(target)
        if word is None:
            return self.plan.defaults.get(target) or None
        value = _VALUE_OF[target].get(_fold(word)) or (word if word in WORDS[target] else None)
        if value is None:
            known = _(", ").join(words.split()[0] for words in WORDS[target].values())
            raise RowRefused(
                self.where[target],
                _("“%(word)s” is not known here. Known: %(known)s.", word=word[:40], known=known),
            )
        return value

    def text(self, target: str, longest: int) -> str | None:
        text = self.found.get(target)
        if text is not None and len(text) > longest:
            raise RowRefused(self.where[target], _("Longer than %(n)s characters.", n=longest))
        return text

    def day(self, target: str) -> str | None:
        text = self.found.get(target)
        if text is None:
            return None
        try:
            return str(coerce.to_date(re.split(r"[T ]", text)[0] if ":" in text else text))
        except coerce.Unreadable as error:
            raise RowRefused(self.where[target], _("“%(word)s” is no day.", word=text[:40])) from error

    def instant(self) -> datetime | None:
        text = self.found.get("received_at")
        if text is None:
            return None
        try:
            kept = coerce.to_datetime(text, centre_zone())
        except coerce.Unreadable:
            kept = coerce.to_datetime(f"{self.day('received_at')} 00:00", centre_zone())
        instant = datetime.fromisoformat(kept)
        if instant > self.now + timedelta(days=1):
            raise RowRefused(self.where["received_at"], _("“%(word)s” lies in the future.", word=text[:40]))
        return instant

    def customer(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            name: self.text(f"customer.{name}", longest)
            for name, longest in CUSTOMER_FIELDS.items()
            if f"customer.{name}" in self.found and name != "phone"
        }
        if (phone := self.found.get("customer.phone")) is not None:
            try:
                values["phone"] = normalise_phone(phone)
            except BadPhone as error:
                raise RowRefused(
                    self.where["customer.phone"], _("“%(word)s” is no phone number.", word=phone[:40])
                ) from error
        return values

    def asset(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, longest in ASSET_FIELDS.items():
            target = f"asset.{name}"
            if target in self.found:
                values[name] = self.day(target) if longest == 0 else self.text(target, longest)
        if "kind" in values:
            values["kind"] = self.choice("asset.kind")
        return values


def with_choices(plan: Plan, columns: Mapping[int, str], **changes: Any) -> Plan:
    """Return the plan with some columns, its source or defaults changed by hand."""
    chosen = tuple(columns.get(index, target) for index, target in enumerate(plan.columns))
    return replace(plan, columns=chosen, **changes)

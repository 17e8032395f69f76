"""The customer archive as pages show it: everything personal is masked here, on the server."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.customers import rules
from app.customers.tables import Asset, Customer
from app.db import session

PAGE = 30
FOUND = 8


@dataclass(frozen=True)
class AssetView:
    """A vehicle or device, its numbers masked. covered: in warranty; None when that is not known."""

    id: int
    kind: str
    plate: str
    serial: str
    make: str | None
    model: str | None
    firmware: str | None
    fitted_on: date | None
    warranty_until: date | None
    covered: bool | None

    @property
    def name(self) -> str:
        """What it is called in a list: plate, else make and model, else serial number."""
        return self.plate or " ".join(part for part in (self.make, self.model) if part) or self.serial


@dataclass
class CustomerView:
    """A customer, the numbers masked."""

    id: int
    name: str
    phone: str
    company: str | None
    region: str | None
    address: str
    email: str
    preferred_time: str | None
    note: str | None
    created_at: datetime
    assets: list[AssetView] = field(default_factory=list)


@dataclass(frozen=True)
class CustomerPage:
    """A page of the archive; `next` is the id after which the following page begins, 0 at its end."""

    rows: list[CustomerView]
    total: int
    next: int


def show_customer(row: Customer) -> CustomerView:
    """Return a customer as it may be shown."""
    return CustomerView(
        row.id, row.name, rules.mask_phone(row.phone), row.company, row.region,
        rules.mask_address(row.address), rules.mask_email(row.email), row.preferred_time, row.note,
        row.created_at,
    )  # fmt: skip


def show_asset(row: Asset, today: date) -> AssetView:
    """Return an asset as it may be shown; `today` decides whether it is in warranty."""
    return AssetView(
        row.id, row.kind, rules.mask_plate(row.plate) if row.plate else "",
        rules.mask_serial(row.serial) if row.serial else "", row.make, row.model, row.firmware, row.fitted_on,
        row.warranty_until, row.warranty_until >= today if row.warranty_until else None,
    )  # fmt: skip


def lookup(text: str, today: date) -> list[CustomerView]:
    """Find customers while somebody types a phone number, plate, serial number or name; two statements.

    One or two signs find nobody yet, but a two-sign Chinese name does.
    """
    condition = matches(text)
    if condition is None:
        return []
    query = sa.select(Customer).where(condition).order_by(Customer.name, Customer.id).limit(FOUND)
    return _with_assets(session().scalars(query), today)


def archive(text: str, after: int, today: date) -> CustomerPage:
    """Return a page of the archive, newest first; three statements."""
    condition = matches(text) if text.strip() else sa.true()
    if condition is None:
        condition = Customer.name.ilike(_like(text.strip()), escape="\\")
    total = session().scalar(sa.select(sa.func.count()).select_from(Customer).where(condition)) or 0
    query = sa.select(Customer).where(condition, Customer.id < after if after else sa.true())
    found = list(session().scalars(query.order_by(Customer.id.desc()).limit(PAGE + 1)))
    rows = _with_assets(found[:PAGE], today)
    return CustomerPage(rows, total, found[PAGE - 1].id if len(found) > PAGE else 0)


def assets_of(customer_id: int, today: date) -> list[AssetView]:
    """Return what a customer owns, newest first; one statement."""
    query = sa.select(Asset).where(Asset.customer_id == customer_id).order_by(Asset.id.desc())
    return [show_asset(row, today) for row in session().scalars(query)]


def matches(text: str) -> sa.ColumnElement[bool] | None:
    """Return the condition on `Customer` that a search text makes; None while it is too short."""
    text = text.strip()[:60]
    folded = rules.fold(text)
    chinese = any("\u4e00" <= sign <= "\u9fff" for sign in text)
    if len(folded) < (2 if chinese else 3):
        return None
    digits = folded.removeprefix("+86").removeprefix("+")
    owns = sa.select(Asset.id).where(
        Asset.customer_id == Customer.id,
        sa.or_(
            Asset.plate_folded.like(_like(folded), escape="\\"),
            Asset.serial_folded.like(_like(folded), escape="\\"),
        ),
    )
    found: list[sa.ColumnElement[bool]] = [owns.exists()]
    if digits.isdigit():
        found.append(Customer.phone_digits.like(_like(digits), escape="\\"))
    else:
        found += [
            Customer.name.ilike(_like(text), escape="\\"),
            Customer.company.ilike(_like(text), escape="\\"),
        ]
    return sa.or_(*found)


def _like(text: str) -> str:
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


def _with_assets(rows: Iterable[Customer], today: date) -> list[CustomerView]:
    views = [show_customer(row) for row in rows]
    owned: dict[int | None, list[Any]] = defaultdict(list)
    query = sa.select(Asset).where(Asset.customer_id.in_([view.id for view in views])).order_by(Asset.id)
    for asset in session().scalars(query):
        owned[asset.customer_id].append(show_asset(asset, today))
    for view in views:
        view.assets = owned[view.id]
    return views

"""The customer archive: customers and what they own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Customer(Base):
    """A person or firm that we serve. `phone` is E.164; `phone_digits` is what a search compares.

    call_hours:  when they may be called: [{"days": [1, 2], "from": "18:00", "until": "20:00"}], ISO weekdays
                 and local time; None: whenever we work.
    do_not_call: they want no regular calls; one about a case of theirs is still made.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(80))
    phone: Mapped[str | None] = mapped_column(sa.String(24))
    phone_digits: Mapped[str | None] = mapped_column(sa.String(24), index=True)
    company: Mapped[str | None] = mapped_column(sa.String(120))
    region: Mapped[str | None] = mapped_column(sa.String(60))
    address: Mapped[str | None] = mapped_column(sa.String(200))
    email: Mapped[str | None] = mapped_column(sa.String(120))
    preferred_time: Mapped[str | None] = mapped_column(sa.String(80))
    note: Mapped[str | None] = mapped_column(sa.Text)
    call_hours: Mapped[list[Any] | None]
    do_not_call: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Asset(Base):
    """A vehicle or device. Plates and serial numbers are kept as written and, for search, folded."""

    __tablename__ = "asset"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer.id"), index=True)
    kind: Mapped[str] = mapped_column(
        sa.String(16), default="vehicle"
    )  # vehicle | terminal | camera | sensor
    plate: Mapped[str | None] = mapped_column(sa.String(20))
    plate_folded: Mapped[str | None] = mapped_column(sa.String(20), index=True)
    serial: Mapped[str | None] = mapped_column(sa.String(60))
    serial_folded: Mapped[str | None] = mapped_column(sa.String(60), index=True)
    make: Mapped[str | None] = mapped_column(sa.String(60))
    model: Mapped[str | None] = mapped_column(sa.String(80))
    firmware: Mapped[str | None] = mapped_column(sa.String(40))
    fitted_on: Mapped[date | None]
    warranty_until: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

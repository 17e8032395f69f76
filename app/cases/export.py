"""The case list as a spreadsheet: sent at once by the page, or made in the background."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _

from app.accounts.actor import Actor
from app.cases import queries
from app.cases.filters import Filters
from app.cases.labels import label

BLOCK = 64 * 1024
# More than this is asked for in the background.
BIG = 200_000


def spreadsheet(
    filters: Filters, actor: Actor, now: datetime, most: int = queries.EXPORT_LIMIT
) -> Iterator[bytes]:
    """Yield the filtered cases as a CSV file that Excel opens in Chinese, in blocks."""
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow(
        [
            _("Case"), _("Problem"), _("Status"), _("Class"), _("Severity"), _("Channel"), _("Round"),
            _("Now at"), _("Received"), _("Deadline"), _("Customer"), _("Vehicle or device"),
        ]
    )  # fmt: skip
    for row in queries.export(filters, actor, now, most):
        cells = [
            row.number, row.title, label("status", row.status), label("class", row.klass),
            label("severity", row.severity), label("channel", row.channel), row.round,
            " / ".join(step.name for step in row.steps), _time(row.received_at),
            _time(row.due_at), row.customer or "", row.label,
        ]  # fmt: skip
        writer.writerow([_harmless(cell) for cell in cells])
        if text.tell() > BLOCK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def in_background(query: Mapping[str, str], actor: Actor, now: datetime) -> Iterator[bytes]:
    """Yield the file for `app.exports`."""
    return spreadsheet(Filters.read(query), actor, now, BIG)


def _harmless(cell: Any) -> Any:
    """Keep a spreadsheet from running a customer's words as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _time(instant: datetime | None) -> str:
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M") if instant else ""

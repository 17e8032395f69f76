"""The timers of a day as a spreadsheet: read in pieces and sent as they come, up to a bound."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from openpyxl import Workbook

from app import calendar
from app.accounts.actor import Actor
from app.db import close_read_session
from app.reports import timing
from app.reports.filters import TimerFilters

PIECE = 2_000
# A spreadsheet program opens no more than about a million lines, and nobody reads as many.
MOST_CSV, MOST_XLSX = 200_000, 50_000
BLOCK = 64 * 1024
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def headings() -> list[str]:
    """Return the titles of the columns, in the reader's language."""
    return [
        _("Case"), _("Instance"), _("Procedure"), _("Timer"), _("Element"), _("Firing"), _("Due"), _("Fired"),
        _("Lateness (s)"), _("Attempts"), _("Worker"), _("Status"),
    ]  # fmt: skip


def rows(filters: TimerFilters, zone: ZoneInfo, most: int, *, cases: bool) -> Iterator[list[Any]]:
    """Yield the lines, read a piece at a time; the last one says so when there would be more.

    cases: whether the reader may know the numbers of cases.
    """
    left, after = most, filters.after
    while left > 0:
        page = timing.page(replace(filters, after=after), zone, size=min(PIECE, left))
        for one in page.rows:
            yield line(one, zone, cases=cases)
        # The reader's connection may be slow; the database need not wait for it.
        close_read_session()
        left, after = left - len(page.rows), page.after
        if not after:
            return
    yield [_("There are more than these %(n)s lines; narrow the filters.", n=f"{most:,}")]


def line(one: timing.Firing, zone: ZoneInfo, *, cases: bool) -> list[Any]:
    """Return one timer's cells; instants in the centre's zone, to the millisecond."""
    return [
        (one.case_number or "") if cases else "",
        one.instance_id,
        one.process_id,
        one.name,
        one.element,
        one.sequence,
        _instant(one.due_at, zone),
        _instant(one.fired_at, zone),
        round(one.lateness, 3) if one.lateness is not None else "",
        one.attempts,
        one.worker or "",
        one.status,
    ]


def csv_in_background(query: Mapping[str, str], actor: Actor, now: datetime) -> Iterator[bytes]:
    """Yield the CSV file for `app.exports`, ten times as long as one that a page sends."""
    return as_csv(headings(), _background_rows(query, actor, now, 10 * MOST_CSV))


def xlsx_in_background(query: Mapping[str, str], actor: Actor, now: datetime) -> Iterator[bytes]:
    """Yield the XLSX file for `app.exports`, ten times as long as one that a page sends."""
    return as_xlsx(headings(), _background_rows(query, actor, now, 10 * MOST_XLSX))


def _background_rows(query: Mapping[str, str], actor: Actor, now: datetime, most: int) -> Iterator[list[Any]]:
    zone = calendar.current().zone
    filters = TimerFilters.read(query, now.astimezone(zone).date())
    return rows(filters, zone, most, cases=actor.may("case.view_all"))


def _instant(instant: datetime | None, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).isoformat(sep=" ", timespec="milliseconds")[:23] if instant else ""


def harmless(cell: Any) -> Any:
    """Keep a spreadsheet from running a text as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def as_csv(titles: list[str], lines: Iterator[list[Any]]) -> Iterator[bytes]:
    """Yield a CSV file that Excel opens in Chinese, in blocks."""
    text = io.StringIO()
    writer = csv.writer(text)
    text.write("\ufeff")
    writer.writerow(titles)
    for cells in lines:
        writer.writerow([harmless(cell) for cell in cells])
        if text.tell() > BLOCK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def as_xlsx(titles: list[str], lines: Iterator[list[Any]]) -> Iterator[bytes]:
    """Yield an XLSX file in blocks; it is written to disk line by line before the first."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Timers"))
    sheet.append(titles)
    for cells in lines:
        sheet.append([harmless(cell) for cell in cells])
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while block := file.read(BLOCK):
            yield block

"""A spreadsheet's bytes to rows of text: CSV in UTF-8, UTF-16 or GBK, and XLSX. Nothing in it is run."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask_babel import gettext as _
from openpyxl import load_workbook

from app.errors import Invalid

MOST_ROWS = 5_000
MOST_COLUMNS = 100
LONGEST_CELL = 32_000
# An XLSX is a zip: what it unpacks to is bounded before anything is unpacked.
MOST_UNPACKED = 80 * 1024 * 1024
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Sheet:
    """A spreadsheet's content; every row has as many cells as there are headers.

    headers: the first row that is not blank.
    rows:    (number as the spreadsheet counts it, cells), without blank ones.
    """

    headers: list[str]
    rows: list[tuple[int, list[str]]]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept between the steps of an import."""
        return {"headers": self.headers, "rows": self.rows}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Sheet:
        """Read back what was kept."""
        return cls(kept["headers"], [(number, cells) for number, cells in kept["rows"]])


def read(name: str, content: bytes) -> Sheet:
    """Read a spreadsheet by its content; raises Invalid with a sentence for the person."""
    if content.startswith(OLD_EXCEL):
        raise Invalid(_("This is an old or locked Excel file. Save it as .xlsx or .csv without a password."))
    if content.startswith(b"PK\x03\x04"):
        return _sheet(enumerate(_xlsx_rows(content), 1))
    return _sheet(enumerate(_csv_rows(decode(content)), 1))


def decode(content: bytes) -> str:
    """Return text: by its mark, else UTF-8, else GB18030 (which GBK and GB2312 are part of)."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # A picture or a program decodes as something, too.
        if "\x00" not in text:
            return text
    raise Invalid(_("This file cannot be read. Send a .csv in UTF-8 or GBK, or an .xlsx."))


def _csv_rows(text: str) -> Iterator[list[str]]:
    head = text.lstrip().split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=head.count)
    csv.field_size_limit(LONGEST_CELL * 4)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise Invalid(_("This file cannot be read as CSV: %(reason)s.", reason=str(error)[:120])) from error


def _xlsx_rows(content: bytes) -> Iterator[list[str]]:
    _check_zip(content)
    try:
        # data_only: a formula gives the value that was last seen; nothing is computed here.
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        for row in sheets[0].iter_rows(max_row=MOST_ROWS + 200, max_col=MOST_COLUMNS + 1, values_only=True):
            yield [_text(cell) for cell in row]
        book.close()
    # openpyxl meets a damaged file with whatever its parsers raise.
    except (
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        SyntaxError,
        OSError,
        zipfile.BadZipFile,
    ) as error:
        raise Invalid(_("This Excel file is damaged. Open it, save it again and send that.")) from error


def _check_zip(content: bytes) -> None:
    refused = Invalid(_("This Excel file is damaged. Open it, save it again and send that."))
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if sum(part.file_size for part in parts) > MOST_UNPACKED or len(parts) > 2_000:
                raise Invalid(_("This Excel file is too large. Split it, %(n)s rows a file.", n=MOST_ROWS))
            if "xl/workbook.xml" not in packed.namelist():
                raise Invalid(_("This is no Excel file. Send a .csv or an .xlsx."))
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with packed.open(part) as file:
                        # Excel writes no DOCTYPE; only an attack needs one.
                        if b"<!DOCTYPE" in file.read(2_000):
                            raise refused
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise refused from error


def _text(cell: Any) -> str:
    """Write a cell as one would type it: days in ISO, whole numbers without .0, errors as nothing."""
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer() and abs(cell) < 1e15:
            return str(int(cell))
        case datetime():
            return f"{cell:%Y-%m-%d}" if cell.time() == time(0) else f"{cell:%Y-%m-%d %H:%M}"
        case date() | time():
            return cell.isoformat()
    text = str(cell)
    return "" if text in ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!") else text


def _sheet(rows: Iterable[tuple[int, list[str]]]) -> Sheet:
    headers: list[str] = []
    kept: list[tuple[int, list[str]]] = []
    for number, raw in rows:
        cells = [cell.replace("\r\n", "\n").strip()[:LONGEST_CELL] for cell in raw]
        if not any(cells):
            continue
        if not headers:
            while not cells[-1]:
                cells.pop()
            headers = cells
            if len(headers) > MOST_COLUMNS:
                raise Invalid(_("More than %(n)s columns; leave out what is not needed.", n=MOST_COLUMNS))
            continue
        if len(kept) == MOST_ROWS:
            raise Invalid(_("More than %(n)s rows. Split the file.", n=MOST_ROWS))
        kept.append((number, [*cells, *[""] * len(headers)][: len(headers)]))
    if not kept:
        raise Invalid(_("There is no row below the column names."))
    return Sheet(headers, kept)

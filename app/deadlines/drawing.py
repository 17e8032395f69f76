"""The small drawing of a deadline: days as rows, opening hours as bars; numbers for an SVG, no words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.deadlines.explanation import DayRow, Piece

LEFT, WIDTH = 132, 640
ROW, GAP, TOP = 30, 20, 36
BOTTOM = 34
# Narrower bars have no room for their length.
LABELLED = 34


@dataclass(frozen=True)
class Bar:
    """One span. x, width: units of the drawing; length: told inside where it fits."""

    x: float
    width: float
    kind: str
    length: timedelta | None


@dataclass(frozen=True)
class DrawnRow:
    """One row of the drawing; `bars` is empty where the row is a band of days."""

    y: int
    row: DayRow
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Mark:
    """An instant on a row. kind: start | now | due; left: its words stand to the left of the line."""

    x: float
    y: int
    kind: str
    at: datetime
    left: bool


@dataclass(frozen=True)
class Drawing:
    """All that the SVG needs. hours: (x, hour)."""

    width: int
    height: int
    hours: list[tuple[float, int]]
    rows: list[DrawnRow]
    marks: list[Mark]
    left: int = LEFT
    band: int = WIDTH


def draw(rows: Sequence[DayRow], zone: ZoneInfo, marks: Iterable[tuple[str, datetime]]) -> Drawing:
    """Return the drawing of day rows; marks: (kind, instant); those on a day not drawn are left out."""
    first, last = _hours(rows, zone)

    def x(instant: datetime, row: DayRow) -> float:
        midnight = datetime.combine(row.first, time(0), zone)
        hours = (instant - midnight) / timedelta(hours=1)
        return round(LEFT + min(max(hours - first, 0), last - first) * WIDTH / (last - first), 1)

    drawn: list[DrawnRow] = []
    for number, row in enumerate(rows):
        bars = tuple(_bar(piece, x(piece.begins, row), x(piece.ends, row)) for piece in row.pieces)
        drawn.append(DrawnRow(TOP + number * (ROW + GAP), row, bars))
    placed = []
    for kind, at in marks:
        day = at.astimezone(zone).date()
        found = next((one for one in drawn if one.bars and one.row.first == day), None)
        if found is not None:
            where = x(at, found.row)
            placed.append(Mark(where, found.y, kind, at, left=kind != "due" or where > LEFT + WIDTH * 0.8))
    step = 2 if last - first <= 14 else 4
    return Drawing(
        LEFT + WIDTH + 28,
        TOP + len(drawn) * (ROW + GAP) + BOTTOM - GAP,
        [
            (round(LEFT + (hour - first) * WIDTH / (last - first), 1), hour)
            for hour in range(first, last + 1, step)
        ],
        drawn,
        placed,
    )


def _bar(piece: Piece, begins: float, ends: float) -> Bar:
    width = round(max(ends - begins, 1), 1)
    told = piece.length if width >= LABELLED and piece.kind in ("counted", "left") else None
    return Bar(begins, width, piece.kind, told)


def _hours(rows: Sequence[DayRow], zone: ZoneInfo) -> tuple[int, int]:
    """Return the first and last full hour that any row needs; a night shift ends after 24."""
    begins, ends = [], []
    for row in rows:
        midnight = datetime.combine(row.first, time(0), zone)
        for piece in row.pieces:
            begins.append((piece.begins - midnight) / timedelta(hours=1))
            ends.append((piece.ends - midnight) / timedelta(hours=1))
    if not begins:
        return 8, 18
    first, last = int(min(begins)), int(-(-max(ends) // 1))
    return first, max(last, first + 4)

"""How a deadline came about, span by span: plain values, made for a table and a small drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from app.calendar.rules import Calendar
from app.deadlines.rules import Period

ZERO = timedelta(0)
# More days than these are told in one line, so that a deadline of months still fits a page.
ALONE = 3
LONG = 14
# Between the names of holidays that follow one another.
JOIN = " · "


@dataclass(frozen=True)
class Piece:
    """A part of a day's opening time, UTC. kind: counted | left | paused | off (open, but not of this)."""

    begins: datetime
    ends: datetime
    kind: str

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.ends - self.begins


@dataclass(frozen=True)
class DayRow:
    """One local day, or several in a row that are alike.

    kind:   working | make_up | changed (other hours than its weekday) | holiday | weekend.
    name:   of the exception in the calendar, "" for an ordinary day.
    pieces: of a single day; empty where it is closed, or for several days together.
    counted, days: working time that counts, and on how many working days.
    """

    first: date
    last: date
    kind: str
    name: str
    pieces: tuple[Piece, ...] = ()
    counted: timedelta = ZERO
    days: int = 0

    @property
    def closed(self) -> bool:
        """Whether nothing counts since the centre is closed."""
        return self.kind in ("holiday", "weekend")


@dataclass(frozen=True)
class Line:
    """One line of the table. why: open | paused | left | closed | days; total: counted up to its end.

    breaks: when the centre is closed in between. notes: starts | resumed | now | make_up | changed.
    """

    first: date
    last: date
    begins: datetime | None
    ends: datetime | None
    why: str
    counted: timedelta
    total: timedelta
    name: str = ""
    kind: str = "working"
    breaks: tuple[Period, ...] = ()
    notes: tuple[str, ...] = ()
    days: int = 0


def day_rows(
    calendar: Calendar, start: datetime, end: datetime, *, pauses: Sequence[Period], now: datetime | None
) -> list[DayRow]:
    """Return every local day from `start` to `end`, closed ones in a row together.

    pauses: in order, UTC. now: what comes later is still left; None when the deadline is over.
    """
    first, last = (instant.astimezone(calendar.zone).date() for instant in (start, end))
    rows: list[DayRow] = []
    for ahead in range((last - first).days + 1):
        row = _row(calendar, first + timedelta(days=ahead), start, end, pauses, now)
        before = rows[-1] if rows else None
        if before is not None and before.closed and row.closed:
            # A holiday with the weekends in and around it is one time off.
            kind = "holiday" if "holiday" in (before.kind, row.kind) else "weekend"
            rows[-1] = replace(before, last=row.last, kind=kind, name=_together(before.name, row.name))
        else:
            rows.append(row)
    return rows


def shortened(rows: Sequence[DayRow]) -> list[DayRow]:
    """Return the rows with long runs of ordinary days told together; the first and last ones stay alone."""
    if len(rows) <= LONG:
        return list(rows)
    middle = rows[ALONE:-ALONE]
    found = list(rows[:ALONE])
    for row in middle:
        before = found[-1] if len(found) > ALONE else None
        if _plain(row) and before is not None and before.kind == "several":
            found[-1] = replace(
                before, last=row.last, counted=before.counted + row.counted, days=before.days + row.days
            )
        elif _plain(row):
            found.append(replace(row, kind="several", pieces=()))
        else:
            found.append(row)
    return [*found, *rows[-ALONE:]]


def lines(rows: Iterable[DayRow], *, start: datetime, now: datetime | None) -> list[Line]:
    """Return the table: what counted when, and how much together; `start` and `now` as for the rows."""
    found: list[Line] = []
    total, paused = ZERO, False
    for row in rows:
        if row.kind == "several":
            total += row.counted
            found.append(Line(row.first, row.last, None, None, "days", row.counted, total, days=row.days))
        elif row.closed:
            found.append(Line(row.first, row.last, None, None, "closed", ZERO, total, row.name, row.kind))
        for pieces in _runs(row.pieces):
            kind, begins, ends = pieces[0].kind, pieces[0].begins, pieces[-1].ends
            counted = ZERO if kind == "paused" else sum((piece.length for piece in pieces), ZERO)
            total += counted
            notes = [
                note
                for note, holds in (
                    ("starts", not found and kind == "counted" and begins >= start),
                    ("resumed", paused and kind != "paused"),
                    ("now", kind == "counted" and now is not None and ends == now),
                )
                if holds
            ]
            found.append(
                Line(
                    row.first,
                    row.last,
                    begins,
                    ends,
                    "open" if kind == "counted" else kind,
                    counted,
                    total,
                    row.name,
                    row.kind,
                    tuple(
                        (one.ends, two.begins)
                        for one, two in zip(pieces, pieces[1:], strict=False)
                        if one.ends < two.begins
                    ),
                    tuple(notes),
                )
            )
            paused = kind == "paused"
    return found


def _together(one: str, other: str) -> str:
    """Name two closed days at once; 国庆节（补假） and 国庆节 are one holiday."""
    names = [name for name in one.split(JOIN) if name]
    for name in other.split(JOIN):
        if name and name not in names:
            names.append(name)
    return JOIN.join(names)


def plain_name(name: str) -> str:
    """Return a day's name without what stands in brackets; "" for a day that is only said to be off."""
    base = re.split(r"[（(]", name, maxsplit=1)[0].strip()
    return "" if base == "休息日" else base


def _row(
    calendar: Calendar,
    day: date,
    start: datetime,
    end: datetime,
    pauses: Sequence[Period],
    now: datetime | None,
) -> DayRow:
    exception = calendar.days.get(day)
    periods = calendar.periods(day)
    name = plain_name(exception.name) if exception is not None else ""
    if not periods:
        return DayRow(day, day, "holiday" if exception is not None else "weekend", name)
    kind = "working"
    if exception is not None:
        kind = "make_up" if calendar.is_make_up_day(day) else "changed"
    cuts = [start, end, *([now] if now is not None else []), *(at for period in pauses for at in period)]
    pieces = tuple(
        Piece(begins, ends, _kind(begins, start, end, pauses, now))
        for period in periods
        for begins, ends in _cut(period, cuts)
    )
    counted = sum((piece.length for piece in pieces if piece.kind in ("counted", "left")), ZERO)
    return DayRow(day, day, kind, name, pieces, counted, 1 if counted else 0)


def _cut(period: Period, cuts: Iterable[datetime]) -> Iterator[Period]:
    begins, closes = period
    for at in sorted(set(cuts)):
        if begins < at < closes:
            yield begins, at
            begins = at
    yield begins, closes


def _kind(
    begins: datetime, start: datetime, end: datetime, pauses: Sequence[Period], now: datetime | None
) -> str:
    if begins < start or begins >= end:
        return "off"
    if any(since <= begins < until for since, until in pauses):
        return "paused"
    return "left" if now is not None and begins >= now else "counted"


def _plain(row: DayRow) -> bool:
    ordinary = row.kind == "working" and len({piece.kind for piece in row.pieces}) == 1
    return row.kind == "weekend" or (ordinary and row.pieces[0].kind in ("counted", "left"))


def _runs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    run: list[Piece] = []
    for piece in pieces:
        if piece.kind == "off":
            continue
        if run and run[-1].kind != piece.kind:
            yield run
            run = []
        run.append(piece)
    if run:
        yield run

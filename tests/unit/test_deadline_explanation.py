"""A deadline explained: what counts, what does not, and why, adds up to the allowance."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.rules import Calendar, Day, add_working_time
from app.deadlines import drawing, explanation, rules
from app.deadlines.elapsed import Spell, spent

ZONE = ZoneInfo("Asia/Shanghai")
OPEN = ((time(8, 30), time(12)), (time(13, 30), time(18)))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def hours(text: str) -> timedelta:
    whole, minutes = text.split(":")
    return timedelta(hours=int(whole), minutes=int(minutes))


@pytest.fixture
def autumn() -> Calendar:
    """The centre around National Day 2026: a week off, a Saturday worked instead."""
    off = {date(2026, 10, day): Day("国庆节" if day < 4 else "国庆节（补假）", ()) for day in range(1, 8)}
    week = dict.fromkeys(range(1, 6), OPEN)
    return made(week, {**off, date(2026, 10, 10): Day("调休上班", OPEN)})


def made(week, days) -> Calendar:
    """Return a calendar with these hours at all times."""
    return Calendar.weekly(ZONE, week, days)


def told(lines) -> list[tuple]:
    """Return the lines as people read them: day, from, to, why, counted, total."""
    found = []
    for line in lines:
        begins, ends = (
            instant.astimezone(ZONE).strftime("%H:%M") if instant else "-"
            for instant in (line.begins, line.ends)
        )
        found.append((line.first.isoformat()[5:], begins, ends, line.why, line.counted, line.total))
    return found


def test_the_example_of_the_interface_guide_comes_out_line_by_line(autumn):
    start, now = at("2026-09-30T16:40"), at("2026-10-10T14:32")
    stop = rules.Stop(rules.CUSTOMER, at("2026-10-08T10:20"), at("2026-10-08T15:05"))
    pauses = rules.periods_without(rules.STEP, [stop], now)
    due = add_working_time(autumn.without(pauses), start, timedelta(hours=20)).at
    assert due == at("2026-10-10T15:55")
    rows = explanation.day_rows(autumn, start, due, pauses=pauses, now=now)
    assert [(row.first.day, row.last.day, row.kind) for row in rows] == [
        (30, 30, "working"), (1, 7, "holiday"), (8, 8, "working"), (9, 9, "working"), (10, 10, "make_up"),
    ]  # fmt: skip
    lines = explanation.lines(rows, start=start, now=now)
    assert told(lines) == [
        ("09-30", "16:40", "18:00", "open", hours("1:20"), hours("1:20")),
        ("10-01", "-", "-", "closed", hours("0:00"), hours("1:20")),
        ("10-08", "08:30", "10:20", "open", hours("1:50"), hours("3:10")),
        ("10-08", "10:20", "15:05", "paused", hours("0:00"), hours("3:10")),
        ("10-08", "15:05", "18:00", "open", hours("2:55"), hours("6:05")),
        ("10-09", "08:30", "18:00", "open", hours("8:00"), hours("14:05")),
        ("10-10", "08:30", "14:32", "open", hours("4:32"), hours("18:37")),
        ("10-10", "14:32", "15:55", "left", hours("1:23"), hours("20:00")),
    ]
    assert [line.notes for line in lines] == [
        ("starts",), (), (), (), ("resumed",), (), ("now",), (),
    ]  # fmt: skip
    assert lines[1].name == "国庆节"


def test_days_off_in_a_row_are_one_line_with_the_weekends_among_them(autumn):
    rows = explanation.day_rows(autumn, at("2026-09-25T17:00"), at("2026-10-09T09:00"), pauses=(), now=None)
    closed = [(row.first, row.last, row.kind, row.name) for row in rows if row.closed]
    assert closed == [
        (date(2026, 9, 26), date(2026, 9, 27), "weekend", ""),
        (date(2026, 10, 1), date(2026, 10, 7), "holiday", "国庆节"),
    ]


def test_a_long_deadline_tells_its_ordinary_days_together_and_still_adds_up(autumn):
    start, allowed = at("2026-11-02T10:00"), timedelta(hours=300)
    due = add_working_time(autumn, start, allowed).at
    rows = explanation.day_rows(autumn, start, due, pauses=(), now=None)
    short = explanation.shortened(rows)
    assert len(short) < 10 < len(rows)
    lines = explanation.lines(short, start=start, now=None)
    assert lines[-1].total == allowed
    (together,) = [line for line in lines if line.why == "days"]
    assert together.days > 20


@given(
    minutes=st.integers(0, 60 * 24 * 20),
    allowed=st.integers(1, 60 * 60),
    gone=st.integers(0, 60 * 24 * 30),
    stops=st.lists(st.tuples(st.integers(0, 60 * 24 * 20), st.integers(1, 60 * 48)), max_size=3),
)
def test_what_counts_and_what_is_left_always_add_up_to_the_allowance(minutes, allowed, gone, stops):
    week = dict.fromkeys(range(1, 6), OPEN)
    calendar = made(week, {date(2026, 10, 10): Day("调休上班", OPEN), date(2026, 10, 1): Day("国庆节", ())})
    start = at("2026-09-20T08:00") + timedelta(minutes=minutes)
    now = start + timedelta(minutes=gone)
    pauses = rules.joined(
        (start + timedelta(minutes=after), start + timedelta(minutes=after + length))
        for after, length in stops
    )
    due = add_working_time(calendar.without(pauses), start, timedelta(minutes=allowed)).at
    rows = explanation.shortened(explanation.day_rows(calendar, start, due, pauses=pauses, now=now))
    lines = explanation.lines(rows, start=start, now=now)
    assert lines[-1].total == timedelta(minutes=allowed)
    drawn = drawing.draw(rows, ZONE, [("start", start), ("due", due)])
    for row in drawn.rows:
        for before, after in zip(row.bars, row.bars[1:], strict=False):
            assert before.x + before.width <= after.x + 1.1
        assert all(drawing.LEFT <= bar.x <= drawing.LEFT + drawing.WIDTH for bar in row.bars)


def test_the_clocks_of_a_case_tell_with_whom_its_time_was_spent(autumn):
    monday = at("2026-10-12T08:30")
    spells = [
        Spell("agent", monday, at("2026-10-12T10:30")),
        Spell("platform", at("2026-10-12T10:30"), at("2026-10-13T10:30")),
        Spell("repairpoint", at("2026-10-13T10:30"), None),
    ]
    waits = [(at("2026-10-12T13:30"), at("2026-10-12T15:30"))]
    found = spent(
        autumn, monday, None, spells, waits, at("2026-10-13T12:00"),
        departments=("platform", "quality"), waiting=False,
    )  # fmt: skip
    assert [(one.who, one.length, one.running) for one in found] == [
        ("total", hours("11:30"), True),
        ("department", hours("6:00"), False),
        ("agent", hours("2:00"), False),
        ("customer", hours("2:00"), False),
        ("repairpoint", hours("1:30"), True),
    ]


def test_waits_that_overlap_are_taken_out_once():
    now = at("2026-10-12T12:00")
    stops = [
        rules.Stop(rules.CUSTOMER, at("2026-10-12T09:00"), at("2026-10-12T10:00")),
        rules.Stop(rules.VERDICT, at("2026-10-12T09:30"), at("2026-10-12T11:00")),
        rules.Stop(rules.CUSTOMER, at("2026-10-12T11:30"), None),
    ]
    assert rules.periods_without(rules.STEP, stops, now) == [
        (at("2026-10-12T09:00"), at("2026-10-12T10:00")),
        (at("2026-10-12T11:30"), now),
    ]
    assert rules.periods_without(rules.RESOLUTION, stops, now)[0] == (
        at("2026-10-12T09:00"),
        at("2026-10-12T11:00"),
    )

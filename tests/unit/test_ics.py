"""Holidays of iCalendar files: what is taken over, and that any file gets an answer."""

from __future__ import annotations

import random
from datetime import date, time

import pytest

from app.calendar import ics

OFFICE = ((time(9), time(12)), (time(13), time(18)))


def calendar(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\r\nUID:{n}\r\n{one}\r\nEND:VEVENT\r\n" for n, one in enumerate(events))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n{body}END:VCALENDAR\r\n"


def event(summary: str, start: str, end: str = "", more: str = "") -> str:
    lines = [f"SUMMARY:{summary}", f"DTSTART;VALUE=DATE:{start}"]
    if end:
        lines.append(f"DTEND;VALUE=DATE:{end}")
    return "\r\n".join([*lines, *([more] if more else [])])


NATIONAL = calendar(
    event("国庆节（休）", "20261001", "20261008"), event("国庆节（班）", "20261010", "20261011")
)


def days(text: str, year: int = 2026, encoding: str = "utf-8") -> dict[date, tuple[str, bool]]:
    found = ics.read(text.encode(encoding), year, OFFICE)
    return {day: (one.name, bool(one.spans)) for day, one in found.items()}


def test_a_holiday_of_a_week_is_seven_days_and_its_make_up_day_is_worked():
    found = days(NATIONAL)
    assert [day.day for day, (_name, worked) in found.items() if not worked] == list(range(1, 8))
    assert found[date(2026, 10, 10)] == ("国庆节", True)
    assert date(2026, 10, 8) not in found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_a_file_is_read_whatever_its_encoding(encoding):
    assert days(NATIONAL, encoding=encoding) == days(NATIONAL)


@pytest.mark.parametrize("summary", ["春节补班", "国庆节班", "调休上班", "Make-up working day", "班（班）"])
def test_a_day_that_is_worked_after_all_is_known_by_its_words(summary):
    assert days(calendar(event(summary, "20260214")))[date(2026, 2, 14)][1]


@pytest.mark.parametrize("summary", ["国庆节 不上班", "国庆值班", "National Day (non-working day)"])
def test_a_day_off_is_not_worked_because_its_words_deny_it(summary):
    more = "DESCRIPTION:放假调休，10月10日（周六）上班"
    assert not days(calendar(event(summary, "20261001", more=more)))[date(2026, 10, 1)][1]


def test_a_make_up_day_within_a_holiday_is_worked_whichever_comes_first():
    one, other = event("春节", "20260215", "20260224"), event("补班", "20260220")
    assert days(calendar(one, other))[date(2026, 2, 20)][1]
    assert days(calendar(other, one))[date(2026, 2, 20)][1]


def test_a_yearly_event_comes_in_each_year_until_it_ends():
    text = calendar(event("元旦", "20200101", more="RRULE:FREQ=YEARLY;UNTIL=20270101T000000Z"))
    assert list(days(text, 2026)) == [date(2026, 1, 1)]
    assert list(days(text, 2027)) == [date(2027, 1, 1)]
    assert days(text, 2028) == {}


def test_events_over_new_year_count_in_the_year_asked_for():
    text = calendar(event("假期", "20251230", "20260103"))
    assert list(days(text)) == [date(2026, 1, 1), date(2026, 1, 2)]


def test_cancelled_weekly_timed_and_endless_events_are_no_holidays():
    meeting = "SUMMARY:会议\r\nDTSTART:20260401T020000Z\r\nDTEND:20260401T030000Z"
    text = calendar(
        event("不放假", "20260501", more="STATUS:CANCELLED"), event("无尽", "20260101", "20300101"),
        event("例会", "20260302", more="RRULE:FREQ=WEEKLY"), meeting,
    )  # fmt: skip
    assert days(text) == {}


def test_a_day_from_midnight_to_midnight_is_one_day():
    text = calendar("SUMMARY:元旦\r\nDTSTART:20260101T000000\r\nDTEND:20260102T000000")
    assert list(days(text)) == [date(2026, 1, 1)]


def test_a_year_that_is_left_out_of_a_yearly_event_is_no_holiday():
    text = calendar(event("校庆", "20200501", more="RRULE:FREQ=YEARLY\r\nEXDATE;VALUE=DATE:20260501"))
    assert days(text) == {}
    assert list(days(text, 2027)) == [date(2027, 5, 1)]


def test_a_rule_that_names_every_second_is_a_day_a_year():
    every = ",".join(map(str, range(60)))
    rule = f"RRULE:FREQ=YEARLY;BYHOUR=0,1,2;BYMINUTE={every};BYSECOND={every}"
    assert list(days(calendar(event("纪念日", "20260501", more=rule)))) == [date(2026, 5, 1)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (b"", "none"),
        (b"\xff\xd8\xff\xe0 a picture", "none"),
        (b"PK\x03\x04 a spreadsheet", "none"),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", "none"),
        (calendar().encode(), "empty"),
        (b"BEGIN:VCALENDAR" + b"x" * ics.MOST_BYTES, "large"),
    ],
)
def test_what_is_no_calendar_is_refused_and_says_why(given, why):
    with pytest.raises(ics.NoCalendar, match=why):
        ics.read(given, 2026, OFFICE)


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_read_or_refused_and_never_trips(seed):
    chance = random.Random(seed)
    damaged = bytearray(NATIONAL.encode())
    for _hit in range(chance.randint(1, 12)):
        place = chance.randrange(len(damaged))
        match chance.randrange(3):
            case 0:
                damaged[place] = chance.randrange(256)
            case 1:
                del damaged[place : place + chance.randint(1, 30)]
            case _:
                damaged[place:place] = damaged[: chance.randint(1, 40)]
    try:
        found = ics.read(bytes(damaged), 2026, OFFICE)
    except ics.NoCalendar:
        return
    assert all(day.year == 2026 for day in found)

"""Quiet hours: when a mail to staff may go out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from app.notifications import rules

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
NIGHT = (time(20), time(8))
NOON = (time(12), time(13, 30))


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("said", "quiet", "goes"),
    [
        ("2026-03-02T10:00", NIGHT, "2026-03-02T10:00"),
        ("2026-03-02T19:59:59", NIGHT, "2026-03-02T19:59:59"),
        ("2026-03-02T20:00", NIGHT, "2026-03-03T08:00"),
        ("2026-03-03T00:30", NIGHT, "2026-03-03T08:00"),
        ("2026-03-03T08:00", NIGHT, "2026-03-03T08:00"),
        ("2026-03-02T12:15", NOON, "2026-03-02T13:30"),
        ("2026-03-02T13:30", NOON, "2026-03-02T13:30"),
        ("2026-03-02T03:00", None, "2026-03-02T03:00"),
        ("2026-03-02T03:00", (time(0), time(0)), "2026-03-02T03:00"),
    ],
)
def test_a_mail_waits_until_the_quiet_hours_are_over(said, quiet, goes):
    assert rules.mail_from(at(said), SHANGHAI, quiet) == at(goes)


def test_a_day_off_is_quiet_as_a_whole_and_ends_with_the_next_mornings_quiet_hours():
    def weekend(day: date) -> bool:
        return day.weekday() >= 5

    # Saturday and Sunday; Monday's quiet hours end at eight.
    found = rules.mail_from(at("2026-03-07T10:00"), SHANGHAI, NIGHT, weekend)
    assert found == at("2026-03-09T08:00")
    assert rules.mail_from(at("2026-03-07T10:00"), SHANGHAI, None, weekend) == at("2026-03-09T00:00")


def test_a_centre_that_never_opens_keeps_no_mail_for_ever():
    told = at("2026-03-07T10:00")
    assert rules.mail_from(told, SHANGHAI, NIGHT, lambda _day: True) <= at("2026-03-23T00:00")


def test_quiet_hours_are_those_of_the_wall_clock_when_it_changes():
    # In the night to 29 March 2026 the clock in Berlin goes from two to three.
    told = at("2026-03-28T21:00", BERLIN).astimezone(UTC)
    assert rules.mail_from(told, BERLIN, NIGHT) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_quiet_hours_are_read_as_they_are_kept():
    assert rules.read_quiet("21:30-07:00") == (time(21, 30), time(7))
    assert rules.read_quiet("") is None
    assert rules.read_quiet("08:00-08:00") is None
    for wrong in ("always", "21:30", "25:00-26:00"):
        with pytest.raises(ValueError):
            rules.read_quiet(wrong)

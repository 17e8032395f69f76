"""Working time: weekends, holidays, make-up days, clock changes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.calendar.official import around, year
from app.calendar.rules import (
    Calendar,
    CalendarExhausted,
    Day,
    add_working_time,
    next_change,
    outside_quiet_hours,
    parse_duration,
    working_day,
    working_time_between,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def weekdays_9_to_17() -> Calendar:
    nine_to_five = ((time(9), time(17)),)
    return Calendar.weekly(ZoneInfo("UTC"), dict.fromkeys(range(1, 6), nine_to_five))


@pytest.fixture
def china_2026() -> Calendar:
    return around("Asia/Shanghai", 2026)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_an_allowance_that_outlasts_friday_falls_due_on_monday(weekdays_9_to_17):
    friday = datetime(2026, 3, 6, 16, 45, tzinfo=UTC)
    monday = datetime(2026, 3, 9, 9, 15, tzinfo=UTC)
    assert add_working_time(weekdays_9_to_17, friday, timedelta(minutes=30)).at == monday


def test_time_given_at_night_starts_when_the_centre_opens(weekdays_9_to_17):
    night = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)
    assert add_working_time(weekdays_9_to_17, night, timedelta(hours=1)).at == datetime(
        2026, 3, 5, 10, tzinfo=UTC
    )


def test_an_allowance_may_end_at_the_very_instant_of_closing(weekdays_9_to_17):
    morning = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
    assert add_working_time(weekdays_9_to_17, morning, timedelta(hours=8)).at == datetime(
        2026, 3, 4, 17, tzinfo=UTC
    )


def test_the_lunch_break_does_not_count(china_2026):
    assert add_working_time(china_2026, at("2026-11-23 11:30"), timedelta(hours=1)).at == at(
        "2026-11-23 14:00"
    )


def test_national_day_is_not_working_time(china_2026):
    before = at("2026-09-30 17:00")
    assert add_working_time(china_2026, before, timedelta(hours=2)).at == at("2026-10-08 09:30")


def test_a_make_up_saturday_is_a_working_day(china_2026):
    assert china_2026.is_make_up_day(date(2026, 10, 10))
    assert add_working_time(china_2026, at("2026-10-09 17:30"), timedelta(hours=1)).at == at(
        "2026-10-10 09:00"
    )


def test_days_past_the_last_announced_year_are_flagged_not_guessed(china_2026):
    reckoned = add_working_time(china_2026, at("2026-12-31 17:30"), timedelta(hours=8))
    assert reckoned.beyond_known
    assert not add_working_time(china_2026, at("2026-12-30 09:00"), timedelta(hours=1)).beyond_known


def test_an_hour_lost_to_summer_time_is_not_worked():
    berlin = ZoneInfo("Europe/Berlin")
    nights = Calendar.weekly(berlin, {day: ((time(0), time(6)),) for day in range(1, 8)})
    before = datetime(2026, 3, 29, 0, 0, tzinfo=berlin)  # clocks go from 02:00 to 03:00
    assert working_time_between(nights, before, before + timedelta(hours=12)) == timedelta(hours=5)


def test_the_third_working_day_steps_over_the_weekend(china_2026):
    assert working_day(china_2026, at("2026-11-19 15:00"), 3).at == at("2026-11-24 08:30")


def test_working_day_zero_is_now_or_the_next_opening(china_2026):
    assert working_day(china_2026, at("2026-11-20 15:00"), 0).at == at("2026-11-20 15:00")
    assert working_day(china_2026, at("2026-11-21 15:00"), 0).at == at("2026-11-23 08:30")


def test_working_time_between_two_instants_leaves_out_night_and_weekend(china_2026):
    assert working_time_between(china_2026, at("2026-11-20 17:00"), at("2026-11-23 09:30")) == timedelta(
        hours=2
    )
    assert working_time_between(china_2026, at("2026-11-23 10:00"), at("2026-11-23 09:00")) == timedelta(0)


def test_the_next_change_tells_when_the_centre_closes_or_opens(china_2026):
    assert next_change(china_2026, at("2026-11-23 15:00")) == at("2026-11-23 18:00")
    assert next_change(china_2026, at("2026-11-23 12:30")) == at("2026-11-23 13:30")


def test_a_calendar_that_never_opens_says_so():
    closed = Calendar.weekly(ZoneInfo("UTC"), {}, {date(2026, 1, 1): Day("x", ())})
    with pytest.raises(CalendarExhausted):
        add_working_time(closed, datetime(2026, 1, 1, tzinfo=UTC), timedelta(hours=1))
    assert next_change(closed, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT8H", timedelta(hours=8)),
        ("P1DT2H30M", timedelta(days=1, hours=2, minutes=30)),
        ("P2W", timedelta(weeks=2)),
        (" PT90S ", timedelta(seconds=90)),
    ],
)
def test_durations_are_read(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "P", "PT", "8H", "P1M", "P1Y", "-PT1H", "PT1.5H", "P1DT"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("start", "quiet", "call"),
    [
        ("2026-11-23 10:00", ("20:00", "09:00"), "2026-11-23 10:00"),
        ("2026-11-23 08:30", ("20:00", "09:00"), "2026-11-23 09:00"),
        ("2026-11-23 12:30", ("20:00", "09:00"), "2026-11-23 13:30"),
        # Friday evening: neither then, nor on Saturday, nor as early as the centre opens on Monday.
        ("2026-11-20 17:30", ("17:00", "09:00"), "2026-11-23 09:00"),
        ("2026-11-23 13:40", ("12:30", "14:00"), "2026-11-23 14:00"),
        ("2026-11-23 08:30", ("00:00", "00:00"), "2026-11-23 08:30"),
    ],
)
def test_nobody_is_called_in_the_quiet_hours(china_2026, start, quiet, call):
    begins, ends = map(time.fromisoformat, quiet)
    assert outside_quiet_hours(china_2026, at(start), (begins, ends)).at == at(call)


def test_quiet_hours_that_leave_no_time_say_so(china_2026):
    with pytest.raises(CalendarExhausted):
        outside_quiet_hours(china_2026, at("2026-11-23 10:00"), (time(8), time(19)))


# ---------------------------------------------------------------- the examples of the centre


NINE_TO_SIX = ((time(9), time(12)), (time(13), time(18)))


@pytest.fixture
def eight_hours() -> Calendar:
    """09–12 and 13–18 on China's official working days, as the library has them published."""
    years = {number: year(number, NINE_TO_SIX) for number in (2026, 2027)}
    days = {day: one for found in years.values() for day, one in found.days.items()}
    week = {day: NINE_TO_SIX if day < 6 else () for day in range(1, 8)}
    known = max(number for number, found in years.items() if found.published)
    return Calendar.weekly(SHANGHAI, week, days, known_until=date(known, 12, 31))


def test_eight_hours_from_a_friday_evening_end_on_the_saturday_that_is_worked_instead(eight_hours):
    reckoned = add_working_time(eight_hours, at("2026-02-13 17:00"), timedelta(hours=8))
    assert reckoned.at == at("2026-02-14 17:00")
    assert not reckoned.beyond_known


def test_the_same_hours_from_the_evening_before_national_day_skip_the_holiday(eight_hours):
    # The State Council's notice for 2026: off from 1 to 7 October, worked on Saturday the 10th.
    assert [day for day in range(1, 11) if not eight_hours.spans(date(2026, 10, day))] == [*range(1, 8)]
    assert add_working_time(eight_hours, at("2026-09-30 17:30"), timedelta(hours=8)).at == at(
        "2026-10-08 17:30"
    )


def test_a_deadline_in_a_year_that_is_not_announced_is_provisional(eight_hours):
    assert not year(2027).published
    assert add_working_time(eight_hours, at("2027-01-04 09:00"), timedelta(hours=8)).beyond_known


def test_a_centre_that_is_always_open_counts_clock_time_and_never_changes():
    always = Calendar.weekly(SHANGHAI, {day: ((time(0), time(0)),) for day in range(1, 8)})
    start = at("2026-03-01 10:00:30")
    length = timedelta(days=400, seconds=17)
    assert add_working_time(always, start, length).at == start + length
    assert working_time_between(always, start, start + length) == length
    assert next_change(always, start) is None


def test_a_night_shift_belongs_to_the_day_it_begins_on_and_no_hour_counts_twice():
    nights = Calendar.weekly(SHANGHAI, {day: ((time(22), time(6)),) for day in range(1, 8)})
    assert working_time_between(nights, at("2026-03-02 12:00"), at("2026-03-03 12:00")) == timedelta(hours=8)
    early = replace(nights, days={date(2026, 3, 3): Day("早班", ((time(5), time(12)),))})
    assert working_time_between(early, at("2026-03-02 21:00"), at("2026-03-03 13:00")) == timedelta(hours=14)
    assert nights.is_open(at("2026-03-03 05:59"))
    assert not nights.is_open(at("2026-03-03 06:00"))

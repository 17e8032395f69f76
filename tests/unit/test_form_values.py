"""What people type becomes values: numbers, money, days, instants, phone numbers, yes and no, lists."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from app.forms import coerce
from app.forms.coerce import Unreadable

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("12", 12),
        ("１２３", 123),
        ("1,234", 1234),
        ("1，234，567", 1234567),
        ("12.5", 12.5),
        ("１２。５", 12.5),
        (" -3 ", -3),
        ("−3", -3),
        ("3.0", 3),
        ("1.5万", 15000),
        (12, 12),
        (12.0, 12),
    ],
)
def test_a_number_is_read_as_it_is_typed_on_a_chinese_keyboard(typed, value):
    assert coerce.to_number(typed, whole=True) == value


@pytest.mark.parametrize(
    "typed", ["1,5", "12,34,567", "twelve", "1e5", "0x10", "1 2 x", "--1", "∞", "nan", "9" * 30]
)
def test_a_number_that_could_mean_two_things_is_not_guessed_at(typed):
    with pytest.raises(Unreadable):
        coerce.to_number(typed, whole=False)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(10**16)])
def test_a_json_number_beyond_all_bounds_is_refused(value):
    with pytest.raises(Unreadable):
        coerce.to_number(value, whole=False)


def test_true_is_no_number():
    assert coerce.to_number(True, whole=True) is True


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("380", 38000),
        ("¥1,234.50", 123450),
        ("￥１，２３４．５", 123450),
        ("380元", 38000),
        ("380 元整", 38000),
        ("-¥20", -2000),
        ("RMB 0.05", 5),
        ("1.2万", 1200000),
        (38000, 38000),
    ],
)
def test_money_is_typed_in_yuan_and_kept_in_fen(typed, fen):
    assert coerce.to_money(typed) == fen


def test_a_tenth_of_a_fen_is_refused():
    with pytest.raises(Unreadable) as refused:
        coerce.to_money("1.005")
    assert refused.value.why == "fen"


@pytest.mark.parametrize(
    "typed",
    [
        "2026-10-08",
        "2026/10/8",
        "2026.10.8",
        "2026年10月8日",
        "20261008",
        "２０２６－１０－０８",
        "2026 年 10 月 8 日",
    ],
)
def test_a_day_is_read_in_the_ways_it_is_written(typed):
    assert coerce.to_date(typed) == "2026-10-08"


@pytest.mark.parametrize("typed", ["2026-02-30", "2026-13-01", "0000-01-01"])
def test_a_day_that_never_comes_is_refused(typed):
    with pytest.raises(Unreadable) as refused:
        coerce.to_date(typed)
    assert refused.value.why == "no_such_day"


@pytest.mark.parametrize(
    "typed",
    [
        "2026-10-08T15:05",
        "2026-10-08 15:05:00",
        "2026/10/8 15:05",
        "2026年10月8日 15时05分",
        "2026-10-08T07:05:00Z",
    ],
)
def test_an_instant_is_local_to_the_centre_and_kept_in_utc(typed):
    assert coerce.to_datetime(typed, SHANGHAI) == "2026-10-08T07:05:00+00:00"


def test_an_hour_that_the_clock_change_skips_moves_past_it():
    assert coerce.to_datetime("2026-03-29 02:30", BERLIN) == "2026-03-29T01:30:00+00:00"


def test_an_hour_that_comes_twice_means_the_first():
    assert coerce.to_datetime("2026-10-25 02:30", BERLIN) == "2026-10-25T00:30:00+00:00"


@pytest.mark.parametrize(
    "typed", ["明天", "15:05", "2026-10-08 25:00", "9999-12-31T23:59:59-23:00", "0001-01-01T00:00"]
)
def test_what_is_no_instant_is_refused(typed):
    with pytest.raises(Unreadable):
        coerce.to_datetime(typed, SHANGHAI)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("138 0013 8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("029-8765 4321", "+862987654321"),
        ("+49 30 901820", "+4930901820"),
    ],
)
def test_a_phone_number_is_kept_as_e164_and_is_chinese_unless_it_says_otherwise(typed, number):
    assert coerce.to_phone(typed) == number


@pytest.mark.parametrize(
    ("typed", "why"), [("12", ""), ("call me", ""), ("029-87654321 ext 12", "extension")]
)
def test_what_is_no_phone_number_is_refused(typed, why):
    with pytest.raises(Unreadable) as refused:
        coerce.to_phone(typed)
    assert refused.value.why == why


@pytest.mark.parametrize(
    ("typed", "value"),
    [("yes", True), ("是", True), ("ON", True), ("否", False), ("0", False), (False, False)],
)
def test_yes_and_no_are_read_in_both_languages(typed, value):
    assert coerce.to_yesno(typed) is value


def test_text_loses_control_characters_and_blanks_around_it():
    assert coerce.to_text(" a\x00b\r\nc\ud800 ", lines=True) == "ab\nc"
    assert coerce.to_text("a\nb", lines=False) == "a b"


def test_a_list_drops_blanks_and_repetitions_and_has_an_end():
    assert coerce.to_list(["3", "", "3", "4"], coerce.to_id) == [3, 4]
    assert coerce.to_list("7", coerce.to_id) == [7]
    with pytest.raises(Unreadable):
        coerce.to_list(["1"] * 1000, coerce.to_id)

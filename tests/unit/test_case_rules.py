"""Cases and customers: decisions over plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.cases import rules
from app.cases.filters import Filters, read_cursor, write_cursor
from app.customers import rules as customers

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_numbers_begin_with_the_year():
    assert rules.case_number(2026, 10418) == "K26-10418"


@pytest.mark.parametrize(
    "written", ["138 1234 5678", "138-1234-5678", "+86 13812345678", "１３８１２３４５６７８"]
)
def test_a_phone_number_is_one_however_it_is_written(written):
    e164 = customers.normalise_phone(written)
    assert e164 == "+8613812345678"
    assert customers.phone_digits(e164) == "13812345678"
    assert customers.mask_phone(e164) == "138****5678"


def test_a_foreign_number_keeps_its_country():
    assert customers.normalise_phone("+44 20 7946 0000") == "+442079460000"
    assert customers.mask_phone("+442079460000") == "+44****0000"


@pytest.mark.parametrize("written", ["", "陕A·D7182", "12", "打不通"])
def test_what_no_telephone_has_is_refused(written):
    with pytest.raises(customers.BadPhone):
        customers.normalise_phone(written)


@pytest.mark.parametrize("written", ["陕A·D7182", "陕a d7182", "陕A-D7182", "陕Ａ・Ｄ７１８２"])
def test_a_plate_is_one_however_it_is_written(written):
    assert customers.fold(written) == "陕AD7182"
    assert customers.mask_plate(written) == "陕A·D7**2"


def test_a_search_wants_all_its_words_and_reads_a_phone_number_as_one():
    assert rules.search_words("离线 高速") == ["离线", "高速"]
    assert rules.search_words("138 1234 5678") == ["13812345678"]
    assert rules.search_words("陕A·D7182") == ["陕ad7182"]


def test_a_search_for_a_percent_sign_finds_a_percent_sign():
    assert rules.like("18%_") == "%18\\%\\_%"


@pytest.mark.parametrize(
    ("status", "due_in", "level", "expected"),
    [
        ("open", 10 * HOUR, 0, "ontime"),
        ("open", 2 * HOUR, 0, "soon"),
        ("open", -HOUR, 1, "overdue"),
        ("open", -9 * HOUR, 2, "escalated"),
        ("closed", -9 * HOUR, 3, "done"),
    ],
)
def test_a_case_is_as_loud_as_its_deadline(status, due_in, level, expected):
    assert rules.urgency(status, NOW + due_in, level, NOW, 4 * HOUR) == expected


def test_a_case_may_be_reopened_until_the_last_instant_of_the_period():
    closed = NOW - timedelta(days=30)
    assert rules.may_reopen("closed", closed, 30, NOW)
    assert not rules.may_reopen("closed", closed - timedelta(seconds=1), 30, NOW)
    assert not rules.may_reopen("open", None, 30, NOW)


def test_a_filter_survives_its_query_string_and_nonsense_narrows_nothing():
    filters = Filters.read(
        {"q": "离线", "class": "device", "overdue": "1", "since": "2026-02-01", "sort": "due"}
    )
    from urllib.parse import parse_qsl

    assert Filters.read(dict(parse_qsl(filters.query()))) == filters
    assert Filters.read({"class": "x", "since": "soon", "sort": "?", "status": "lost"}) == Filters()


@pytest.mark.parametrize("broken", ["", "x", "////", "WzEsMl0", "bnVsbA"])
def test_a_broken_cursor_is_the_top_of_the_list(broken):
    assert read_cursor(broken) is None
    assert read_cursor(write_cursor(NOW, 7)) == (NOW, 7)

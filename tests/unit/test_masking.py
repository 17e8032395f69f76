"""What operators see of process data: enough to mend it, nobody's number."""

from __future__ import annotations

import pytest

from app.procedures.masking import masked


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("note", "call 138 1234 5678 or w.li@example.com", "call 138****78 or w***@example.com"),
        ("note", "证件 610103199001011234", "证件 610****34"),
        ("customer_name", "王小明", "王***"),
        ("phone", "+8613812345678", "+***"),
        ("amount", 120, 120),
        ("ok", True, True),
        ("due", "2026-03-02T10:00:00+08:00", "2026-03-02T10:00:00+08:00"),
        ("call", 13812345678, "138****78"),
        ("customer", {"first": "Li", "rank": 3}, {"first": "L***", "rank": "3***"}),
        ("lines", [{"part": "A-1", "phone": "029 8812 3456"}], [{"part": "A-1", "phone": "0***"}]),
        ("address", "", ""),
        ("klass", None, None),
    ],
)
def test_what_identifies_a_person_is_hidden_and_the_rest_stays(name, value, shown):
    assert masked(name, value) == shown

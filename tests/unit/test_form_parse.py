"""What was posted becomes checked values, each where it belongs; whatever comes in, it never raises."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict

from app.forms import Choice, Form, parse
from app.forms.rules import WIDGETS


def form(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "title": "表单", "required": list(required), "properties": properties}


def said(parsed) -> dict[str, str]:
    return {error.field: error.message for error in parsed.errors}


EVERY = form(
    text={"type": "string", "title": "文字"},
    words={"type": "string", "x-widget": "textarea", "title": "说明"},
    pick={
        "type": "string",
        "title": "选择",
        "oneOf": [{"const": "a", "title": "甲"}, {"const": "b", "title": "乙"}],
    },
    one={"type": "string", "title": "单选", "x-widget": "radio", "enum": ["x", "y"]},
    yes={"type": "boolean", "title": "是否"},
    count={"type": "integer", "title": "数量"},
    share={"type": "number", "title": "比例"},
    cost={"type": "integer", "x-widget": "money", "title": "费用"},
    day={"type": "string", "format": "date", "title": "日期"},
    at={"type": "string", "format": "date-time", "title": "时间"},
    phone={"type": "string", "format": "phone", "title": "电话"},
    score={"type": "integer", "x-widget": "rating", "title": "评分"},
    files={"type": "array", "x-widget": "file", "items": {"type": "integer"}, "title": "附件"},
    customer={"type": "integer", "x-widget": "customer", "title": "客户"},
    asset={"type": "integer", "x-widget": "asset", "title": "设备"},
    ticks={"type": "array", "title": "配件", "items": {"type": "string", "enum": ["antenna", "cable"]}},
)
POSTED = MultiDict(
    [
        ("csrf_token", "x"),
        ("revision", "3"),
        ("text", " 天线 "),
        ("words", "一\r\n二"),
        ("pick", "b"),
        ("one", "x"),
        ("yes", "no"),
        ("count", "１２"),
        ("share", "0.5"),
        ("cost", "¥1,234.50"),
        ("day", "2026年10月8日"),
        ("at", "2026-10-08T15:05"),
        ("phone", "138 0013 8000"),
        ("score", "4"),
        ("files", "7"),
        ("files", "9"),
        ("customer", "12"),
        ("asset", "5"),
        ("ticks", "cable"),
    ]
)
VALUES = {
    "text": "天线",
    "words": "一\n二",
    "pick": "b",
    "one": "x",
    "yes": False,
    "count": 12,
    "share": 0.5,
    "cost": 123450,
    "day": "2026-10-08",
    "at": "2026-10-08T07:05:00+00:00",
    "phone": "+8613800138000",
    "score": 4,
    "files": [7, 9],
    "customer": 12,
    "asset": 5,
    "ticks": ["cable"],
}


def test_every_widget_of_a_page_gives_its_value():
    parsed = parse(EVERY, POSTED)
    assert parsed.errors == []
    assert parsed.values == VALUES


def test_the_interface_takes_the_same_path_and_gives_the_same_values():
    assert parse(EVERY, VALUES).values == VALUES


def test_free_text_files_and_phone_numbers_stay_out_of_the_process():
    assert {*parse(EVERY, POSTED).process} == {*VALUES} - {"text", "words", "phone", "files"}


@pytest.mark.parametrize(
    ("field", "typed", "wanted"),
    [
        ("pick", "c", "Choose one of the options."),
        ("one", "z", "Choose one of the options."),
        ("yes", "maybe", "Choose one of the options."),
        ("count", "1.5", "Give a whole number, such as 12."),
        ("count", "many", "Give a whole number, such as 12."),
        ("count", "9" * 30, "This number is too large."),
        ("share", "half", "Give a number, such as 12.5."),
        ("cost", "free", "Give an amount in yuan, such as 380.00."),
        ("cost", "1.005", "Give an amount in yuan and fen, with two decimals at most."),
        ("day", "soon", "Give a day, such as 2026-10-08."),
        ("day", "2026-02-30", "There is no such day or time; check it."),
        ("at", "2026-10-08", None),
        ("at", "2026年10月8日", "Give a day and a time, such as 2026-10-08 15:05."),
        ("phone", "12", "Give a phone number with its area code, such as 138 0013 8000 or 029 8765 4321."),
        ("score", "6", "Give 5 or less."),
        ("files", "x", "This file could not be read; add it again."),
        ("customer", "x", "Choose a customer from the list."),
        ("asset", "-1", "Choose a vehicle or device from the list."),
        ("ticks", "wheel", "Choose one of the options."),
        ("text", "x" * 30_000, "Keep it to 20000 characters or fewer."),
    ],
)
def test_what_does_not_fit_is_answered_with_what_is_wanted(field, typed, wanted):
    parsed = parse(EVERY, MultiDict({field: typed}))
    assert said(parsed).get(field) == wanted
    assert parsed.typed[field] in (typed, [typed])


@pytest.mark.parametrize(
    ("part", "typed", "wanted"),
    [
        ({"type": "string", "minLength": 10}, "短", "Write 10 characters or more."),
        ({"type": "string", "maxLength": 3}, "abcd", "Keep it to 3 characters or fewer; it has 4 now."),
        ({"type": "integer", "minimum": 2}, "1", "Give 2 or more."),
        ({"type": "integer", "maximum": 2}, "3", "Give 2 or less."),
        ({"type": "number", "exclusiveMinimum": 0}, "0", "Give more than 0."),
        ({"type": "number", "exclusiveMaximum": 1}, "1", "Give less than 1."),
        ({"type": "integer", "multipleOf": 5}, "7", "Give a multiple of 5."),
        ({"type": "integer", "x-widget": "money", "maximum": 100_000}, "1000.01", "Give ¥1,000.00 or less."),
        (
            {"type": "string", "pattern": "^SN"},
            "XX",
            "This is not written the way it is wanted here; check it character by character.",
        ),
        ({"type": "string", "pattern": "^SN", "x-help": "SN…"}, "XX", "This does not fit. Wanted: SN…"),
        ({"type": "string", "pattern": "^SN", "x-error": "以 SN 开头"}, "XX", "以 SN 开头"),
        (
            {"type": "string", "format": "email"},
            "nobody",
            "Give an e-mail address, such as name@example.com.",
        ),
        (
            {"type": "string", "format": "uri"},
            "javascript:alert(1)",
            "Give a web address, such as https://example.com.",
        ),
        ({"type": "string", "format": "time"}, "late", "Give a time, such as 15:05."),
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2}, "a", "Tick 2 or more."),
        (
            {"type": "array", "x-widget": "file", "items": {"type": "integer"}, "minItems": 2},
            "7",
            "Add 2 files or more.",
        ),
        (
            {"type": "array", "x-widget": "file", "items": {"type": "integer"}, "maxItems": 0},
            "7",
            "Add 0 files at most.",
        ),
        ({"type": "string", "const": "ja"}, "nein", "Choose one of the options."),
        ({"type": "string", "not": {"const": "x"}}, "x", "This answer does not fit here; check it."),
    ],
)
def test_every_rule_of_a_schema_has_its_sentence(part, typed, wanted):
    assert said(parse(form(a=part), MultiDict({"a": typed}))) == {"a": wanted}


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        ({"type": "string", "title": "原因"}, "原因: fill this in."),
        ({"type": "string", "title": "原因", "enum": ["a"]}, "原因: choose an answer."),
        ({"type": "boolean", "title": "同意"}, "同意: choose an answer."),
        ({"type": "integer", "x-widget": "rating", "title": "评分"}, "评分: choose a score from 1 to 5."),
        (
            {"type": "array", "x-widget": "file", "items": {"type": "integer"}, "title": "照片"},
            "照片: add a file.",
        ),
        ({"type": "integer", "x-widget": "customer", "title": "客户"}, "客户: choose one from the list."),
    ],
)
@pytest.mark.parametrize("posted", [{}, {"a": ""}, {"a": "  "}])
def test_a_missing_answer_is_asked_for(part, wanted, posted):
    assert said(parse(form(("a",), a=part), MultiDict(posted))) == {"a": wanted}


CONDITIONAL = form(
    ("outcome", "words"),
    outcome={"type": "string", "enum": ["satisfied", "dissatisfied", "no_answer"]},
    words={
        "type": "string",
        "x-when": {"field": "outcome", "in": ["satisfied", "dissatisfied"]},
        "x-to": "process",
    },
)


def test_a_hidden_field_is_neither_required_nor_kept():
    parsed = parse(CONDITIONAL, MultiDict({"outcome": "no_answer", "words": "left over"}))
    assert (parsed.errors, parsed.values, parsed.process) == (
        [],
        {"outcome": "no_answer"},
        {"outcome": "no_answer"},
    )


def test_a_hidden_field_is_not_complained_about():
    both = form(a={"type": "boolean"}, n={"type": "integer", "x-when": {"field": "a", "equals": True}})
    assert parse(both, MultiDict({"a": "no", "n": "many"})).errors == []


def test_a_shown_field_is_required():
    assert [*said(parse(CONDITIONAL, MultiDict({"outcome": "satisfied"})))] == ["words"]


def test_a_condition_reads_process_data():
    part = form(("a",), a={"type": "string", "x-when": {"field": "data.payer", "equals": "owner"}})
    assert parse(part, MultiDict(), context={"data": {"payer": "maker"}}).ok
    assert not parse(part, MultiDict(), context={"data": {"payer": "owner"}}).ok


def test_a_process_field_left_blank_gives_none_so_that_an_old_answer_does_not_live_on():
    assert parse(form(score={"type": "integer"}), MultiDict({"score": ""})).process == {"score": None}


BOUND = form(
    klass={
        "type": "string",
        "enum": ["device", "platform"],
        "x-bind": "case.class",
        "x-process": True,
        "x-name": "klass",
    },
    email={"type": "string", "x-bind": "customer.email"},
    phone={"type": "string", "format": "phone", "x-bind": "customer.phone"},
)


def test_bound_values_are_for_the_record_and_the_process_where_asked():
    parsed = parse(BOUND, MultiDict({"klass": "device", "email": "a@b.cn", "phone": "13800138000"}))
    assert parsed.bound == {
        "case.class": "device",
        "customer.email": "a@b.cn",
        "customer.phone": "+8613800138000",
    }
    assert parsed.process == {"klass": "device"}


def test_a_blank_clears_a_record_only_where_something_was_shown():
    context = {"customer": {"email": "a@b.cn", "phone": "+8613800138000"}}
    parsed = parse(BOUND, MultiDict({"klass": "device", "email": "", "phone": ""}), context=context)
    assert parsed.bound == {"case.class": "device", "customer.email": None}
    assert parse(BOUND, MultiDict({"klass": "device", "email": ""}), context={}).bound == {
        "case.class": "device"
    }


def test_a_masked_value_is_never_written_back():
    masked = {"customer": {"email": "a**@b.cn"}}
    assert (
        "customer.email"
        not in parse(BOUND, MultiDict({"klass": "device", "email": ""}), context=masked).bound
    )


def test_unknown_keys_of_a_page_are_ignored_and_of_the_interface_refused():
    assert parse(form(a={"type": "string"}), MultiDict({"b": "1"})).ok
    assert said(parse(form(a={"type": "string"}), {"typename": "x"})) == {
        "typename": "This form has no field typename."
    }


@pytest.mark.parametrize("value", [True, 5, [1], {"a": 1}, None])
def test_values_of_another_json_type_are_refused_in_words(value):
    parsed = parse(form(("a",), a={"type": "string"}), {"a": value})
    assert [error.field for error in parsed.errors] == ["a"]


def test_choices_of_the_server_are_the_only_ones():
    part = form(a={"type": "string", "x-widget": "select", "x-options-from": "departments"})
    departments = {"departments": [Choice("quality", "品质部")]}
    assert parse(part, {"a": "quality"}, choices=departments).ok
    assert said(parse(part, {"a": "secret"}, choices=departments)) == {"a": "Choose one of the options."}
    assert parse(part, {"a": "anything"}).ok


def test_files_of_a_plain_post_are_handed_over_and_count_as_given():
    part = form(
        ("a",), a={"type": "array", "x-widget": "file", "items": {"type": "integer"}, "title": "照片"}
    )
    files = MultiDict(
        [("a", FileStorage(io.BytesIO(b"x"), "x.jpg")), ("a", FileStorage(io.BytesIO(b""), ""))]
    )
    parsed = parse(part, MultiDict({"a": "4"}), files=files)
    assert parsed.ok
    assert [file.filename for file in parsed.files["a"]] == ["x.jpg"]
    kept = parsed.attach("a", [5])
    assert (kept.values["a"], kept.typed["a"], kept.files["a"]) == ([4, 5], ["4", "5"], [])


LOOKUP = form(("who",), who={"type": "integer", "x-widget": "customer", "title": "客户"})
PEOPLE = [Choice(1, "赵文礼"), Choice(2, "赵武")]


def look(query: str) -> list[Choice]:
    return [person for person in PEOPLE if query in person.label]


def test_without_script_the_one_match_of_a_look_up_counts():
    assert parse(LOOKUP, MultiDict({"who": "", "who__text": "赵武"}), lookups={"customer": look}).values == {
        "who": 2
    }


def test_without_script_several_matches_are_offered():
    parsed = parse(LOOKUP, MultiDict({"who": "", "who__text": "赵"}), lookups={"customer": look})
    assert said(parsed) == {"who": "More than one fits “赵”; choose one."}
    assert parsed.suggestions == {"who": PEOPLE}
    assert parsed.typed["who__text"] == "赵"


def test_rules_between_fields_are_said_at_the_field_that_is_missing():
    both = form(a={"type": "string"}, b={"type": "string"}) | {"dependentRequired": {"a": ["b"]}}
    assert said(parse(both, {"a": "x"})) == {"b": "b: fill this in."}
    either = form(a={"type": "boolean"}, b={"type": "string", "title": "乙"}) | {
        "if": {"properties": {"a": {"const": True}}, "required": ["a"]},
        "then": {"required": ["b"]},
    }
    assert said(parse(either, {"a": True})) == {"b": "乙: fill this in."}
    clash = form(a={"type": "integer"}) | {"not": {"required": ["a"]}}
    assert said(parse(clash, {"a": 1})) == {"": "These answers do not go together; check them."}


def test_a_faulty_form_is_an_error_of_the_whole_and_fetches_nothing():
    for schema in (
        {"type": "array"},
        form(a={"$ref": "https://example.com/a.json"}),
        form(len={"type": "string"}),
    ):
        assert [error.field for error in parse(schema, MultiDict({"a": "x"})).errors] == [""]
    assert not parse(form(a={"type": "string", "$ref": "#/nowhere"}), {"a": "x"}).ok


# ---------------------------------------------------------------- whatever comes in

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(["a", "b", "c", "text", "class", "typename", "x_1"])
conditions = st.none() | st.fixed_dictionaries(
    {"field": names | st.just("data.k"), "in": st.lists(json_values, max_size=2)}
)


@st.composite
def properties(draw) -> dict[str, Any]:
    widget = draw(st.sampled_from(WIDGETS))
    kind = {"yesno": "boolean", "number": "number", "file": "array", "checklist": "array"}.get(
        widget, "integer" if widget in ("money", "rating", "customer", "asset") else "string"
    )
    made: dict[str, Any] = {"type": kind, "x-widget": widget, "x-to": "submission"}
    if kind == "array":
        made["items"] = {"type": "integer"} if widget == "file" else {"enum": ["a", "b"]}
    if widget in ("select", "radio"):
        made["enum"] = draw(st.lists(st.text(max_size=5), min_size=1, max_size=3, unique=True))
    if when := draw(conditions):
        made["x-when"] = when
    return made


schemas = st.builds(
    lambda fields, required: {"type": "object", "properties": fields, "required": sorted(required)},
    st.dictionaries(names, properties(), max_size=4),
    st.sets(names, max_size=2),
)
anything = (
    json_values
    | st.dictionaries(names | st.text(max_size=10), json_values, max_size=6)
    | st.lists(st.tuples(names, st.text(max_size=40)), max_size=8).map(MultiDict)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    schema=schemas | json_values,
    posted=anything,
    data=st.dictionaries(st.text(max_size=3), json_values, max_size=3),
)
def test_whatever_is_posted_to_whatever_form_it_never_raises(schema, posted, data):
    parsed = parse(schema, posted, context={"data": data})
    assert parsed.errors or isinstance(parsed.values, dict)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(VALUES)), st.text(max_size=40) | json_values)
def test_every_widget_takes_any_value_without_raising_and_keeps_it_as_it_came(name, value):
    parsed = parse(EVERY, {name: value})
    if value is not None:
        assert parsed.typed[name] == value or value != value
    assert parsed.ok or [error.field for error in parsed.errors] == [name]


def test_a_form_is_read_once_and_used_often():
    once = Form.from_schema(EVERY)
    assert parse(once, POSTED).values == VALUES

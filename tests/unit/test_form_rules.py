"""Which fields are shown, where values go, which names a form may use."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from app.engine import functions
from app.forms import rules
from app.forms.model import Form, FormBroken, problems


def form(**properties):
    return {"type": "object", "properties": properties}


def test_a_condition_compares_as_json_does():
    assert rules.holds({"field": "a", "equals": True}, {"a": True}, {})
    assert not rules.holds({"field": "a", "equals": True}, {"a": 1}, {})
    assert rules.holds({"field": "a", "in": ["x", "y"]}, {"a": "y"}, {})
    assert not rules.holds({"field": "a", "in": ["x"]}, {}, {})
    assert rules.holds({"field": "a", "equals": None}, {}, {})


def test_conditions_combine_and_read_process_data():
    when = {
        "all": [
            {"field": "data.klass", "equals": "device"},
            {"any": [{"field": "a", "equals": 1}, {"field": "b", "equals": 2}]},
        ]
    }
    assert rules.holds(when, {"b": 2}, {"klass": "device"})
    assert not rules.holds(when, {"b": 2}, {"klass": "platform"})
    assert not rules.holds(when, {"b": 3}, {"klass": "device"})


def test_one_ticked_entry_of_a_checklist_is_enough():
    assert rules.holds({"field": "parts", "in": ["antenna"]}, {"parts": ["cable", "antenna"]}, {})


def test_a_field_that_depends_on_a_hidden_field_is_hidden_too():
    conditions = {"a": None, "b": {"field": "a", "equals": "yes"}, "c": {"field": "b", "equals": "yes"}}
    assert rules.visible_fields(conditions, {"a": "no", "b": "yes", "c": "x"}, {}) == {"a"}
    assert rules.visible_fields(conditions, {"a": "yes", "b": "yes"}, {}) == {"a", "b", "c"}


def test_fields_that_depend_on_each_other_are_shown_rather_than_lost():
    conditions = {"a": {"field": "b", "equals": 1}, "b": {"field": "a", "equals": 1}}
    assert "a" in rules.visible_fields(conditions, {"a": 1, "b": 1}, {})


def test_the_browser_gets_only_what_it_can_watch():
    when = {"all": [{"field": "data.klass", "equals": "device"}, {"field": "a", "equals": 1}]}
    assert rules.settle(when, {"klass": "device"}, {"a"}) == {"field": "a", "in": [1]}
    assert rules.settle(when, {"klass": "other"}, {"a"}) is False
    assert (
        rules.settle(
            {"any": [{"field": "data.x", "equals": 1}, {"field": "a", "equals": 1}]}, {"x": 1}, {"a"}
        )
        is True
    )
    assert rules.settle(None, {}, set()) is True


@pytest.mark.parametrize(
    ("schema", "target"),
    [
        ({"type": "boolean"}, "process"),
        ({"type": "integer"}, "process"),
        ({"type": "string", "enum": ["a"]}, "process"),
        ({"type": "string", "format": "date"}, "process"),
        ({"type": "string"}, "submission"),
        ({"type": "string", "maxLength": 2000}, "submission"),
        ({"type": "string", "format": "phone"}, "submission"),
        ({"type": "array", "x-widget": "file", "items": {"type": "integer"}}, "submission"),
        ({"type": "string", "x-bind": "case.title"}, "bound"),
        ({"type": "string", "x-to": "process"}, "process"),
    ],
)
def test_free_text_stays_out_of_the_process_and_choices_go_in(schema, target):
    assert rules.default_target(schema, schema.get("x-widget") or rules.default_widget(schema)) == target


def test_a_bound_field_also_goes_to_the_process_under_its_own_name():
    field = Form.from_schema(
        form(
            **{
                "class": {
                    "type": "string",
                    "enum": ["device"],
                    "x-bind": "case.class",
                    "x-process": True,
                    "x-name": "klass",
                }
            }
        )
    )["class"]
    assert (field.target, field.bind, field.process_name) == ("bound", "case.class", "klass")


@pytest.mark.parametrize(
    "name",
    ["typename", "__builtins__", "len", "csrf_token", "revision", "Big", "a__b", "1st", "a-b", "", "ladder"],
)
def test_names_that_would_break_the_engine_or_the_page_are_refused(name):
    assert rules.field_name_problem(name)
    with pytest.raises(FormBroken):
        Form.from_schema(form(**{name: {"type": "string"}}))


def test_a_python_keyword_is_no_process_variable():
    assert problems(form(**{"class": {"type": "string", "enum": ["a"]}}))
    assert not problems(form(**{"class": {"type": "string", "x-to": "submission"}}))


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ({"type": "string", "x-widget": "slider"}, "widget"),
        ({"type": "string", "x-widget": "money"}, "integer"),
        ({"type": "string", "x-widget": "select"}, "choose"),
        ({"type": "string", "x-bind": "person.password"}, "x-bind"),
        ({"type": "string", "x-when": {"field": "ghost", "equals": 1}}, "ghost"),
        ({"type": "string", "x-when": {"field": "a"}}, "equals"),
        ({"type": "string", "$ref": "https://example.com/x.json"}, "outside"),
        ({"type": "string", "x-to": "engine"}, "x-to"),
        ({"type": "string", "x-options-from": "passwords"}, "x-options-from"),
        ({"type": "strin"}, "strin"),
    ],
)
def test_a_faulty_field_is_named_with_what_is_wrong(part, word):
    assert any(word in problem for problem in problems(form(a=part)))


@pytest.mark.parametrize(
    "schema",
    [
        None,
        [],
        {"type": "string"},
        {"type": "object", "required": ["ghost"]},
        {"type": "object", "x-context": ["os.environ"]},
    ],
)
def test_what_is_no_form_is_said(schema):
    assert problems(schema)


def test_two_fields_cannot_set_one_process_variable():
    two = form(a={"type": "boolean", "x-name": "done"}, b={"type": "boolean", "x-name": "done"})
    assert any("done" in problem for problem in problems(two))


def test_paths_read_mappings_and_objects_and_nothing_private():
    context = {"case": SimpleNamespace(klass="device", _secret="x"), "data": {"rounds": 2}}
    assert rules.at_path(context, "case.class") == "device"
    assert rules.at_path(context, "data.rounds") == 2
    assert rules.at_path(context, "case._secret") is None
    assert rules.at_path(context, "case.__class__") is None
    assert rules.at_path(context, "asset.plate") is None


def test_no_field_hides_a_function_of_the_expressions():
    assert functions.NAMES <= rules.ENGINE_NAMES

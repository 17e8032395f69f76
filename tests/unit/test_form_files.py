"""The forms of the complaint procedures: valid JSON Schema in our dialect, bound to what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / "forms" / "complaints").glob("*.json"))
CHINESE = re.compile("[\u4e00-\u9fff]")
FORM_KEYS = {"x-submit", "x-help", "x-context"}
FIELD_KEYS = {
    "x-widget",
    "x-help",
    "x-bind",
    "x-to",
    "x-process",
    "x-name",
    "x-when",
    "x-options-from",
    "x-default",
}
WIDGETS = {"text", "textarea", "select", "radio", "yesno", "number", "money", "date", "datetime"}
WIDGETS |= {"phone", "rating", "file", "customer", "asset", "checklist"}
ATTRIBUTES = {
    "case": "customer_id asset_id title description channel class severity other_type cause solution cost satisfaction department"
    " repair_point preferred_time parts_used repair_hours",
    "customer": "name phone company region address",
    "asset": "kind plate serial model firmware fitted_on warranty_until",
    "callback": "outcome detail score words next_at",
    "solution": "title body",
}
PATHS = {f"{record}.{name}" for record, names in ATTRIBUTES.items() for name in names.split()}

each_form = pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


def conditions(when: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for part in when.get("all", when.get("any", [])):
        yield from conditions(part)
    if "field" in when:
        yield when


@each_form
def test_a_form_is_a_json_schema_that_says_what_submitting_does(path: Path):
    form = load(path)
    Draft202012Validator.check_schema(form)
    assert form["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert form["type"] == "object"
    assert form["title"]
    assert form["x-submit"]
    assert set(form["required"]) <= set(form["properties"])


@each_form
def test_a_form_uses_only_known_words_of_the_dialect(path: Path):
    form = load(path)
    assert {key for key in form if key.startswith("x-")} <= FORM_KEYS
    for name, field in form["properties"].items():
        assert {key for key in field if key.startswith("x-")} <= FIELD_KEYS, name
        assert field["x-widget"] in WIDGETS, name
        assert field["title"], name
        assert field.get("x-options-from", "departments") in {"departments", "repair_points", "solutions"}, (
            name
        )


@each_form
def test_fields_are_bound_to_attributes_that_exist(path: Path):
    form = load(path)
    shown = {line if isinstance(line, str) else line["path"] for line in form["x-context"]}
    bound = {field["x-bind"] for field in form["properties"].values() if "x-bind" in field}
    assert bound <= PATHS
    assert {name for name in shown if not name.startswith("data.")} <= PATHS


@each_form
def test_conditions_read_fields_of_the_form_or_process_data_and_values_that_can_occur(path: Path):
    fields = load(path)["properties"]
    for name, field in fields.items():
        for condition in conditions(field.get("x-when", {})):
            read = condition["field"]
            assert read in fields or read.startswith("data."), name
            offered = {option["const"] for option in fields.get(read, {}).get("oneOf", [])}
            wanted = condition.get("in", [condition.get("equals")])
            assert not offered or set(wanted) <= offered, name


@each_form
def test_free_text_stays_out_of_the_process(path: Path):
    for name, field in load(path)["properties"].items():
        if field["x-widget"] in ("text", "textarea", "phone", "file"):
            assert not field.get("x-process"), name
            assert field.get("x-to") != "process", name


def test_every_form_belongs_to_a_step():
    diagrams = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "bpmn" / "complaints").glob("*.bpmn")
    )
    assert [path.name for path in FORMS if f"complaints/{path.name}" not in diagrams] == []


@each_form
def test_every_chinese_text_has_its_english(path: Path):
    catalogue = polib.pofile(str(ROOT / "app/translations/en/LC_MESSAGES/messages.po"))
    english = {entry.msgid for entry in catalogue if entry.msgstr}
    assert {text for text in texts(load(path)) if CHINESE.search(text)} <= english

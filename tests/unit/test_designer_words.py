"""The modelers speak Chinese: what their sources ask to be translated stands in our words."""

from __future__ import annotations

import json
import re

from app.designer import checks, fields, rules
from app.engine import bundles
from app.engine.xml import read_xml
from app.settings import ROOT

SAID = re.compile(r"translate\(\s*'((?:[^'\\]|\\.)+)'")
LABEL = re.compile(r"\b(?:label|title|description): '([^']+)'")
# Parts of sentences and placeholders that the sources build at run time, and one example in a comment.
BUILT = {"Align elements ", " + shift + ", " + x + ", "HELLO {you}"}


def words() -> dict[str, str]:
    text = (ROOT / "app/static/js/designer/words.js").read_text("utf-8")
    lines = re.findall(r'^    ("(?:[^"\\]|\\.)*": "(?:[^"\\]|\\.)*"),?$', text, re.MULTILINE)
    found: dict[str, str] = json.loads("{" + ",".join(lines) + "}")
    return found


def asked_for() -> set[str]:
    modules = ROOT / "node_modules"
    found: set[str] = set()
    for package in ("bpmn-js", "diagram-js", *sorted(p.name for p in modules.glob("dmn-js-*"))):
        for file in (modules / package / "lib").rglob("*.js"):
            found |= {one.replace("\\'", "'") for one in SAID.findall(file.read_text("utf-8"))}
    options = modules / "bpmn-js/lib/features/replace/ReplaceOptions.js"
    return found | set(LABEL.findall(options.read_text("utf-8")))


def said_while_tokens_run() -> set[str]:
    """Return what the simulation shows: it has no `translate`, only titles and texts in its sources."""
    library = ROOT / "node_modules/bpmn-js-token-simulation/lib"
    shown = re.compile(r"""(?:title=|text: |aria-label=|\|\| )['"]([A-Z][^'"$]+)['"]|placeholder">([^<]+)<""")
    found: set[str] = set()
    for file in sorted((library / "features").rglob("*.js")):
        for one in shown.findall(file.read_text("utf-8")):
            found.add(one[0] or one[1])
    return found


def test_everything_that_the_simulation_says_is_there_in_chinese():
    said = said_while_tokens_run()
    assert {"Trigger Event", "Exclusive Gateway", "No Entries", "Found unsupported elements"} <= said
    assert sorted(said - words().keys()) == []


def test_everything_that_the_modelers_say_is_there_in_chinese():
    known = words()
    missing = sorted(asked_for() - known.keys() - BUILT)
    assert [one for one in missing if re.search("[A-Za-z]{3}", one)] == []
    assert [one for one, said in known.items() if not re.search("[\u4e00-\u9fff]", said)] == []


def test_a_new_diagram_table_and_form_can_be_read_back():
    diagram = rules.new_diagram(
        "spare_part", '配件 "急"', [("agent", "客服助理"), ("finance", "财务<统计>员")]
    )
    root = read_xml(diagram.encode())
    names = [node.get("name") for node in root.iter("{*}lane")]
    assert names == ["客服助理", "财务<统计>员"]
    files = {
        "a/spare_part.bpmn": diagram,
        "a/price.dmn": rules.new_table("price", "价格 & 费用"),
        "a/note.json": rules.new_form('记"录'),
    }
    library = bundles.library(files)
    assert set(library.processes) == {"spare_part"} and set(library.decisions) == {"price"}
    assert bundles.form_schema(files["a/note.json"].encode())["title"] == '记"录'


def test_an_id_is_small_letters_digits_and_underscores():
    assert [
        one for one in ("spare_part", "a1b", "Spare", "1a", "a b", "../x", "a_", "é" * 3) if rules.is_key(one)
    ] == [
        "spare_part",
        "a1b",
    ]


def test_connectors_name_their_parameters_with_types(app_context):
    found = {one["id"]: one["parameters"] for one in checks.connector_parameters()}
    assert {"id": "role", "type": "str", "required": True} in found["notify"]
    assert {"id": "mail", "type": "bool", "required": False} in found["tell_unreached"]


def test_every_field_of_the_panel_is_told_apart_and_has_a_label(app_context):
    seen = [field for group in fields.groups() for field in group["fields"]]
    keys = [field["key"] for field in seen]
    assert len(keys) == len(set(keys)) and all(field["label"] and field["on"] for field in seen)

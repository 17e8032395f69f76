"""What differs between two states of a procedure's files, said as a designer would."""

from __future__ import annotations

import json
import re

import pytest
from flask_babel import force_locale

from app.procedures.differences import Item, compare
from tests.support.engine_files import table
from tests.support.mutants import mutants, shipped

DEVICE, ALLOWANCE = "complaints/device_problem.bpmn", "complaints/allowance.dmn"
FORM = "complaints/call.json"


@pytest.fixture(autouse=True)
def words(app_context):
    with force_locale("en"):
        yield


def changed(path: str, *swaps: tuple[str, str]) -> list[Item]:
    old = shipped()[path].decode()
    new = old
    for before, after in swaps:
        assert before in new
        new = new.replace(before, after, 1)
    (found,) = compare({path: old.encode()}, {path: new.encode()})
    return found.items


def said(items: list[Item]) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    return [(one.id, one.change, [(fact.key, fact.before, fact.after) for fact in one.facts]) for one in items]


def test_the_same_files_differ_in_nothing():
    assert compare(shipped(), shipped()) == []


def test_a_step_renamed_and_given_another_form_is_said_as_that():
    judge = re.search(r'<bpmn:userTask id="judge" name="([^"]*)"', shipped()[DEVICE].decode())
    assert judge
    items = changed(DEVICE, (judge[0], '<bpmn:userTask id="judge" name="研判"'))
    assert said(items) == [("judge", "changed", [("name", judge[1], "研判")])]


def test_a_flow_that_leads_elsewhere_says_so_by_name():
    flow = re.search(r'<bpmn:sequenceFlow id="(\w+)" sourceRef="judge" targetRef="(\w+)"', shipped()[DEVICE].decode())
    assert flow
    items = changed(DEVICE, (flow[0], flow[0].replace(f'targetRef="{flow[2]}"', 'targetRef="repair"')))
    (item,) = items
    assert (item.id, [fact.key for fact in item.facts]) == (flow[1], ["to"])
    assert item.facts[0].after not in ("", "repair")


def test_a_shape_that_is_only_drawn_elsewhere_has_moved():
    shape = re.search(r'bpmnElement="judge"[^>]*>\s*<dc:Bounds x="(\d+)"', shipped()[DEVICE].decode())
    assert shape
    items = changed(DEVICE, (shape[0], shape[0].replace(f'x="{shape[1]}"', 'x="9"')))
    assert said(items) == [("judge", "moved", [])]


def test_scripts_are_compared_as_texts():
    items = changed("complaints/callback.bpmn", ("agreed = False", "agreed = True"))
    (fact,) = [fact for item in items for fact in item.facts]
    assert (fact.key, fact.before.replace("agreed = False", "agreed = True")) == ("expression", fact.after)


def test_an_element_that_is_gone_takes_its_flows_with_it():
    (found,) = compare({DEVICE: shipped()[DEVICE]}, {DEVICE: b"<broken"})
    assert {item.change for item in found.items} == {"removed"}
    (found,) = compare({}, {DEVICE: shipped()[DEVICE]})
    assert found.change == "added"
    assert {item.change for item in found.items} == {"added"}


def test_a_table_is_compared_cell_by_cell_with_rows_put_in_and_columns_added():
    before = table((['"a"'], ["1"]), (['"b"'], ["2"]), (["-"], ["3"]))
    after = table((['"a"'], ["1"]), (['"new"'], ["9"]), (['"b"'], ["4"]), (["-"], ["3"]))
    (found,) = compare({"x/t.dmn": before}, {"x/t.dmn": after})
    (decision,) = found.tables
    rows = [(row.change, row.number, row.cells) for row in decision.rows]
    assert rows[0] == ("same", 1, (('"a"', '"a"'), ("1", "1")))
    assert rows[-1][0] == "same"
    assert {row[0] for row in rows[1:-1]} == {"changed", "added"}
    wider = table((['"a"', "-"], ["1"]), inputs=("klass", "severity"))
    narrow = table((['"a"'], ["1"]), inputs=("klass",))
    (found,) = compare({"x/t.dmn": narrow}, {"x/t.dmn": wider})
    assert ("severity", "added") in found.tables[0].columns


def test_a_form_is_compared_field_by_field():
    old = json.loads(shipped()[FORM])
    new = json.loads(shipped()[FORM])
    names = list(new["properties"])
    new["properties"][names[0]]["title"] = "新标题"
    new["properties"]["extra"] = {"type": "string", "title": "补充"}
    gone = new["properties"].pop(names[-1])
    (found,) = compare({FORM: json.dumps(old).encode()}, {FORM: json.dumps(new).encode()})
    by_id = {item.id: item for item in found.items}
    assert by_id[names[0]].change == "changed"
    assert [(fact.of, fact.after) for fact in by_id[names[0]].facts] == [("title", "新标题")]
    assert by_id["extra"].change == "added"
    assert (by_id[names[-1]].change, by_id[names[-1]].name) == ("removed", gone["title"])


def test_fields_in_another_order_have_moved():
    old = {"type": "object", "properties": {name: {"type": "string", "title": name} for name in "abc"}}
    new = {"type": "object", "properties": {name: {"type": "string", "title": name} for name in "acb"}}
    (found,) = compare({FORM: json.dumps(old).encode()}, {FORM: json.dumps(new).encode()})
    assert [(item.id, item.change) for item in found.items] == [("c", "moved"), ("b", "moved")]


def test_only_spaces_say_nothing():
    (found,) = compare({FORM: shipped()[FORM]}, {FORM: shipped()[FORM] + b"\n"})
    assert found.says_nothing


def test_damaged_files_are_compared_all_the_same():
    for mutant in mutants(3, 100):
        compare({mutant.path: shipped()[mutant.path]}, {mutant.path: mutant.content})

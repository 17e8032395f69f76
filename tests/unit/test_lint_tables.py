"""Whole tables and choices: gaps, overlaps, rows never reached, values that no form gives; each with an example."""

from __future__ import annotations

import json
from html import escape
from typing import Any

import pytest

from app.engine import lint, problems
from app.engine.lint import sampling
from tests.support import engine_files
from tests.support.engine_files import lane, process, user_task


def flow(source: str, target: str, condition: str | None = None, *, id: str = "") -> str:
    return engine_files.flow(source, target, condition and escape(condition), id=id)


def table(*rows: tuple[list[str], list[str]], **more: Any) -> bytes:
    return engine_files.table(*(([escape(cell) for cell in given], then) for given, then in rows), **more)


def said(content: bytes, **files: bytes) -> dict[str, list[str]]:
    """Rule → messages about one table."""
    found: dict[str, list[str]] = {}
    for problem in lint.check({"t.dmn": content, **files}, connector_names=()):
        found.setdefault(problem.rule, []).append(problem.message)
    return found


@pytest.mark.parametrize(
    ("cells", "example"),
    [
        (["< 5", "> 5"], "x = 5"),
        (["<= 5", ">= 7"], "x = 6"),
        (["< 2.5", "> 2.5"], "x = 2.5"),
        (["3 < ? < 9", ">= 9"], "x = 2"),
        (['"a"', '"b"'], "x = …"),
        (['in ["a", "b"]', '!= "a"'], None),
        (["True"], "x = False"),
        (["True", "False"], None),
        (['< "2026-01-01"', '> "2026-01-01"'], 'x = "2026-01-01"'),
        (['< "2026-01-01"', '>= "2026-01-01"'], None),
        (["< 5", ">= 5"], None),
        (["-3", "> -3", "< -3"], None),
    ],
)
def test_a_gap_is_shown_by_an_input_that_no_row_fits(cells, example):
    found = said(table(*[([cell], ["1"]) for cell in cells], inputs=("x",)))
    assert found.get("table-gap") == ([f"No row fits when {example}."] if example else None)
    assert "no-catch-all" not in found


def test_a_gap_between_two_columns_is_found():
    rows = [(["< 5", "True"], ["1"]), (["< 5", "False"], ["2"]), ([">= 5", "True"], ["3"])]
    assert said(table(*rows, inputs=("x", "y")))["table-gap"] == ["No row fits when x = 5, y = False."]


def test_rows_of_a_unique_table_may_not_contradict_each_other():
    rows = [(["< 5"], ["1"]), (["> 3"], ["2"]), ([""], ["1"])]
    [first, *_rest] = said(table(*rows, inputs=("x",), hit="UNIQUE"))["table-overlap"]
    assert first.startswith("Rows 1 and 2 both fit when x = 4")
    assert "table-overlap" not in said(table(*rows, inputs=("x",), hit="FIRST"))
    same = [(["< 5"], ["1"]), (["> 3"], ["1"])]
    assert "table-overlap" not in said(table(*same, inputs=("x",), hit="ANY"))


def test_a_row_hidden_by_those_above_it_is_named():
    rows = [(["< 5"], ["1"]), ([">= 5"], ["2"]), (["7"], ["3"]), ([""], ["4"])]
    [problem] = [
        p
        for p in lint.check({"t.dmn": table(*rows, inputs=("x",))}, connector_names=())
        if p.rule == "row-never-reached"
    ]
    assert problem.element == "r2"


def test_a_large_table_gets_an_answer_too():
    rows = [([f'"{n}"', f"< {n}"], [str(n)]) for n in range(500)]
    assert set(said(table(*rows, inputs=("x", "y")))) <= {"no-catch-all", "table-gap", "row-never-reached"}


FORM = json.dumps(
    {"type": "object", "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}}}
).encode()


def asked(first: str, second: str, default: str = "") -> dict[str, bytes]:
    body = (
        lane("a") + '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>' + user_task("a", form="f.json")
    )
    body += f'<bpmn:exclusiveGateway id="g" {default}/>' + flow("start", "a") + flow("a", "g")
    body += flow("g", "end", first, id="one") + flow("g", "end", second, id="two")
    return {"p.bpmn": process(body), "f.json": FORM}


def rules(files: dict[str, bytes]) -> set[str]:
    mine = {"no-default", "uncovered-choice", "impossible-value"}
    return {problem.rule for problem in lint.check(files, connector_names=())} & mine


def test_a_condition_on_a_value_that_no_form_gives_is_named():
    assert rules(asked('answer == "yes"', 'answer != "yes"')) == set()
    assert rules(asked('answer == "Yes"', 'answer != "Yes"')) == {"impossible-value"}
    assert rules(asked('answer in ["yes", "nope"]', 'answer == "no"')) == {"impossible-value"}


def test_a_default_flow_is_missed_only_where_no_condition_can_be_seen_to_hold():
    assert rules(asked("len(answer) > 3", "len(answer) < 4")) == {"no-default"}
    assert rules(asked("len(answer) > 3", "len(answer) <= 3")) == set()
    assert rules(asked("round < rounds and answer", "round >= rounds or not answer")) == set()
    assert rules(asked('answer == "yes"', 'answer == "yes"')) == {"uncovered-choice"}
    assert rules(asked("round > 3", "round < 3")) == {"uncovered-choice"}


def test_what_a_choice_right_before_has_ruled_out_needs_no_way():
    body = (
        lane("a") + '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>' + user_task("a", form="f.json")
    )
    body += '<bpmn:exclusiveGateway id="f" default="d"/><bpmn:exclusiveGateway id="g"/>'
    body += flow("start", "a") + flow("a", "f") + flow("f", "end", id="d") + flow("f", "g", "round > 2")
    body += flow("g", "end", "round > 5", id="one") + flow("g", "end", "round <= 5 and round > 1", id="two")
    assert rules({"p.bpmn": process(body), "f.json": FORM}) == set()


def test_values_are_tried_from_both_sides_of_every_constant():
    assert sampling.spread([5, 5, 7]) == [4, 5, 6, 7, 8]
    assert sampling.spread([0.5, 1.5]) == [-0.5, 0.5, 1.0, 1.5, 2.5]
    assert sampling.spread(["2026-12-31"]) == ["2026-12-30", "2026-12-31", "2027-01-01"]
    assert sampling.spread(["9999-12-31"])
    assert sampling.spread([True, None]) == [True, False, None]
    assert sampling.values_for(["a.b > 3"]) is None
    assert sampling.values_for(["a > b"]) is None
    assert sampling.values_for(["not done"]) == {"done": [True, False]}


def test_each_finding_says_why_it_matters():
    for problem in lint.check(asked('answer == "Yes"', "answer"), connector_names=()):
        assert problem.as_dict()["why"]
        assert problem.level in (problems.ERROR, problems.WARNING)

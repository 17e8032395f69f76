"""Scenario tests of procedures: ours pass on both databases; a wrong one says where, and never with a traceback."""

from __future__ import annotations

import json
import shutil

import pytest
from lxml import etree

from app import engine
from app.db import session
from app.engine.tables import Instance, Procedure
from app.procedures import scenarios
from app.settings import ROOT
from tests.factories import deploy_procedures

FOLDER = ROOT / "bpmn" / "complaints"
FILES = sorted((FOLDER / "tests").glob("*.json"))
SOLVED = [{"expect": ["judge"]}, {"complete": "judge", "values": {"can_solve": True}}, {"expect": "resolve"}]


@pytest.fixture
def deployed(app_context):
    deploy_procedures()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_path_of_our_procedures_goes_as_its_scenario_says(deployed, file):
    outcomes = [scenarios.play(one) for one in scenarios.read(file)]
    assert [one for one in outcomes if not one.passed] == []
    assert outcomes


def test_every_diagram_has_scenarios():
    assert {file.stem for file in FILES} == {path.stem for path in FOLDER.glob("*.bpmn")}
    names = [one["name"] for file in FILES for one in json.loads(file.read_text("utf-8"))["scenarios"]]
    assert len(names) == len(set(names))


def test_every_way_out_of_every_gateway_is_taken_by_some_scenario(app_context):
    """A condition that no scenario meets is one that nobody has tried."""
    deploy_procedures()
    ns = {"b": "http://www.omg.org/spec/BPMN/20100524/MODEL"}
    for file in FILES:
        for one in scenarios.read(file):
            assert scenarios.play(one).passed
    gone: set[tuple[str, str]] = set()
    for (instance_id,) in session().query(Instance.id):
        for process, elements in engine.element_states(instance_id).items():
            gone |= {(process, element) for element, state in elements.items()}
    missed = []
    for path in FOLDER.glob("*.bpmn"):
        root = etree.parse(path)
        for flow in root.iterfind(".//b:sequenceFlow", ns):
            if flow.find("b:conditionExpression", ns) is not None:
                target = (path.stem, flow.get("targetRef"))
                if target not in gone:
                    missed.append(target)
    assert missed == []


def outcome(tmp_path, steps, **head):
    file = {"procedure": "platform_problem", "with": {"klass": "platform", "severity": "normal"}, **head}
    path = tmp_path / "one.json"
    path.write_text(json.dumps({**file, "scenarios": [{"name": "one", "steps": steps}]}), "utf-8")
    (scenario,) = scenarios.read(path)
    return scenarios.play(scenario)


@pytest.mark.parametrize(
    ("steps", "step", "words"),
    [
        ([{"expect": ["refer"]}], 1, "judge (agent)"),
        ([{"complete": "refer"}], 1, "refer"),
        ([*SOLVED[:2], {"expect": ["resolve"], "for": ["manager"]}], 3, "manager"),
        ([{"complete": "judge", "values": {"can_solv": True}}], 1, "can_solv"),
        ([{"complete": "judge", "values": {"can_solve": "maybe"}}], 1, "complaints/judge.json"),
        ([{"complete": "judge", "values": {"can_solve": False, "plan": "x"}}], 1, "plan"),
        ([{"until": "call"}], 1, "call"),
        ([{"message": "nobody_waits"}], 1, "nobody_waits"),
        ([{"expect_end": "archived"}], 1, "running"),
        ([{"expect_case_status": "closed"}], 1, "closed"),
        ([{"expect_data": {"klass": "device"}}], 1, "device"),
        ([{"expect_told": ["manager"]}], 1, "manager"),
        ([{"advance": "8 hours"}], 1, "8 hours"),
        ([{"wait": 1}], 1, "expect"),
        ([{"expect": [], "values": {}}], 1, "values"),
        (["judge"], 1, ""),
    ],
)
@pytest.mark.sqlite_only  # what is said does not depend on the database
def test_a_wrong_step_is_named_with_what_was_found(deployed, tmp_path, steps, step, words):
    found = outcome(tmp_path, steps)
    assert not found.passed
    assert found.step == step
    assert words in found.message


@pytest.mark.sqlite_only  # the engine's failure is the same on both
def test_a_step_that_the_engine_cannot_take_fails_its_scenario(deployed, tmp_path):
    found = outcome(tmp_path, [{"complete": "judge", "values": {"can_solve": True}}], **{"with": {}})
    assert not found.passed
    assert "klass" in found.message or "severity" in found.message


# ---------------------------------------------------------------- the command


@pytest.fixture
def run(app):
    return lambda *paths: app.test_cli_runner().invoke(
        args=["bpmn", "test", "--lang", "en", *map(str, paths)]
    )


@pytest.fixture
def desk_of_files(tmp_path):
    """A copy of the callback procedure with its files, beside which a test may write scenarios."""
    for name in ("bpmn", "forms"):
        shutil.copytree(ROOT / name, tmp_path / name)
    tests = tmp_path / "bpmn" / "complaints" / "tests"
    shutil.rmtree(tests)
    tests.mkdir()
    return tests


@pytest.mark.sqlite_only  # it makes a database of its own
def test_the_command_plays_on_a_database_of_its_own_and_leaves_this_one_alone(app, run):
    result = run(FOLDER / "callback.bpmn")
    assert result.exit_code == 0, result.output
    assert "passed, 0 failed." in result.output
    with app.app_context():
        assert session().query(Procedure).count() == 0
        assert session().query(Instance).count() == 0


@pytest.mark.sqlite_only  # it makes a database of its own
def test_a_failed_scenario_ends_with_1_and_says_where(run, desk_of_files):
    scenario = {
        "procedure": "callback",
        "with": {"klass": "platform", "severity": "normal"},
        "scenarios": [
            {"name": "right", "steps": [{"until": "call"}]},
            {"name": "wrong", "steps": [{"expect": []}, {"expect": ["call"]}]},
        ],
    }
    (desk_of_files / "callback.json").write_text(json.dumps(scenario), "utf-8")
    result = run(desk_of_files.parent)
    assert result.exit_code == 1
    assert "passed  right" in result.output
    assert "FAILED  wrong" in result.output
    assert "step 2: expected open: call; open: –; waiting: on_the_day" in result.output
    assert "1 passed, 1 failed." in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"scenarios": 3}',
        '{"scenarios": [{}]}',
        '{"scenarios": [{"name": "a", "steps": []}]}',
        "\xff",
    ],
)
def test_a_broken_file_is_one_failure_and_no_traceback(run, desk_of_files, text):
    (desk_of_files / "broken.json").write_bytes(text.encode("latin-1"))
    result = run(desk_of_files.parent)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "FAILED  broken.json" in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
def test_a_diagram_with_problems_fails_its_scenarios_with_them(run, desk_of_files):
    (desk_of_files / "callback.json").write_text('{"scenarios": []}', "utf-8")
    diagram = desk_of_files.parent / "callback.bpmn"
    diagram.write_text(diagram.read_text("utf-8").replace('name="客服回访">', 'name="谁">'), "utf-8")
    result = run(desk_of_files.parent)
    assert result.exit_code == 1
    assert "lane_callback" in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
def test_no_scenarios_and_no_such_file_end_with_1(run, tmp_path):
    assert run(tmp_path).exit_code == 1
    missing = run(tmp_path / "none.json")
    assert missing.exit_code == 1
    assert isinstance(missing.exception, SystemExit)


@pytest.mark.sqlite_only  # reads files only
def test_scenario_files_are_no_forms_of_a_deployment(app, run, desk_of_files):
    (desk_of_files / "callback.json").write_text('{"scenarios": []}', "utf-8")
    result = app.test_cli_runner().invoke(args=["bpmn", "check", str(desk_of_files.parents[1])])
    assert result.exit_code == 0, result.output

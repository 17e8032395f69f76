"""Scenario tests of procedures: ours pass on both databases; a wrong one says where, and never with a traceback."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from app.db import session
from app.engine.tables import Instance, Procedure
from app.procedures import scenarios
from app.procedures.scenario_files import passing
from app.procedures.walked import Walked
from app.settings import ROOT
from tests.factories import deploy_procedures

FOLDER = ROOT / "bpmn" / "complaints"
FILES = sorted(FOLDER.glob("*.scenario.yaml"))
SOLVED = "- at: judge\n  submit: {can_solve: true}\n- expect: {open: resolve}"


@pytest.fixture
def deployed(app_context):
    deploy_procedures()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.split(".")[0])
def test_every_path_of_our_procedures_goes_as_its_scenario_says(deployed, file):
    outcomes = [scenarios.play(one) for one in scenarios.read(file)]
    assert [one for one in outcomes if not one.passed] == []
    assert outcomes


@pytest.mark.sqlite_only  # what is gone through does not depend on the database
def test_our_scenarios_go_through_every_element_and_every_flow(deployed):
    """What no scenario goes through is what nobody has tried."""
    walked = Walked()
    names = []
    for file in FILES:
        for one in scenarios.read(file):
            walked |= scenarios.play(one).walked
            names.append(one.name)
    assert walked.missing() == []
    assert {process for process, _element in walked.all_elements} == {path.stem for path in FOLDER.glob("*.bpmn")}
    assert len(names) == len(set(names))


def written(steps: str, head: str = "") -> str:
    head = head or "procedure: platform_problem\nwith: {klass: platform, severity: normal}"
    indented = "\n".join(f"      {line}" for line in steps.splitlines())
    return f"{head}\nscenarios:\n  - name: one\n    steps:\n{indented}\n"


def outcome(steps: str, head: str = ""):
    (scenario,) = scenarios.parse(written(steps, head))
    return scenarios.play(scenario)


@pytest.mark.parametrize(
    ("steps", "step", "words"),
    [
        ("- expect: {open: refer}", 1, "judge (agent)"),
        ("- at: refer", 1, "refer"),
        (f"{SOLVED}\n- expect: {{open: resolve, for: manager}}", 3, "manager"),
        ("- at: judge\n  submit: {can_solv: true}", 1, "can_solv"),
        ("- at: judge\n  submit: {can_solve: maybe}", 1, "complaints/judge.json"),
        ("- at: judge\n  submit: {can_solve: false, plan: x}", 1, "plan"),
        ("- at: judge\n  by: technician", 1, "technician"),
        ("- until: call", 1, "call"),
        ("- message: nobody_waits", 1, "nobody_waits"),
        ("- expect: {end: archived}", 1, "archived"),
        ("- expect: {instance: completed}", 1, "running"),
        ("- expect: {case: closed}", 1, "closed"),
        ("- expect: {data: {klass: device}}", 1, "device"),
        ("- expect: {told: manager}", 1, "manager"),
        ("- pass: a while", 1, "a while"),
        ("- wait: 1", 1, "expect"),
        ("- expect: judge", 1, "open"),
        ("- expect: {opened: judge}", 1, "opened"),
        ("- until: call\n  submit: {}", 1, "submit"),
        ("- judge", 1, ""),
    ],
)
@pytest.mark.sqlite_only  # what is said does not depend on the database
def test_a_wrong_step_is_named_with_its_line_and_what_was_found(deployed, steps, step, words):
    found = outcome(steps)
    assert not found.passed
    assert found.step == step
    assert found.line >= 4
    assert words in found.message


@pytest.mark.sqlite_only  # what steps are called does not depend on the database
@pytest.mark.parametrize("named", ["judge", "判断能否解决", "Decide: can we solve it"])
@pytest.mark.parametrize("by", ["agent", "客服助理"])
def test_steps_and_roles_are_called_by_their_names_too(deployed, named, by):
    found = outcome(f'- at: "{named}"\n  by: {by}\n  submit: {{can_solve: true}}\n- expect: {{open: 客服解决问题, for: {by}}}')
    assert found.message == ""


@pytest.mark.parametrize(
    ("text", "length", "working"),
    [
        ("2 days", timedelta(days=2), False),
        ("8 working hours", timedelta(hours=8), True),
        ("1 week", timedelta(weeks=1), False),
        ("30 分钟", timedelta(minutes=30), False),
        ("8 个工作小时", timedelta(hours=8), True),
        ("PT90M", timedelta(minutes=90), False),
    ],
)
def test_lengths_are_written_as_people_say_them(text, length, working):
    assert passing(text) == (length, working)


@pytest.mark.sqlite_only  # the engine's failure is the same on both
def test_a_step_that_the_engine_cannot_take_fails_its_scenario(deployed):
    found = outcome("- at: judge\n  submit: {can_solve: true}", "procedure: platform_problem")
    assert not found.passed
    assert "klass" in found.message or "severity" in found.message


# ---------------------------------------------------------------- the command


@pytest.fixture
def run(app):
    return lambda *paths: app.test_cli_runner().invoke(
        args=["bpmn", "test", "--lang", "en", *map(str, paths)]
    )


@pytest.fixture
def folder(tmp_path):
    """A copy of the procedures with their files, beside which a test may write scenarios."""
    for name in ("bpmn", "forms"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for file in (tmp_path / "bpmn").rglob("*.scenario.yaml"):
        file.unlink()
    return tmp_path / "bpmn" / "complaints"


@pytest.mark.sqlite_only  # it makes a database of its own
def test_the_command_plays_on_a_database_of_its_own_and_leaves_this_one_alone(app, run):
    result = run(FOLDER / "callback.bpmn")
    assert result.exit_code == 0, result.output
    assert "passed, 0 failed." in result.output
    with app.app_context():
        assert session().query(Procedure).count() == 0
        assert session().query(Instance).count() == 0


@pytest.mark.sqlite_only  # it makes a database of its own
def test_a_failed_scenario_ends_with_1_and_says_where(run, folder):
    (folder / "callback.scenario.yaml").write_text(
        "procedure: callback\nwith: {klass: platform, severity: normal}\nscenarios:\n"
        "  - {name: right, steps: [{until: call}]}\n"
        "  - name: wrong\n    steps:\n      - expect: {open: []}\n      - expect: {open: call}\n"
    )
    result = run(folder)
    assert result.exit_code == 1
    assert "passed  right" in result.output
    assert "FAILED  wrong" in result.output
    assert "step 2, line 8: expected open: call; open: –; waiting: on_the_day" in result.output
    assert "1 passed, 1 failed." in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
def test_what_no_scenario_went_through_is_listed(app, run, folder):
    (folder / "callback.scenario.yaml").write_text(
        "procedure: callback\nwith: {klass: platform, severity: normal}\nscenarios:\n"
        "  - {name: only, steps: [{until: call}]}\n"
    )
    shown = run("--coverage", folder).output
    assert "of 32 gone through; never:" in shown
    assert "archive" not in shown.split("never:")[0]
    found = json.loads(run("--json", folder).output)
    assert found["files"][0]["scenarios"][0]["passed"] is True
    assert ["callback", "call"] in found["walked"]["done"]
    assert ["callback", "reached"] in found["walked"]["missing"]


@pytest.mark.sqlite_only  # it makes a database of its own
@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "scenarios: 3",
        "scenarios: [{}]",
        "scenarios:\n  - {name: a, steps: []}",
        "\xff",
        "a: &x [1]\nscenarios: [*x]",
        "a: 1\na: 2",
        "a: !!python/object/apply:os.system [id]",
        "scenarios: " + "[" * 5_000,
        "[1, 2]: 3",
        "? {a: 1}\n: 2",
    ],
)
def test_a_broken_file_is_one_failure_and_no_traceback(run, folder, text):
    (folder / "broken.scenario.yaml").write_bytes(text.encode("latin-1"))
    result = run(folder)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "FAILED  broken.scenario.yaml" in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
def test_a_diagram_with_problems_fails_its_scenarios_with_them(run, folder):
    (folder / "callback.scenario.yaml").write_text("scenarios: []", "utf-8")
    diagram = folder / "callback.bpmn"
    diagram.write_text(diagram.read_text("utf-8").replace('name="客服回访">', 'name="谁">'), "utf-8")
    result = run(folder)
    assert result.exit_code == 1
    assert "lane_callback" in result.output


@pytest.mark.sqlite_only  # it makes a database of its own
def test_no_scenarios_and_no_such_file_end_with_1(run, tmp_path):
    assert run(tmp_path).exit_code == 1
    missing = run(tmp_path / "none.scenario.yaml")
    assert missing.exit_code == 1
    assert isinstance(missing.exception, SystemExit)


@pytest.mark.sqlite_only  # reads files only
def test_scenario_files_are_no_part_of_a_deployment(app, folder):
    (folder / "callback.scenario.yaml").write_text("scenarios: []", "utf-8")
    result = app.test_cli_runner().invoke(args=["bpmn", "check", str(folder.parent)])
    assert result.exit_code == 0, result.output

"""Scenarios of a draft: kept beside the versions, played on what is drawn, taken over and written back."""

from __future__ import annotations

import html
import re

import pytest

from app import clock
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.designer import queries, service
from app.designer.recording import Recording, appended
from app.errors import Conflict
from app.procedures import scenario_store, scenarios
from app.settings import ROOT
from tests.integration.case_pages import signed_in

PLATFORM = "complaints/platform_problem.bpmn"
TEXT = """procedure: platform_problem
with: {klass: platform, severity: normal}
scenarios:
  - name: solved
    steps:
      - at: judge
        submit: {can_solve: true}
      - at: resolve
  - name: wrong
    steps:
      - expect: {open: refer}
"""


@pytest.fixture
def designer(app, desk):
    return signed_in(app, "designer")


@pytest.fixture
def draft(desk):
    with transaction():
        made = service.open_version("platform_problem", actor=desk.actor("designer"), now=clock.now())
        number = made.id
    close_read_session()
    return number


def post(client, draft, text, do="keep", revision=0):
    return client.post(
        f"/designer/{draft}/scenarios", data={"content": text, "do": do, "revision": str(revision)}
    )


def test_scenarios_are_kept_and_a_second_writer_is_told(designer, draft):
    assert post(designer, draft, TEXT).status_code == 303
    assert "name: solved" in designer.get(f"/designer/{draft}/scenarios").text
    late = post(designer, draft, TEXT.replace("solved", "mine"), revision=0)
    assert late.status_code == 409
    assert "有人改动了这些场景" in late.text
    assert "name: mine" in late.text  # nothing typed is lost
    assert post(designer, draft, TEXT.replace("solved", "mine"), revision=1).status_code == 303


@pytest.mark.parametrize("text", ["scenarios: [", "a: 1", "scenarios:\n  - {name: x}"])
def test_what_is_no_scenario_file_is_explained_with_everything_still_there(designer, draft, text):
    answer = post(designer, draft, text)
    assert answer.status_code == 422
    assert text.split("\n")[0] in answer.text
    close_read_session()
    assert scenario_store.get("platform_problem") is None


@pytest.mark.sqlite_only  # played in a process and a database of its own
def test_they_are_played_on_the_draft_and_painted(designer, draft, desk):
    with transaction():
        content = queries.file(draft, PLATFORM).content
        changed = content.replace(b'id="judge"', b'id="judge_first"').replace(b'"judge"', b'"judge_first"')
        changed = changed.replace(b">judge<", b">judge_first<")
        service.save(draft, PLATFORM, changed, revision=1, actor=desk.actor("designer"), now=clock.now())
    close_read_session()
    text = TEXT.replace("at: judge", "at: judge_first")
    assert post(designer, draft, text, do="play").status_code == 303
    page = designer.get(f"/designer/{draft}/scenarios").text
    assert "1 个失败" in page
    assert "步骤 1，第 11 行" in page
    assert '"judge_first"' in page
    assert '"heat": 2' in page
    assert "没有场景走过" in page
    publish = designer.get(f"/designer/{draft}/publish").text
    assert "1 个场景失败" in publish
    with transaction():
        service.save(draft, PLATFORM, content, revision=2, actor=desk.actor("designer"), now=clock.now())
    close_read_session()
    assert "运行场景后又有改动" in designer.get(f"/designer/{draft}/publish").text


def test_the_folder_and_the_desk_agree(app, desk, tmp_path):
    close_read_session()
    run = app.test_cli_runner()
    for name in ("bpmn", "forms"):
        (tmp_path / name).symlink_to(ROOT / name)
    deployed = run.invoke(args=["bpmn", "deploy", str(tmp_path / "bpmn")])
    assert deployed.exit_code == 0, deployed.output
    with app.app_context():
        kept = scenario_store.all_files()
        close_read_session()
    assert {path: text.encode() for path, text in kept.items()} == {
        path.relative_to(ROOT / "bpmn").as_posix(): path.read_bytes()
        for path in (ROOT / "bpmn").rglob("*.scenario.yaml")
    }
    assert run.invoke(args=["bpmn", "export", str(tmp_path), "--dry-run"]).exit_code == 0


def test_what_was_changed_in_the_browser_is_left_alone_at_the_next_start(desk):
    path = "complaints/callback.scenario.yaml"
    with transaction():
        scenario_store.save("callback", path, "mine", revision=0, actor=SYSTEM, now=clock.now())
    with transaction():
        assert scenario_store.take_over({path: "theirs"}, new_only=True, actor=SYSTEM, now=clock.now()) == []
    assert scenario_store.all_files() == {path: "mine"}
    close_read_session()
    with transaction():
        found = scenario_store.take_over({path: "theirs"}, new_only=False, actor=SYSTEM, now=clock.now())
    assert found == [path]
    with pytest.raises(Conflict), transaction():
        scenario_store.save("callback", path, "again", revision=1, actor=SYSTEM, now=clock.now())


# ---------------------------------------------------------------- recorded


def carried(page) -> dict[str, str]:
    return {
        name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', page.text)[1])
        for name in ("recording", "state")
    }


@pytest.mark.sqlite_only  # played in a process and a database of its own
def test_a_dry_run_is_clicked_through_and_kept_as_a_scenario(designer, draft):
    url = f"/designer/{draft}/record"
    assert designer.get(url).status_code == 200
    page = designer.post(url, data={"do": "begin", "begin": "klass: platform\nseverity: normal"})
    assert 'name="can_solve"' in page.text
    # A form that refuses its answers says so, and nothing is recorded.
    refused = designer.post(url, data={**carried(page), "do": "submit:judge"})
    assert refused.status_code == 422
    assert "data-error-summary" in refused.text
    page = designer.post(url, data={**carried(refused), "do": "submit:judge", "can_solve": "true"})
    assert "客服解决问题" in page.text
    page = designer.post(url, data={**carried(page), "do": "pass", "length": "1 hour"})
    page = designer.post(url, data={**carried(page), "do": "undo"})
    assert "pass: 1 hour" not in page.text
    nameless = designer.post(url, data={**carried(page), "do": "keep", "name": " "})
    assert nameless.status_code == 422
    kept = designer.post(url, data={**carried(page), "do": "keep", "name": "当场解决"})
    assert kept.status_code == 303
    close_read_session()
    (one,) = scenarios.parse(scenario_store.get("platform_problem").content)
    assert (one.name, dict(one.data)) == ("当场解决", {"klass": "platform", "severity": "normal"})
    assert [list(step) for step in one.steps] == [["expect"], ["at", "submit"], ["expect"]]
    again = designer.post(
        f"/designer/{draft}/scenarios",
        data={"content": scenario_store.get("platform_problem").content, "do": "play", "revision": "1"},
    )
    assert again.status_code == 303
    close_read_session()
    assert [one["passed"] for one in queries.get(draft).played["scenarios"]] == [True]


@pytest.mark.parametrize("sent", ["{", "[]", '{"begin": 1, "steps": [1], "before": []}'])
def test_a_recording_that_was_tampered_with_begins_anew(designer, draft, sent):
    answer = designer.post(f"/designer/{draft}/record", data={"recording": sent, "do": "undo"})
    assert answer.status_code == 422
    assert "请重新开始" in answer.text


def test_what_cannot_be_done_takes_no_recorded_step_along(designer, draft):
    run = Recording("platform_problem", {}, [{"at": "judge", "submit": {"can_solve": True}}], [{"open": "judge"}])
    sent = {"recording": run.text(), "state": "{}", "do": "submit:nothing"}
    answer = designer.post(f"/designer/{draft}/record", data=sent)
    assert answer.status_code == 422
    assert carried(answer)["recording"] == run.text()


def test_a_scenario_is_written_behind_the_others_or_not_at_all(app_context):
    run = Recording("callback", {"klass": "device"}, [{"at": "call", "submit": {"outcome": "one\ntwo: 3", "day": "2026-03-02"}}], [{"open": "call"}])
    written = run.scenario("没接通: 再拨", {"open": [], "status": "completed", "case": "closed"})
    text = appended(TEXT, "platform_problem", written)
    assert [one.name for one in scenarios.parse(text)] == ["solved", "wrong", "没接通: 再拨"]
    assert scenarios.parse(text)[2].steps[1]["submit"] == {"outcome": "one\ntwo: 3", "day": "2026-03-02"}
    with pytest.raises(scenarios.BadScenario):
        appended("procedure: x\nscenarios: []\nat: 2026-03-02T09:00\n", "x", written)

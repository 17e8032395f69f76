"""Scenarios of a draft: kept beside the versions, played on what is drawn, taken over and written back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app import clock
from app.accounts.actor import SYSTEM
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.designer import queries, service
from app.errors import Conflict
from app.procedures import scenario_store
from app.settings import ROOT

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
    app.config["WTF_CSRF_ENABLED"] = False
    person = session().scalar(sa.select(Person).where(Person.username == "designer"))
    key = f"{person.id}.{person.session_version}"
    close_read_session()
    client = app.test_client()
    with client.session_transaction() as kept:
        kept["_user_id"], kept["_fresh"] = key, True
    return client


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

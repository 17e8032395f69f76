"""Deploying: versions by digest, callers of a changed file, and the commands that do it."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import engine
from app.accounts.actor import SYSTEM
from app.db import session, transaction
from app.engine.problems import ProblemsFound
from app.engine.tables import Event, FileContent, Procedure, ProcedureFile, ProcedureVersion
from app.errors import NotFound
from tests.support.engine_files import lane, line, process, table, user_task

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
FORM = b'{"type": "object", "title": "F", "properties": {}}'


def family() -> dict[str, bytes]:
    call = '<bpmn:callActivity id="c" calledElement="q"/>'
    return {
        "bpmn/area/p.bpmn": process(line(call, ids=("c",))),
        "bpmn/area/q.bpmn": process(lane("a") + line(user_task("a", form="area/f.json"), ids=("a",)), id="q"),
        "forms/area/f.json": FORM,
    }


def put(files: dict[str, bytes], **more: bool) -> dict[str, tuple[int, bool]]:
    with transaction():
        done = engine.deploy(files, actor=SYSTEM, now=NOW, **more)
    return {one.key: (one.version, one.created) for one in done}


def count(mapped: type) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(mapped)) or 0


def test_unchanged_content_makes_no_new_version(app_context):
    assert put(family()) == {"p": (1, True), "q": (1, True)}
    rows = count(ProcedureVersion), count(ProcedureFile), count(FileContent), count(Event)
    assert put(family()) == {"p": (1, False), "q": (1, False)}
    assert (count(ProcedureVersion), count(ProcedureFile), count(FileContent), count(Event)) == rows


def test_a_changed_form_makes_a_new_version_of_its_process_and_of_every_caller(app_context):
    put(family())
    changed = {"forms/area/f.json": FORM.replace(b'"F"', b'"G"')}
    assert put(changed) == {"p": (2, True), "q": (2, True)}
    old, new = (engine.latest_version("p").id - 2, engine.latest_version("p").id)
    assert engine.form_schema(new, "area/f.json")["title"] == "G"
    assert engine.form_schema(old, "area/f.json")["title"] == "F"


def test_a_file_is_stored_once_however_many_versions_use_it(app_context):
    put(family())
    put({"forms/area/f.json": FORM + b"\n"})
    assert count(ProcedureFile) == 10
    assert count(FileContent) == 4


def test_going_back_to_older_content_is_a_new_version_with_the_old_digest(app_context):
    put(family())
    first = engine.latest_version("q")
    put({"forms/area/f.json": FORM + b"\n"})
    assert put(family()) == {"p": (3, True), "q": (3, True)}
    assert engine.latest_version("q").digest == first.digest


def test_an_upload_with_bare_file_names_replaces_the_stored_files(app_context):
    put(family())
    upload = {"q.bpmn": family()["bpmn/area/q.bpmn"].replace(b'id="q" name="q"', b'id="q" name="Quality"')}
    assert put(upload) == {"p": (2, True), "q": (2, True)}
    assert engine.latest_version("q").name == "Quality"


def test_a_dry_run_says_the_same_and_writes_nothing(app_context):
    assert put(family(), dry_run=True) == {"p": (1, True), "q": (1, True)}
    assert count(Procedure) == count(ProcedureVersion) == count(FileContent) == count(Event) == 0


def test_files_with_errors_change_nothing(app_context):
    put(family())
    bad = family() | {"bpmn/area/q.bpmn": process(line(user_task("a"), ids=("a",)), id="q")}
    with pytest.raises(ProblemsFound) as refused:
        put(bad)
    assert [(p.file, p.rule, p.element) for p in refused.value.problems] == [("area/q.bpmn", "no-role", "a")]
    assert engine.latest_version("q").number == 1


def test_a_stored_caller_is_not_broken_by_a_called_process_that_disappears(app_context):
    put(family())
    renamed = {"bpmn/area/q.bpmn": family()["bpmn/area/q.bpmn"].replace(b'process id="q"', b'process id="r"')}
    with pytest.raises(ProblemsFound) as refused:
        put(renamed)
    assert {problem.rule for problem in refused.value.problems} == {"missing-process"}


def test_a_version_keeps_its_files_specs_and_catalogue(app_context):
    put(family() | {"bpmn/area/t.dmn": table((["-"], ["1"]))})
    info = engine.latest_version("p")
    assert engine.get_file(info.id, "area/q.bpmn") == family()["bpmn/area/q.bpmn"]
    assert engine.get_file(info.id, "f.json") == FORM
    version = engine.version(info.id)
    assert version.specs.spec.name == "p"
    assert version.element("q", "a")["role"] == "agent"
    for missing in (lambda: engine.get_file(info.id, "t.dmn"), lambda: engine.latest_version("zzz")):
        with pytest.raises(NotFound):
            missing()


def test_a_version_that_was_rolled_back_is_not_remembered(app_context):
    with pytest.raises(RuntimeError), transaction():
        engine.deploy(family(), actor=SYSTEM, now=NOW)
        ghost = engine.latest_version("q").id
        engine.version(ghost)
        raise RuntimeError
    put({"x.bpmn": process(line(ids=()), id="x")})
    assert engine.version(engine.latest_version("x").id).specs.spec.name == "x"


def test_a_version_is_read_from_the_database_once(app_context, count_statements):
    put(family())
    info = engine.latest_version("p")
    engine.version(info.id)
    engine.form_schema(info.id, "area/f.json")
    with count_statements() as counted:
        engine.version(info.id)
        engine.form_schema(info.id, "area/f.json")
    assert len(counted) == 0, counted


# ------------------------------------------------------------------ commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, content in family().items():
        target = tmp_path / "work" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return tmp_path / "work"


def run(app, *arguments: object):
    return app.test_cli_runner().invoke(args=["bpmn", *map(str, arguments)])


def test_the_shipped_procedures_have_no_errors(app):
    result = run(app, "check", ROOT / "bpmn", "--json")
    assert result.exit_code == 0, result.output
    files = json.loads(result.output)["files"]
    assert len(files) >= 8
    assert all(file["ok"] for file in files)


def test_a_start_does_not_bring_back_what_was_published_over_the_folders_files(app, folder):
    def at_start() -> str:
        return run(app, "deploy", folder / "bpmn", "--new-only", "--lang", "en").output

    assert "version 1" in at_start()
    path = next((folder / "bpmn").rglob("*.bpmn"))
    before = path.read_bytes()
    path.write_bytes(
        before.replace(b"</bpmn:definitions>", b"<!-- drawn in the browser --></bpmn:definitions>")
    )
    assert "version 2" in run(app, "deploy", folder / "bpmn", "--lang", "en").output
    path.write_bytes(before)
    # The folder is as it was at the first start: nothing of it is new.
    assert at_start() == ""
    path.write_bytes(before.replace(b"</bpmn:definitions>", b"<!-- newer --></bpmn:definitions>"))
    assert "version 3" in at_start()


def test_what_is_deployed_comes_back_byte_by_byte(app, tmp_path):
    out = tmp_path / "out"
    assert run(app, "deploy", ROOT / "bpmn").exit_code == 0
    assert run(app, "export", out).exit_code == 0
    written = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert len(written) > 20
    assert written == {path: (ROOT / path).read_bytes() for path in written}
    again = run(app, "export", out, "--lang", "en")
    assert again.output == "Folder and desk agree.\n"
    # Deployed from there it makes no new version.
    assert "unchanged" in run(app, "deploy", out / "bpmn", "--lang", "en").output


def test_a_dry_export_says_what_differs_and_writes_nothing(app, folder):
    run(app, "deploy", folder / "bpmn")
    path = next((folder / "bpmn").rglob("*.bpmn"))
    path.write_bytes(b"edited by hand")
    told = run(app, "export", folder, "--dry-run")
    assert (told.exit_code, told.output.strip()) == (1, path.as_posix())
    assert path.read_bytes() == b"edited by hand"


def test_deploying_the_folder_bpmn_takes_the_forms_beside_it(app, folder):
    first = run(app, "deploy", folder / "bpmn", "--lang", "en")
    assert (first.exit_code, first.output) == (0, "p: version 1\nq: version 1\n")
    again = run(app, "deploy", folder / "bpmn", "--lang", "en")
    assert again.output == "p: unchanged, version 1\nq: unchanged, version 1\n"


def test_a_lone_file_finds_what_it_uses_beside_it(app, folder):
    result = run(app, "check", folder / "bpmn" / "area" / "p.bpmn", "--json")
    assert result.exit_code == 0, result.output
    listed = {file["file"]: file["ok"] for file in json.loads(result.output)["files"]}
    assert listed[str(folder / "bpmn/area/p.bpmn")] is True
    (folder / "bpmn" / "area" / "q.bpmn").unlink()
    assert run(app, "check", folder / "bpmn" / "area" / "p.bpmn").exit_code == 1


def test_check_names_file_element_line_rule_and_remedy_as_json(app, folder):
    path = folder / "bpmn" / "area" / "q.bpmn"
    path.write_bytes(path.read_bytes().replace("客服助理".encode(), b"Nobody"))
    result = run(app, "check", path, "--json", "--lang", "en")
    assert result.exit_code == 1
    [file] = json.loads(result.output)["files"]
    [problem] = [found for found in file["problems"] if found["level"] == "error"]
    assert (file["file"], file["ok"]) == (str(path), False)
    assert set(problem) == {"element", "name", "line", "rule", "level", "message", "why", "remedy"}
    assert (problem["element"], problem["name"], problem["line"], problem["rule"]) == (
        "lane", "Nobody", 1, "unknown-role",
    )  # fmt: skip
    assert run(app, "deploy", path).exit_code == 1


def test_check_speaks_chinese_and_english(app, folder):
    (folder / "bpmn" / "area" / "q.bpmn").write_text("no xml")
    chinese = run(app, "check", folder, "--lang", "zh").output
    english = run(app, "check", folder, "--lang", "en").output
    assert "不是格式正确的 XML" in chinese
    assert "not well-formed XML" in english


@pytest.mark.parametrize("content", [b"", b"\0\0\0", b"<a/>", b'{"a"', b"\xff\xfe\x00\xd8"])
def test_check_never_ends_in_a_traceback(app, tmp_path, content):
    for name in ("x.bpmn", "x.dmn", "x.json", "x.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        result = run(app, "check", path, "--json")
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit)
        assert json.loads(result.output)["files"][0]["ok"] is False


def test_a_path_that_is_not_there_empty_or_unreadable_is_a_problem_not_a_traceback(app, tmp_path):
    assert "missing-file" in run(app, "check", tmp_path / "gone.bpmn").output
    (tmp_path / "empty").mkdir()
    result = run(app, "check", tmp_path / "empty")
    assert (result.exit_code, "no-files" in result.output) == (1, True)
    locked = tmp_path / "locked.bpmn"
    locked.write_bytes(process(line(ids=())))
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        assert "unreadable" in run(app, "check", locked).output
    locked.chmod(stat.S_IRUSR)

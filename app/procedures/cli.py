"""`flask --app wsgi bpmn check|deploy|export`: the designer's files from the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from flask_babel import force_locale
from flask_babel import gettext as _

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import transaction
from app.engine import Deployed, Problem, ProblemsFound, rule_book
from app.engine.deploy import latest_files
from app.engine.problems import WARNING, errors_of
from app.procedures import scenario_store
from app.procedures.collect import Collected, collect

bpmn = AppGroup("bpmn", help="Check and deploy procedures: BPMN, DMN and form files.")

language_option = click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default=None,
    help="Language of the findings; else that of $LANG.",
)


@bpmn.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@language_option
def check(paths: tuple[str, ...], as_json: bool, lang: str | None) -> None:
    """Lint files and folders without deploying. Exit code 0: no errors; 1: errors.

    Called files, decisions and forms are looked for beside the files: in their folder, and in forms/ next
    to bpmn/.
    """
    with spoken(lang):
        found = collect(paths)
        problems = [*found.problems, *_shown(found, engine.check(found.files))]
        if as_json:
            click.echo(json.dumps({"files": _by_file(found, problems)}, ensure_ascii=False, indent=2))
        else:
            _print(problems)
            if not errors_of(problems):
                click.echo(_("Files checked: %(n)s. No errors.", n=len(found.files)))
    if errors_of(problems):
        raise SystemExit(1)


@bpmn.command()
@language_option
def rules(lang: str | None) -> None:
    """List every rule of the check: how serious, why it matters, what to do (Markdown)."""
    with spoken(lang):
        click.echo(rule_book.page())


@bpmn.command("deploy")
@click.argument("paths", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would be deployed, and change nothing.")
@click.option("--new-only", is_flag=True, help="Leave out files that some version has had as they are.")
@language_option
def deploy_command(paths: tuple[str, ...], dry_run: bool, new_only: bool, lang: str | None) -> None:
    """Deploy files and folders; unchanged content makes no new version.

    --new-only is how the desk starts: what was published in the browser since is not replaced by the older
    files of the folder.

    What the files use is deployed with them: called files of the same folder, decisions, and forms from
    forms/ next to bpmn/. So `bpmn deploy bpmn` is all it takes.
    """
    with spoken(lang):
        found = collect(paths)
        _refuse(found.problems)
        try:
            with transaction():
                files = engine.never_deployed(found.files) if new_only else found.files
                done = engine.deploy(files, actor=SYSTEM, now=clock.now(), dry_run=dry_run)
                if not dry_run:
                    beside = scenario_store.read_beside(scenario_store.found_files(paths))
                    scenario_store.take_over(beside, new_only=new_only, actor=SYSTEM, now=clock.now())
        except ProblemsFound as error:
            _refuse(_shown(found, error.problems))
        for one in done:
            click.echo(_line(one, dry_run))


@bpmn.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--dry-run", is_flag=True, help="Say which files differ, and write nothing. Exit code 1: some do."
)
@language_option
def export_command(folder: Path, dry_run: bool, lang: str | None) -> None:
    """Write the files of the latest versions into bpmn/ and forms/ below FOLDER, byte by byte.

    So what was published in the browser comes into git: `bpmn export .` in a checkout, then look at the
    difference and commit. Files that nothing uses any more are left alone.
    """
    with spoken(lang):
        differing = 0
        texts = {name: text.encode() for name, text in scenario_store.all_files().items()}
        for name, content in sorted({**latest_files(), **texts}.items()):
            target = folder / ("forms" if name.endswith(".json") else "bpmn") / name
            if target.exists() and target.read_bytes() == content:
                continue
            differing += 1
            click.echo(target.as_posix())
            if not dry_run:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        if not differing:
            click.echo(_("Folder and desk agree."))
    if dry_run and differing:
        raise SystemExit(1)


def _line(one: Deployed, dry_run: bool) -> str:
    if not one.created:
        return _("%(key)s: unchanged, version %(n)s", key=one.key, n=one.version)
    if dry_run:
        return _("%(key)s: would become version %(n)s", key=one.key, n=one.version)
    return _("%(key)s: version %(n)s", key=one.key, n=one.version)


def _refuse(problems: list[Problem]) -> None:
    if problems:
        _print(problems)
        raise SystemExit(1)


def _print(problems: Iterable[Problem]) -> None:
    for problem in problems:
        level = _("warning") if problem.level == WARNING else _("error")
        click.echo(f"{problem} [{level}: {problem.rule}]")


def _shown(found: Collected, problems: Iterable[Problem]) -> list[Problem]:
    """Name the files as the person knows them."""
    return [replace(problem, file=found.shown.get(problem.file, problem.file)) for problem in problems]


def _by_file(found: Collected, problems: list[Problem]) -> list[dict[str, Any]]:
    files = sorted({found.shown[name] for name in found.asked} | {problem.file for problem in problems})
    result = []
    for file in files:
        its = [problem for problem in problems if problem.file == file]
        result.append(
            {"file": file, "ok": not errors_of(its), "problems": [_as_json(problem) for problem in its]}
        )
    return result


def _as_json(problem: Problem) -> dict[str, Any]:
    values = problem.as_dict()
    del values["file"]
    return values


@contextmanager
def spoken(lang: str | None) -> Iterator[None]:
    """Speak this language, or that of the environment: English where it says so, else Chinese."""
    with force_locale(lang or _environment_language()):
        yield


def _environment_language() -> str:
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if wanted.lower().startswith("en") else "zh"

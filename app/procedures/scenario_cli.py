"""`flask --app wsgi bpmn test`: play the scenario tests of procedures on a throw-away database."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import SYSTEM
from app.clock import now
from app.db import Base, close_read_session, init_db, transaction
from app.db import engine as database
from app.errors import AppError
from app.procedures import scenarios
from app.procedures.cli import spoken
from app.procedures.collect import collect
from app.procedures.scenario_store import found_files
from app.procedures.walked import Walked


@click.command("test")
@click.argument("paths", nargs=-1, required=True)
@click.option("--coverage", is_flag=True, help="Say which elements and flows no scenario went through.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default=None, help="Language of what is said.")
@with_appcontext
def test(paths: tuple[str, ...], coverage: bool, as_json: bool, lang: str | None) -> None:
    """Play scenario tests on a virtual clock. Exit code 0: all passed; 1: one did not, or none was found.

    PATHS are scenario files, folders (every *.scenario.yaml below), or diagrams (NAME.scenario.yaml beside
    them). The procedures are those beside them, deployed to a database that is thrown away; nothing else is
    touched.
    """
    passed = failed = 0
    walked = Walked()
    found: list[dict[str, Any]] = []
    with spoken(lang):
        files = found_files(paths)
        if not files:
            click.echo(_("No scenario tests found: they are *.scenario.yaml beside the diagrams."))
            raise SystemExit(1)
        for file, outcomes in played(files):
            say = (lambda _words: None) if as_json else click.echo
            say(str(file))
            for one in outcomes:
                say(line(one))
                walked |= one.walked
                passed, failed = passed + one.passed, failed + (not one.passed)
            found.append({"file": str(file), "scenarios": [plain(one) for one in outcomes]})
        if as_json:
            click.echo(json.dumps({"files": found, "walked": covered(walked)}, ensure_ascii=False))
        else:
            click.echo(_("%(n)s passed, %(m)s failed.", n=passed, m=failed))
        if coverage and not as_json:
            for words in coverage_lines(walked):
                click.echo(words)
    if failed:
        raise SystemExit(1)


def line(outcome: scenarios.Outcome) -> str:
    """Write one outcome."""
    if outcome.passed:
        return "  " + _("passed  %(name)s", name=outcome.name)
    where = ""
    if outcome.step:
        where = _("step %(n)s, line %(line)s: ", n=outcome.step, line=outcome.line)
    return "  " + _("FAILED  %(name)s", name=outcome.name) + f"\n          {where}{outcome.message}"


def plain(outcome: scenarios.Outcome) -> dict[str, Any]:
    """Return one outcome as JSON values."""
    return {
        "name": outcome.name,
        "passed": outcome.passed,
        "message": outcome.message,
        "step": outcome.step,
        "line": outcome.line,
        "state": dict(outcome.state),
    }


def covered(walked: Walked) -> dict[str, Any]:
    """Return what was gone through and what was not, as JSON values: lists of [process, element or flow]."""
    done = sorted(walked.elements | walked.flows)
    return {"done": [list(place) for place in done], "missing": [list(place) for place in walked.missing()]}


def coverage_lines(walked: Walked) -> Iterator[str]:
    """Yield a line a process: how many of its elements and flows were gone through, and which were not."""
    everything = walked.all_elements | walked.all_flows
    missing = walked.missing()
    for process in sorted({id for id, _one in everything}):
        total = sum(id == process for id, _one in everything)
        lost = [one for id, one in missing if id == process]
        share = _("%(name)s: %(n)s of %(total)s gone through", name=process, n=total - len(lost), total=total)
        yield f"{share}; {_('never')}: {', '.join(lost)}" if lost else share


def played(files: Iterable[Path]) -> Iterator[tuple[Path, list[scenarios.Outcome]]]:
    """Play the scenarios of each file; the procedures of each folder get a database of their own."""
    homes: dict[Path, list[Path]] = {}
    for file in files:
        homes.setdefault(file.absolute().parent, []).append(file)
    for home, its in homes.items():
        with throw_away_database():
            broken = _deployed(home)
            for file in its:
                yield file, [broken] if broken else _outcomes(file)


def _deployed(home: Path) -> scenarios.Outcome | None:
    found = collect([str(home)])
    if found.problems:
        return scenarios.Outcome(str(home), "\n".join(map(str, found.problems)))
    try:
        with transaction():
            engine.deploy(found.files, actor=SYSTEM, now=now())
    except engine.ProblemsFound as error:
        shown = [replace(one, file=found.shown.get(one.file, one.file)) for one in error.problems]
        return scenarios.Outcome(str(home), "\n          ".join(map(str, shown)))
    except AppError as error:
        return scenarios.Outcome(str(home), str(error))
    return None


def _outcomes(file: Path) -> list[scenarios.Outcome]:
    try:
        return [scenarios.play(one) for one in scenarios.read(file)]
    except scenarios.BadScenario as error:
        return [scenarios.Outcome(file.name, str(error))]


@contextmanager
def throw_away_database() -> Iterator[None]:
    """Run on an empty SQLite database that is gone afterwards, in a bare application of its own."""
    from app.web import i18n

    locale = str(get_locale() or i18n.DEFAULT)
    close_read_session()
    with tempfile.TemporaryDirectory(prefix="scenarios-") as folder:
        url = f"sqlite:///{folder}/scenarios.db"
        made = Flask("app")
        made.config["SETTINGS"] = replace(
            current_app.config["SETTINGS"], database_url=url, var_dir=Path(folder)
        )
        init_db(made)
        i18n.init(made)
        with made.app_context(), force_locale(locale):
            Base.metadata.create_all(database())
            try:
                yield
            finally:
                close_read_session()
                database().dispose()

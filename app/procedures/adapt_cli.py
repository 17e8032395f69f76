"""`flask --app wsgi bpmn adapt`: mend files of other editors, shown first and written on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from flask_babel import gettext as _

from app.engine.adapt import REPAIRS, Adapted, adapt
from app.engine.xml import BadFile
from app.procedures.cli import language_option, spoken


@click.command("adapt")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--apply", "write", is_flag=True, help="Write the mended files in their place.")
@click.option("--only", multiple=True, type=click.Choice(list(REPAIRS)), help="Only this repair; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@language_option
@with_appcontext
def adapt_command(
    files: tuple[Path, ...], write: bool, only: tuple[str, ...], as_json: bool, lang: str | None
) -> None:
    """Show what can be mended mechanically in diagrams of other editors; --apply writes it.

    Exit code 0: all files were read; 1: one could not be, and none is written.
    """
    found: dict[Path, Adapted] = {}
    with spoken(lang):
        for file in files:
            try:
                found[file] = adapt(file.name, file.read_bytes(), only=only or None)
            except BadFile as error:
                raise click.ClickException(f"{file}: {error.message}") from error
        if as_json:
            click.echo(json.dumps({"files": [_plain(*one) for one in found.items()]}, ensure_ascii=False))
        for file, adapted in found.items():
            if not as_json:
                _tell(file, adapted, write)
            if write and adapted.changes:
                file.write_bytes(adapted.content)


def _plain(file: Path, adapted: Adapted) -> dict[str, Any]:
    return {"file": str(file), "changes": [change.as_dict() for change in adapted.changes]}


def _tell(file: Path, adapted: Adapted, write: bool) -> None:
    click.echo(f"{file}:")
    if not adapted.changes:
        click.echo("  " + _("Nothing to mend."))
        return
    for change in adapted.changes:
        place = change.name or change.element
        click.echo("  " + (f"{place}: " if place else "") + f"{change.message} [{change.repair}]")
    if not write:
        for line in adapted.difference():
            click.echo("    " + line)
        click.echo("  " + _("--apply writes it."))

"""`flask --app wsgi cases import FILE`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from app.accounts.actor import SYSTEM
from app.accounts.organisation import actor_named
from app.cases.imports import job, mapping, service
from app.cases.imports.mapping import Plan
from app.clock import now
from app.db import session, transaction
from app.errors import AppError

cases = AppGroup("cases", help="Cases from elsewhere.")


@cases.command("import")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Say what a column is; FIELD may be empty.",
)
@click.option("--source", help="Where the rows come from; with their numbers it tells what is here already.")
@click.option(
    "--class", "klass", type=click.Choice(["platform", "device", "other"]), help="For rows without one."
)
@click.option("--as", "username", help="Whose import it is.")
@click.option("--dry-run", is_flag=True, help="Look the rows over, change nothing.")
def import_file(
    path: Path,
    columns: tuple[str, ...],
    source: str | None,
    klass: str | None,
    username: str | None,
    dry_run: bool,
) -> None:
    """Import cases from a spreadsheet (CSV, XLSX); a row that is here already is not imported again.

    Prints what the columns were taken for, each refused row, and the counts.
    """
    actor = SYSTEM
    try:
        if username is not None:
            found = actor_named(username)
            if found is None:
                raise click.BadParameter(f"there is no user {username}", param_hint="--as")
            actor = found
        with transaction():
            run = service.upload(path.name, path.read_bytes(), actor=actor, now=now())
            headers = service.sheet_of(run).headers
            plan = _plan(Plan.from_json(run.mapping), headers, columns, source, klass)
            run = service.replan(run.id, plan)
            run_id = run.id
            for header, target in zip(headers, plan.columns, strict=True):
                click.echo(f"  {header} -> {target or '(left out)'}")
            if dry_run:
                review = service.review(run, now())
                session().delete(run)
                _tell(review.ready, review.repeated, review.refused, "would be created")
                return
            service.start(run_id)
        while run.status != "done":
            run = job.run_batch(run_id, now())
    except AppError as error:
        raise click.ClickException(str(error)) from error
    _tell(run.created, run.repeated, run.refused, "created")


def _plan(
    plan: Plan, headers: list[str], columns: tuple[str, ...], source: str | None, klass: str | None
) -> Plan:
    chosen: dict[int, str] = {}
    for pair in columns:
        header, mark, target = pair.rpartition("=")
        if not mark or header not in headers:
            raise click.BadParameter(f"{pair}: columns are {', '.join(headers)}", param_hint="--map")
        chosen[headers.index(header)] = target.strip()
    # What was chosen by hand takes the place of what was guessed.
    for index, target in enumerate(plan.columns):
        if index not in chosen and target in chosen.values() and target not in mapping.MANY:
            chosen[index] = ""
    return mapping.with_choices(
        plan, chosen, source=source or plan.source, defaults={"class": klass} if klass else {}
    )


def _tell(created: int, repeated: int, refused: list[dict[str, object]], word: str) -> None:
    for line in refused:
        column = f", {line['column']}" if line["column"] else ""
        click.echo(f"row {line['row']}{column}: {line['reason']}", err=True)
    click.echo(f"{word} {created}, repeated {repeated}, refused {len(refused)}")

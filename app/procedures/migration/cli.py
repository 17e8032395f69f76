"""`flask --app wsgi bpmn migrate`: move running instances from the command line."""

from __future__ import annotations

import click
from flask_babel import gettext as _

from app import clock
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.errors import AppError
from app.procedures.cli import language_option, spoken
from app.procedures.migration import job, queries, service


@click.command()
@click.argument("key")
@click.argument("version", type=int)
@click.option("--instance", "instances", type=int, multiple=True, help="Only this instance; may be repeated.")
@click.option("--from", "from_version", type=int, default=None, help="Only instances on this version.")
@click.option("--dry-run", is_flag=True, help="Say which could move and why others could not.")
@click.option("--reason", default="", help="Why, for the history; needed unless --dry-run.")
@language_option
def migrate(
    key: str,
    version: int,
    instances: tuple[int, ...],
    from_version: int | None,
    dry_run: bool,
    reason: str,
    lang: str | None,
) -> None:
    """Move the running instances of procedure KEY to VERSION. Exit code 1 when some could not."""
    with spoken(lang):
        try:
            with transaction():
                run_id = service.begin(
                    key,
                    version,
                    instances=list(instances) or None,
                    from_version=from_version,
                    dry_run=dry_run,
                    reason=reason,
                    actor=SYSTEM,
                    now=clock.now(),
                ).id
        except AppError as error:
            raise click.ClickException(str(error)) from error
        while run_id in service.under_way():
            job.run_batch(run_id, clock.now())
            close_read_session()
        page = queries.run_page(run_id)
        moved, refused = page.counts.get("ok", 0), page.counts.get("refused", 0)
        words = _("Can move: %(n)s", n=moved) if dry_run else _("Moved: %(n)s", n=moved)
        click.echo(f"{words} · {_('Refused: %(n)s', n=refused)} · #{run_id}")
        for why, count in page.reasons:
            click.echo(f"  {count} × {why}")
    if refused:
        raise SystemExit(1)

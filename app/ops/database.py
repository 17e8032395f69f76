"""`flask db …`: Alembic, on the application's own engine."""

from __future__ import annotations

import re
import sys

import click
from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from flask.cli import AppGroup

from app import clock
from app.settings import ROOT

db = AppGroup("db", help="The database's schema.")


def config() -> Config:
    """Return Alembic's configuration; there is no alembic.ini to keep in step."""
    made = Config(stdout=sys.stdout)
    made.set_main_option("script_location", str(ROOT / "migrations"))
    dated = "%%(year)d_%%(month).2d_%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
    made.set_main_option("file_template", dated)
    made.set_main_option("truncate_slug_length", "60")
    return made


@db.command("upgrade")
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the database to a revision, the newest unless given."""
    command.upgrade(config(), revision)


@db.command("downgrade")
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database back to a revision."""
    command.downgrade(config(), revision)


@db.command("revision")
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration for what changed in the mappings; read it before you commit it."""
    slug = re.sub(r"\W+", "_", message.lower())[:60]
    command.revision(config(), message, autogenerate=True, rev_id=f"{clock.now():%Y%m%d%H%M}_{slug[:40]}")


@db.command("check")
def check() -> None:
    """Exit with 1 when the mappings say something that no migration does."""
    try:
        command.check(config())
    except CommandError as error:
        raise click.ClickException(str(error)) from error

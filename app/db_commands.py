"""`flask db …`: Alembic, on the application's own engine.

Alembic is loaded when it has something to do: every start and every command would wait for it.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from app import clock
from app.db import engine
from app.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config

db = AppGroup("db", help="The database's schema.")


def config() -> Config:
    """Return Alembic's configuration; there is no alembic.ini to keep in step."""
    from alembic.config import Config

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
    if revision == "head" and is_newest():
        return
    from alembic import command

    command.upgrade(config(), revision)


def is_newest() -> bool:
    """Tell whether the database is where the migration files end; read from their text, without Alembic."""
    texts = [file.read_text() for file in (ROOT / "migrations" / "versions").glob("*.py")]
    made = {name for text in texts for name in re.findall(r'(?m)^revision\b.*= "(.+)"$', text)}
    passed = {name for text in texts for name in re.findall(r'(?m)^down_revision\b.*= "(.+)"$', text)}
    with engine().connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        stands = set(connection.execute(sa.text("select version_num from alembic_version")).scalars())
    return bool(stands) and stands == made - passed


@db.command("downgrade")
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the database back to a revision."""
    from alembic import command

    command.downgrade(config(), revision)


@db.command("revision")
@click.argument("message")
def revision(message: str) -> None:
    """Write a migration for what changed in the mappings; read it before you commit it."""
    from alembic import command

    slug = re.sub(r"\W+", "_", message.lower())[:60]
    command.revision(config(), message, autogenerate=True, rev_id=f"{clock.now():%Y%m%d%H%M}_{slug[:40]}")


@db.command("check")
def check() -> None:
    """Exit with 1 when the mappings say something that no migration does."""
    from alembic import command
    from alembic.util import CommandError

    try:
        command.check(config())
    except CommandError as error:
        raise click.ClickException(str(error)) from error

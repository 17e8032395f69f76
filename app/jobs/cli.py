"""`flask queue setup` and `flask worker`."""

from __future__ import annotations

import logging

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.errors import Refused
from app.jobs import queue, worker_name

queue_commands = AppGroup("queue", help="Background jobs on procrastinate (QUEUE=procrastinate).")


@queue_commands.command("setup")
@with_appcontext
def setup() -> None:
    """Make the queue's tables in PostgreSQL; does nothing when they are there."""
    try:
        made = queue.set_up(current_app._get_current_object())  # type: ignore[attr-defined]
    except Refused as error:
        raise click.ClickException(str(error)) from error
    click.echo("queue tables made" if made else "queue tables are there already")


@click.command("worker")
@with_appcontext
def run_worker() -> None:
    """Run a worker: mails, digests, planned callbacks, imports, upkeep, until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        queue.run(app, worker_name())
    except Refused as error:
        raise click.ClickException(str(error)) from error

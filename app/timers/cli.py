"""`flask timers fire --now ISO` and `flask scheduler`."""

from __future__ import annotations

import logging
from datetime import datetime

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app import calendar, clock
from app.jobs import worker_name
from app.timers import scheduler, virtual
from app.timers.job import fire_due

timers = AppGroup("timers", help="What falls due.")


@timers.command("fire")
@click.option("--now", "instant", required=True, metavar="ISO", help="Fire all that is due at this instant.")
def fire(instant: str) -> None:
    """Fire all timers that are due at an instant and print how many fired."""
    try:
        at = datetime.fromisoformat(instant)
    except ValueError as error:
        raise click.BadParameter(f"{instant!r} is not an ISO instant", param_hint="--now") from error
    if at.tzinfo is None:
        at = at.replace(tzinfo=calendar.current().zone)
    with clock.at(at):
        click.echo(fire_due(clock.now(), worker_name()))


@click.command("scheduler")
@with_appcontext
def run_scheduler() -> None:
    """Run the scheduler: fires timers when they are due, sends mails, until it is stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("apscheduler", "spiff"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    virtual.follow()
    scheduler.run(current_app._get_current_object())  # type: ignore[attr-defined]

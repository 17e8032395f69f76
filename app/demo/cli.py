"""`flask demo load`: the demo's organisation and cases."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from datetime import time as dt_time
from random import Random

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from app import calendar, clock, engine
from app.accounts.actor import SYSTEM
from app.calendar import service as calendars
from app.cases.tables import Case
from app.customers.tables import Customer
from app.db import session, transaction
from app.demo import customers, people
from app.demo.simulate import Simulation
from app.engine.tables import ProcedureVersion
from app.notifications import without_mail
from app.procedures.collect import collect
from app.settings import ROOT
from app.timers import virtual

demo = AppGroup("demo", help="An invented centre to look at.")
CUSTOMERS = 60
DAYS = 60
AFTERNOON = dt_time(14, 32)


def in_the_afternoon(now: datetime) -> datetime:
    """Return the last half past two (the centre's zone) of a working day that is not after `now`."""
    centre = calendar.current()
    local = now.astimezone(centre.zone)
    day = local.date() if local.time() >= AFTERNOON else local.date() - timedelta(days=1)
    while not centre.spans(day):
        day -= timedelta(days=1)
    return datetime.combine(day, AFTERNOON, centre.zone).astimezone(UTC)


def _need_procedures() -> None:
    """Deploy the procedures that came along, where nobody has deployed any yet."""
    if session().scalar(sa.select(sa.func.count()).select_from(ProcedureVersion)):
        return
    with transaction():
        engine.deploy(collect([str(ROOT / "bpmn")]).files, actor=SYSTEM, now=clock.now())


def _backdate(opened: datetime, random: Random) -> None:
    """Let procedures be published and customers be on file before the first case comes."""
    session().execute(sa.update(ProcedureVersion).values(created_at=opened))
    for customer in session().scalars(sa.select(Customer)):
        filed = opened - timedelta(minutes=random.randrange(365 * 24 * 60))
        customer.created_at = customer.updated_at = filed


@demo.command("load")
@click.option("--cases", "wanted", default=300, show_default=True, help="How many cases to let come.")
@click.option("--seed", default=2026, show_default=True, help="Another seed, another centre.")
def load(wanted: int, seed: int) -> None:
    """Fill an empty database by running the real procedures on a virtual clock; a full one stays as it is."""
    if not current_app.config["SETTINGS"].demo:
        raise click.ClickException("Demo data belongs into a demo: set DEMO=1.")
    if session().scalar(sa.select(sa.func.count()).select_from(Case)):
        click.echo("There are cases already; nothing was changed.")
        return
    _need_procedures()
    started, now = time.monotonic(), in_the_afternoon(clock.now())
    with transaction():
        # A visitor at midnight should meet a centre at work: the demo's clock starts in working time.
        virtual.move(now - clock.now(), actor_id=None, now=now)
        calendars.ensure_default(actor_id=None, now=now)
        people.load(now)
        filed = customers.load(CUSTOMERS, Random(seed), now)  # noqa: S311  a demo, no secrets
        _backdate(now - timedelta(days=DAYS + 1), Random(seed))  # noqa: S311  a demo, no secrets

    def tell(number: int) -> None:
        if number % 50 == 0 or number == wanted:
            click.echo(f"  {number} of {wanted} cases")

    with without_mail():
        Simulation(filed, end=now, days=DAYS, seed=seed).run(wanted, tell)
    click.echo(f"Demo loaded in {time.monotonic() - started:.0f} s.")

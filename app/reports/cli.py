"""`flask reports backtest`: was the forecast right here?"""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app import clock
from app.reports.backtest import backtest
from app.timers import virtual

reports = AppGroup("reports", help="What the centre is steered by.")


@reports.command("backtest")
@click.option("--days", default=14, show_default=True, type=click.IntRange(1, 365), help="How far back.")
def run_backtest(days: int) -> None:
    """Make past forecasts again and print how many of the steps expected late were late."""
    virtual.follow()
    found = backtest(clock.now(), days)
    click.echo(f"{found.forecasts} forecasts of the last {days} days")
    for verdict, score in found.scores.items():
        click.echo(f"{verdict:7} {score.made:6} expected, {score.late:6} were late ({score.share:.0%})")
    click.echo(f"of all that were late, {found.caught:.0%} had been expected to be")

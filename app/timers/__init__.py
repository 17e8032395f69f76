"""What falls due: the scheduler process and the commands beside it."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the commands; they are imported here so that the engine is wired first."""
    from app.timers.cli import run_scheduler, timers

    app.cli.add_command(timers)
    app.cli.add_command(run_scheduler)

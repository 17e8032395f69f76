"""Procedures: the designer's files, their versions, their commands, their pages and those of operators."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask

from app.procedures.adapt_cli import adapt_command
from app.procedures.cli import bpmn
from app.procedures.scenario_cli import test


def init_app(app: Flask) -> None:
    """Register the commands `flask bpmn …` and the pages under /procedures."""
    from app import jobs
    from app.procedures import (  # noqa: F401  add their views
        views,
        views_bulk,
        views_operations,
        views_tokens,
        views_usage,
    )
    from app.procedures.migration import job
    from app.procedures.migration import views as _views  # noqa: F401  adds the pages of migrations
    from app.procedures.migration.cli import migrate

    @jobs.periodic("migrations", timedelta(seconds=2))
    def go_on_with_migrations(now: datetime, _worker: str) -> int:
        return job.go_on(now)

    bpmn.add_command(test)
    bpmn.add_command(adapt_command)
    bpmn.add_command(migrate)
    app.cli.add_command(bpmn)
    app.register_blueprint(views.bp)

"""Procedures: the designer's files, their versions, their commands, their pages and those of operators."""

from __future__ import annotations

from flask import Flask

from app.procedures.cli import bpmn
from app.procedures.scenario_cli import test


def init_app(app: Flask) -> None:
    """Register the commands `flask bpmn …` and the pages under /procedures."""
    from app.procedures import views, views_operations  # noqa: F401  adds the operators' views

    bpmn.add_command(test)
    app.cli.add_command(bpmn)
    app.register_blueprint(views.bp)

"""Procedures: the designer's files, their versions, their commands and their pages."""

from __future__ import annotations

from flask import Flask

from app.procedures.cli import bpmn
from app.procedures.scenario_cli import test


def init_app(app: Flask) -> None:
    """Register the commands `flask bpmn …`."""
    bpmn.add_command(test)
    app.cli.add_command(bpmn)

"""Procedures: the designer's files, their versions and their commands."""

from __future__ import annotations

from flask import Flask

from app.procedures.cli import bpmn


def init_app(app: Flask) -> None:
    """Register the commands `flask bpmn …`."""
    app.cli.add_command(bpmn)

"""Cases from spreadsheets: read, map, look over, import in batches that survive being killed."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages and the command."""
    from app.cases.imports.cli import cases
    from app.cases.imports.views import bp

    app.register_blueprint(bp)
    app.cli.add_command(cases)

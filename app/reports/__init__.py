"""What a supervisor steers by: the board, the forecast, moving work; and the record of timers."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages and the command."""
    from app.reports import wording
    from app.reports.cli import reports
    from app.reports.timer_views import bp as timer_pages
    from app.reports.views import bp

    wording.init(app)
    app.register_blueprint(bp)
    app.register_blueprint(timer_pages)
    app.cli.add_command(reports)

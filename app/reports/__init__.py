"""What a supervisor steers by: the board, the forecast, moving work; and the record of timers."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages and the command."""
    from flask_babel import lazy_gettext as _l

    from app import exports
    from app.reports import export, wording
    from app.reports.cli import reports
    from app.reports.timer_views import bp as timer_pages
    from app.reports.views import bp

    wording.init(app)
    app.register_blueprint(bp)
    app.register_blueprint(timer_pages)
    app.cli.add_command(reports)
    watch = ("incident.manage", "report.view")
    exports.register("timers.csv", _l("Record of timers (CSV)"), "csv", watch, export.csv_in_background)
    exports.register("timers.xlsx", _l("Record of timers (XLSX)"), "xlsx", watch, export.xlsx_in_background)

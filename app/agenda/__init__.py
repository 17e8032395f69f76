"""The callback desk: its agenda, who calls whom, what is asked, regular calls.

It lies above the inbox, whose mechanism completes the calls; promises themselves (`app.callbacks`) lie
below the cases that make them.
"""

from __future__ import annotations

import importlib
from datetime import timedelta

from flask import Flask

from app import jobs

# Each adds its pages to the blueprint of `views`.
PAGES = ("views_many", "views_questions", "views_regular")


def init_app(app: Flask) -> None:
    """Register what diagrams promise calls with, the hooks, and the pages."""
    from app.agenda import promising, regular
    from app.agenda.views import bp

    promising.register()
    jobs.periodic("regular_calls", timedelta(minutes=1))(regular.plan_due)
    for name in PAGES:
        importlib.import_module(f"app.agenda.{name}")
    app.register_blueprint(bp)

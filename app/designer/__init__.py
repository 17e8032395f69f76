"""The designer's editor: drafts of procedures, drawn, checked while one types, published."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages under /designer."""
    from app import jobs
    from app.designer import (  # each adds its pages
        publication,
        views,
        views_editor,  # noqa: F401
        views_mend,  # noqa: F401
        views_record,  # noqa: F401
        views_replay,  # noqa: F401
        views_scenarios,  # noqa: F401
    )

    @jobs.periodic("publications", timedelta(seconds=30))
    def publish_what_is_due(now: datetime, _worker: str) -> int:
        return publication.publish_due(now)

    app.register_blueprint(views.bp)

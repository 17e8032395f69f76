"""Work items waiting for people: the inbox, and every verb on an item."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages."""
    from app.inbox import views_begin  # noqa: F401
    from app.inbox.views import bp

    app.register_blueprint(bp)

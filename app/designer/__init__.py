"""The designer's editor: drafts of procedures, drawn, checked while one types, published."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages under /designer."""
    from app.designer import views, views_editor, views_mend, views_scenarios  # noqa: F401  add to the pages

    app.register_blueprint(views.bp)

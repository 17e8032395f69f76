"""The designer's editor: drafts of procedures, drawn, checked while one types, published."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages under /designer."""
    from app.designer import (  # each adds its pages
        views,
        views_editor,  # noqa: F401
        views_mend,  # noqa: F401
        views_record,  # noqa: F401
        views_scenarios,  # noqa: F401
    )

    app.register_blueprint(views.bp)

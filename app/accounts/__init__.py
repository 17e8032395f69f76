"""People, the organisation, signing in, and what each person may do."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register signing in, the pages of accounts and the commands."""
    from app.accounts import admin_views, commands, views, web

    web.init(app)
    app.register_blueprint(views.bp)
    app.register_blueprint(admin_views.bp)
    commands.init(app)

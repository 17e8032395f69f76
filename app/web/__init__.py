"""The shell around every page: base template, macros, languages, error pages, security headers."""

from __future__ import annotations

from flask import Flask

from app.web import assets, errors, filters, i18n, security, shell, views


def init_app(app: Flask) -> None:
    """Register languages, filters, assets, security, the shell, preferences and error pages."""
    i18n.init(app)
    filters.init(app)
    assets.init(app)
    security.init(app)
    shell.init(app)
    app.register_blueprint(views.bp)
    errors.init(app)

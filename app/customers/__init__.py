"""The customer archive: people and firms, and the vehicles and devices they call about."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the pages."""
    from app.customers.views import bp

    app.register_blueprint(bp)

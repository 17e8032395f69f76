"""Files made in the background: asked for on a page, made by a job, fetched when they are ready."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask

from app.exports.kinds import register

__all__ = ["init_app", "register"]


def init_app(app: Flask) -> None:
    """Show one's own exports; make what was asked for, and throw old ones away."""
    from app import jobs
    from app.exports import service
    from app.exports.views import bp

    app.register_blueprint(bp)

    @jobs.periodic("exports", timedelta(seconds=3))
    def make_exports(now: datetime, worker: str) -> int:
        return service.make_due(now, worker)

    @jobs.periodic("old_exports", timedelta(hours=1))
    def throw_old_exports_away(now: datetime, _worker: str) -> int:
        return service.forget_old(now)

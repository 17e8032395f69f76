"""Deadlines of steps and of whole cases: how they came about, pauses, what a changed calendar moves."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Listen to the engine for the deadlines that its steps get; show the calendars and the policy."""
    from app import engine
    from app.deadlines import calendar_views, escalation_views, service

    app.register_blueprint(calendar_views.bp)
    app.register_blueprint(escalation_views.bp)

    engine.on("deadlines_set", service.set_for_steps)
    engine.on("work_item_cancelled", service.step_gone)

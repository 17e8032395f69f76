"""Promises to call a customer back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the connector that diagrams promise a call with, and the agenda."""
    from app import engine
    from app.callbacks import service
    from app.callbacks.views import bp

    @engine.connector("promise_callback")
    def promise_callback(context: engine.StepContext, due: str, attempt: int) -> dict[str, Any]:
        """Write down a call at `due` (ISO, aware); `attempt` counts from 1."""
        if context.case_id is not None:
            service.promise(
                context.case_id,
                context.instance_id,
                due_at=datetime.fromisoformat(due),
                attempt=attempt,
                now=context.now,
            )
        return {}

    app.register_blueprint(bp)

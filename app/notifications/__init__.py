"""What people are told: a bell and a list in the application, and mail through an outbox."""

from __future__ import annotations

from flask import Flask

from app.accounts import audit
from app.notifications.kinds import KINDS
from app.notifications.outbox import deliver_due
from app.notifications.service import hours_changed, notify, queue_mail, without_mail

__all__ = ["KINDS", "deliver_due", "init_app", "notify", "queue_mail", "without_mail"]


def init_app(app: Flask) -> None:
    """Register the bell, the list and the operators' page of outgoing mail."""
    from app.notifications.outbox_views import bp as outbox_pages
    from app.notifications.views import bp as pages

    if hours_changed not in audit.on_change:
        audit.on_change.append(hours_changed)

    app.register_blueprint(pages)
    app.register_blueprint(outbox_pages)

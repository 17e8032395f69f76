"""The complaint desk: wire, register, return."""

from __future__ import annotations

import importlib

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.accounts import audit
from app.addresses import IdConverter
from app.db import init_db
from app.db_commands import db as db_commands
from app.settings import Settings
from app.settings_commands import settings as settings_commands

# In the order of the layers, lowest first; each has `init_app(app)`: connectors, hooks, views, commands.
PACKAGES = (
    "calendar",
    "accounts",
    "notifications",
    "forms",
    "engine",
    "procedures",
    "designer",
    "customers",
    "deadlines",
    "exports",
    "cases",
    "inbox",
    "agenda",
    "timers",
    "reports",
    "demo",
    "api",
    "web",
)


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application for `settings`, read from the environment unless given."""
    app = Flask(__name__)
    settings = settings or Settings.from_env()
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        TESTING=settings.testing,
        MAX_CONTENT_LENGTH=settings.max_upload_bytes,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
    )
    app.url_map.converters["int"] = IdConverter
    if proxies := settings.trusted_proxies:
        # Limits count visitors, not the proxy; links say https where it does.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    init_db(app)
    for name in PACKAGES:
        module = importlib.import_module(f"app.{name}")
        if hasattr(module, "init_app"):
            module.init_app(app)
    _keep_history_of_accounts()
    app.cli.add_command(db_commands)
    app.cli.add_command(settings_commands)
    return app


def _keep_history_of_accounts() -> None:
    """Let the engine's event log hear of changes to accounts, which lie below it and do not know it."""
    from app.engine import record_event

    if record_event not in audit.on_change:
        audit.on_change.append(record_event)

"""Every mapping in one import: what migrations and schema checks read."""

from app.accounts import tables as accounts
from app.calendar import tables as calendar
from app.callbacks import tables as callbacks
from app.cases import tables as cases
from app.customers import tables as customers
from app.db import Base
from app.deadlines import tables as deadlines
from app.designer import tables as designer
from app.engine import tables as engine
from app.english_names import EnglishName
from app.escalation import tables as escalation
from app.exports import tables as exports
from app.inbox import tables as inbox
from app.jobs import tables as jobs
from app.notifications import tables as notifications
from app.procedures.migration import tables as migration
from app.reports import tables as reports
from app.settings_store import Setting

__all__ = [
    "Base",
    "EnglishName",
    "Setting",
    "accounts",
    "calendar",
    "callbacks",
    "cases",
    "customers",
    "deadlines",
    "designer",
    "engine",
    "escalation",
    "exports",
    "inbox",
    "jobs",
    "migration",
    "notifications",
    "reports",
]

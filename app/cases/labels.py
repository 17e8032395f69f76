"""What the case's own choices are called; names from diagrams and forms are translated by `c()`."""

from __future__ import annotations

from flask import Flask
from flask_babel import LazyString, get_locale
from flask_babel import lazy_gettext as _l

from app.accounts import organisation

LABELS: dict[str, dict[str, LazyString]] = {
    "status": {
        "active": _l("Not ended"),
        "open": _l("Open"),
        "waiting": _l("Waiting"),
        "resolved": _l("Resolved"),
        "closed": _l("Closed"),
        "withdrawn": _l("Withdrawn"),
    },
    "class": {"platform": _l("Platform"), "device": _l("Device"), "other": _l("Other")},
    "severity": {"low": _l("Low"), "normal": _l("Normal"), "high": _l("High"), "critical": _l("Critical")},
    "channel": {
        "phone": _l("Phone call"),
        "visit": _l("Visit"),
        "web": _l("Web form"),
        "mail": _l("E-mail"),
        "message": _l("Message"),
        "import": _l("Import"),
        "api": _l("Interface"),
    },
    "kind": {"complaint": _l("Complaint"), "question": _l("Question"), "suggestion": _l("Suggestion")},
    "other_type": {"renew": _l("Renewal"), "add": _l("New connection"), "deregister": _l("Deregistration")},
    "asset": {
        "vehicle": _l("Vehicle"),
        "terminal": _l("Terminal"),
        "camera": _l("Camera"),
        "sensor": _l("Sensor"),
    },
    "outcome": {
        "satisfied": _l("Satisfied"),
        "dissatisfied": _l("Dissatisfied"),
        "no_answer": _l("No answer"),
        "another_time": _l("Another time"),
        "cancelled": _l("Cancelled"),
    },
    "reason": {
        "contact": _l("To contact the customer"),
        "verify": _l("To verify identity"),
        "dispatch": _l("To send somebody or something"),
        "other": _l("Another reason"),
    },
    "sort": {"received": _l("Newest first"), "oldest": _l("Oldest first"), "due": _l("By deadline")},
    # Attributes, as the timeline names what changed.
    "field": {
        "title": _l("Title"),
        "description": _l("Description"),
        "kind": _l("Kind"),
        "klass": _l("Class"),
        "severity": _l("Severity"),
        "other_type": _l("Request"),
        "cause": _l("Cause"),
        "solution": _l("Solution"),
        "cost": _l("Cost"),
        "satisfaction": _l("Satisfaction"),
        "department": _l("Department"),
        "repair_point": _l("Repair point"),
        "preferred_time": _l("Best time to call"),
        "parts_used": _l("Parts used"),
        "repair_hours": _l("Repair hours"),
        "status": _l("Status"),
        "customer_id": _l("Customer"),
        "asset_id": _l("Vehicle or device"),
        "name": _l("Name"),
        "phone": _l("Phone"),
        "company": _l("Company"),
        "region": _l("Area"),
        "address": _l("Address"),
        "email": _l("E-mail"),
        "note": _l("Note"),
        "plate": _l("Plate"),
        "serial": _l("Serial number"),
        "make": _l("Make"),
        "model": _l("Model"),
        "firmware": _l("Firmware"),
        "fitted_on": _l("Fitted on"),
        "warranty_until": _l("Warranty until"),
    },
}
STATUS_TONES = {
    "open": "accent",
    "waiting": "waiting",
    "resolved": "done",
    "closed": "done",
    "withdrawn": "paused",
}
# Bars as the inbox draws priorities: 1 is the loudest.
SEVERITY_BARS = {"critical": 1, "high": 1, "normal": 2, "low": 3}


def label(group: str, value: str | None) -> str:
    """Return what a choice is called in the reader's language; an unknown one as it is."""
    if value is None:
        return ""
    return str(LABELS[group].get(value, value))


def who(candidate: str) -> str:
    """Return who a work item is for: the unit where it names one ("repairpoint:WP003"), else the role."""
    _role, _colon, unit = candidate.partition(":")
    names = organisation.current().units.get(unit)
    if names is None:
        return organisation.role_label(candidate)
    return (names[1] or names[0]) if str(get_locale()) == "en" else names[0]


def choices(group: str, *values: str) -> list[tuple[str, str]]:
    """Return (value, label) pairs for a select: all of a group, or those named."""
    return [(value, label(group, value)) for value in values or LABELS[group]]


def init(app: Flask) -> None:
    """Give the templates `label()` and the tones of a status."""
    app.jinja_env.globals.update(
        label=label, who=who, choices=choices, status_tone=STATUS_TONES.get, severity_bars=SEVERITY_BARS.get
    )

"""The words for what differences are about."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

FACTS = {
    "name": _l("Designation"),
    "type": _l("Kind"),
    "role": _l("Role"),
    "form": _l("Form"),
    "called": _l("Called process"),
    "decision": _l("Decision table"),
    "connector": _l("Connector"),
    "result": _l("Result"),
    "event": _l("Event"),
    "message": _l("Message"),
    "on": _l("Sits on"),
    "interrupting": _l("Interrupts"),
    "default": _l("Default flow"),
    "timer": _l("Time"),
    "several": _l("Repeated"),
    "property": _l("Property"),
    "attribute": _l("Attribute"),
    "expression": _l("Expression"),
    "from": _l("From"),
    "to": _l("To"),
    "condition": _l("Condition"),
    "hit_policy": _l("Hit policy"),
    "required": _l("Required"),
    "keyword": "",
}
# Of which each has a name beside it that says more.
VALUES = {"yes": _l("yes"), "no": _l("no")}
CHANGES = {
    "added": _l("added"),
    "removed": _l("removed"),
    "changed": _l("changed"),
    "moved": _l("moved"),
}
SIGNS = {"added": "+", "removed": "−", "changed": "≠", "moved": "↔"}

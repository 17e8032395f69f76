"""What the properties panel is drawn from, in the reader's language: choices, connectors, words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _

from app.accounts import roles
from app.designer import checks, fields
from app.designer.queries import FileEntry
from app.engine.bundles import Library
from app.engine.lint.elements import CASE_STATUSES
from app.web.i18n import choose, content


def describe(entries: Iterable[FileEntry], library: Library) -> dict[str, Any]:
    """Return {"groups", "options", "connectors", "types", "words"} as JSON values."""
    return {
        "groups": fields.groups(),
        "options": options(entries, library),
        "connectors": checks.connector_parameters(),
        "types": type_names(),
        "words": words(),
    }


def options(entries: Iterable[FileEntry], library: Library) -> dict[str, list[dict[str, str]]]:
    """Return what the selects offer, by name."""
    files = list(entries)
    return {
        "roles": [{"value": role.name, "label": role.label(choose())} for role in roles.ROLES],
        "forms": [{"value": one.path, "label": content(one.title)} for one in files if one.kind == "form"]
        + [
            {"value": path, "label": path}
            for path in sorted(library.files)
            if path.endswith(".json") and path not in {one.path for one in files}
        ],
        "processes": [
            {"value": id, "label": content(process.name) or id}
            for id, (_path, process) in sorted(library.processes.items())
        ],
        "decisions": [{"value": id, "label": id} for id in sorted(library.decisions)],
        "connectors": [
            {"value": one["id"], "label": connector_label(one["id"])} for one in checks.connector_parameters()
        ],
        "statuses": [{"value": one, "label": status_label(one)} for one in CASE_STATUSES],
        "timers": [
            {"value": "timeDuration", "label": _("After a while")},
            {"value": "timeDate", "label": _("At an instant")},
            {"value": "timeCycle", "label": _("Again and again")},
        ],
    }


def connector_label(name: str) -> str:
    """Return what a connector does, in a few words; its name where we do not know it."""
    known: Mapping[str, str] = {
        "archive_case": _("Close and archive the case"),
        "notify": _("Tell the people of a role"),
        "promise_callback": _("Promise a call to the customer"),
        "tell_unreached": _("Write to a customer whom no call reached"),
        "open_case": _("Open a case of its own"),
    }
    return known.get(name, name)


def status_label(name: str) -> str:
    """Return a case status in words."""
    return {
        "open": _("In progress"),
        "waiting": _("Waiting for the customer"),
        "resolved": _("Resolved"),
        "closed": _("Closed"),
        "withdrawn": _("Withdrawn"),
    }[name]


def type_names() -> dict[str, str]:
    """Return BPMN's element types in words."""
    return {
        "userTask": _("User task"),
        "manualTask": _("Manual task"),
        "task": _("Task"),
        "serviceTask": _("Service task"),
        "scriptTask": _("Script task"),
        "businessRuleTask": _("Decision"),
        "sendTask": _("Send task"),
        "receiveTask": _("Receive task"),
        "callActivity": _("Called process"),
        "subProcess": _("Embedded sub-process"),
        "transaction": _("Transaction"),
        "startEvent": _("Start"),
        "endEvent": _("End"),
        "intermediateCatchEvent": _("Event that waits"),
        "intermediateThrowEvent": _("Event that sends"),
        "boundaryEvent": _("Event at a step's edge"),
        "exclusiveGateway": _("Either, or"),
        "inclusiveGateway": _("One or several ways"),
        "parallelGateway": _("All ways at once"),
        "eventBasedGateway": _("Whatever happens first"),
        "sequenceFlow": _("Flow"),
        "messageFlow": _("Message flow"),
        "lane": _("Lane"),
        "participant": _("Pool"),
        "process": _("Process"),
        "collaboration": _("Process"),
        "textAnnotation": _("Note"),
        "dataObjectReference": _("Data object"),
        "dataStoreReference": _("Data store"),
        "association": _("Association"),
        "group": _("Group"),
    }


def words() -> dict[str, str]:
    """Return what the scripts say themselves."""
    return {
        "choose": _("Please choose"),
        "none": _("None"),
        "unknown": _("unknown: %(name)s", name="{name}"),
        "open": _("Open"),
        "several": _("%(n)s elements are chosen.", n="{n}"),
        "nothing": _("Choose an element to see its properties."),
        "saving": _("Saving…"),
        "saved": _("Draft saved %(at)s", at="{at}"),
        "unsaved": _("Not saved yet"),
        "offline": _("Not saved: the connection is gone. We try again."),
        "unchanged": _("As published"),
        "refused": _("This cannot be saved: %(why)s", why="{why}"),
        "broken": _("The file could not be opened here: %(why)s", why="{why}"),
        "error": _("Error"),
        "warning": _("Warning"),
        "remedy": _("What to do:"),
        "why": _("Why it matters:"),
        "clean": _("Nothing to mend. It can be published."),
        "behind": _("This file has been saved elsewhere since you opened it."),
        "reload": _("Show it"),
        "others": _("Open here too: %(names)s", names="{names}"),
        "required": _("required"),
    }

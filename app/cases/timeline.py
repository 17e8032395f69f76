"""Events to words: who did what when. What the engine notes for itself stays out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app.accounts.organisation import role_label
from app.cases.labels import LABELS, label, who
from app.engine.tables import Event
from app.notifications.kinds import say_instant

GROUPS = ("steps", "changes", "deadlines", "contact")
BY_NOBODY = ("work_item.opened", "work_item.cancelled", "instance.completed")
WITH_STEP = ("case.changed", "customer.changed", "asset.changed", "case.status_changed")


@dataclass(frozen=True)
class Entry:
    """One line of the timeline. tone: as the chips; group: what the filter keeps; lines: what changed."""

    icon: str
    tone: str
    title: str
    lines: list[str]
    by: str
    at: datetime
    group: str


def entries(events: Iterable[Event], names: Mapping[int, str], files: Mapping[int, str]) -> list[Entry]:
    """Return the lines for a case's events, in their order.

    names: person id to name; files: attachment id to name, for the events that only hold ids.
    """
    found: list[Entry] = []
    done: dict[tuple[datetime, int | None], Entry] = {}
    asides: list[tuple[tuple[datetime, int | None], Entry]] = []
    waiting = True
    for event in events:
        if event.kind == "work_item.opened" and not waiting:
            continue  # what was waited for then is told by its completion
        said = _say(event.kind, event.data, names, files)
        if said is None:
            continue
        icon, tone, title, lines, group = said
        by = names.get(event.actor_id, event.actor_name) if event.actor_id is not None else ""
        if event.kind in BY_NOBODY:
            by = ""  # it came to be by itself, in the step of whoever was before
        entry = Entry(icon, tone, title, [line for line in lines if line], by, event.at, group)
        moment = (event.at, event.actor_id)
        if event.kind == "work_item.completed":
            waiting = False
            done[moment] = entry
        if event.kind in WITH_STEP:
            asides.append((moment, entry))
        found.append(entry)
    for moment, entry in asides:
        # What a step wrote is part of that step, not a happening of its own.
        if (step := done.get(moment)) is not None:
            found.remove(entry)
            step.lines.extend([entry.title] if entry.group == "status" else entry.lines)
    return [replace(entry, group="changes") if entry.group == "status" else entry for entry in found]


Said = tuple[str, str, str, list[str], str]


def _say(
    kind: str, data: Mapping[str, Any], names: Mapping[int, str], files: Mapping[int, str]
) -> Said | None:
    step = _(data["name"]) if data.get("name") else ""
    match kind:
        case "case.created":
            return "phone", "", _("Case registered"), [label("channel", data.get("channel"))], "steps"
        case "case.status_changed":
            before, after = data["status"]
            title = _("Status: %(after)s", after=label("status", after))
            return (
                "flag",
                _STATUS_TONE.get(after, ""),
                title,
                [_("was %(before)s", before=label("status", before))],
                "status",
            )
        case "case.changed":
            return "edit", "", _("Changed"), _changes(data), "changes"
        case "customer.changed":
            return "user", "", _("Customer changed"), _changes(data), "changes"
        case "asset.changed":
            return "car", "", _("Vehicle or device changed"), _changes(data), "changes"
        case "work_item.escalated":
            return _escalated(data, step)
        case "deadline.paused":
            return "wait", "waiting", _("Waiting for the customer, the clocks stand still"), [], "deadlines"
        case "deadline.resumed":
            return "play", "", _("The clocks go on"), [], "deadlines"
        case "deadline.moved":
            return _moved(data, step)
        case "deadline.passed":
            return "alert", "overdue", _("Late: %(step)s", step=step), [], "deadlines"
        case "case.withdrawal_asked":
            return "undo", "paused", _("Taken back by the customer"), [], "contact"
        case "case.reopened":
            return "loop", "soon", _("Reopened, round %(n)s begins", n=data.get("round")), [], "steps"
        case "case.information_added":
            return "comment", "waiting", _("Customer added information"), [], "contact"
        case "case.commented":
            return "comment", "", _("Comment"), [], "contact"
        case "case.file_attached":
            return (
                "clip",
                "",
                _("File added"),
                [files[data["attachment"]]] if data.get("attachment") in files else [],
                "contact",
            )
        case "customer.revealed":
            return (
                "eye",
                "",
                _("Hidden numbers shown"),
                [label("reason", data.get("reason")), data.get("words", "")],
                "changes",
            )
        case "work_item.completed":
            return "check", "ontime", step, [], "steps"
        case "work_item.opened":
            return "task", "", _("Waiting: %(step)s", step=step), [_role(data)], "steps"
        case "work_item.claimed":
            return "user", "", _("Claimed: %(step)s", step=step), [], "steps"
        case "work_item.released":
            return "undo", "", _("Released: %(step)s", step=step), [], "steps"
        case "work_item.assigned":
            to = names.get(data.get("to", 0), "")
            return (
                "swap",
                "",
                _("Handed over: %(step)s", step=step),
                [_("to %(name)s", name=to)] if to else [],
                "steps",
            )
        case "work_item.priority_raised":
            return "flag", "escalated", _("Priority raised: %(step)s", step=step), [], "deadlines"
        case "work_item.delegated":
            who = role_label(str(data.get("to_role", "")))
            return (
                "up",
                "escalated",
                _("Handed over: %(step)s", step=step),
                [_("to %(name)s", name=who)],
                "deadlines",
            )
        case "work_item.acknowledged":
            return "check", "", _("Noted that it is late: %(step)s", step=step), [], "deadlines"
        case "work_item.acknowledgement_withdrawn":
            return "bell", "", _("To ring again: %(step)s", step=step), [], "deadlines"
        case "work_item.cancelled":
            return "x", "paused", _("No longer needed: %(step)s", step=step), [], "steps"
        case "work_item.follow_up_set":
            return "cal", "", _("Follow-up set: %(step)s", step=step), [], "steps"
        case "instance.suspended":
            return "pause", "paused", _("Procedure paused"), [], "steps"
        case "instance.resumed":
            return "play", "", _("Procedure continued"), [], "steps"
        case "instance.cancelled":
            return "stop", "paused", _("Procedure stopped"), [], "steps"
        case "instance.token_moved":
            words = _(
                "Moved by hand from “%(step)s” to “%(target)s”",
                step=_(data.get("from_name", "")),
                target=_(data.get("to_name", "")),
            )
            return "flow", "paused", words, [data.get("reason", "")], "steps"
        case "instance.migrated":
            return "flow", "", _("Moved to another version of the procedure"), [], "steps"
        case "instance.completed":
            return "archive", "done", _("Procedure finished"), [], "steps"
        case "callback.promised":
            return "phone", "", _("Callback promised"), [], "contact"
        case "callback.recorded":
            return (
                "phone",
                _OUTCOME_TONE.get(data.get("outcome", ""), ""),
                _("Called back"),
                [label("outcome", data.get("outcome"))],
                "contact",
            )
    return None


_STATUS_TONE = {
    "waiting": "waiting",
    "resolved": "ontime",
    "closed": "ontime",
    "withdrawn": "paused",
    "open": "soon",
}
_OUTCOME_TONE = {"satisfied": "ontime", "dissatisfied": "overdue"}


def _escalated(data: Mapping[str, Any], step: str) -> Said:
    if data.get("when") == "before":
        return "clock", "soon", _("Reminded: %(step)s is due soon", step=step), [], "deadlines"
    title = {
        "assignee": _("Reminded: %(step)s is late", step=step),
        "supervisor": _("Escalated to the supervisor: %(step)s", step=step),
        "manager": _("Escalated to the manager: %(step)s", step=step),
        "above": _("Escalated to the post above: %(step)s", step=step),
    }.get(str(data.get("told")), _("Escalated: %(step)s", step=step))
    first = data.get("told") == "assignee"
    return "alert" if first else "up", "overdue" if first else "escalated", title, [], "deadlines"


def _moved(data: Mapping[str, Any], step: str) -> Said | None:
    if data["before"] == data["after"]:
        return None
    before, after = (datetime.fromisoformat(data[name]) for name in ("before", "after"))
    return (
        "clock",
        "",
        _("Deadline moved: %(step)s", step=step),
        [_("%(before)s → %(after)s", before=say_instant(before), after=say_instant(after))],
        "deadlines",
    )


def _changes(data: Mapping[str, Any]) -> list[str]:
    """Return one line for what is quoted, before and after, and one that names the rest."""
    lines = []
    for name, (before, after) in (data.get("changes") or {}).items():
        words = [_value(name, before) or _("empty"), _value(name, after) or _("empty")]
        lines.append(
            _(
                "%(field)s: %(before)s → %(after)s",
                field=label("field", name),
                before=words[0],
                after=words[1],
            )
        )
    if data.get("changed"):
        lines.append(_(", ").join(label("field", name) for name in data["changed"]))
    return lines


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    group = {"klass": "class"}.get(name, name)
    if name == "cost":
        return f"¥{value / 100:,.2f}"
    if name == "satisfaction":
        return f"{value} / 5"
    if name in ("department", "repair_point"):
        return who(value if name == "department" else f"repairpoint:{value}")
    return label(group, str(value)) if group in LABELS else str(value)


def _role(data: Mapping[str, Any]) -> str:
    return who(data["role"]) if data.get("role") else ""

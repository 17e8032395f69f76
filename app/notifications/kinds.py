"""What can be told, and how it is said: text is made from kind and params in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import LazyString, get_locale, gettext
from flask_babel import lazy_gettext as _l

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Params that are names in a diagram or table: Chinese in the file, translated when read.
CONTENT = ("item", "element", "status", "role")
# Params that are instants, as ISO text.
INSTANTS = ("due", "at")


@dataclass(frozen=True)
class Kind:
    """One kind of message.

    title, body: with %(name)s for params; a param that is missing leaves nothing behind.
    icon, tone:  how the list draws it; tones are those of the timeline ("" is neutral).
    action:      the words on the mail's link.
    by:          one sentence more, said when there is a person to name.
    """

    title: LazyString
    body: LazyString | str
    icon: str = "bell"
    tone: str = ""
    action: LazyString | str = _l("Open the page")
    by: LazyString | str = ""


KINDS: dict[str, Kind] = {
    # number: case number, title: the case's, item: the step's name, person: who did it, due: ISO instant.
    "work_opened": Kind(
        _l("New for you: %(item)s"), _l("%(number)s %(title)s"), "inbox", "", _l("Open the task")
    ),
    "overdue": Kind(
        _l("Overdue: %(item)s"),
        _l("%(number)s %(title)s was due %(due)s."),
        "alert",
        "overdue",
        _l("Open the task"),
    ),
    "due_soon": Kind(
        _l("Due soon: %(item)s"),
        _l("%(number)s %(title)s is due %(due)s."),
        "clock",
        "soon",
        _l("Open the task"),
    ),
    "escalated": Kind(
        _l("Escalated to you: %(item)s"),
        _l("%(number)s %(title)s was due %(due)s and is still open."),
        "up",
        "escalated",
        _l("Open the task"),
        _l("It is with %(person)s."),
    ),
    "handed_over": Kind(
        _l("%(person)s handed you: %(item)s"),
        _l("%(number)s %(title)s. %(words)s"),
        "swap",
        "",
        _l("Open the task"),
    ),
    "case_withdrawn": Kind(
        _l("Withdrawn: %(number)s"), _l("%(title)s. %(words)s"), "undo", "", _l("Open the case")
    ),
    "case_reopened": Kind(
        _l("Reopened: %(number)s"), _l("%(title)s. %(words)s"), "loop", "soon", _l("Open the case")
    ),
    "information_added": Kind(
        _l("More information on %(number)s"), _l("%(title)s. %(words)s"), "info", "", _l("Open the case")
    ),
    "comment": Kind(
        _l("%(person)s commented on %(number)s"),
        _l("%(title)s: %(words)s"),
        "comment",
        "",
        _l("Open the case"),
    ),
    "callback_promised": Kind(
        _l("Callback promised for %(due)s"), _l("%(number)s %(title)s"), "phone", "", _l("Open the case")
    ),
    "callback_due": Kind(
        _l("Callback due now"), _l("%(number)s %(title)s"), "phone", "soon", _l("Open the task")
    ),
    "manager_needed": Kind(
        _l("Handed to you after %(rounds)s dissatisfied rounds"),
        _l("%(number)s %(title)s"),
        "flag",
        "escalated",
        _l("Open the task"),
    ),
    "incident": Kind(
        _l("A step could not be done: %(number)s"),
        _l("%(element)s stands still until somebody retries it. Nothing was lost."),
        "bolt",
        "overdue",
        _l("Open operations"),
    ),
    "import_finished": Kind(
        _l("Import finished"),
        _l("%(made)s cases made, %(refused)s rows refused."),
        "upload",
        "",
        _l("See the rows"),
    ),
    # subject: what was exported.
    "export_ready": Kind(
        _l("Your export is ready"), _l("%(subject)s"), "download", "ontime", _l("See your exports")
    ),
    "export_failed": Kind(
        _l("Your export could not be made"), _l("%(subject)s"), "alert", "overdue", _l("See your exports")
    ),
    # subject: the procedure's name.
    "publication_asked": Kind(
        _l("Please look at a change of “%(subject)s”"),
        _l("It is published once you agree."),
        "send",
        "soon",
        _l("Open the draft"),
        by=_l("%(by)s asks for it."),
    ),
    "publication_done": Kind(
        _l("“%(subject)s” is published"),
        _l("New cases start on it."),
        "check",
        "ontime",
        _l("Open the draft"),
    ),
    "publication_failed": Kind(
        _l("“%(subject)s” could not be published"),
        _l("%(words)s"),
        "alert",
        "overdue",
        _l("Open the draft"),
    ),
    "message": Kind(_l("%(subject)s"), _l("%(words)s"), "mail"),
    # Mail only: what came together, line by line below.
    "digest": Kind(
        _l("%(count)s messages for you"), _l("The newest come last."), action=_l("See all of them")
    ),
    # To customers: mail only.
    "customer_received": Kind(
        _l("We have received your report %(number)s"),
        _l("%(title)s. You can follow it at any time with the number %(number)s and the code %(code)s."),
        action=_l("Follow your report"),
    ),
    "customer_resolved": Kind(
        _l("Your report %(number)s has been resolved"),
        _l("%(title)s. We will call you to ask whether you are satisfied."),
        action=_l("Follow your report"),
    ),
    "customer_closed": Kind(
        _l("Your report %(number)s is closed"),
        _l("%(title)s. If the problem comes back, tell us: we will open it again."),
        action=_l("Follow your report"),
    ),
    "customer_unreached": Kind(
        _l("We could not reach you about your report %(number)s"),
        _l("%(title)s. We called several times to ask how it went. Please call us when it suits you."),
        action=_l("Follow your report"),
    ),
    "customer_message": Kind(
        _l("About your report %(number)s"), _l("%(words)s"), "mail", action=_l("Follow your report")
    ),
}


class _Params(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return ""


@dataclass(frozen=True)
class Text:
    """A message in words."""

    title: str
    body: str
    icon: str
    tone: str
    action: str


def words(kind: str, params: Mapping[str, Any]) -> Text:
    """Say a message in the language of now; a kind of an older release that is gone is said plainly."""
    found = KINDS.get(kind, KINDS["message"])
    said = _Params({name: _param(name, value) for name, value in params.items()})
    body = str(found.body) % said
    if said["person"] and found.by:
        body = (
            f"{body} {str(found.by) % said}" if str(get_locale()) == "en" else f"{body}{str(found.by) % said}"
        )
    return Text(
        title=_tidy(str(found.title) % said),
        body=_tidy(body),
        icon=found.icon,
        tone=found.tone,
        action=str(found.action),
    )


def _param(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name in INSTANTS:
        return say_instant(datetime.fromisoformat(str(value)))
    return gettext(str(value)) if name in CONTENT and value else str(value)


def say_instant(instant: datetime) -> str:
    """Write an instant in the centre's zone: 10-08 15:05 / 8 Oct 15:05. A mail is read later: no weekdays."""
    local = instant.astimezone(ZoneInfo(current_app.config["SETTINGS"].centre_timezone))
    if str(get_locale()) == "en":
        return f"{local.day} {MONTHS[local.month - 1]} {local:%H:%M}"
    return f"{local:%m-%d %H:%M}"


def _tidy(text: str) -> str:
    text = " ".join(text.split())
    for empty in (". .", "。 。", "。."):
        text = text.replace(empty, empty[0])
    return text.strip(" .:：") if text.strip(" .:：。") == "" else text.rstrip(" :：")

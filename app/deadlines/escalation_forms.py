"""The editor's form of one escalation ladder: posted text to steps and back, nothing typed lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from werkzeug.datastructures import MultiDict

from app.calendar import rules as working
from app.errors import FieldError
from app.escalation import rules
from app.escalation.rules import Step

UNITS = ("minutes", "hours", "days", "times")
FIELDS = ("when", "number", "unit", "counted", "hours", "action", "target", "urgent")
MOST_ROWS = rules.MOST_STEPS + 1


@dataclass
class StepForm:
    """One step as typed: all text, as a browser sends it."""

    when: str = "after"
    number: str = ""
    unit: str = "times"
    counted: str = "working"
    hours: str = "any"
    action: str = "notify"
    target: str = "supervisor"
    urgent: str = "no"

    def content(self) -> dict[str, Any]:
        """Return the step as `rules.read` takes it; what cannot be read stays as it was typed."""
        return {
            "when": self.when,
            "offset": "" if self.when == "at" else _offset(self.number.strip(), self.unit),
            "counted": self.counted,
            "hours": self.hours,
            "action": self.action,
            "target": rules.ASSIGNEE if self.action == "raise_priority" else self.target,
            "urgent": self.urgent == "yes",
        }


@dataclass
class LadderForm:
    """All that the editor shows. klass, severity: "" for any."""

    klass: str
    severity: str
    comment: str
    based_on: int
    steps: list[StepForm]
    errors: list[FieldError] = field(default_factory=list)

    def error(self, place: int) -> str:
        """Return what is wrong with a step, "" when nothing is."""
        found = [one.message for one in self.errors if f"steps.{place}." in f"{one.field}."]
        return " ".join(dict.fromkeys(found))

    @property
    def key(self) -> tuple[str | None, str | None]:
        """The class and severity, None for any."""
        return self.klass or None, self.severity or None

    def content(self) -> list[dict[str, Any]]:
        """Return the steps as `rules.read` takes them."""
        return [step.content() for step in self.steps]


def of_steps(
    klass: str | None, severity: str | None, steps: Iterable[Step], based_on: int, comment: str = ""
) -> LadderForm:
    """Return the form of a ladder there is."""
    return LadderForm(klass or "", severity or "", comment, based_on, [_of_step(step) for step in steps])


def posted(form: MultiDict[str, str]) -> LadderForm:
    """Return the form as it was sent. Columns of unequal length (nothing of ours sends them) are cut."""
    columns = [form.getlist(f"step.{name}") for name in FIELDS]
    rows = list(zip(*columns, strict=False))[:MOST_ROWS]
    based_on = form.get("based_on", "")
    return LadderForm(
        form.get("klass", "")[:40],
        form.get("severity", "")[:40],
        form.get("comment", "")[:200],
        int(based_on) if re.fullmatch(r"\d{1,9}", based_on) else 0,
        [StepForm(*(text.strip()[:40] for text in row)) for row in rows],
    )


def rearranged(form: LadderForm, wish: str) -> bool:
    """Add, remove or move a step as a button asks ("add", "remove.2", "up.1"); False if it asks for none."""
    verb, _dot, text = wish.partition(".")
    place = int(text) if re.fullmatch(r"\d{1,2}", text) else -1
    if verb == "add":
        form.steps.append(StepForm())
    elif verb == "remove" and 0 <= place < len(form.steps):
        form.steps.pop(place)
    elif verb == "up" and 0 < place < len(form.steps):
        form.steps.insert(place - 1, form.steps.pop(place))
    else:
        return False
    return True


def said_offset(offset: str) -> tuple[str, str]:
    """Return an offset as number and unit: "PT90M" → ("90", "minutes"), "2x" → ("2", "times")."""
    if offset.endswith("x"):
        return offset[:-1], "times"
    if not offset:
        return "", "times"
    length: timedelta = working.parse_duration(offset)
    seconds = int(length.total_seconds())
    for unit, size in (("days", 86_400), ("hours", 3_600)):
        if seconds % size == 0:
            return str(seconds // size), unit
    return f"{seconds / 60:g}", "minutes"


def _of_step(step: Step) -> StepForm:
    values: Mapping[str, Any] = step.plain()
    number, unit = said_offset(step.offset)
    return StepForm(
        when=step.when,
        number=number,
        unit=unit,
        counted=step.counted,
        hours=step.hours,
        action=step.action,
        target=values["target"],
        urgent="yes" if step.urgent else "no",
    )


def _offset(number: str, unit: str) -> str:
    """Return number and unit as an offset; what is no number comes back as it is, for `read` to refuse."""
    if not number:
        return ""
    if unit == "times":
        return f"{number}x"
    if re.fullmatch(r"\d{1,5}", number):
        return {"minutes": f"PT{number}M", "hours": f"PT{number}H", "days": f"P{number}D"}.get(unit, number)
    return number

"""Scenario files: what a designer writes beside the diagrams, read and checked.

A file is {"procedure": key, "at"?: local instant, "with"?: {…}, "scenarios": [{"name", "with"?, "steps"}]};
each scenario may say "procedure", "at" and "with" for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _

from app.errors import AppError

# A Monday in working time, far from any holiday.
BEGIN = "2026-03-02T09:00"


class BadScenario(AppError):
    """The file itself is wrong; the message says what and where."""


@dataclass(frozen=True)
class Scenario:
    """One path to play. data: process data at the start; at: aware."""

    name: str
    procedure: str
    data: Mapping[str, Any]
    at: datetime
    steps: tuple[Mapping[str, Any], ...]


def read(path: Path) -> list[Scenario]:
    """Return the scenarios of a file. Raises BadScenario."""
    try:
        whole = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(_("The file cannot be read: %(why)s", why=error)) from error
    except ValueError as error:
        raise BadScenario(_("This is no JSON: %(why)s", why=error)) from error
    if not isinstance(whole, dict) or not isinstance(whole.get("scenarios"), list):
        raise BadScenario(_("A scenario file is an object with “procedure” and a list “scenarios”."))
    return [_scenario(one, number, whole) for number, one in enumerate(whole["scenarios"], 1)]


def _scenario(one: Any, number: int, whole: Mapping[str, Any]) -> Scenario:
    where = _("scenario %(n)s", n=number)
    named = isinstance(one, dict) and isinstance(one.get("name"), str)
    if not named or not isinstance(one.get("steps"), list):
        raise BadScenario(_("%(where)s: it needs a “name” and a list “steps”.", where=where))
    procedure = one.get("procedure", whole.get("procedure"))
    if not isinstance(procedure, str):
        raise BadScenario(_("%(where)s: no “procedure” is named.", where=where))
    data = {**_object(whole, "with", where), **_object(one, "with", where)}
    at = _instant(one.get("at", whole.get("at", BEGIN)), where)
    return Scenario(one["name"], procedure, data, at, tuple(one["steps"]))


def _object(holder: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = holder.get(name, {})
    if not isinstance(value, dict):
        raise BadScenario(_("%(where)s: “%(name)s” is an object.", where=where, name=name))
    return value


def _instant(text: Any, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadScenario(_("%(where)s: “%(text)s” is no instant.", where=where, text=text)) from error
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return found if found.tzinfo else found.replace(tzinfo=zone)

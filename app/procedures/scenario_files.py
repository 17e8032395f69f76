"""Scenario files: what a designer writes beside the diagrams, `NAME.scenario.yaml`, read and checked.

A file is {procedure: key, at?: local instant, with?: {…}, scenarios: [{name, with?, at?, steps}]}; a scenario
may say procedure, at and with for itself. See docs/designers/scenarios.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from flask import current_app
from flask_babel import gettext as _

from app import calendar
from app.errors import AppError

SUFFIX = ".scenario.yaml"
# A Monday in working time, far from any holiday.
BEGIN = "2026-03-02T09:00"
# Reading YAML is slow: this much takes two seconds.
MAX_BYTES = 250_000
MAX_SCENARIOS, MAX_STEPS = 500, 500


_UNITS = {
    **dict.fromkeys(("minute", "minutes", "分钟"), timedelta(minutes=1)),
    **dict.fromkeys(("hour", "hours", "小时"), timedelta(hours=1)),
    **dict.fromkeys(("day", "days", "天"), timedelta(days=1)),
    **dict.fromkeys(("week", "weeks", "周"), timedelta(weeks=1)),
}
_PASSING = re.compile(rf"(\d{{1,5}})\s*(?:个)?\s*(working|工作)?\s*({'|'.join(_UNITS)})")


class BadScenario(AppError):
    """The file itself is wrong; the message says what and where."""


class Lined(dict[str, Any]):
    """An object of the file that knows its line, counted from 1."""

    line = 0


@dataclass(frozen=True)
class Scenario:
    """One path to play. data: process data at the start; at: aware; line: where it stands."""

    name: str
    procedure: str
    data: Mapping[str, Any]
    at: datetime
    steps: tuple[Any, ...]
    line: int = 0


def read(path: Path) -> list[Scenario]:
    """Return the scenarios of a file. Raises BadScenario."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise too_large()
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadScenario(_("The file cannot be read: %(why)s", why=error)) from error
    return parse(text)


def too_large() -> BadScenario:
    """Return the error of a file that is too large to be read."""
    return BadScenario(_("The file is larger than %(n)s KB.", n=MAX_BYTES // 1_000))


def parse(text: str) -> list[Scenario]:
    """Return the scenarios of a file's text. Raises BadScenario with the line."""
    try:
        whole = yaml.load(text, _Loader)  # noqa: S506  (a loader that makes nothing but plain values)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark is not None else 0
        raise BadScenario(_("This is no YAML, line %(n)s: %(why)s", n=line, why=why)) from error
    except RecursionError as error:
        raise BadScenario(_("The file is nested too deeply.")) from error
    if not isinstance(whole, Lined) or not isinstance(whole.get("scenarios"), list):
        raise BadScenario(_("A scenario file is an object with “procedure” and a list “scenarios”."))
    if len(whole["scenarios"]) > MAX_SCENARIOS:
        raise BadScenario(_("These are too many scenarios; %(n)s fit into a file.", n=MAX_SCENARIOS))
    return [_scenario(one, number, whole) for number, one in enumerate(whole["scenarios"], 1)]


def passing(text: str) -> tuple[timedelta, bool]:
    """Return (length, whether it is working time) of `2 days`, `8 working hours`, `3 天`, `PT8H`."""
    match = _PASSING.fullmatch(text.strip().lower())
    if match:
        return int(match[1]) * _UNITS[match[3]], bool(match[2])
    try:
        return calendar.parse_duration(text.strip()), False
    except ValueError as error:
        words = _("“%(text)s” is no length such as “2 days”, “8 working hours” or PT8H.", text=text)
        raise BadScenario(words) from error


def _scenario(one: Any, number: int, whole: Mapping[str, Any]) -> Scenario:
    line = one.line if isinstance(one, Lined) else 0
    where = _("scenario %(n)s, line %(line)s", n=number, line=line) if line else _("scenario %(n)s", n=number)
    named = isinstance(one, Lined) and isinstance(one.get("name"), str)
    if not named or not isinstance(one.get("steps"), list):
        raise BadScenario(_("%(where)s: it needs a “name” and a list “steps”.", where=where))
    if len(one["steps"]) > MAX_STEPS:
        raise BadScenario(_("%(where)s: at most %(n)s steps.", where=where, n=MAX_STEPS))
    procedure = one.get("procedure", whole.get("procedure"))
    if not isinstance(procedure, str):
        raise BadScenario(_("%(where)s: no “procedure” is named.", where=where))
    data = {**_object(whole, "with", where), **_object(one, "with", where)}
    at = _instant(one.get("at", whole.get("at", BEGIN)), where)
    return Scenario(one["name"], procedure, data, at, tuple(one["steps"]), line)


def _object(holder: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = holder.get(name, {})
    if not isinstance(value, dict):
        raise BadScenario(_("%(where)s: “%(name)s” is an object.", where=where, name=name))
    return dict(value)


def _instant(text: Any, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise BadScenario(_("%(where)s: “%(text)s” is no instant.", where=where, text=text)) from error
    zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
    return found if found.tzinfo else found.replace(tzinfo=zone)


class _Loader(yaml.SafeLoader):
    """YAML without surprises: no anchors, no tags, no name twice; dates, `yes` and 12:30 stay texts."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None, None, _("anchors and references are not read"), event.start_mark
            )
        return super().compose_node(parent, index)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Lined:
    found = Lined()
    found.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str) or key in found:
            words = _("the name “%(name)s” stands twice or is none", name=key)
            raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("int", r"^-?[0-9]{1,15}$", "-0123456789"),
    ("float", r"^-?[0-9]{1,15}\.[0-9]{1,15}$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)

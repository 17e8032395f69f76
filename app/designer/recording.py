"""A dry run as it is clicked through: its steps, replayed from the start each time, written as a scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from flask_babel import gettext as _

from app.procedures.scenario_files import BadScenario, parse

LONGEST = 60
LONGEST_TEXT = 200_000


@dataclass
class Recording:
    """What was clicked so far. Nothing of it is kept anywhere until it is written into the scenario file.

    begin: process data at the start. steps: as a scenario file has them; before: what stood open before each,
    as the `expect` that goes in front of it.
    """

    key: str
    begin: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def from_text(cls, key: str, text: str) -> Recording:
        """Return what the page carried along. Raises BadScenario for what was tampered with."""
        try:
            kept = json.loads(text[:LONGEST_TEXT]) if text else {"begin": {}, "steps": [], "before": []}
            begin, steps, before = dict(kept["begin"]), list(kept["steps"]), list(kept["before"])
            if not all(isinstance(one, dict) for one in (*steps, *before)) or len(steps) != len(before):
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadScenario(_("The recording was lost on the way. Please begin again.")) from error
        if len(steps) > LONGEST:
            raise BadScenario(_("A recording has at most %(n)s steps.", n=LONGEST))
        return cls(key, begin, steps, before)

    def text(self) -> str:
        """Return what the page carries along."""
        return json.dumps(
            {"begin": self.begin, "steps": self.steps, "before": self.before}, ensure_ascii=False
        )

    def add(self, step: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Note what is done next and what stood open before it."""
        self.steps.append(dict(step))
        self.before.append(expectation(state))

    def take_back(self) -> None:
        """Forget the last step."""
        if self.steps:
            self.steps.pop()
            self.before.pop()

    def file(self) -> str:
        """Return a scenario file of this recording alone, to be played."""
        return f"procedure: {self.key}\nscenarios:\n{self.scenario('recording', {}, expect=False)}"

    def scenario(self, name: str, state: Mapping[str, Any], *, expect: bool = True) -> str:
        """Return the recording as one entry of the list `scenarios`. state: how it ended."""
        lines = [f"  - name: {_flow(name)}"]
        if self.begin:
            lines.append(f"    with: {_flow(self.begin)}")
        lines.append("    steps:" if self.steps or expect else "    steps: []")
        for step, before in zip(self.steps, self.before, strict=True):
            if expect:
                lines += _entry({"expect": before})
            lines += _entry(step)
        if expect:
            lines += _entry({"expect": expectation(state, ended=True)})
        return "\n".join(lines) + "\n"


def expectation(state: Mapping[str, Any], *, ended: bool = False) -> dict[str, Any]:
    """Return what a state lets one expect: what is open for whom, and at the end what became of the case."""
    items = state.get("open", ())
    found: dict[str, Any] = {"open": _one([item["element"] for item in items])}
    if items:
        found["for"] = _one([item["for"] for item in items])
    if ended:
        if state.get("case"):
            found["case"] = state["case"]
        if state.get("status") not in (None, "running"):
            found["instance"] = state["status"]
    return found


def appended(content: str, key: str, scenario: str) -> str:
    """Return a scenario file with one more scenario at its end; raises BadScenario where that cannot be."""
    head = content.rstrip("\n") + "\n" if content.strip() else f"procedure: {key}\nscenarios:\n"
    text = head + scenario
    try:
        before = len(parse(content)) if content.strip() else 0
        if len(parse(text)) != before + 1:
            raise BadScenario(_("The file is written in another way."))
    except BadScenario as error:
        words = _("The scenario does not fit behind the others; copy it from below. %(why)s", why=error)
        raise BadScenario(words) from error
    return text


def begin_of(text: str) -> dict[str, Any]:
    """Return process data as somebody typed it: `klass: device`, a line each, or {klass: device}."""
    shell = "scenarios: [{name: x, procedure: y, steps: []}]\nwith:"
    indented = "\n".join(f"  {line}" for line in text.splitlines()) or " {}"
    (scenario,) = parse(f"{shell}\n{indented}\n")
    return dict(scenario.data)


def as_typed(data: Mapping[str, Any]) -> str:
    """Return process data as `begin_of` reads it."""
    return "\n".join(f"{name}: {_flow(value)}" for name, value in data.items())


class _OneLine(yaml.SafeDumper):
    """Writes texts of several lines into one."""


def _quoted(dumper: _OneLine, text: str) -> yaml.ScalarNode:
    style = '"' if any(not char.isprintable() for char in text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_OneLine.add_representer(str, _quoted)


def _one(words: Sequence[Any]) -> Any:
    return words[0] if len(words) == 1 else list(words)


def _flow(value: Any) -> str:
    text: str = yaml.dump(
        value, Dumper=_OneLine, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10**9
    )
    return text.removesuffix("...\n").strip()


def _entry(step: Mapping[str, Any]) -> list[str]:
    lines = [f"{name}: {_flow(value)}" for name, value in step.items()]
    return [f"      {'- ' if not number else '  '}{line}" for number, line in enumerate(lines)]

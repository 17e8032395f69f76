"""The escalation policy and the instants of its ladders. Plain Python: no database, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.calendar import rules as working
from app.calendar.rules import Calendar

WHENS = ("before", "at", "after")
COUNTED = ("working", "clock")
HOURS = ("any", "open")
ACTIONS = ("remind", "notify", "raise_priority", "reassign", "hand_over")
# Whom an action is for: who has the work, the post above them, or a role by its key.
ASSIGNEE, ABOVE, MANAGER = "assignee", "above", "manager"
MOST_STEPS = 10
_TIMES = re.compile(r"(\d{1,2})x")
_NAME = re.compile(r"[a-z_]{1,40}")
LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place of the content. code: for the words that a page finds for it."""

    path: str
    code: str


class BadPolicy(ValueError):
    """Content that is no policy; `problems` says all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(f"{one.path}: {one.code}" for one in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Step:
    """One rung as it is written.

    when:    before | at | after the deadline.
    offset:  how far from it: ISO 8601 ("PT2H"), or "2x": twice the allowance's second length; "" at it.
    counted: in working time, or by the clock.
    hours:   at any hour, or only while the calendar is open: else at its next opening.
    action, target: what is done, to or for whom.
    urgent:  its messages are not kept back by quiet hours.
    """

    when: str = "at"
    offset: str = ""
    counted: str = "working"
    hours: str = "any"
    action: str = "remind"
    target: str = ASSIGNEE
    urgent: bool = False

    @property
    def level(self) -> int:
        """How grave it is: 0 before the deadline, 1 those at work hear of it, 2 others do, 3 the manager."""
        if self.when == "before":
            return 0
        if self.action == "raise_priority" or self.target == ASSIGNEE:
            return 1
        return 3 if self.target == MANAGER else 2

    def plain(self) -> dict[str, Any]:
        """Return the step as JSON values, as `read` takes it."""
        return {
            "when": self.when,
            "offset": self.offset,
            "counted": self.counted,
            "hours": self.hours,
            "action": self.action,
            "target": self.target,
            "urgent": self.urgent,
        }


@dataclass(frozen=True)
class Ladder:
    """The steps for a class and a severity; None stands for any."""

    klass: str | None
    severity: str | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Policy:
    """All ladders; one of them is for any class and any severity. version: 0 before anybody changed it."""

    ladders: tuple[Ladder, ...]
    version: int = 0
    _by_key: Mapping[tuple[str | None, str | None], Ladder] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {(one.klass, one.severity): one for one in self.ladders})

    def own(self, klass: str | None, severity: str | None) -> Ladder | None:
        """Return the ladder written for exactly this, if there is one."""
        return self._by_key.get((klass, severity))

    def ladder_for(self, klass: str | None, severity: str | None) -> Ladder:
        """Return the ladder that counts: the severity says more than the class, both together most."""
        for key in ((klass, severity), (None, severity), (klass, None)):
            if key in self._by_key:
                return self._by_key[key]
        return self._by_key[None, None]

    def plain(self) -> dict[str, Any]:
        """Return the policy as JSON values, as `read` takes it."""
        return {
            "ladders": [
                {
                    "klass": one.klass,
                    "severity": one.severity,
                    "steps": [step.plain() for step in one.steps],
                }
                for one in self.ladders
            ]
        }

    def with_ladder(self, klass: str | None, severity: str | None, steps: Iterable[Step]) -> Policy:
        """Return the policy with other steps for a class and severity."""
        kept = [one for one in self.ladders if (one.klass, one.severity) != (klass, severity)]
        return Policy((*kept, Ladder(klass, severity, tuple(steps))), self.version)

    def without_ladder(self, klass: str | None, severity: str | None) -> Policy:
        """Return the policy without the own ladder of a class and severity. The one for all stays."""
        kept = [
            one
            for one in self.ladders
            if (one.klass, one.severity) != (klass, severity) or (klass, severity) == (None, None)
        ]
        return Policy(tuple(kept), self.version)


# What counts until somebody changes it: remind, then tell the supervisor, then the manager.
DEFAULT = Policy(
    (
        Ladder(
            None,
            None,
            (
                Step("at", "", action="remind", target=ASSIGNEE),
                Step("after", "1x", action="notify", target="supervisor"),
                Step("after", "2x", action="notify", target="manager"),
            ),
        ),
    )
)


@dataclass(frozen=True)
class Planned:
    """A step with its instant, aware UTC."""

    at: datetime
    step: Step


def plan(
    ladder: Ladder, *, start: datetime, due: datetime, then: timedelta, counted: Calendar
) -> list[Planned]:
    """Return the steps of a deadline in the order of their instants.

    then:    the allowance's second length, that "1x" stands for; working time.
    counted: the calendar that the deadline is counted with, its pauses taken out.
    A step that would come before the work has begun comes not at all.
    """
    found = [Planned(_instant(step, due, then, counted), step) for step in ladder.steps]
    return sorted(
        (one for one in found if one.at > start or one.step.when != "before"), key=lambda one: one.at
    )


def _instant(step: Step, due: datetime, then: timedelta, counted: Calendar) -> datetime:
    length = length_of(step.offset, then)
    if step.when == "at" or not length:
        at = due
    elif step.counted == "clock":
        at = due - length if step.when == "before" else due + length
    elif step.when == "before":
        at = working.subtract_working_time(counted, due, length).at
    else:
        at = working.add_working_time(counted, due, length).at
    if step.hours == "open" and not counted.is_open(at):
        at = working.next_opening(counted, at).at
    return at


def length_of(offset: str, then: timedelta) -> timedelta:
    """Return how long an offset is. Raises ValueError for what is none."""
    if not offset:
        return timedelta(0)
    times = _TIMES.fullmatch(offset)
    return int(times.group(1)) * then if times else working.parse_duration(offset)


def read(content: Any, version: int = 0) -> Policy:
    """Return the policy of JSON values. Raises BadPolicy with all that is wrong."""
    problems: list[Problem] = []
    if not isinstance(content, Mapping) or not isinstance(content.get("ladders"), list):
        raise BadPolicy([Problem("", "form")])
    ladders: list[Ladder] = []
    for number, one in enumerate(content["ladders"]):
        ladder = _ladder(one, f"ladders.{number}", problems)
        if ladder is None:
            continue
        if any((ladder.klass, ladder.severity) == (other.klass, other.severity) for other in ladders):
            problems.append(Problem(f"ladders.{number}", "twice"))
        ladders.append(ladder)
    if not any(one.klass is None and one.severity is None for one in ladders):
        problems.append(Problem("ladders", "no_default"))
    if problems:
        raise BadPolicy(problems)
    return Policy(tuple(ladders), version)


def _ladder(one: Any, path: str, problems: list[Problem]) -> Ladder | None:
    if not isinstance(one, Mapping) or not isinstance(one.get("steps"), list):
        problems.append(Problem(path, "form"))
        return None
    named = [one.get("klass"), one.get("severity")]
    if any(name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)) for name in named):
        problems.append(Problem(path, "form"))
        return None
    steps = [step_of(step, f"{path}.steps.{place}", problems) for place, step in enumerate(one["steps"])]
    if not 1 <= len(steps) <= MOST_STEPS:
        problems.append(Problem(f"{path}.steps", "count"))
    written = [step for step in steps if step is not None]
    # A ladder of reminders alone would have no step at all where the work has less time than they ask for.
    if written and len(written) == len(steps) and all(step.when == "before" for step in written):
        problems.append(Problem(f"{path}.steps", "only_before"))
    for place, step in enumerate(written):
        if step in written[:place]:
            problems.append(Problem(f"{path}.steps.{place}", "same"))
    return Ladder(named[0], named[1], tuple(written))


def step_of(one: Any, path: str, problems: list[Problem]) -> Step | None:
    """Return a step of JSON values, or None; what is wrong is added to `problems`."""
    if not isinstance(one, Mapping):
        problems.append(Problem(path, "form"))
        return None
    known = Step()
    given = {name: one.get(name, getattr(known, name)) for name in known.plain()}
    before = len(problems)
    for name, allowed in (("when", WHENS), ("counted", COUNTED), ("hours", HOURS), ("action", ACTIONS)):
        if given[name] not in allowed:
            problems.append(Problem(f"{path}.{name}", "choice"))
    if not isinstance(given["target"], str) or not _NAME.fullmatch(given["target"]):
        problems.append(Problem(f"{path}.target", "target"))
    if not isinstance(given["urgent"], bool):
        problems.append(Problem(f"{path}.urgent", "choice"))
    offset = str(given["offset"] or "").strip()
    given["offset"] = offset
    if given["when"] != "at":
        problems += _offset_problems(offset, f"{path}.offset")
    else:
        given["offset"] = ""
    return None if len(problems) > before else Step(**given)


def _offset_problems(offset: str, path: str) -> list[Problem]:
    try:
        length = length_of(offset, timedelta(hours=1))
    except (ValueError, OverflowError):
        return [Problem(path, "offset")]
    if not length:
        return [Problem(path, "no_offset")]
    return [Problem(path, "long")] if length > LONGEST else []


@dataclass(frozen=True)
class Difference:
    """A ladder that two policies have not alike; None where one of them has none of its own."""

    klass: str | None
    severity: str | None
    before: Ladder | None
    after: Ladder | None


def differences(old: Policy, new: Policy) -> list[Difference]:
    """Return where two policies differ, ladder by ladder."""
    keys = dict.fromkeys((one.klass, one.severity) for one in (*old.ladders, *new.ladders))
    return [Difference(*key, old.own(*key), new.own(*key)) for key in keys if old.own(*key) != new.own(*key)]

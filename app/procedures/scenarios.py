"""Scenario tests: a procedure played through on a virtual clock, step by step, by the real engine.

What a step may say is in `Player.STEPS`, and in docs/designers/scenarios.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from app import calendar, clock, engine, forms
from app.accounts.actor import SYSTEM
from app.db import session, transaction
from app.engine.roles import find_key
from app.engine.tables import Instance, Timer, WorkItem
from app.errors import AppError, StepFailed
from app.procedures.scenario_files import BadScenario, Lined, Scenario, parse, passing, read
from app.procedures.walked import Walked, walked_by
from app.web.i18n import content

# A circle of timers would never end.
MAX_FIRINGS = 500
OPEN = ("open", "claimed")


class Unexpected(AppError):
    """A scenario went another way than it says."""


@dataclass(frozen=True)
class Outcome:
    """How one scenario went.

    message: "" when it passed. step, line: of the step that failed, from 1. walked: what it went through.
    state:   where it stands afterwards, see `Player.state`; {} where it never began.
    """

    name: str
    message: str = ""
    step: int = 0
    line: int = 0
    walked: Walked = field(default_factory=Walked)
    state: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything went as written."""
        return not self.message


def play(scenario: Scenario) -> Outcome:
    """Play a scenario on what is deployed in the current database; an instance of it stays there."""
    player = Player(scenario)
    message = ""
    try:
        with player.listening():
            player.start()
            for step in scenario.steps:
                player.take(step)
    except StepFailed as error:
        why = error.detail or error.message
        message = _("the engine stopped at %(element)s: %(why)s", element=error.element or "?", why=why)
    except AppError as error:
        message = str(error)
    return Outcome(
        scenario.name,
        message,
        player.taken if message else 0,
        player.line if message else 0,
        walked_by(player.instance_id),
        player.state(),
    )


class Player:
    """Plays one scenario: knows the instance, the virtual instant, and what the engine told."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.now = scenario.at
        self.instance_id = 0
        self.key = ""
        self.taken = 0
        self.line = scenario.line
        self.case_status: str | None = None
        self.told: list[str] = []
        self.end_data: Mapping[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """Return where the instance stands, as JSON values.

        {"at": instant, "status", "case": its status, "open": [{"element", "name", "for", "form", "process"}],
        "data", "waits": whether time would bring anything}.
        """
        if not self.instance_id:
            return {}
        items = self._open()
        return {
            "at": self.now.isoformat(),
            "status": engine.get_instance(self.instance_id).status,
            "case": self.case_status,
            "open": [
                {
                    "element": item.element,
                    "name": item.name,
                    "for": item.candidate,
                    "form": item.form,
                    "process": item.process_id,
                }
                for item in items
            ],
            "data": dict(self._data()),
            "waits": self._next_due() is not None,
        }

    # ------------------------------------------------------------ what the engine tells

    def listening(self) -> _Listening:
        """Hear what the engine tells the desk while this scenario runs."""
        return _Listening(
            {
                "case_status": self._hear_status,
                "overdue": self._hear_overdue,
                "finished": self._hear_end,
            }
        )

    def _hear_status(self, context: engine.StepContext, status: str) -> None:
        if context.business_key == self.key:
            self.case_status = status

    def _hear_overdue(
        self, context: engine.StepContext, _item: WorkItem, _level: int, rung: Mapping[str, Any]
    ) -> None:
        if context.business_key == self.key:
            self.told.append(rung["target"])

    def _hear_end(self, context: engine.StepContext) -> None:
        if context.business_key == self.key:
            self.end_data = context.data

    # ------------------------------------------------------------ steps

    def start(self) -> None:
        """Start the procedure."""
        with transaction(), clock.at(self.now):
            # Nobody else's messages may reach this instance, nor its own another's.
            number = session().scalar(sa.select(sa.func.coalesce(sa.func.max(Instance.id), 0))) or 0
            self.key = f"test-{number + 1}"
            made = engine.start(
                self.scenario.procedure, self.scenario.data, actor=SYSTEM, now=self.now, business_key=self.key
            )
            self.instance_id = made.id

    def take(self, step: Mapping[str, Any]) -> None:
        """Do or check what one step says. Raises Unexpected, BadScenario, StepFailed."""
        self.taken += 1
        if not isinstance(step, Lined):
            raise BadScenario(_("A step is an object."))
        self.line = step.line
        verbs = [word for word in self.STEPS if word in step]
        if len(verbs) != 1:
            known = ", ".join(self.STEPS)
            raise BadScenario(_("A step has exactly one of: %(known)s.", known=known))
        allowed = {verbs[0], "note", *self.BESIDE.get(verbs[0], ())}
        if strange := [word for word in step if word not in allowed]:
            raise BadScenario(_("A step “%(verb)s” has no “%(word)s”.", verb=verbs[0], word=strange[0]))
        self.STEPS[verbs[0]](self, step)

    def _at(self, step: Mapping[str, Any]) -> None:
        """Somebody completes an open step."""
        item = self._item(str(step["at"]))
        if "by" in step and find_key(str(step["by"])) != item.role and step["by"] != item.candidate:
            raise self._unexpected(_("expected for: %(what)s", what=step["by"]))
        with transaction(), clock.at(self.now):
            locked = engine.lock_item(item.id, now=self.now)
            values = self._answers(item, step.get("submit") or {}, locked.data)
            engine.complete(locked, values, actor=SYSTEM, now=self.now)

    def _pass(self, step: Mapping[str, Any]) -> None:
        length, working = passing(str(step["pass"]))
        with clock.at(self.now):
            target = calendar.add_working_time(self.now, length) if working else self.now + length
        self._live_until(target)

    def _until(self, step: Mapping[str, Any]) -> None:
        """Let time pass until a step waits for somebody."""
        wanted = str(step["until"])
        for _count in range(MAX_FIRINGS):
            items = self._open()
            if any(item.element == self._element_of(wanted, items) for item in items):
                return
            due = self._next_due()
            if due is None:
                raise self._unexpected(_("time never brings %(element)s", element=wanted))
            self._live_until(due)
        raise self._unexpected(_("time never brings %(element)s", element=wanted))

    def _message(self, step: Mapping[str, Any]) -> None:
        with transaction(), clock.at(self.now):
            sent = engine.send_message(
                str(step["message"]),
                correlation=self.key,
                payload=step.get("values") or {},
                actor=SYSTEM,
                now=self.now,
            )
        if isinstance(sent, engine.Kept):
            raise self._unexpected(_("nobody waits for the message %(name)s", name=step["message"]))

    def _expect(self, step: Mapping[str, Any]) -> None:
        wanted = step["expect"]
        if not isinstance(wanted, Mapping):
            raise BadScenario(_("“expect” names what: %(known)s.", known=", ".join(self.EXPECTED)))
        if strange := [word for word in wanted if word not in self.EXPECTED]:
            raise BadScenario(_("A step “%(verb)s” has no “%(word)s”.", verb="expect", word=strange[0]))
        for word, check in self.EXPECTED.items():
            if word in wanted:
                check(self, wanted[word])

    def _expect_open(self, wanted: Any) -> None:
        items = self._open()
        named = sorted(self._element_of(str(word), items) for word in _list(wanted))
        if sorted(item.element for item in items) != named:
            raise self._unexpected(_("expected open: %(what)s", what=_listed(_list(wanted))))

    def _expect_for(self, wanted: Any) -> None:
        asked = sorted(find_key(str(word)) or str(word) for word in _list(wanted))
        if sorted(item.candidate for item in self._open()) != asked:
            raise self._unexpected(_("expected for: %(what)s", what=_listed(_list(wanted))))

    def _expect_end(self, wanted: Any) -> None:
        # A fresh session: what the last step wrote.
        states = engine.element_states(self.instance_id)
        done = [name for its in states.values() for name, state in its.items() if state.status == "done"]
        if str(wanted) not in done or engine.get_instance(self.instance_id).status == "running":
            raise self._unexpected(_("expected to end at %(element)s", element=wanted))

    def _expect_instance(self, wanted: Any) -> None:
        status = engine.get_instance(self.instance_id).status
        if status != wanted:
            raise self._unexpected(
                _("expected to be %(what)s, but it is %(found)s", what=wanted, found=status)
            )

    def _expect_case(self, wanted: Any) -> None:
        if self.case_status != wanted:
            found = self.case_status or "–"
            raise self._unexpected(
                _("expected the case to be %(what)s, but it is %(found)s", what=wanted, found=found)
            )

    def _expect_data(self, wanted: Any) -> None:
        data = self._data()
        for name, value in dict(wanted).items():
            if data.get(name) != value:
                found = json.dumps(data.get(name), ensure_ascii=False)
                value = json.dumps(value, ensure_ascii=False)
                raise self._unexpected(
                    _("expected %(name)s = %(what)s, but it is %(found)s", name=name, what=value, found=found)
                )

    def _expect_told(self, wanted: Any) -> None:
        if self.told != _list(wanted):
            raise self._unexpected(
                _(
                    "expected to be told: %(what)s, but it was: %(found)s",
                    what=_listed(_list(wanted)),
                    found=_listed(self.told),
                )
            )

    STEPS: Mapping[str, Callable[[Player, Mapping[str, Any]], None]] = {
        "at": _at,
        "pass": _pass,
        "until": _until,
        "message": _message,
        "expect": _expect,
    }
    # Words that may stand beside a verb.
    BESIDE: Mapping[str, tuple[str, ...]] = {"at": ("submit", "by"), "message": ("values",)}
    EXPECTED: Mapping[str, Callable[[Player, Any], None]] = {
        "open": _expect_open,
        "for": _expect_for,
        "case": _expect_case,
        "data": _expect_data,
        "told": _expect_told,
        "instance": _expect_instance,
        "end": _expect_end,
    }

    # ------------------------------------------------------------ inside

    def _answers(self, item: WorkItem, values: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the process data that the completed form would write.

        values: by the field's name, or by its name in the process.
        """
        if not item.form:
            return dict(values)
        form = forms.Form.from_schema(engine.form_schema(item.version_id, item.form))
        fields = {field.process_name: field.name for field in form.fields if field.process_name}
        fields |= {field.name: field.name for field in form.fields}
        for name in values:
            if name not in fields:
                raise Unexpected(_("the form %(form)s has no field %(name)s", form=item.form, name=name))
        given = {fields[name]: value for name, value in values.items()}
        parsed = forms.parse(form, given, context={"data": data})
        # What a scenario leaves out is left blank; what it says must be an answer that the form takes.
        for error in parsed.errors:
            if error.field in given:
                raise Unexpected(f"{item.form}: {error.message}")
        lost = next((name for name in given if name not in parsed.values), None)
        if lost is not None and given[lost] not in (None, "", []):
            raise Unexpected(_("the form %(form)s does not show %(name)s here", form=item.form, name=lost))
        return parsed.process

    def _live_until(self, target: datetime) -> None:
        """Let the virtual time pass; each timer fires at its own instant."""
        for _count in range(MAX_FIRINGS):
            due = self._next_due()
            if due is None or due > target:
                break
            self.now = max(self.now, due)
            with transaction(), clock.at(self.now):
                if not engine.wake(self.instance_id, self.now):
                    break
        self.now = max(self.now, target)

    def _next_due(self) -> datetime | None:
        return session().scalar(
            sa.select(sa.func.min(Timer.due_at)).where(
                Timer.instance_id == self.instance_id, Timer.status == "waiting"
            )
        )

    def _open(self) -> list[WorkItem]:
        query = sa.select(WorkItem).where(WorkItem.instance_id == self.instance_id, WorkItem.status.in_(OPEN))
        return list(session().scalars(query.order_by(WorkItem.id).execution_options(populate_existing=True)))

    def _item(self, named: str) -> WorkItem:
        """Return the open step of an element's id, or of its name in either language."""
        items = self._open()
        element = self._element_of(named, items)
        found = [item for item in items if item.element == element]
        if not found:
            raise self._unexpected(_("%(element)s is not open", element=named))
        return found[0]

    def _element_of(self, named: str, items: Iterable[WorkItem]) -> str:
        for item in items:
            if named in (item.element, item.name, _english(item.name)):
                return item.element
        return named

    def _data(self) -> Mapping[str, Any]:
        """Return the process data that the first open step sees, or that the ended instance left."""
        items = self._open()
        if not items:
            return self.end_data
        with transaction(), clock.at(self.now):
            return engine.lock_item(items[0].id, now=self.now).data

    def _unexpected(self, message: str) -> Unexpected:
        zone = ZoneInfo(current_app.config["SETTINGS"].centre_timezone)
        items = [f"{item.element} ({item.candidate})" for item in self._open()]
        parts = [message, _("open: %(what)s", what=_listed(items))]
        waiting = session().execute(
            sa.select(Timer.element, Timer.due_at)
            .where(Timer.instance_id == self.instance_id, Timer.status == "waiting", Timer.kind == "catch")
            .order_by(Timer.due_at)
        )
        if waits := [f"{element} {due.astimezone(zone):%m-%d %H:%M}" for element, due in waiting]:
            parts.append(_("waiting: %(what)s", what=_listed(waits)))
        parts.append(_("at %(when)s", when=f"{self.now.astimezone(zone):%m-%d %H:%M}"))
        return Unexpected("; ".join(parts))


class _Listening:
    """Handlers that are told what happens while this is open."""

    def __init__(self, handlers: Mapping[str, Callable[..., None]]) -> None:
        self.handlers = handlers

    def __enter__(self) -> None:
        for hook, handler in self.handlers.items():
            engine.on(hook, handler)

    def __exit__(self, *_error: object) -> None:
        for hook, handler in self.handlers.items():
            engine.off(hook, handler)


def _english(name: str) -> str:
    with force_locale("en"):
        return content(name)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _listed(words: Any) -> str:
    return ", ".join(str(word) for word in words) or "–"


__all__ = ["BadScenario", "Outcome", "Scenario", "Unexpected", "parse", "play", "read"]

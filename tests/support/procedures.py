"""Small procedures for tests of the engine: started, completed and woken with one word each."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import engine
from app.accounts.actor import SYSTEM, Actor
from app.accounts.tables import Person
from app.db import close_read_session, session, transaction
from app.engine.model import StepResult
from app.engine.tables import Event, Instance, Timer, WaitingMessage, WorkItem

FIXTURES = Path(__file__).parent.parent / "fixtures" / "bpmn"
# A Monday morning in Shanghai.
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


@engine.connector("test_send")
def _send(ctx: engine.ConnectorContext, number: Any) -> dict[str, Any]:
    """Say what was sent; fail as the number asks for it."""
    if number == "busy":
        raise engine.BpmnError("sms_failed")
    if number == "bug":
        raise KeyError("bug")
    return {"sent_to": number, "element": ctx.element}


class Procedures:
    """Procedures from tests/fixtures/bpmn at an instant that moves when told; `instance` is the one started last."""

    def __init__(self) -> None:
        self.now = MONDAY
        self.instance = 0
        self.actor = SYSTEM

    # ------------------------------------------------------------ verbs

    def deploy(self, *names: str, change: Callable[[str], str] | None = None) -> None:
        """Deploy these fixtures, each changed as text if wanted."""
        files = {f"{name}.bpmn": (FIXTURES / f"{name}.bpmn").read_text() for name in names}
        if change is not None:
            files = {name: change(text) for name, text in files.items()}
        with transaction():
            engine.deploy(files, actor=SYSTEM, now=self.now)

    def start(self, key: str, *, business_key: str | None = None, **variables: Any) -> int:
        """Start an instance and return its id."""
        with transaction():
            row = engine.start(key, variables, actor=self.actor, now=self.now, business_key=business_key)
        self.instance = row.id
        return row.id

    def run(self, *names: str, business_key: str | None = None, **variables: Any) -> int:
        """Deploy these fixtures and start the first."""
        self.deploy(*names)
        return self.start(names[0], business_key=business_key, **variables)

    def complete(self, element: str, **values: Any) -> StepResult:
        """Complete the open item of an element."""
        with transaction():
            return engine.complete(self.item(element).id, values, actor=self.actor, now=self.now)

    def wake(self, **later: float) -> int:
        """Move the clock and wake the instance; return how many timers fired."""
        self.now += timedelta(**later)
        with transaction():
            return engine.wake(self.instance, self.now, "tester")

    def send(self, name: str, *, payload: Any = None, **address: Any) -> engine.Delivered | engine.Kept:
        """Send a message."""
        with transaction():
            return engine.send_message(name, payload=payload, now=self.now, actor=self.actor, **address)

    def person(self, username: str) -> Actor:
        """Make somebody who acts from now on."""
        with transaction():
            row = Person(username=username, name=username.title(), password_hash="-", created_at=self.now)
            session().add(row)
            session().flush()
        self.actor = Actor(id=row.id, username=username, display_name=row.name)
        return self.actor

    @contextmanager
    def as_it_was(self):
        """Everything about the instance is as before afterwards."""
        before = self.snapshot()
        yield
        assert self.snapshot() == before

    # ------------------------------------------------------------ looks

    def read(self, statement: Any) -> list[Any]:
        """Return rows as they are now."""
        close_read_session()
        return list(session().scalars(statement))

    def row(self) -> Instance:
        """Return the instance's row."""
        (found,) = self.read(sa.select(Instance).where(Instance.id == self.instance))
        return found

    def state(self) -> Any:
        """Return the instance's saved state."""
        return json.loads(self.row().state)

    def task_count(self) -> int:
        """Return how many engine tasks are saved, called processes included."""
        saved = self.state()["workflow"]
        return len(saved["tasks"]) + sum(len(sub["tasks"]) for sub in saved["subprocesses"].values())

    def items(self, element: str | None = None, *, every: bool = False) -> list[WorkItem]:
        """Return the instance's open items, or every one."""
        statement = sa.select(WorkItem).where(WorkItem.instance_id == self.instance).order_by(WorkItem.id)
        if not every:
            statement = statement.where(WorkItem.status.in_(("open", "claimed")))
        return [one for one in self.read(statement) if element in (None, one.element)]

    def open(self) -> list[str]:
        """Return the elements that wait for a person."""
        return sorted(item.element for item in self.items())

    def item(self, element: str) -> WorkItem:
        """Return the first open item of an element."""
        return self.items(element)[0]

    def timers(self, status: str = "waiting") -> list[Timer]:
        """Return the instance's timers of a status, by due instant."""
        return self.read(
            sa.select(Timer)
            .where(Timer.instance_id == self.instance, Timer.status == status)
            .order_by(Timer.due_at, Timer.id)
        )

    def messages(self) -> list[WaitingMessage]:
        """Return what the instance waits for."""
        return self.read(sa.select(WaitingMessage).where(WaitingMessage.instance_id == self.instance))

    def events(self, kind: str) -> list[Event]:
        """Return the instance's events of a kind."""
        return self.read(
            sa.select(Event).where(Event.instance_id == self.instance, Event.kind == kind).order_by(Event.id)
        )

    def states(self) -> dict[str, str]:
        """Return how each element stands, whatever its process."""
        close_read_session()
        found = engine.element_states(self.instance)
        return {element: state.status for elements in found.values() for element, state in elements.items()}

    def data(self, element: str) -> dict[str, Any]:
        """Return the process data that an open item sees."""
        with transaction():
            return engine.lock_item(self.item(element).id, now=self.now).data

    def snapshot(self) -> list[Any]:
        """Return every column of the instance, its items, timers, messages and events."""
        found: list[Any] = []
        for table in (Instance, WorkItem, Timer, WaitingMessage, Event):
            owner = table.id if table is Instance else table.instance_id
            for row in self.read(sa.select(table).where(owner == self.instance).order_by(table.id)):
                found.append([getattr(row, column.key) for column in table.__table__.columns])
        return found

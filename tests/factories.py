"""A small centre for tests: people for every role, the procedures deployed, cases that move step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import clock, engine
from app.accounts import organisation
from app.accounts.actor import SYSTEM, Actor
from app.callbacks.tables import Callback
from app.cases import service as cases
from app.cases.tables import Case
from app.cases.values import NewCase
from app.db import close_read_session, session, transaction
from app.demo import people
from app.engine.tables import Instance, WorkItem
from app.inbox import service as inbox
from app.settings import ROOT
from app.timers.job import run_until, wake_due

# A Monday morning in Shanghai, in working time.
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

PASSWORD = "correct-horse"

# What each form is answered with when a test does not care.
ANSWERS: dict[str, dict[str, Any]] = {
    "register": {"severity": "normal"},
    "analyse": {"severity": "normal", "analysis": "客户要求尽快解决"},
    "judge": {"can_solve": True, "reason": "permission"},
    "resolve": {"solution": "远程处理后恢复", "confirmed": True},
    "refer": {"department": "platform", "request": "请查明原因并反馈"},
    "solve": {"solve_result": "solved", "solution": "补传数据", "explanation": "已处理，请告知客户"},
    "analyse_cause": {
        "in_warranty": True, "man_made": False, "cause": "固件异常", "method": "firmware", "quote": 38000,
    },
    "inform": {"told": "*", "quote": 38000},
    "contact": {
        "repair_point": "WP003", "visit": "shop", "confirmed": True,
        "appointment_at": "2026-03-05T02:00:00+00:00",
    },
    "repair": {"repair_result": "fixed", "work": "升级固件", "repair_hours": 1, "cost": 0},
    "guide_renew": {"told": "*", "months": 12, "paid": False},
    "guide_add": {"told": "*", "item": "vehicle", "quantity": 2, "documents": "*"},
    "guide_deregister": {"told": "*", "reason": "transferred", "settled": True, "exported": True},
    "call": {"outcome": "satisfied", "score": 5, "words": "可以了"},
    "manager_handles": {"measure": "visit", "agreement": "上门处理，客户同意", "agreed": True},
    "archive": {
        "solution_kind": "new", "new_title": "处理办法", "new_solution": "照此处理", "cost": 0,
        "satisfaction": 5,
        "repaired": True, "parts_source": "none", "parts_quantity": 0, "repair_hours": 1,
    },
}  # fmt: skip
CAUSES = {"platform": "程序缺陷", "device": "固件异常", "other": "服务到期"}


def deploy_procedures(now: datetime = MONDAY) -> None:
    """Deploy the diagrams, tables and forms of the checkout."""
    files = {
        str(path.relative_to(ROOT / folder)): path.read_bytes()
        for folder in ("bpmn", "forms")
        for path in Path(ROOT / folder).rglob("*")
        if path.suffix in (".bpmn", ".dmn", ".json") and "tests" not in path.parts
    }
    with transaction():
        engine.deploy(files, actor=SYSTEM, now=now)


def open_centre(_app: Flask) -> None:
    """Make people for every role and deploy the procedures: what a desk works with."""
    with clock.at(MONDAY):
        with transaction():
            people.load(MONDAY, PASSWORD)
        deploy_procedures()


class Desk:
    """The centre under test. Every verb is what a page does: a transaction, an actor, an instant."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stack = ExitStack()
        self.at(MONDAY)
        if organisation.is_empty():
            open_centre(app)

    def at(self, instant: datetime) -> None:
        """Stand at an instant; nothing falls due by this alone."""
        self._stack.close()
        self._stack.enter_context(clock.at(instant))

    def close(self) -> None:
        """Let time run again."""
        self._stack.close()
        close_read_session()

    def actor(self, username: str) -> Actor:
        """Return one of the demo's people."""
        found = organisation.actor_named(username)
        assert found is not None, username
        return found

    def receive(self, **values: Any) -> CaseUnderTest:
        """Let a customer's problem come in by phone; what a test does not say is filled in."""
        given: dict[str, Any] = {
            "channel": "phone",
            "title": "终端频繁离线",
            "description": "跑高速时每隔半小时掉线一次",
            "customer": {"name": "赵文礼", "phone": "13900000261"},
            "asset": {"plate": "陕A·D7182", "serial": "HX4-2210917"},
        } | values
        with transaction():
            case = cases.create(NewCase(**given), actor=self.actor("agent"), now=clock.now())
        return CaseUnderTest(self, case.id)

    def pass_time(self, by: timedelta) -> int:
        """Let time pass, each timer firing at its own instant; return how many fired."""
        target = clock.now() + by
        fired = run_until(target, "test")
        self.at(target)
        return fired

    def jump(self, by: timedelta) -> int:
        """Let the scheduler sleep for a while and then find all that is due at once."""
        self.at(clock.now() + by)
        return wake_due(clock.now(), "test")


class CaseUnderTest:
    """One case, moved by the names of its diagram's elements."""

    def __init__(self, desk: Desk, case_id: int) -> None:
        self.desk = desk
        self.id = case_id

    @property
    def row(self) -> Case:
        """The case as the database has it now."""
        close_read_session()
        found = session().get(Case, self.id)
        assert found is not None
        return found

    @property
    def status(self) -> str:
        """The case's status now."""
        return self.row.status

    @property
    def instance(self) -> Instance:
        """The instance of the present round."""
        instance_id = self.row.instance_id  # before session(): it reads in a session of its own
        found = session().get(Instance, instance_id)
        assert found is not None
        return found

    @property
    def open(self) -> list[str]:
        """The elements whose work items are open, sorted."""
        close_read_session()
        query = sa.select(WorkItem.element).where(
            WorkItem.case_id == self.id, WorkItem.status.in_(("open", "claimed"))
        )
        return sorted(session().scalars(query))

    def item(self, element: str) -> WorkItem:
        """Return the open work item of an element."""
        close_read_session()
        found = session().scalar(
            sa.select(WorkItem).where(
                WorkItem.case_id == self.id,
                WorkItem.element == element,
                WorkItem.status.in_(("open", "claimed")),
            )
        )
        assert found is not None, f"{element} is not open; open are {self.open}"
        return found

    def do(self, element: str, by: str = "", **values: Any) -> WorkItem:
        """Complete the open item of an element, by somebody who may, with these answers."""
        item = self.item(element)
        answers = {"class": self.row.klass} | ANSWERS.get(element, {}) | values
        if element == "archive":
            answers.setdefault("cause", CAUSES[self.row.klass or "platform"])
        schema = engine.form_schema(item.version_id, item.form or "")
        for name, value in answers.items():
            if value == "*":
                items = schema["properties"][name]["items"]
                answers[name] = items.get("enum") or [option["const"] for option in items["oneOf"]]
        known = {name: value for name, value in answers.items() if name in schema["properties"]}
        with transaction():
            inbox.complete(item.id, known, actor=self._somebody(item, by), now=clock.now())
        return item

    def _somebody(self, item: WorkItem, by: str) -> Actor:
        if by:
            return self.desk.actor(by)
        able = [one for one in organisation.candidates(item.candidate) if one.id != item.excluded_id]
        assert able, f"nobody may do {item.element} ({item.candidate})"
        return self.desk.actor(able[0].username)

    def analyse(self, klass: str, severity: str = "normal", **values: Any) -> CaseUnderTest:
        """Register and analyse: the two steps that every case begins with."""
        if "register" in self.open:
            self.do("register", severity=severity)
        self.do("analyse", **{"class": klass, "severity": severity, **values})
        return self

    def until_callback(self) -> CaseUnderTest:
        """Let time pass to the promised day."""
        for _day in range(40):
            if "call" in self.open:
                return self
            self.desk.pass_time(timedelta(hours=12))
        raise AssertionError(f"no callback came; open are {self.open}")

    def call(self, outcome: str = "satisfied", **values: Any) -> CaseUnderTest:
        """Wait for the promised day and call the customer."""
        self.until_callback()
        if outcome in ("satisfied", "dissatisfied"):
            values = {"score": 5 if outcome == "satisfied" else 1, "words": "客户原话"} | values
        self.do("call", outcome=outcome, **values)
        return self

    def withdraw(self, reason: str = "客户不再追究") -> None:
        """Take the case back at the customer's wish."""
        with transaction():
            cases.withdraw(self.id, reason, actor=self.desk.actor("agent"), now=clock.now())

    def reopen(self, reason: str = "同样的故障又出现了") -> None:
        """Open an ended case again."""
        with transaction():
            cases.reopen(self.id, reason, actor=self.desk.actor("supervisor"), now=clock.now())

    @property
    def callbacks(self) -> list[str | None]:
        """The outcomes of the promised calls, in order; None is still to come."""
        close_read_session()
        query = sa.select(Callback.outcome).where(Callback.case_id == self.id).order_by(Callback.id)
        return list(session().scalars(query))


@contextmanager
def desk_on(app: Flask) -> Iterator[Desk]:
    """Open a desk on an application within its context."""
    with app.app_context():
        desk = Desk(app)
        try:
            yield desk
        finally:
            desk.close()

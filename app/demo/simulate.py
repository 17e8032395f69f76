"""A living centre: the real procedures, run on a virtual clock by people who are sometimes late."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random

import sqlalchemy as sa

from app import calendar, clock, engine
from app.accounts import organisation
from app.accounts.actor import Actor
from app.cases import filing
from app.cases import service as cases
from app.cases.tables import Case
from app.cases.values import NewCase
from app.customers.tables import Asset
from app.db import session, transaction
from app.demo import stories
from app.demo.answers import Temper, answer
from app.engine.tables import WorkItem
from app.errors import AppError
from app.inbox import service as inbox
from app.notifications.tables import Notification
from app.timers.job import fire_due, next_due

WORKER = "demo"
CHANNELS = ("phone", "phone", "phone", "phone", "visit", "web", "web", "mail", "message")
# How much of the time allowed a step takes: mostly well within it, sometimes past it, seldom far past it.
PACE = ((0.05, 0.35, 45), (0.35, 0.85, 40), (1.02, 1.5, 9), (1.6, 3.2, 6))
# In the last days some work is left lying, so that a visitor meets what is overdue and escalated.
LEFT_LYING = 0.05
LAST_DAYS = timedelta(days=5)
# How much of what could be theirs somebody has claimed at the end: one takes on too much.
EAGER = {"agent2": 0.95, "agent": 0.35, "callback": 0.35}


@dataclass(order=True)
class Plan:
    """Something that will happen at an instant of the virtual clock."""

    at: datetime
    sequence: int
    act: Callable[[], None] = field(compare=False)


class Simulation:
    """Runs `days` of the centre's life up to `end`; the same seed gives the same centre."""

    def __init__(
        self, customers: list[tuple[int, list[int]]], *, end: datetime, days: int, seed: int = 2026
    ) -> None:
        self.customers = customers
        self.end = end
        self.start = end - timedelta(days=days)
        self.random = Random(seed)  # noqa: S311  a demo, no secrets
        self.tempers: dict[int, Temper] = {}
        self.plans: list[Plan] = []
        self.sequence = count()
        self.seen = 0
        self.kinds: dict[int, str] = dict(session().execute(sa.select(Asset.id, Asset.kind)).all())

    def run(self, cases_wanted: int, progress: Callable[[int], None]) -> None:
        """Let `cases_wanted` customers come over the days; `progress` hears how many have."""
        came = count(1)

        def arrive() -> None:
            self._arrive()
            progress(next(came))

        for at in self._arrivals(cases_wanted):
            self._plan(at, arrive)
        while True:
            due, planned = next_due(), self.plans[0].at if self.plans else self.end
            # Each timer at its own instant, also after the last plan: none is late here.
            if due is not None and due <= min(planned, self.end):
                with clock.at(due):
                    fire_due(due, WORKER)
                    self._plan_new_items()
                continue
            if not self.plans or planned > self.end:
                break
            plan = heapq.heappop(self.plans)
            with clock.at(plan.at):
                plan.act()
                self._plan_new_items()
        with clock.at(self.end):
            self._take_some()
            with transaction():
                read = sa.update(Notification).where(Notification.created_at < self.end - timedelta(days=1))
                session().execute(read.values(read_at=self.end - timedelta(hours=20)))

    def _arrivals(self, wanted: int) -> list[datetime]:
        """Spread the cases over the days: two thirds in working time, the last days as busy as the first."""
        span = (self.end - self.start).total_seconds()
        found: list[datetime] = []
        while len(found) < wanted:
            at = self.start + timedelta(seconds=self.random.random() * span)
            if calendar.current().is_open(at) or self.random.random() < 0.08:
                found.append(at)
        return sorted(found)

    def _plan(self, at: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self.plans, Plan(at, next(self.sequence), act))

    # ------------------------------------------------------------ what customers do

    def _arrive(self) -> None:
        now, random = clock.now(), self.random
        temper = Temper.draw(random)
        customer_id, assets = random.choice(self.customers)
        channel = random.choice(CHANNELS)
        agent = self._actor(random.choice(("agent", "agent2")))
        asset_id = random.choice(assets) if temper.story.klass != "platform" else None
        if asset_id is not None:
            customer_id, asset_id = self._fitting(temper.story.asset_kind, customer_id, asset_id)
        new = NewCase(
            channel=channel,
            title=temper.title,
            description=temper.words,
            kind="suggestion" if temper.story.cause == "需求建议" else "complaint",
            severity=temper.severity,
            customer_id=customer_id,
            asset_id=asset_id,
        )
        with transaction():
            case = cases.create(new, actor=agent, now=now)
            self.tempers[case.id] = temper
            if channel in ("phone", "visit"):
                item = session().scalar(
                    sa.select(WorkItem).where(WorkItem.case_id == case.id, WorkItem.element == "register")
                )
                if item is not None:
                    self._fill_in(item, agent, now)
        case_id = case.id
        if random.random() < 0.12:
            self._plan(self._later(4, 30), partial(self._add_information, case_id))
        if random.random() < 0.04:
            self._plan(self._later(3, 40), partial(self._withdraw, case_id))

    def _add_information(self, case_id: int) -> None:
        with transaction():
            case = cases.get(case_id)
            if case.status not in ("closed", "withdrawn"):
                body = self.random.choice(stories.INFORMATION)
                filing.add_information(case.id, body, actor=self._actor("agent2"), now=clock.now())

    def _withdraw(self, case_id: int) -> None:
        with transaction():
            if cases.get(case_id).status in ("open", "waiting"):
                reason = self.random.choice(stories.WITHDRAWALS)
                cases.withdraw(case_id, reason, actor=self._actor("agent"), now=clock.now())

    def _reopen(self, case_id: int) -> None:
        with transaction():
            if cases.get(case_id).status == "closed":
                self.tempers[case_id].dissatisfied = 0
                reason = self.random.choice(stories.REOPENINGS)
                cases.reopen(case_id, reason, actor=self._actor("supervisor"), now=clock.now())

    # ------------------------------------------------------------ what staff do

    def _plan_new_items(self) -> None:
        """Let somebody take up each work item that has appeared, at their own pace."""
        fresh = session().execute(
            sa.select(WorkItem.id, WorkItem.case_id, WorkItem.due_at)
            .where(WorkItem.id > self.seen, WorkItem.status.in_(("open", "claimed")))
            .order_by(WorkItem.id)
        )
        for item_id, case_id, due_at in fresh.all():
            self.seen = max(self.seen, item_id)
            if case_id not in self.tempers:
                continue
            if clock.now() > self.end - LAST_DAYS and self.random.random() < LEFT_LYING:
                continue
            low, high, _weight = self.random.choices(PACE, [weight for _low, _high, weight in PACE])[0]
            allowed = calendar.working_time_between(clock.now(), due_at) if due_at else timedelta(hours=4)
            takes = allowed * (low + (high - low) * self.random.random())
            at = calendar.add_working_time(clock.now(), max(takes, timedelta(minutes=3)))
            self._plan(at, partial(self._complete, item_id))

    def _complete(self, item_id: int) -> None:
        now = clock.now()
        item = session().get(WorkItem, item_id)
        if item is None or item.status not in ("open", "claimed") or item.case_id is None:
            return
        actor = self._somebody(item)
        if actor is None:
            return
        with transaction():
            if self.random.random() < 0.07:
                body = self.random.choice(stories.COMMENTS)
                filing.comment(item.case_id, body, actor=actor, now=now)
            self._fill_in(item, actor, now)
        case = session().get(Case, item.case_id)
        if case is not None and case.status == "closed" and self.random.random() < 0.03:
            case_id = case.id
            self._plan(self._later(8, 60), partial(self._reopen, case_id))

    def _fill_in(self, item: WorkItem, actor: Actor, now: datetime) -> None:
        """Claim and complete one item as the inbox would."""
        if item.case_id is None or item.form is None:
            raise AppError(f"the demo cannot fill in {item.element}")
        schema = engine.form_schema(item.version_id, item.form)
        values = answer(item.element, self.tempers[item.case_id], schema, self.random, now)
        inbox.complete(item.id, values, actor=actor, now=now)

    def _take_some(self) -> None:
        """Leave the centre as a visitor finds it: most items claimed, by some more than by others."""
        items = session().scalars(sa.select(WorkItem).where(WorkItem.status == "open")).all()
        for item in items:
            actor = self._somebody(item)
            if actor is not None and self.random.random() < EAGER.get(actor.username, 0.6):
                with transaction():
                    inbox.claim(item.id, actor=actor, now=clock.now() - timedelta(minutes=7))

    def _somebody(self, item: WorkItem) -> Actor | None:
        people = organisation.candidates(item.candidate)
        # A call goes on with whoever made the attempt before.
        mine = [one.username for one in people if one.id == item.assignee_id]
        able = mine or [one.username for one in people if one.id != item.excluded_id]
        return self._actor(self.random.choice(able)) if able else None

    def _fitting(self, kind: str, customer_id: int, asset_id: int) -> tuple[int, int]:
        """Return who has the kind of device the story is about: this customer, else the next."""
        if kind in ("", self.kinds[asset_id]):
            return customer_id, asset_id
        first = next(place for place, (one, _assets) in enumerate(self.customers) if one == customer_id)
        for person, assets in self.customers[first:] + self.customers[:first]:
            for one in assets:
                if self.kinds[one] == kind:
                    return person, one
        return customer_id, asset_id

    def _actor(self, username: str) -> Actor:
        actor = organisation.actor_named(username)
        if actor is None:
            raise AppError(f"the demo has no {username}")
        return actor

    def _later(self, low: int, high: int) -> datetime:
        """Return an instant `low` to `high` working hours from now."""
        return calendar.add_working_time(clock.now(), timedelta(hours=self.random.uniform(low, high)))

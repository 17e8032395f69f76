"""Processes killed at any instant: nothing is lost, done twice or left half done."""

from __future__ import annotations

import random
import threading
import time
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from app import clock, engine
from app.accounts import organisation
from app.accounts.actor import SYSTEM
from app.cases.tables import Submission
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, Instance, Timer, WorkItem
from app.inbox import service as inbox
from app.timers.job import wake_due
from tests.factories import ANSWERS, MONDAY
from tests.support import forked

KILLS = 100
TIMERS = 1000


def test_a_worker_killed_a_hundred_times_leaves_every_step_whole(app, desk):
    # Each life finishes a step or a few: there must be work for all of them on a fast machine, too.
    for number in range(KILLS + 40):
        desk.receive(title=f"终端离线 {number}")
    chance = random.Random(7)
    close_read_session()
    for _kill in range(KILLS):
        worker = forked.fork(app, _work_on)
        _wait_for_work(_done())
        threading.Event().wait(chance.uniform(0, 0.04))
        forked.kill(worker)
        _check_whole()
    # What was in hand when the last one died is still there to be done.
    before = _done()
    assert forked.wait(forked.fork(app, lambda: _work_on(5))) == 0
    _check_whole()
    assert before > 20
    assert _done() > before


def _work_on(limit: int = 10**6) -> None:
    """Complete open items, whichever come, until killed or `limit` are done."""
    chance = random.Random()
    done = 0
    while done < limit:
        close_read_session()
        rows = (
            session()
            .execute(
                sa.select(
                    WorkItem.id, WorkItem.element, WorkItem.candidate, WorkItem.version_id, WorkItem.form
                )
                .where(WorkItem.status.in_(("open", "claimed")))
                .limit(200)
            )
            .all()
        )
        if not rows:
            return
        item_id, element, candidate, version_id, form = chance.choice(rows)
        answers = dict(ANSWERS[element])
        if element == "register":
            answers |= {"title": "终端离线", "description": "跑高速时掉线", "customer_name": "赵文礼"}
        if element == "analyse":
            answers |= {"class": "platform"}
        if element == "archive":
            answers |= {"class": "platform", "cause": "程序缺陷"}
        offered = engine.form_schema(version_id, form)["properties"]
        answers = {name: value for name, value in answers.items() if name in offered}
        person = organisation.actor_named(organisation.candidates(candidate)[0].username)
        with clock.at(MONDAY), transaction():
            inbox.complete(item_id, answers, actor=person, now=MONDAY)
        done += 1


def _wait_for_work(before: int) -> None:
    """Wait until the worker has finished a step: the kill then hits it in the middle of one of the next."""
    deadline = time.monotonic() + 20
    while _done() == before:
        assert time.monotonic() < deadline, "the worker does nothing"
        threading.Event().wait(0.004)


def _check_whole() -> None:
    """Hold the tables against each other: a step is in all of them or in none."""
    close_read_session()
    done = _done()
    assert done == session().scalar(sa.select(sa.func.count()).select_from(Submission))
    completed = sa.select(sa.func.count()).select_from(Event).where(Event.kind == "work_item.completed")
    assert done == session().scalar(completed)
    running = session().scalars(sa.select(Instance.id).where(Instance.status == "running")).all()
    waiting = dict(
        session()
        .execute(
            sa.select(WorkItem.instance_id, sa.func.count())
            .where(WorkItem.status.in_(("open", "claimed")))
            .group_by(WorkItem.instance_id)
        )
        .all()
    )
    # Each of these paths has one step in hand at any time, and never none.
    assert waiting == dict.fromkeys(running, 1)
    for case_id in range(1, 41, 13):
        assert list(engine.broken_links(f"case:{case_id}")) == []
    close_read_session()


def _done() -> int:
    close_read_session()
    return (
        session().scalar(sa.select(sa.func.count()).select_from(WorkItem).where(WorkItem.status == "done"))
        or 0
    )


def test_two_schedulers_killed_and_restarted_fire_each_of_a_thousand_timers_once(app):
    diagram = (Path(__file__).parent.parent / "fixtures" / "bpmn" / "short_wait.bpmn").read_bytes()
    with app.app_context():
        with clock.at(MONDAY), transaction():
            engine.deploy({"test/short_wait.bpmn": diagram}, actor=SYSTEM, now=MONDAY)
            for _number in range(TIMERS):
                engine.start("short_wait", {}, actor=SYSTEM, now=MONDAY)
        now = MONDAY + timedelta(minutes=11)
        chance = random.Random(11)
        lives = 0
        while _waiting():
            # Each life begins after the leases of the killed ones have run out.
            now += timedelta(minutes=5)
            lives += 1
            pair = [forked.fork(app, lambda at=now, name=f"{lives}-{n}": _fire(at, name)) for n in range(2)]
            threading.Event().wait(chance.uniform(0.05, 0.3))
            if lives <= 12:
                for pid in pair:
                    forked.kill(pid)
            else:
                assert [forked.wait(pid) for pid in pair] == [0, 0]
            close_read_session()
        fired = (
            session()
            .execute(
                sa.select(sa.func.count(), sa.func.count(sa.distinct(Timer.instance_id))).where(
                    Timer.status == "fired"
                )
            )
            .one()
        )
        assert tuple(fired) == (TIMERS, TIMERS)
        ended = sa.select(sa.func.count()).select_from(Instance).where(Instance.status == "completed")
        assert session().scalar(ended) == TIMERS
        told = (
            session()
            .execute(
                sa.select(sa.func.count(), sa.func.count(sa.distinct(Event.instance_id))).where(
                    Event.kind == "timer.fired"
                )
            )
            .one()
        )
        assert tuple(told) == (TIMERS, TIMERS)
        assert lives > 1


def _fire(at: object, name: str) -> None:
    with clock.at(at):  # type: ignore[arg-type]
        wake_due(clock.now(), name)


def _waiting() -> int:
    close_read_session()
    query = sa.select(sa.func.count()).select_from(Timer).where(Timer.status == "waiting")
    return session().scalar(query) or 0

"""Several at the same moment: one of them does it, the others hear of it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app import engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.errors import Conflict


@pytest.fixture
def at_once(app):
    """Run a function in two threads at the same moment; return results and Conflicts."""

    def run(function):
        barrier = Barrier(2)

        def one(number):
            with app.app_context():
                barrier.wait()
                try:
                    with transaction():
                        return function(number)
                except Conflict as conflict:
                    return conflict
                finally:
                    close_read_session()

        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(one, (1, 2)))

    return run


def test_two_people_complete_one_item_and_one_of_them_is_first(desk, at_once):
    desk.run("rounds", business_key="K1", dissatisfied=True)
    for _round in range(10):
        for element in ("ask", "answer"):
            item = desk.item(element).id
            results = at_once(
                lambda number, item=item: engine.complete(item, {"by": number}, actor=SYSTEM, now=desk.now)
            )
            assert sorted(type(result).__name__ for result in results) == ["Conflict", "StepResult"]
    assert desk.open() == ["ask"]
    assert len(desk.events("work_item.completed")) == 20
    assert list(engine.broken_links(f"instance:{desk.instance}")) == []


def test_two_workers_wake_one_instance_and_the_timer_fires_once(desk, at_once):
    for _round in range(8):
        desk.run("rounds", dissatisfied=False)
        later = desk.now.replace(hour=11)
        fired = at_once(lambda number, later=later: engine.wake(desk.instance, later, f"worker {number}"))
        assert sorted(fired) == [0, 1]
        assert desk.item("ask").escalation_level == 1


def test_a_timer_and_a_person_at_once_harm_nothing(desk, at_once):
    for _round in range(8):
        desk.run("rounds", dissatisfied=False)
        later, item = desk.now.replace(hour=11), desk.item("ask").id

        def act(number, later=later, item=item):
            if number == 1:
                return engine.wake(desk.instance, later, "worker")
            return engine.complete(item, {}, actor=SYSTEM, now=later)

        at_once(act)
        assert desk.open() == ["answer"]
        assert len(desk.timers("fired")) == 1


def test_two_workers_never_wake_the_same_instance(desk, at_once):
    desk.deploy("rounds")
    instances = {desk.start("rounds", dissatisfied=False) for _ in range(12)}
    later = desk.now.replace(hour=11)

    def work(number):
        return engine.wake_locked(engine.lock_due(later, 6), later, f"worker {number}")

    one, two = at_once(work)
    moved = [instance for counts in (one, two) for instance, fired in counts.items() if fired]
    assert len(moved) == len(set(moved)) >= 6
    assert set(moved) <= instances
    assert {
        number: count for counts in (one, two) for number, count in counts.items() if count
    } == dict.fromkeys(moved, 1)


def test_two_writers_of_one_history_keep_the_chain_whole(desk, at_once):
    for _round in range(10):
        at_once(
            lambda number: engine.record_event(
                "case:1", "case.noted", {"by": number}, actor=SYSTEM, now=desk.now
            )
        )
    assert list(engine.broken_links("case:1")) == []

"""Two people at one item: one of them does it, the other is told who."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import Actor
from app.cases import service as cases
from app.cases.access import get_visible
from app.cases.tables import Submission
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, WorkItem
from app.errors import Conflict, Refused
from app.inbox import service as inbox
from tests.factories import MONDAY

ROUNDS = 200


def test_two_people_complete_one_item_at_the_same_moment_and_exactly_one_of_them_does(app, desk):
    case = desk.receive()
    people = [desk.actor("agent"), desk.actor("agent2")]
    items = [case.item("register").id]
    while len(items) < ROUNDS:
        items.append(desk.receive(title=f"终端离线 {len(items)}").item("register").id)
    start = threading.Barrier(2)
    outcomes: dict[int, list[object]] = {item: [] for item in items}

    def work(actor: Actor) -> None:
        with app.app_context(), clock.at(MONDAY):
            for item in items:
                start.wait()
                try:
                    with transaction():
                        inbox.complete(item, ANSWER, actor=actor, now=MONDAY)
                    outcomes[item].append(actor.display_name)
                except Conflict as conflict:
                    outcomes[item].append(conflict)
            close_read_session()

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for item, (one, other) in outcomes.items():
        winner, loser = (one, other) if isinstance(one, str) else (other, one)
        assert isinstance(winner, str) and isinstance(loser, Conflict), (item, one, other)
        assert loser.by == winner
    close_read_session()
    assert _count(WorkItem, WorkItem.element == "register", WorkItem.status == "done") == ROUNDS
    assert _count(WorkItem, WorkItem.element == "analyse", WorkItem.status == "open") == ROUNDS
    assert _count(Submission, Submission.element == "register") == ROUNDS
    assert _count(Event, Event.kind == "work_item.completed") == ROUNDS


ANSWER = {
    "title": "终端频繁离线",
    "description": "跑高速时掉线",
    "severity": "normal",
    "customer_name": "赵文礼",
}


def _count(table: type, *conditions: sa.ColumnElement[bool]) -> int:
    return session().scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0


def _wait_until_one_waits() -> None:
    """Return when somebody waits for a lock in this database."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _try in range(2_000):
        close_read_session()
        if session().scalar(waiting):
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits for a lock")


def _meanwhile(app, work) -> tuple[threading.Thread, list[Exception]]:
    """Begin some work in a transaction of another thread; what it raises is kept."""
    raised: list[Exception] = []

    def run() -> None:
        with app.app_context(), clock.at(MONDAY):
            try:
                with transaction():
                    work()
            except (Refused, sa.exc.SQLAlchemyError) as error:
                raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@pytest.mark.postgres_only
def test_a_withdrawal_waits_for_the_step_that_is_under_way(app, desk):
    case, actor = desk.receive(), desk.actor("agent")
    item, number = case.item("register").id, case.row.number

    def withdraw() -> None:
        seen = get_visible(number, actor)
        cases.withdraw(seen.id, "不追究了", actor=actor, now=MONDAY)

    with transaction():
        locked = engine.lock_item(item, now=MONDAY, actor=actor)
        thread, raised = _meanwhile(app, withdraw)
        with ThreadPoolExecutor(1) as watcher:
            watcher.submit(_in(app, _wait_until_one_waits)).result()
        cases.apply(case.id, {"case.title": "终端黑屏"}, actor=actor, now=MONDAY)
        session().flush()
        engine.complete(locked, {"severity": "normal"}, actor=actor, now=MONDAY)
    thread.join()
    assert not raised
    close_read_session()
    assert (case.row.title, case.status) == ("终端黑屏", "withdrawn")


@pytest.mark.postgres_only
def test_two_who_reopen_a_case_begin_one_round(app, desk):
    case, actor = desk.receive(), desk.actor("agent")
    case.withdraw()
    number = case.row.number
    close_read_session()

    def reopen() -> None:
        seen = get_visible(number, actor)  # as the page does: the session has the case before the lock
        cases.reopen(seen.id, "又坏了", actor=actor, now=MONDAY)

    with transaction():
        cases.reopen(case.id, "又坏了", actor=actor, now=MONDAY)
        thread, raised = _meanwhile(app, reopen)
        with ThreadPoolExecutor(1) as watcher:
            watcher.submit(_in(app, _wait_until_one_waits)).result()
    thread.join()
    assert [type(one) for one in raised] == [Refused]
    close_read_session()
    assert case.row.round == 2


def _in(app, work):
    def run() -> None:
        with app.app_context():
            work()

    return run


def test_an_operator_moves_what_an_agent_completes_at_the_same_moment_and_one_of_them_is_told(app, desk):
    agent, operator = desk.actor("agent"), desk.actor("operator")
    rounds = [desk.receive(title=f"终端离线 {number}") for number in range(40)]
    places = [(case.instance.id, case.item("register").id) for case in rounds]
    close_read_session()
    start = threading.Barrier(2)
    outcomes: dict[int, dict[str, object]] = {instance: {} for instance, _item in places}

    def work(who: str, act) -> None:
        with app.app_context(), clock.at(MONDAY):
            for instance, item in places:
                start.wait()
                try:
                    with transaction():
                        act(instance, item)
                    outcomes[instance][who] = "done"
                except (Conflict, Refused) as error:
                    outcomes[instance][who] = error
            close_read_session()

    def complete(_instance: int, item: int) -> None:
        inbox.complete(item, ANSWER, actor=agent, now=MONDAY)

    def move(instance: int, _item: int) -> None:
        values = {"severity": "normal", "klass": "service"}
        engine.move_token(
            instance, "register", "analyse", values=values, reason="by phone", actor=operator, now=MONDAY
        )

    threads = [
        threading.Thread(target=work, args=(who, act)) for who, act in (("agent", complete), ("operator", move))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for instance, told in outcomes.items():
        assert list(told.values()).count("done") == 1, (instance, told)
    # Whoever won: each stands at the next step, once.
    assert _count(WorkItem, WorkItem.element == "register", WorkItem.status.in_(("open", "claimed"))) == 0
    assert _count(WorkItem, WorkItem.element == "analyse", WorkItem.status == "open") == len(places)
    moved = _count(Event, Event.kind == "instance.token_moved")
    assert moved + _count(Event, Event.kind == "work_item.completed") == len(places)

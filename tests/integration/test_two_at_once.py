"""Two people at one item: one of them does it, the other is told who."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from app import clock
from app.accounts.actor import Actor
from app.cases.tables import Submission
from app.db import close_read_session, session, transaction
from app.engine.tables import Event, WorkItem
from app.errors import Conflict
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

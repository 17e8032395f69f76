"""How many SQL statements a step and the inbox cost: a small number that data does not change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.accounts.tables import Person
from app.cases.tables import Case
from app.db import close_read_session, session, transaction
from app.engine.tables import WorkItem
from tests.factories import PASSWORD, Desk
from tests.support.database import Counted

# Two of them keep deadlines: one ends, the next begins; two more where the step gives the case another severity.
# PostgreSQL needs one more: the lock that keeps the history of a case in one chain.
STEP_AT_MOST = {"sqlite": 19, "postgresql": 20}
INBOX_AT_MOST = 8


@pytest.fixture
def desk(app: Flask) -> Iterator[Desk]:
    """A centre in which time stands; no request runs inside its context."""
    with app.app_context():
        made = Desk(app)
        close_read_session()
    yield made
    with app.app_context():
        made.close()


def sign_in(client: FlaskClient, username: str) -> None:
    answer = client.post("/login", data={"username": username, "password": PASSWORD})
    assert answer.status_code == 303


def copies(row: Case | WorkItem, many: int, **changed: object) -> None:
    """Put as many copies of a row beside it: what the engine would have made, without its time."""
    names = [column.key for column in sa.inspect(type(row)).column_attrs if column.key != "id"]
    values = {name: getattr(row, name) for name in names}
    with transaction():
        rows = []
        for number in range(many):
            own = {name: make(number) for name, make in changed.items()}  # type: ignore[operator]
            rows.append({**values, **own})
        session().execute(sa.insert(type(row)), rows)


def crowd(desk: Desk, many: int) -> None:
    """Let `many` cases wait beside the one that is looked at, each with a task for everybody's list."""
    if not many:
        return
    with desk.app.app_context():
        one = desk.receive(title="与众多案件之一")
        copies(
            one.row,
            many - 1,
            number=lambda n: f"K26-{50000 + n}",
            track_code=lambda n: f"T{n:07}",
            intake_token=lambda n: None,
        )
        copies(
            one.item("register"),
            many - 1,
            task_id=lambda n: f"{n:036}",
            due_at=lambda n: clock.now() + timedelta(hours=n % 90 - 20),
            case_number=lambda n: f"K26-{50000 + n}",
        )
        close_read_session()


# Each step of the longest path, who does it and what they answer.
STEPS = [
    ("register", "agent", {"title": "终端频繁离线", "description": "每半小时掉线", "severity": "normal",
                           "customer_name": "赵文礼"}),
    ("analyse", "agent", {"class": "device", "severity": "normal", "analysis": "转三包"}),
    ("judge", "agent", {"can_solve": "yes"}),
    ("analyse_cause", "technician", {"in_warranty": "yes", "man_made": "no", "cause": "固件异常",
                                     "method": "firmware"}),
    ("inform", "agent", {"told": "cause"}),
    ("contact", "agent", {"repair_point": "WP003", "visit": "shop", "appointment_at": "2026-03-03T10:00",
                          "confirmed": "yes"}),
    ("repair", "repairpoint", {"repair_result": "fixed", "work": "升级固件", "repair_hours": "1", "cost": "0"}),
    ("call", "callback", {"outcome": "satisfied", "score": "5", "words": "好了"}),
    ("archive", "agent", {"class": "device", "cause": "固件异常", "solution_kind": "new", "new_title": "升级",
                          "new_solution": "升级固件", "cost": "0", "satisfaction": "5", "repaired": "yes",
                          "parts_source": "none", "parts_quantity": "0", "repair_hours": "1"}),
]  # fmt: skip


@pytest.mark.parametrize("others", [0, 200])
def test_no_step_costs_more_than_nineteen_statements_however_many_cases_there_are(
    desk: Desk, client: FlaskClient, count_statements, capsys: pytest.CaptureFixture[str], others: int
):
    crowd(desk, others)
    # The first case lets this process read what it keeps: procedures, forms, settings. They cost no step after.
    go_through(desk, client, count_statements)
    seen = go_through(desk, client, count_statements)
    costs = {element: own(counted) for element, counted in seen.items()}
    with capsys.disabled():
        print(f"\nstatements of a step beside {others} cases: {costs}")  # noqa: T201  a number worth seeing
    worst = max(costs, key=costs.__getitem__)
    assert costs[worst] <= STEP_AT_MOST[desk.app.extensions["db_engine"].dialect.name], (
        f"{worst}:\n{seen[worst]}"
    )


def own(counted: Counted) -> int:
    """Return how many statements are a request's own: settings are read anew every five seconds, by anyone."""
    return sum(not text.startswith('SELECT setting."key"') for text in counted.statements)


def go_through(desk: Desk, client: FlaskClient, count_statements) -> dict[str, Counted]:
    """Let a case go the longest way through the web; return what completing each step cost."""
    with desk.app.app_context():
        case = desk.receive()
        close_read_session()
    seen = {}
    for element, username, answers in STEPS:
        with desk.app.app_context():
            if element == "call":
                case.until_callback()
            item_id = case.item(element).id
            close_read_session()
        sign_in(client, username)
        assert client.post(f"/inbox/{item_id}/claim").status_code == 303
        with count_statements() as counted:
            answer = client.post(f"/inbox/{item_id}/complete", data=answers)
        assert answer.status_code == 303, (element, answer.text)
        seen[element] = counted
    return seen


@pytest.mark.parametrize("items", [0, 10, 500])
@pytest.mark.parametrize("address", ["/inbox", "/inbox?view=all&sort=priority", "/inbox?q=K26"])
def test_the_inbox_costs_at_most_eight_statements_however_full_it_is(
    desk: Desk,
    client: FlaskClient,
    count_statements,
    capsys: pytest.CaptureFixture[str],
    items: int,
    address: str,
):
    crowd(desk, items)
    sign_in(client, "agent")
    client.get("/inbox")  # what a process keeps in memory is read by its first request
    with count_statements() as counted:
        page = client.get(address)
    assert page.status_code == 200
    assert ("data-item=" in page.text) == bool(items)
    with capsys.disabled():
        print(f"\nstatements of {address} with {items} tasks: {own(counted)}")  # noqa: T201  a number worth seeing
    assert own(counted) <= INBOX_AT_MOST, counted


def test_the_page_with_a_task_open_costs_the_same_with_five_hundred_beside_it(
    desk: Desk, client: FlaskClient, count_statements
):
    with desk.app.app_context():
        item_id = desk.receive().item("register").id
        close_read_session()
    sign_in(client, "agent")
    client.post(f"/inbox/{item_id}/claim")
    costs = []
    for more in (0, 500):
        crowd(desk, more)
        client.get(f"/inbox/{item_id}")
        with count_statements() as counted:
            assert client.get(f"/inbox/{item_id}").status_code == 200
        costs.append(own(counted))
    assert costs[0] == costs[1], costs


def test_people_and_names_are_not_read_one_by_one(desk: Desk, client: FlaskClient, count_statements):
    with desk.app.app_context():
        for _more in range(3):
            desk.receive()
        with transaction():
            few = ("agent", "agent2", "callback")
            ids = list(session().scalars(sa.select(Person.id).where(Person.username.in_(few))))
            for item, person in zip(session().scalars(sa.select(WorkItem)), ids, strict=False):
                item.status, item.assignee_id = "claimed", person
        close_read_session()
    sign_in(client, "supervisor")
    with count_statements() as counted:
        page = client.get("/inbox?view=team&scope=all")
    assert page.text.count("data-item=") == 3
    assert own(counted) <= INBOX_AT_MOST, counted

"""Exports in the background: asked for, made once whoever is killed, fetched by their owner alone."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import clock, jobs
from app.db import close_read_session, session, transaction
from app.errors import Refused
from app.exports import service
from app.exports.kinds import KINDS
from app.exports.tables import Export
from app.jobs import queue
from app.notifications.tables import Notification
from tests.factories import MONDAY
from tests.integration.case_pages import signed_in
from tests.integration.test_jobs import process, until


def ask(desk, kind: str = "cases.csv", by: str = "supervisor", **query: str) -> int:
    with transaction():
        return service.ask(kind, query, actor=desk.actor(by), now=clock.now()).id


def rows() -> list[tuple[str, int]]:
    close_read_session()
    found = [(row.status, row.attempts) for row in session().scalars(sa.select(Export).order_by(Export.id))]
    close_read_session()
    return found


def test_a_list_of_cases_is_asked_for_made_and_fetched(app, desk):
    number = desk.receive(title="=1+1 终端频繁离线").row.number
    client = signed_in(app, "supervisor")
    close_read_session()
    assert client.post("/exports", data={"kind": "cases.csv", "q": "离线"}).status_code == 303
    assert "制作中" in client.get("/exports").text
    assert service.make_due(clock.now(), "w") == 1
    page = client.get("/exports").text
    assert "已就绪" in page
    export_id = session().scalar(sa.select(Export.id))
    close_read_session()
    with client.get(f"/exports/{export_id}/file") as sent:
        text = sent.data.decode("utf-8-sig")
    assert number in text
    assert "'=1+1" in text
    assert "attachment" in sent.headers["Content-Disposition"]
    close_read_session()
    kinds = session().scalars(sa.select(Notification.kind).where(Notification.url == "/exports"))
    assert list(kinds) == ["export_ready"]


def test_it_is_made_in_the_language_of_whoever_asked(app, desk):
    desk.receive()
    client = signed_in(app, "supervisor")
    close_read_session()
    client.post("/exports", data={"kind": "timers.csv"}, headers={"Accept-Language": "en"})
    jobs.run("exports", "w")
    export = session().scalars(sa.select(Export)).one()
    assert export.status == "ready"
    _found, path = service.file_of(export.id, desk.actor("supervisor"))
    heading = path.read_text("utf-8-sig").splitlines()[0]
    assert heading.startswith("Case," if export.locale == "en" else "案件")


def test_nobody_else_fetches_it_and_nobody_asks_for_what_they_may_not_see(app, desk):
    export_id = ask(desk)
    service.make_due(clock.now(), "w")
    other = signed_in(app, "agent")
    close_read_session()
    assert other.get(f"/exports/{export_id}/file").status_code == 404
    assert other.post(f"/exports/{export_id}/delete").status_code == 404
    assert other.post("/exports", data={"kind": "timers.csv"}).status_code == 403
    assert other.post("/exports", data={"kind": "secrets.csv"}).status_code == 404


def test_nobody_fills_the_queue_alone(desk):
    for _number in range(service.MOST_WAITING):
        ask(desk)
    with pytest.raises(Refused):
        ask(desk)
    ask(desk, by="manager")


def test_one_that_fails_is_tried_again_and_then_says_so(app, desk, monkeypatch):
    ask(desk)

    def trip(*_arguments: object) -> object:
        raise OSError("no room")

    kind = KINDS["cases.csv"]
    monkeypatch.setitem(KINDS, "cases.csv", type(kind)(kind.name, kind.label, "csv", kind.permissions, trip))
    for _attempt in range(service.MOST_ATTEMPTS + 1):
        assert service.make_due(clock.now(), "w") == 0
    assert rows() == [("failed", service.MOST_ATTEMPTS)]
    assert list(Path(app.config["SETTINGS"].var_dir, "exports").glob("*")) == []


def test_what_a_killed_worker_had_begun_is_made_by_the_next_when_its_lease_ends(desk):
    ask(desk)
    with transaction():
        session().execute(
            sa.update(Export).values(
                status="making", attempts=1, worker="killed", lease_until=clock.now() + service.LEASE
            )
        )
    assert service.make_due(clock.now(), "w") == 0
    desk.at(MONDAY + service.LEASE + timedelta(seconds=1))
    assert service.make_due(clock.now(), "w") == 1
    assert rows() == [("ready", 2)]


def test_two_workers_at_once_make_each_export_once(app, desk):
    for _number in range(4):
        ask(desk)
    barrier = threading.Barrier(2)
    made: list[int] = []

    def work(name: str) -> None:
        with app.app_context(), clock.at(MONDAY):
            barrier.wait()
            for _turn in range(4):
                made.append(service.make_due(clock.now(), name))
            close_read_session()

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(made) == 4
    assert rows() == [("ready", 1)] * 4


def test_old_ones_and_stray_files_are_thrown_away(app, desk):
    export_id = ask(desk)
    service.make_due(clock.now(), "w")
    _found, path = service.file_of(export_id, desk.actor("supervisor"))
    stray = path.with_name("99999.file")
    stray.write_bytes(b"left behind")
    assert service.forget_old(clock.now()) == 0
    assert (path.exists(), stray.exists()) == (True, False)
    assert service.forget_old(clock.now() + service.KEPT + timedelta(seconds=1)) == 1
    assert not path.exists()


@pytest.mark.postgres_only  # the queue lives in PostgreSQL
def test_a_procrastinate_worker_makes_exports_too(app, desk):
    desk.receive()
    queue.set_up(app)
    ask(desk)
    with process(app, "worker", QUEUE="procrastinate"):
        until(lambda: rows() == [("ready", 1)])

"""`make bench`: what a step and a page cost, in one run and against SpiffWorkflow alone on the same machine.

Prints readable lines; the last line is one JSON object of figures. Takes about two minutes.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from app import clock, create_app, engine
from app.cases import rules
from app.cases.tables import Case
from app.db import close_read_session, session, transaction
from app.engine.tables import Instance, WorkItem
from app.inbox import service as inbox
from app.ops import bench_bare
from app.settings import ROOT
from tests.factories import MONDAY, PASSWORD, Desk, desk_on, open_centre
from tests.support.database import PostgresTemplate, SqliteTemplate, counting, test_settings

INSTANCES, ROUNDS = 20, 10
CASES = 25
LONG = 100
SIZES = (1_000, 20_000)
SEARCHED = 100_000
REPEATS = 9

Figures = dict[str, Any]


def main() -> int:
    """Measure everything and print it."""
    started = time.perf_counter()
    figures: Figures = {"cores": os.cpu_count(), "python": platform.python_version()}
    figures["bare"] = _bare()
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as name:
        folder = Path(name)
        sqlite = SqliteTemplate(_made(folder / "sqlite"), open_centre)
        with sqlite.copy(_made(folder / "s")) as url:
            figures["sqlite"] = _database(url, folder, figures["bare"])
            figures["worker_mb"] = _worker(url, folder)
        postgres = PostgresTemplate(_made(folder / "postgres"))
        try:
            with (
                postgres.filled(_made(folder / "centre"), open_centre) as centre,
                centre.copy(folder) as url,
            ):
                figures["postgres"] = _database(url, folder, figures["bare"])
        finally:
            postgres.close()
    figures["seconds"] = round(time.perf_counter() - started)
    for path, value in _flat(figures):
        print(f"{path:48} {value}")
    print(json.dumps(figures, ensure_ascii=False))
    return 0


# ---------------------------------------------------------------- steps


def _bare() -> Figures:
    short, long = bench_bare.run(INSTANCES, ROUNDS), bench_bare.run(1, LONG)
    return {
        "steps_per_s": round(short.steps_per_second, 1),
        "state_bytes_1_round": long.state_bytes[0],
        "state_bytes_100_rounds": long.state_bytes[-2],
    }


def _database(url: str, folder: Path, bare: Mapping[str, Any]) -> Figures:
    """Measure one database: steps first, then pages over more and more rows."""
    app = create_app(test_settings(url, folder / "var"))
    app.config["WTF_CSRF_ENABLED"] = False
    found: Figures = {}
    try:
        with desk_on(app) as desk:
            found |= _steps(app, desk)
            found["ratio_to_bare"] = round(found["steps_per_s"] / bare["steps_per_s"], 2)
            found |= _case_steps(app, desk)
        close_read_session()
        found |= _pages(app)
    finally:
        close_read_session()
        app.extensions["db_engine"].dispose()
    return found


def _steps(app: Flask, desk: Desk) -> Figures:
    """Complete the yardstick's steps through the inbox's service: locks, history, timers and all."""
    files = {"bench.bpmn": bench_bare.DIAGRAM.encode(), "bench.json": bench_bare.FORM.encode()}
    agent = desk.actor("agent")
    with transaction():
        engine.deploy(files, actor=agent, now=MONDAY)

    def run(instances: int, rounds: int) -> tuple[float, list[int], list[int]]:
        spent, sizes, statements = 0.0, [], []
        for _instance in range(instances):
            with transaction():
                instance_id = engine.start("bench", {}, actor=agent, now=MONDAY).id
            for step in range(2 * rounds):
                item_id = _open_item(instance_id)
                answer = {"again": step < 2 * rounds - 1} if step % 2 else {}
                with counting(app.extensions["db_engine"]) as counted:
                    started = time.perf_counter()
                    with transaction():
                        inbox.complete(item_id, answer, actor=agent, now=MONDAY)
                    spent += time.perf_counter() - started
                statements.append(len(counted))
                if step % 2:
                    sizes.append(len(_state(instance_id).encode()))
        return spent, sizes, statements

    run(2, 2)
    spent, _sizes, statements = run(INSTANCES, ROUNDS)
    _spent, sizes, _statements = run(1, LONG)
    return {
        "steps_per_s": round(INSTANCES * ROUNDS * 2 / spent, 1),
        "statements_per_step": max(statements),
        "state_bytes_1_round": sizes[0],
        "state_bytes_100_rounds": sizes[-2],
    }


def _case_steps(app: Flask, desk: Desk) -> Figures:
    """Receive complaints and take them through the first four steps of the real procedures."""
    spent: dict[str, float] = {"receive": 0.0, "step": 0.0}
    most = done = 0
    for number in range(CASES):
        started = time.perf_counter()
        case = desk.receive(title=f"终端频繁离线 {number}")
        spent["receive"] += time.perf_counter() - started
        for element in ("register", "analyse", "judge", "resolve"):
            if element not in case.open:
                continue  # an agent who took the call has registered it
            done += 1
            values = {"class": "platform"} if element == "analyse" else {}
            with counting(app.extensions["db_engine"]) as counted:
                started = time.perf_counter()
                case.do(element, **values)
                spent["step"] += time.perf_counter() - started
            # The helper itself asks for the item, the case and its form: not part of the step.
            most = max(most, sum(not text.startswith("SELECT") for text in counted.statements))
    return {
        "cases_received_per_s": round(CASES / spent["receive"], 1),
        "case_steps_per_s": round(done / spent["step"], 1),
        "writes_per_case_step": most,
    }


def _open_item(instance_id: int) -> int:
    close_read_session()
    query = sa.select(WorkItem.id).where(WorkItem.instance_id == instance_id, WorkItem.status == "open")
    found = session().scalar(query)
    close_read_session()
    assert found is not None
    return found


def _state(instance_id: int) -> str:
    found = session().scalar(sa.select(Instance.state).where(Instance.id == instance_id))
    close_read_session()
    return found or ""


# ---------------------------------------------------------------- pages

RAW_INBOX = """SELECT id, case_number, title, name, due_at FROM work_item
WHERE status IN ('open', 'claimed') AND candidate = 'agent' ORDER BY due_at, id LIMIT 50"""
RAW_CASES = "SELECT id, number, title, status FROM cases ORDER BY received_at DESC, id DESC LIMIT 50"
RAW_SEARCH = (
    "SELECT id, number FROM cases WHERE search LIKE '%离线 77777%' ORDER BY received_at DESC LIMIT 50"
)


def _pages(app: Flask) -> Figures:
    """Time the inbox, the case list and the search over more and more rows, and plain SQL for the same."""
    client = app.test_client()
    found: Figures = {}
    with _frozen():
        client.post("/login", data={"username": "agent", "password": PASSWORD})
        for size in SIZES:
            _fill(app, size, items=True)
            for name, path, raw in (("inbox", "/inbox", RAW_INBOX), ("cases", "/cases", RAW_CASES)):
                found[f"{name}_ms_{size}"] = _time(partial(_get, client, path))
                found[f"{name}_raw_sql_ms_{size}"] = _time(partial(_raw, app, raw))
                with counting(app.extensions["db_engine"]) as counted:
                    _get(client, path)
                found[f"{name}_statements_{size}"] = len(counted)
        _fill(app, SEARCHED, items=False)
        found[f"search_ms_{SEARCHED}"] = _time(lambda: _get(client, "/cases?q=离线 77777"))
        found[f"search_raw_sql_ms_{SEARCHED}"] = _time(lambda: _raw(app, RAW_SEARCH))
    return found


@contextmanager
def _frozen() -> Iterator[None]:
    with clock.at(MONDAY):
        yield


def _get(client: Any, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")


def _raw(app: Flask, statement: str) -> None:
    with app.extensions["db_engine"].connect() as connection:
        connection.exec_driver_sql(statement.replace("%", "%%") if _postgres(app) else statement).all()


def _postgres(app: Flask) -> bool:
    return bool(app.extensions["db_engine"].dialect.name == "postgresql")


def _time(work: Callable[[], None]) -> float:
    """Return the median in milliseconds, after one call that warms up."""
    work()
    spent = []
    for _repeat in range(REPEATS):
        started = time.perf_counter()
        work()
        spent.append((time.perf_counter() - started) * 1000)
    return round(statistics.median(spent), 2)


def _fill(app: Flask, size: int, *, items: bool) -> None:
    """Bring the tables to `size` rows; these look like real ones but have no running process of their own."""
    database = app.extensions["db_engine"].execution_options(write=True)
    with database.begin() as connection:
        have = connection.scalar(sa.select(sa.func.max(Case.id))) or 0
        row = connection.execute(sa.select(Instance.id, Instance.version_id).limit(1)).one()
        numbers = range(have + 1, size + 1)
        for start in range(0, len(numbers), 5_000):
            part = numbers[start : start + 5_000]
            connection.execute(sa.insert(Case), [_case(number) for number in part])
            if items:
                connection.execute(
                    sa.insert(WorkItem), [_item(number, row.id, row.version_id) for number in part]
                )
    with database.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()


def _case(number: int) -> dict[str, Any]:
    title = f"终端频繁离线 {number}"
    text = f"跑高速时每隔半小时掉线一次，已重启 {number % 7} 次，车队要求尽快处理"
    return {
        "id": number,
        "number": f"K25-{number + 100_000}",
        "track_code": "ABCD2345",
        "channel": "phone",
        "kind": "complaint",
        "title": title,
        "description": text,
        "status": "open",
        "klass": rules.CLASSES[number % 3],
        "severity": "normal",
        "round": 1,
        "escalation_level": 0,
        "received_at": MONDAY - timedelta(minutes=number),
        "search": rules.search_text(f"K25-{number + 100_000}", title, text, f"139{number:08}"),
        "revision": 0,
    }


def _item(number: int, instance_id: int, version_id: int) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "version_id": version_id,
        "case_id": number,
        "task_id": f"bench-{number}",
        "process_id": "customer_issue",
        "element": "analyse",
        "name": "分析问题",
        "status": "open",
        "role": "agent",
        "candidate": "agent",
        "priority": 2,
        "round": 1,
        "escalation_level": 0,
        "created_at": MONDAY - timedelta(minutes=number),
        "due_at": MONDAY + timedelta(minutes=number),
        "revision": 0,
        "case_number": f"K25-{number + 100_000}",
        "title": f"终端频繁离线 {number}",
        "klass": rules.CLASSES[number % 3],
        "severity": "normal",
    }


# ---------------------------------------------------------------- memory

WORKER = """
import resource, sys
from app import create_app
app = create_app()
client = app.test_client()
for path in ("/login", "/healthz", "/track"):
    client.get(path)
app.config["WTF_CSRF_ENABLED"] = False
client.post("/login", data={"username": "agent", "password": sys.argv[1]})
for path in ("/inbox", "/cases"):
    assert client.get(path).status_code == 200
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak // (1024 if sys.platform == "linux" else 1024 * 1024))
"""


def _worker(url: str, folder: Path) -> int:
    """Return the peak memory in MB of a fresh web process that has shown its main pages."""
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "VAR_DIR": str(folder / "var"),
        "DEMO": "0",
        "SECRET_KEY": "bench",
    }
    done = subprocess.run(
        [sys.executable, "-c", WORKER, PASSWORD],
        cwd=ROOT,
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return int(done.stdout.split()[-1])


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _flat(figures: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


if __name__ == "__main__":
    raise SystemExit(main())

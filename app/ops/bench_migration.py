"""`python -m app.ops.bench_migration`: what moving 1,000 running instances takes on PostgreSQL.

The shipped complaint procedure, each instance at one of its first steps with its deadline and its wait for a
withdrawal; a server that keeps what it is told (fsync, synchronous commits); one process, each instance in a
transaction of its own. Before, 200 of them complete a step: what moving costs against an ordinary step.
The last line is one JSON object of figures. Takes about two minutes.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from app import clock, create_app, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.deploy import latest_files
from app.engine.tables import WorkItem
from app.ops.bench_timers import CAREFUL
from app.procedures.migration import job, service
from app.procedures.migration.tables import MigrationRow
from tests.factories import open_centre
from tests.support.database import build_schema, fill, test_settings
from tests.support.postgres import PostgresServer

KEY = "customer_issue"
INSTANCES = 1_000
STEPS = 200


def main() -> int:
    """Measure everything and print it."""
    server = PostgresServer(options=CAREFUL)
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as name:
        folder = Path(name)
        try:
            server.start()
            with sa.create_engine(
                server.url("postgres"), isolation_level="AUTOCOMMIT"
            ).connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE bench")
            url = server.url("bench")
            build_schema(url, folder)
            fill(url, folder, open_centre)
            with create_app(test_settings(url, folder)).app_context():
                figures = _figures()
        finally:
            server.stop()
    print(json.dumps({"cores": os.cpu_count(), "instances": INSTANCES, **figures}))
    return 0


def _figures() -> dict[str, float]:
    started = _seconds(_start_all)
    step = _seconds(_complete_some) / STEPS
    version = _changed()
    with transaction():
        run_id = service.begin(KEY, version, actor=SYSTEM, now=clock.now()).id
    checked = _seconds(lambda: _through(run_id))
    with transaction():
        moved_id = service.move_checked(run_id, reason="bench", actor=SYSTEM, now=clock.now()).id
    moved = _seconds(lambda: _through(moved_id))
    with transaction():
        back_id = service.take_back(moved_id, reason="bench", actor=SYSTEM, now=clock.now()).id
    back = _seconds(lambda: _through(back_id))
    return {
        "started_s": round(started, 1),
        "ordinary_step_ms": round(step * 1_000, 1),
        "checked_s": round(checked, 1),
        "moved_s": round(moved, 1),
        "taken_back_s": round(back, 1),
        "move_against_step": round(moved / INSTANCES / step, 2),
    }


def _start_all() -> None:
    for number in range(INSTANCES):
        with transaction():
            variables = {"case_no": f"B{number}", "case_round": 1, "channel": "web", "severity": "low"}
            engine.start(KEY, variables, actor=SYSTEM, now=clock.now(), business_key=f"B{number}")


def _complete_some() -> None:
    items = list(session().scalars(sa.select(WorkItem.id).order_by(WorkItem.id.desc()).limit(STEPS)))
    close_read_session()
    for item in items:
        with transaction():
            engine.complete(item, {"klass": "device"}, actor=SYSTEM, now=clock.now())


def _changed() -> int:
    """Deploy the procedure with another name for its first step; return the version's number."""
    files = {
        path: content.replace("接收问题信息".encode(), "接收问题".encode())
        for path, content in latest_files().items()
    }
    close_read_session()
    with transaction():
        made = engine.deploy(files, actor=SYSTEM, now=clock.now())
    return next(one.version for one in made if one.key == KEY)


def _through(run_id: int) -> None:
    while run_id in service.under_way():
        job.run_batch(run_id, clock.now())
        close_read_session()
    done = session().scalar(
        sa.select(sa.func.count())
        .select_from(MigrationRow)
        .where(MigrationRow.run_id == run_id, MigrationRow.status == service.OK)
    )
    close_read_session()
    if done != INSTANCES:
        raise RuntimeError(f"{done} of {INSTANCES} instances were taken through")


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m app.ops.bench_timers`: how late timers are on PostgreSQL, with two scheduler processes.

Real processes (`flask scheduler`) on a server that keeps what it is told (fsync, synchronous commits).
Lateness is taken at the commit, by PostgreSQL's own commit timestamps, not at the instant that the scheduler
wrote down. The last line is one JSON object of figures. Takes about six minutes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy import event

from app import clock, create_app, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.ops import bench_bare
from app.settings import ROOT
from tests.factories import open_centre
from tests.support.database import build_schema, fill, test_settings
from tests.support.postgres import PostgresServer

MINUTE = 6_000
AT_ONCE = 10_000
WAITING = 1_000_000
SCHEDULERS = 2
TOGETHER = 200
SWEEPS = 200
GIVEN_UP = 300
CAREFUL = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "track_commit_timestamp": "on",
    "shared_buffers": "256MB",
}
# A step of the agents whose boundary timer reminds all of them: items, history and notifications included.
DIAGRAM = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="bench">
<bpmn:process id="bench_timer" name="bench" isExecutable="true">
<bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="客服助理"><bpmn:flowNodeRef>look</bpmn:flowNodeRef>
</bpmn:lane></bpmn:laneSet>
<bpmn:startEvent id="start"/><bpmn:userTask id="look" name="look"/><bpmn:endEvent id="end"/>
<bpmn:boundaryEvent id="late" attachedToRef="look" cancelActivity="false"><bpmn:timerEventDefinition>
 <bpmn:timeDate>due</bpmn:timeDate></bpmn:timerEventDefinition></bpmn:boundaryEvent>
<bpmn:endEvent id="reminded">%s</bpmn:endEvent>
<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="look"/>
<bpmn:sequenceFlow id="f2" sourceRef="look" targetRef="end"/>
<bpmn:sequenceFlow id="f3" sourceRef="late" targetRef="reminded"/>
</bpmn:process></bpmn:definitions>"""
ESCALATES = """<bpmn:extensionElements><camunda:properties>
<camunda:property name="escalation" value="assignee"/></camunda:properties></bpmn:extensionElements>"""

# When each timer's row was committed as fired, against when it was due.
LATENESS = """SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - due_at) AS late
FROM timer WHERE process_id = 'bench_timer' AND status = 'fired' AND due_at >= %(start)s ORDER BY late"""
TWICE = """SELECT count(*) FROM (SELECT instance_id FROM event WHERE kind = 'timer.fired'
GROUP BY instance_id HAVING count(*) > 1) AS twice"""
SHARES = """SELECT count(*) FROM timer
WHERE process_id = 'bench_timer' AND status = 'fired' AND due_at >= %(start)s GROUP BY worker"""
WAITS = """SELECT count(*) FROM timer
WHERE process_id = 'bench_timer' AND due_at BETWEEN %(start)s AND %(start)s + interval '2 minutes'"""
FIRED = """SELECT count(*) FROM timer
WHERE process_id = 'bench_timer' AND status = 'fired' AND due_at >= %(start)s"""
FILL = """INSERT INTO timer
 (instance_id, task_id, process_id, element, name, kind, sequence, due_at, status, held, attempts)
 SELECT (SELECT min(id) FROM instance), 'filler-' || n, 'filler', 'late', '', 'boundary', 1,
 timestamptz '2031-01-01' + n * interval '1 second', 'waiting', false, 0
FROM generate_series(1, %(count)s) AS n"""

Figures = dict[str, Any]


def main() -> int:
    """Measure everything and print it."""
    figures: Figures = {"cores": os.cpu_count(), "schedulers": SCHEDULERS}
    server = PostgresServer(options=CAREFUL)
    with tempfile.TemporaryDirectory(prefix="desk-bench-") as name:
        folder = Path(name)
        try:
            server.start()
            url = _database(server, folder)
            app = create_app(test_settings(url, folder))
            with app.app_context():
                figures["bare_firings_per_s"] = round(bench_bare.fire(DIAGRAM % "", "bench_timer", 300), 1)
                _deploy()
                starts = _starts_per_s()
                figures["minute"] = _over_a_minute(url, folder, starts)
                print(figures, flush=True)
                figures["at_once"] = _at_once(url, folder, starts, figures["bare_firings_per_s"])
                print(figures, flush=True)
                figures["waiting"] = _waiting()
                close_read_session()
            app.extensions["db_engine"].dispose()
        finally:
            server.stop()
    print(json.dumps(figures, ensure_ascii=False))
    return 0


def _database(server: PostgresServer, folder: Path) -> str:
    admin = sa.create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE bench")
    admin.dispose()
    url = server.url("bench")
    build_schema(url, folder)
    fill(url, folder, open_centre)
    return url


def _deploy() -> None:
    with transaction():
        engine.deploy({"bench_timer.bpmn": (DIAGRAM % ESCALATES).encode()}, actor=SYSTEM, now=clock.now())


def _start(count: int, due: Callable[[int], datetime]) -> None:
    """Start instances whose timers are due at these instants, many in one transaction."""
    for first in range(0, count, TOGETHER):
        with transaction():
            for number in range(first, min(first + TOGETHER, count)):
                engine.start("bench_timer", {"due": due(number).isoformat()}, actor=SYSTEM, now=clock.now())


def _schedulers(url: str, folder: Path) -> list[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "DATABASE_URL": url, "VAR_DIR": str(folder), "DEMO": "0", "SECRET_KEY": "bench",
    }  # fmt: skip
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "scheduler"]
    return [
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
        for _number in range(SCHEDULERS)
    ]


def _run_until_fired(url: str, folder: Path, start: datetime, prepare: Callable[[], None]) -> Figures:
    """Let schedulers fire what `prepare` lets fall due from `start` on; return lateness in seconds."""
    processes = _schedulers(url, folder)
    try:
        prepare()
        count = _waits(start)
        if datetime.now(UTC) > start:
            raise RuntimeError("starting the instances took too long")
        until = time.monotonic() + (start - datetime.now(UTC)).total_seconds() + GIVEN_UP
        while (fired := _fired(start)) < count:
            if any(process.poll() is not None for process in processes):
                raise RuntimeError("a scheduler ended")
            if time.monotonic() > until:
                raise RuntimeError(f"{fired} of {count} timers fired within {GIVEN_UP} s")
            time.sleep(1)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
    late = [float(row[0]) for row in _ask(LATENESS, start)]
    twice = _ask(TWICE)[0][0]
    shares = sorted(row[0] for row in _ask(SHARES, start))
    cuts = statistics.quantiles(late, n=100)
    return {
        "fired": len(late), "early": sum(one < 0 for one in late), "twice": twice, "by_worker": shares,
        "p50_s": round(cuts[49], 3), "p95_s": round(cuts[94], 3), "p99_s": round(cuts[98], 3),
        "most_s": round(late[-1], 3),
    }  # fmt: skip


def _waits(start: datetime) -> int:
    return int(_ask(WAITS, start)[0][0])


def _fired(start: datetime) -> int:
    return int(_ask(FIRED, start)[0][0])


def _ask(question: str, start: datetime | None = None) -> Sequence[Any]:
    rows = session().connection().exec_driver_sql(question, {"start": start}).all()
    close_read_session()
    return rows


def _over_a_minute(url: str, folder: Path, starts_per_s: float) -> Figures:
    """Let timers fall due evenly over one minute."""
    start = _later(MINUTE / starts_per_s)
    return _run_until_fired(
        url,
        folder,
        start,
        lambda: _start(MINUTE, lambda number: start + timedelta(seconds=60 * number / MINUTE)),
    )


def _at_once(url: str, folder: Path, starts_per_s: float, bare: float) -> Figures:
    """Let all timers fall due at one instant."""
    due = _later(AT_ONCE / starts_per_s)
    found = _run_until_fired(url, folder, due, lambda: _start(AT_ONCE, lambda _number: due))
    # All are due at once: the last one's lateness is how long they took.
    rate = AT_ONCE / found["most_s"]
    return found | {"per_s": round(rate, 1), "ratio_to_bare": round(rate / bare, 2)}


def _starts_per_s() -> float:
    started = time.perf_counter()
    _start(TOGETHER, lambda _number: clock.now() + timedelta(days=300))
    return TOGETHER / (time.perf_counter() - started)


def _later(seconds: float) -> datetime:
    """Return an instant by which so much work is done with ease, at a whole second as timers are."""
    return (datetime.now(UTC) + timedelta(seconds=2 * seconds + 15)).replace(microsecond=0)


def _waiting() -> Figures:
    """Time a sweep with few and with a million timers waiting, and show how PostgreSQL looks for them."""
    few = _sweep_ms()
    with session().connection().engine.begin() as connection:
        connection.exec_driver_sql(FILL, {"count": WAITING})
    close_read_session()
    with (
        session().connection().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection
    ):
        connection.exec_driver_sql("VACUUM ANALYZE timer")
    many = _sweep_ms()
    return {"waiting": WAITING, "sweep_ms_before": few, "sweep_ms": many, "plan": _plan()}


def _sweep_ms() -> float:
    spent = []
    for _sweep in range(SWEEPS):
        started = time.perf_counter()
        engine.next_due()
        close_read_session()
        with transaction():
            engine.lock_due(clock.now(), 50)
        spent.append((time.perf_counter() - started) * 1000)
    return round(min(spent), 2)


def _plan() -> list[str]:
    """Return how PostgreSQL looks for what is due, of the very statement that a sweep sends."""
    sent: list[tuple[str, Any]] = []
    database = current_app.extensions["db_engine"]

    def note(
        _connection: object, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        sent.append((statement, parameters))

    event.listen(database, "before_cursor_execute", note)
    with transaction():
        engine.lock_due(clock.now(), 50)
    event.remove(database, "before_cursor_execute", note)
    statement, parameters = next(one for one in sent if "FOR UPDATE" in one[0])
    with transaction():
        rows = (
            session()
            .connection()
            .exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
        )
        return [row[0] for row in rows]


if __name__ == "__main__":
    raise SystemExit(main())

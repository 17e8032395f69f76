"""The scheduler: fires at the right instant, once, as a process of its own; what fails waits for the operator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.tables import Incident, Instance, Timer
from app.errors import Refused
from app.settings import ROOT
from app.timers.job import run_until, wake_due
from tests.factories import MONDAY
from tests.support.processes import die_with_parent, stop

DIAGRAM = (Path(__file__).parent.parent / "fixtures" / "bpmn" / "short_wait.bpmn").read_bytes()
TEN_MINUTES = timedelta(minutes=10)


def started(instant, diagram: bytes = DIAGRAM) -> int:
    with clock.at(instant), transaction():
        engine.deploy({"test/short_wait.bpmn": diagram}, actor=SYSTEM, now=instant)
        return engine.start("short_wait", {}, actor=SYSTEM, now=instant).id


def statuses() -> list[str]:
    close_read_session()
    return list(session().scalars(sa.select(Timer.status).order_by(Timer.id)))


def test_a_timer_fires_at_its_instant_and_not_before(app_context):
    started(MONDAY)
    with clock.at(MONDAY + TEN_MINUTES - timedelta(seconds=1)):
        assert wake_due(clock.now(), "w") == 0
    with clock.at(MONDAY + TEN_MINUTES):
        assert wake_due(clock.now(), "w") == 1
        assert wake_due(clock.now(), "w") == 0
    row = session().scalars(sa.select(Timer)).one()
    assert (row.status, row.worker, row.lateness_seconds) == ("fired", "w", 0)


def test_the_command_fires_all_that_is_due_at_an_instant_and_prints_how_many(app):
    with app.app_context():
        started(MONDAY)
        started(MONDAY)
    result = app.test_cli_runner().invoke(args=["timers", "fire", "--now", "2026-03-02T01:10:00+00:00"])
    assert (result.exit_code, result.output) == (0, "2\n")
    again = app.test_cli_runner().invoke(args=["timers", "fire", "--now", "2026-03-02T09:10:00+08:00"])
    assert again.output == "0\n"


def test_the_command_refuses_what_is_no_instant_without_a_traceback(app):
    result = app.test_cli_runner().invoke(args=["timers", "fire", "--now", "soon"])
    assert result.exit_code == 2
    assert "not an ISO instant" in result.output


def test_a_suspended_instance_waits_and_fires_when_it_is_resumed(app_context):
    instance_id = started(MONDAY)
    with transaction():
        engine.suspend(instance_id, "修平台", actor=SYSTEM, now=MONDAY)
    later = MONDAY + timedelta(hours=2)
    with clock.at(later):
        assert wake_due(later, "w") == 0
        with transaction():
            engine.resume(instance_id, "修好了", actor=SYSTEM, now=later)
        wake_due(later, "w")
    assert statuses() == ["fired"]


def test_a_timer_whose_step_fails_leaves_an_incident_and_does_not_keep_the_others_waiting(app_context):
    # The flow after the timer divides by zero: the instance stands still where it was.
    broken = DIAGRAM.replace(
        b'<bpmn:endEvent id="done"><bpmn:incoming>b</bpmn:incoming></bpmn:endEvent>',
        b'<bpmn:scriptTask id="done"><bpmn:incoming>b</bpmn:incoming><bpmn:outgoing>c</bpmn:outgoing>'
        b"<bpmn:script>x = 1 / 0</bpmn:script></bpmn:scriptTask>"
        b'<bpmn:sequenceFlow id="c" sourceRef="done" targetRef="end" />'
        b'<bpmn:endEvent id="end"><bpmn:incoming>c</bpmn:incoming></bpmn:endEvent>',
    )
    failing = started(MONDAY, broken)
    started(MONDAY + timedelta(minutes=1))
    with clock.at(MONDAY):
        run_until(MONDAY + timedelta(minutes=30), "w")
    assert statuses() == ["waiting", "fired"]
    incident = session().scalars(sa.select(Incident)).one()
    assert (incident.instance_id, incident.resolved_at) == (failing, None)
    assert "ZeroDivision" in incident.detail or "zero" in incident.detail
    close_read_session()
    assert session().get(Instance, failing).status == "failed"
    assert engine.next_due() is None


def test_the_scheduler_process_fires_what_is_due_and_stops_when_told(app, database_url, tmp_path):
    with app.app_context():
        started(clock.now() - timedelta(minutes=11))
    environment = os.environ | {
        "DATABASE_URL": database_url,
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": "test",
        "DEMO": "0",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "scheduler"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        preexec_fn=die_with_parent,
    )
    try:
        deadline = time.monotonic() + 60
        with app.app_context():
            while statuses() != ["fired"]:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline, "the scheduler fired nothing"
                threading.Event().wait(0.05)
    finally:
        # A terminal tells the whole group, a supervisor tells its children once more.
        process.send_signal(signal.SIGINT)
        code = stop(process)
        said = process.stderr.read().decode()
        process.stderr.close()
    assert (code, "Traceback" in said) == (0, False), said


@pytest.mark.parametrize("minutes", [0, 45])
def test_the_scheduler_sleeps_until_the_next_instant(app_context, minutes):
    started(MONDAY + timedelta(minutes=minutes))
    assert engine.next_due() == MONDAY + timedelta(minutes=minutes + 10)


@pytest.mark.parametrize("trouble", [Refused("no cause on file"), ValueError("a connector tripped")])
def test_what_a_hook_refuses_does_not_keep_the_others_waiting(app_context, trouble):
    failing, _other = started(MONDAY), started(MONDAY + timedelta(minutes=1))

    def refuse(context: engine.StepContext) -> None:
        if context.instance_id == failing:
            raise trouble

    engine.on("finished", refuse)
    try:
        with clock.at(MONDAY + timedelta(hours=1)):
            assert wake_due(clock.now(), "w") == 1
    finally:
        engine.off("finished", refuse)
    assert statuses() == ["waiting", "fired"]
    assert str(trouble) in session().scalars(sa.select(Incident)).one().detail

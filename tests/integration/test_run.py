"""`make run` after its set-up: one command starts web server and scheduler, one signal stops both."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import ROOT
from tests.support.processes import die_with_parent, stop

STARTS_WITHIN = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """The product as `make run` starts it, on a port and a database of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        environment = {
            **os.environ,
            "PORT": str(port),
            "VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'desk.db'}",
            "DEMO": "0",
            "WEB_CONCURRENCY": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app.ops.run"],
            cwd=ROOT, env=environment, preexec_fn=die_with_parent,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.printed = ""

    def wait_until_it_serves(self) -> None:
        """Read what it prints until it says how to stop it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line.decode()
            if "Ctrl-C" in self.printed:
                return
        raise AssertionError(f"it ended instead of serving:\n{self.printed}")

    def status(self, path: str) -> int:
        """Return what a GET answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return int(answer.status)

    def children(self) -> list[int]:
        """Return the process ids of web server and scheduler, in the order they were started."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self) -> tuple[int, str]:
        """Wait for its end; return exit status and everything it printed."""
        rest, _ = self.process.communicate(timeout=STARTS_WITHIN)
        self.printed += rest.decode()
        return self.process.returncode, self.printed


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path, free_port())
    yield started
    stop(started.process, signal.SIGTERM, within=30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_one_signal_stops_web_server_and_scheduler(running: Running, number: signal.Signals) -> None:
    running.wait_until_it_serves()
    assert f"http://127.0.0.1:{running.port}/" in running.printed
    assert running.status("/login") == 200
    web_server, scheduler = running.children()

    running.process.send_signal(number)

    status, _ = running.end()
    assert status == 0
    assert not answers(running.port)
    assert not Path(f"/proc/{web_server}").exists()
    assert not Path(f"/proc/{scheduler}").exists()


@pytest.mark.parametrize("dies", ["web server", "scheduler"])
def test_when_one_part_dies_the_other_is_stopped(running: Running, dies: str) -> None:
    running.wait_until_it_serves()
    victim = running.children()[0 if dies == "web server" else 1]

    os.kill(victim, signal.SIGKILL)

    status, printed = running.end()
    assert status == 1
    assert f"The {dies} ended with -9; stopped the rest." in printed
    assert not answers(running.port)


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        status, printed = Running(tmp_path, int(other.getsockname()[1])).end()
    assert status == 1
    assert "Cannot listen on 127.0.0.1" in printed
    assert "PORT=8001 make run" in printed

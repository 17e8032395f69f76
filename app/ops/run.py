"""`make run`, after the set-up: bring the database up to date, then run web server and scheduler together.

Environment: PORT, HOST, DATABASE_URL, DEMO (1), SECRET_KEY, CENTRE_TIMEZONE as app/settings.py reads them;
WEB_CONCURRENCY (2 processes) and WEB_THREADS (8 in each) for the web server.
Ctrl-C or SIGTERM stops all of it; when one part dies, the other is stopped and the exit status is 1.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from types import FrameType

import click
import gunicorn.app.wsgiapp
import sqlalchemy as sa
from flask import Flask
from flask.cli import ScriptInfo

from app import clock, create_app, settings_store
from app.cases.tables import Case
from app.db import session, transaction
from app.settings import ROOT

DEMO_ACCOUNTS = (
    "manager supervisor agent agent2 callback technician oldparts newparts dispatcher orderclerk finance "
    "office platform engineering quality repairpoint designer operator auditor admin"
)
STOPS_WITHIN = 20.0  # seconds for requests and timers that are under way
ANSWERS_WITHIN = 60.0
FORK = get_context("fork")
LOADING = "demo.loading"  # a setting; true from the beginning of the demo's loading to its end


class CannotStart(Exception):
    """The product cannot start; the message says why."""


def main() -> int:
    """Prepare the database, then serve until told to stop; return the exit status."""
    os.chdir(ROOT)
    os.environ.setdefault("DEMO", "1")
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    try:
        check_free(host, port)
        prepare(create_app())
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 1
    return serve(host, port)


def check_free(host: str, port: int) -> None:
    """Refuse to start on a port that another program holds."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {host}:{port}: {error.strerror}. Choose another: `PORT=8001 make run`."
            ) from error


def prepare(app: Flask) -> None:
    """Bring the database up to date, deploy the procedures that came along, load the demo once."""
    command(app, "db", "upgrade")
    command(app, "bpmn", "deploy", "bpmn", "--new-only")
    if app.config["SETTINGS"].demo:
        load_demo_once(app)
    app.extensions["db_engine"].dispose()


def command(app: Flask, *words: str) -> None:
    """Run `flask --app wsgi WORDS…` in this process, which saves starting Python again for each."""
    try:
        app.cli.main(list(words), "flask", obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)
    except (click.ClickException, click.exceptions.Exit) as error:
        if isinstance(error, click.exceptions.Exit) and error.exit_code == 0:
            return
        message = error.format_message() if isinstance(error, click.ClickException) else "it says why above."
        raise CannotStart(f"`flask --app wsgi {' '.join(words)}` failed: {message}") from error


def load_demo_once(app: Flask) -> None:
    """Load the demo into a database without cases; say so when an earlier loading did not come to its end."""
    with app.app_context():
        empty = session().scalar(sa.select(Case.id).limit(1)) is None
        interrupted = settings_store.get(LOADING) is True
    if interrupted:
        print("The demo centre is incomplete: its loading was interrupted. Start with an empty database (the")
        print("default one is var/desk.db*) to load it anew.", flush=True)
    elif empty:
        started = time.monotonic()
        print("Loading the demo centre (once) …", flush=True)
        note_loading(app, True)
        command(app, "demo", "load")
        note_loading(app, False)
        print(f"The demo centre took {time.monotonic() - started:.0f} s.", flush=True)


def note_loading(app: Flask, loading: bool) -> None:
    """Keep in the database whether the demo is being loaded."""
    with app.app_context(), transaction():
        settings_store.put(LOADING, loading, actor_id=None, now=clock.now())


# ---------------------------------------------------------------- the two processes


@dataclass(frozen=True)
class Part:
    """One of the processes that make up the running product."""

    name: str
    process: ForkProcess


def start(name: str, work: Callable[[], object]) -> Part:
    """Start a part as a fork: it has all modules loaded already, which is most of what starting costs."""
    process = FORK.Process(target=_become, args=(work,), name=name)
    process.start()
    return Part(name, process)


def _become(work: Callable[[], object]) -> None:
    """Run a part in a session of its own: Ctrl-C reaches the parent alone, which stops the parts in order."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG; the parent may be killed unawares
    work()


def serve(host: str, port: int) -> int:
    """Run web server and scheduler until a signal comes or one of them ends."""
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    parts = [start("web server", lambda: run_web_server(address)), start("scheduler", run_scheduler)]
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    died: Part | None = None
    try:
        if wait_for_answer(host, port, parts, stop):
            announce(host, port)
        while not stop.wait(0.2) and died is None:
            died = next((part for part in parts if not part.process.is_alive()), None)
    finally:
        stop_all(parts)
    if died is not None:
        print(f"The {died.name} ended with {died.process.exitcode}; stopped the rest.", file=sys.stderr)
        return 1
    return 0


def run_scheduler() -> None:
    """Be `flask --app wsgi scheduler`."""
    app = create_app()
    app.cli.main(["scheduler"], "flask", obj=ScriptInfo(create_app=lambda: app))


def run_web_server(address: str) -> None:
    """Be gunicorn; its access log stays quiet, errors go to stderr."""
    sys.argv = [
        "gunicorn", "wsgi:app",
        "--bind", address,
        "--workers", os.environ.get("WEB_CONCURRENCY", "2"),
        "--worker-class", "gthread",
        "--threads", os.environ.get("WEB_THREADS", "8"),
        "--graceful-timeout", "10",
        "--log-level", "warning",
        "--no-control-socket",
    ]  # fmt: skip
    gunicorn.app.wsgiapp.run()


def wait_for_answer(host: str, port: int, parts: Sequence[Part], stop: threading.Event) -> bool:
    """Wait until the web server answers; tell whether it did before a part ended or somebody stopped us."""
    near = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    # A proxy of the environment is for the outside world, not for ourselves.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + ANSWERS_WITHIN
    while time.monotonic() < until and all(part.process.is_alive() for part in parts):
        try:
            opener.open(f"http://{near}:{port}/healthz", timeout=5).close()
            return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            if stop.wait(0.1):
                return False
    return False


def announce(host: str, port: int) -> None:
    """Print where to go and as whom."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    print(f"\n  Service desk:  http://{shown}:{port}/", flush=True)
    if os.environ["DEMO"] == "1":
        print(f"  Demo accounts (password `demo`):  {DEMO_ACCOUNTS}")
    print("  Ctrl-C stops everything.\n", flush=True)


def stop_all(parts: Sequence[Part]) -> None:
    """Ask all parts to end, wait for what they have under way, then insist."""
    for part in parts:
        part.process.terminate()
    until = time.monotonic() + STOPS_WITHIN
    for part in parts:
        part.process.join(max(0.1, until - time.monotonic()))
        if part.process.is_alive():
            print(f"The {part.name} did not end in time and was killed.", file=sys.stderr)
            part.process.kill()
            part.process.join()


if __name__ == "__main__":
    sys.exit(main())

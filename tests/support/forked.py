"""Work in processes of its own, to be killed at any instant; forked, so that a hundred start in no time."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from flask import Flask

from app.db import close_read_session


def fork(app: Flask, work: Callable[[], object]) -> int:
    """Run `work` in a child with the application's context; returns the child's pid.

    The child leaves the parent's connections alone and opens its own; it exits with 1 when `work` raises.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 0
    try:
        app.extensions["db_engine"].dispose(close=False)
        with app.app_context():
            work()
            close_read_session()
    except BaseException as error:  # noqa: BLE001  a forked child must never return into the test
        traceback.print_exc()
        sys.stderr.write(f"{getattr(error, 'errors', '')}\n")
        code = 1
    finally:
        os._exit(code)


def kill(pid: int) -> None:
    """End a child as a power cut would."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def wait(pid: int) -> int:
    """Wait for a child to end by itself; returns its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

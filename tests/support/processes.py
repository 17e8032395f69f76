"""Child processes that never outlive the tests."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys


def die_with_parent() -> None:
    """Ask Linux to kill this child when the tests die, however they die; for `preexec_fn`."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG


def stop(
    process: subprocess.Popen[bytes], with_signal: signal.Signals = signal.SIGTERM, within: float = 10
) -> int:
    """Stop a child, kindly at first, and return its exit status."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()

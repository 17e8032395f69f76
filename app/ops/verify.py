"""`make check` and `make test`, after the set-up: each stage prints its time; pytest comes last.

`python -m app.ops.verify static` runs ruff, mypy, import-linter and `alembic check`;
`python -m app.ops.verify all [PYTEST-ARGUMENTS…]` then makes sure of a Chromium and runs the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.settings import ROOT

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Stage:
    """One check: a name, the commands that make it up, and what they need in the environment."""

    name: str
    commands: Sequence[Sequence[str | Path]]
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> tuple[bool, float, str]:
        """Run the commands up to the first that fails; return success, seconds and what they printed."""
        started, printed = time.monotonic(), ""
        for command in self.commands:
            done = subprocess.run(
                command, cwd=ROOT, env={**os.environ, **self.env}, text=True, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            printed += done.stdout
            if done.returncode:
                return False, time.monotonic() - started, printed
        return True, time.monotonic() - started, printed


def static_stages(scratch: Path) -> list[Stage]:
    """Return the checks that run no test; `scratch` is an empty folder for a fresh database."""
    flask: list[str | Path] = [BIN / "flask", "--app", "wsgi"]
    fresh = {"DATABASE_URL": f"sqlite:///{scratch / 'fresh.db'}", "VAR_DIR": str(scratch), "DEMO": "0"}
    return [
        Stage("ruff", [[BIN / "ruff", "check", "."]]),
        Stage("mypy", [[BIN / "mypy"]]),
        Stage("import-linter", [[BIN / "lint-imports", "--no-cache", "--no-logo"]]),
        Stage("migrations", [[*flask, "db", "upgrade"], [*flask, "db", "check"]], fresh),
    ]


def run_together(stages: Sequence[Stage]) -> bool:
    """Run stages side by side, print each as its turn comes, and tell whether all passed."""
    passed = True
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for stage, result in zip(stages, pool.map(Stage.run, stages), strict=True):
            good, seconds, printed = result
            passed = passed and good
            print(f"{'passed' if good else 'FAILED'}  {stage.name:14} {seconds:6.1f} s", flush=True)
            if not good:
                print(printed, flush=True)
    return passed


def main(arguments: Sequence[str]) -> int:
    """Run the static checks and, for `all`, the tests; return the exit status."""
    what, *pytest_arguments = arguments or ["all"]
    with tempfile.TemporaryDirectory() as scratch:
        if not run_together(static_stages(Path(scratch))):
            return 1
    if what == "static":
        return 0
    if subprocess.run([sys.executable, "-m", "tests.support.chromium"], cwd=ROOT, check=False).returncode:
        return 1
    workers = str(min(4, os.cpu_count() or 1))
    sys.stdout.flush()
    pytest = [sys.executable, "-m", "pytest", "-n", workers, *pytest_arguments]
    return subprocess.run(pytest, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

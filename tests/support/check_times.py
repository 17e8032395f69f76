"""How long the check takes on any file: `python -m tests.support.check_times [MUTANTS]`, for docs/benchmarks.md."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator

from flask import Flask
from flask_babel import Babel

from app import engine
from tests.support import foreign_files, hostile_files, mutants


def files(count: int) -> Iterator[tuple[str, str, dict[str, bytes]]]:
    """Yield (kind, name, files) of all that is tried."""
    for name, content in (*foreign_files.foreign(), *foreign_files.encoded()):
        yield "other editors and encodings", name, {f"bpmn/any/{name}": content}
    for name, content in hostile_files.hostile_xml():
        yield "hostile XML", name, {f"bpmn/any/{name}": content}
    for name, content in (*hostile_files.hostile_forms(), *hostile_files.hostile_diagrams()):
        yield "hostile forms, diagrams, tables", name, {f"any/{name}": content}
    for mutant in mutants.mutants(1, count):
        yield "damaged files of ours", mutant.name, mutant.files


def main() -> None:
    """Print a line a kind: how many, the median, the slowest and its name, in milliseconds."""
    app = Flask("app")
    Babel(app)
    taken: dict[str, list[tuple[float, str]]] = {}
    with app.test_request_context():
        for kind, name, its in files(int(sys.argv[1]) if len(sys.argv) > 1 else 300):
            start = time.perf_counter()
            engine.check(its)
            taken.setdefault(kind, []).append(((time.perf_counter() - start) * 1_000, name))
    for kind, times in taken.items():
        slowest, name = max(times)
        middle = statistics.median(ms for ms, _name in times)
        print(f"{kind:34} {len(times):4} files, median {middle:6.1f} ms, slowest {slowest:7.1f} ms ({name})")  # noqa: T201


if __name__ == "__main__":
    main()

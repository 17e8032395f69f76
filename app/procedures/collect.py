"""Procedure files from disk: what was asked for, and what lies beside it and is used by it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flask_babel import gettext as _

from app.engine import bundles
from app.engine.problems import ERROR, Problem

SUFFIXES = (".bpmn", ".dmn", ".json")
ROOTS = ("bpmn", "forms")


@dataclass
class Collected:
    """Files by the name under which they are stored.

    files:   name → bytes, those beside included as far as the requested ones use them.
    shown:   name → path as the person knows it.
    asked:   names of the files that were asked for.
    problems: paths that could not be read.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def collect(paths: Iterable[str]) -> Collected:
    """Read files and folders (recursively), with the called files, decisions and forms that lie beside them.

    Beside are: the files of the same folder, and the folder forms/ next to the folder bpmn/.
    """
    found = Collected()
    for given in paths:
        path = Path(given)
        if path.is_dir():
            _take_folder(found, path)
        elif path.is_file():
            _take_asked(found, path, path.parent)
        else:
            found.problems.append(_problem(given, "missing-file", _("There is no such file or folder.")))
    _take_beside(found, [Path(found.shown[name]) for name in sorted(found.asked)])
    return found


def _take_folder(found: Collected, folder: Path) -> None:
    files = [path for path in sorted(folder.rglob("*")) if _is_part(path)]
    if not files:
        found.problems.append(
            _problem(str(folder), "no-files", _("The folder holds no .bpmn, .dmn or .json file."))
        )
    for path in files:
        _take_asked(found, path, folder)


def _take_asked(found: Collected, path: Path, base: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        found.problems.append(
            _problem(str(path), "unknown-kind", _("Only .bpmn, .dmn and .json files are read."))
        )
        return
    name = stored_name(path, base)
    if found.shown.get(name, str(path)) != str(path):
        # Two files of one name from two places: their whole paths keep them apart.
        name = path.as_posix().lstrip("/")
    content = _read(found, path)
    if content is not None:
        found.files[name], found.shown[name] = content, str(path)
        found.asked.add(name)


def _take_beside(found: Collected, asked: list[Path]) -> None:
    """Add what the asked files use, but no stranger that happens to lie there too."""
    near: dict[str, Path] = {}
    for folder in sorted({path.parent for path in asked}):
        roots = [parent.parent for parent in (folder, *folder.parents) if parent.name in ROOTS]
        places = [(folder, folder.glob("*"))]
        places += [(root / name, (root / name).rglob("*")) for root in roots[:1] for name in ROOTS]
        for base, candidates in places:
            for path in sorted(candidates):
                if _is_part(path):
                    near.setdefault(stored_name(path, base), path)
    extra = {name: path for name, path in near.items() if name not in found.files}
    contents = {name: content for name, path in extra.items() if (content := _read(found, path)) is not None}
    for name in used_by(found.asked, {**contents, **found.files}) & contents.keys():
        found.files[name], found.shown[name] = contents[name], str(extra[name])


def used_by(asked: set[str], files: Mapping[str, bytes]) -> set[str]:
    """Return the names of all files in the bundles of the processes in `asked`."""
    known = bundles.library(files)
    used: set[str] = set()
    for process_id, (path, _process) in known.processes.items():
        if path in asked:
            used |= set(bundles.closure(known, process_id).files)
    return used


def _is_part(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def stored_name(path: Path, base: Path) -> str:
    """Return the name a file is stored under: what follows bpmn/ or forms/, else its place under `base`."""
    parts = path.absolute().parts
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] in ROOTS:
            return "/".join(parts[index + 1 :])
    return bundles.canonical(path.relative_to(base).as_posix())


def _read(found: Collected, path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        found.problems.append(_problem(str(path), "unreadable", str(error.strerror or error)))
        return None


def _problem(path: str, rule: str, message: str) -> Problem:
    return Problem(path, 0, "", "", rule, ERROR, message, _("Check the path."))

"""A procedure version is a bundle: the root BPMN and every BPMN, DMN and form it uses, under one digest."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from app.engine import decisions, diagram, naming, parser
from app.engine.diagram import Document, Process
from app.engine.xml import BadFile, read_xml

KINDS = {".bpmn": "bpmn", ".dmn": "dmn", ".json": "form"}
# Folders of the project that are not part of a file's name: forms are called "complaints/judge.json".
AREAS = ("bpmn/", "forms/")


@dataclass(frozen=True)
class Library:
    """All files at hand, read once; bundles are cut from it.

    files: canonical path → bytes. Files that cannot be read are left out; the linter tells why.
    """

    files: Mapping[str, bytes]
    documents: Mapping[str, Document] = field(default_factory=dict)
    decisions: Mapping[str, str] = field(default_factory=dict)  # decision id → path
    # What the linter worked out about these files and needs again.
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def processes(self) -> dict[str, tuple[str, Process]]:
        """Process id → (path, process), executable ones only."""
        return {
            process.id: (path, process)
            for path, document in self.documents.items()
            for process in document.processes
            if process.executable
        }

    def form_path(self, name: str | None, beside: str = "") -> str | None:
        """Return the path of a task's form: as written, beside the diagram, or by its file name."""
        if not name:
            return None
        name = canonical(name if name.endswith(".json") else f"{name}.json")
        near = posixpath.join(posixpath.dirname(beside), name)
        for path in (name, near):
            if path in self.files:
                return path
        same = [p for p in self.files if posixpath.basename(p) == posixpath.basename(name)]
        return same[0] if len(same) == 1 else None


@dataclass(frozen=True)
class Bundle:
    """One procedure's closure of files.

    root:  id of the root process.
    files: canonical path → bytes, sorted by path.
    """

    root: str
    name: str
    library: Library
    files: Mapping[str, bytes]

    @cached_property
    def digest(self) -> str:
        """The sha256 over root, paths and contents: equal content, equal digest."""
        total = hashlib.sha256(self.root.encode())
        for path, content in sorted(self.files.items()):
            total.update(f"\0{path}\0{hashlib.sha256(content).hexdigest()}".encode())
        return total.hexdigest()

    def parse(self) -> parser.Specs:
        """Return the specs; raises what `parser.parse` raises."""
        return parser.parse(self.files, self.root)

    def english_names(self) -> dict[str, str]:
        """Return the English names that its diagrams bring with them."""
        found: dict[str, str] = {}
        for path, document in self.library.documents.items():
            if path in self.files and document.processes:
                found |= naming.english_names(document.processes[0].node)
        return found

    def catalog(self) -> dict[str, object]:
        """Return what pages and services need to know without parsing; see `diagram.Process.describe`.

        {"root", "name", "processes": {id: {...}}, "scopes": {embedded sub-process id: process id},
         "forms": {name as written: path}, "decisions": {id: path}}
        """
        wanted = [(path, process) for path, process in self.library.processes.values() if path in self.files]
        used = reachable(self.library, self.root)
        chosen = [(path, process) for path, process in wanted if process.id in used]
        forms = {
            element.form: self.library.form_path(element.form, path)
            for path, process in chosen
            for element in process.elements.values()
            if element.form
        }
        return {
            "root": self.root,
            "name": self.name,
            "processes": {process.id: process.describe(path) for path, process in chosen},
            "scopes": {scope: process.id for _path, process in chosen for scope in process.scopes},
            "forms": forms,
            "decisions": {id: path for id, path in self.library.decisions.items() if path in self.files},
        }


def canonical(path: str) -> str:
    """Return the path under which a file is stored: slashes, without bpmn/ and forms/ in front."""
    path = posixpath.normpath("/" + path.replace("\\", "/")).lstrip("/")
    for area in AREAS:
        path = path.removeprefix(area)
    return path


def kind(path: str) -> str | None:
    """Return "bpmn", "dmn" or "form", None for a file that is none of ours."""
    return KINDS.get(posixpath.splitext(path)[1].lower())


def library(files: Mapping[str, bytes | str]) -> Library:
    """Read all files that can be read."""
    contents = {
        canonical(path): content.encode() if isinstance(content, str) else content
        for path, content in files.items()
        if kind(path)
    }
    documents: dict[str, Document] = {}
    tables: dict[str, str] = {}
    for path, content in sorted(contents.items()):
        if kind(path) == "bpmn":
            with suppress(BadFile):
                documents[path] = diagram.read(parser.normalise(read_xml(content)))
        elif kind(path) == "dmn":
            for decision in decisions_in(content):
                tables.setdefault(decision.id, path)
    return Library(contents, documents, tables)


def bundles(known: Library) -> list[Bundle]:
    """Return one bundle a procedure: every executable process is one."""
    return [closure(known, root) for root in sorted(known.processes)]


def closure(known: Library, root: str) -> Bundle:
    """Return the bundle of process `root`: all files it reaches by calls, decisions and forms.

    What is missing is left out; the linter has refused it before. Raises KeyError for an unknown root.
    """
    _path, process = known.processes[root]
    paths = set(_paths(known, root))
    return Bundle(root, process.name or root, known, {path: known.files[path] for path in sorted(paths)})


def reachable(known: Library, root: str) -> set[str]:
    """Return the ids of the processes that `root` calls, directly or not, and its own."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        process_id = waiting.pop()
        if process_id in known.processes and process_id not in found:
            found.add(process_id)
            waiting.extend(known.processes[process_id][1].called)
    return found


def form_schema(content: bytes) -> dict[str, object]:
    """Return a form file's JSON object; raises ValueError when it is none."""
    schema = json.loads(content)
    if not isinstance(schema, dict):
        raise ValueError("a form is a JSON object")
    return schema


def _paths(known: Library, root: str) -> Iterator[str]:
    for process_id in reachable(known, root):
        path, process = known.processes[process_id]
        yield path
        for element in process.elements.values():
            form = known.form_path(element.form, path)
            if form:
                yield form
        for decision in process.decisions:
            if decision in known.decisions:
                yield known.decisions[decision]


def decisions_in(content: bytes) -> list[decisions.Decision]:
    """Return the decision tables of a DMN file, none if it cannot be read."""
    try:
        return decisions.parse(read_xml(content))
    except BadFile:
        return []

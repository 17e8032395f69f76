"""Deploying procedures: a version is a digest; unchanged content makes no new one, versions never change."""

from __future__ import annotations

import hashlib
import posixpath
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from app import english_names
from app.accounts.actor import Actor
from app.db import for_update, in_transaction, session
from app.engine import bundles, lint, parser, startable
from app.engine.bundles import Bundle
from app.engine.events import record_event
from app.engine.problems import ProblemsFound, errors_of
from app.engine.tables import FileContent, Procedure, ProcedureFile, ProcedureVersion, newest_versions
from app.errors import NotFound

# How many are kept in memory: versions with their specs, forms.
KEPT = {"engine_versions": 64, "engine_forms": 512}
# session().info[FRESH]: ids of the versions that the open transaction made.
FRESH = "fresh_versions"


@dataclass(frozen=True)
class Deployed:
    """What deploying did for one procedure: `created` is False when the content was already the latest."""

    key: str
    version: int
    created: bool
    name: str = ""


@dataclass(frozen=True)
class VersionInfo:
    """One version of a procedure."""

    id: int
    key: str
    number: int
    name: str
    digest: str


@dataclass(frozen=True)
class Version:
    """An immutable version with its restored specs; shared by all instances of this process (read only).

    catalog: see `bundles.Bundle.catalog`.
    """

    info: VersionInfo
    specs: parser.Specs
    catalog: Mapping[str, Any]

    def element(self, process_id: str, element_id: str) -> dict[str, Any]:
        """Return what the catalogue says of an element, {} if nothing; sub-processes are seen through."""
        owner = self.catalog["scopes"].get(process_id, process_id)
        process = self.catalog["processes"].get(owner, {})
        found: dict[str, Any] = process.get("elements", {}).get(element_id, {})
        return found

    def form_path(self, name: str | None) -> str | None:
        """Return the path of a form as a task names it."""
        return self.catalog["forms"].get(name) if name else None


def deploy(
    files: Mapping[str, bytes | str], *, actor: Actor, now: datetime, dry_run: bool = False
) -> list[Deployed]:
    """Store new versions of every procedure that these files change, callers of a changed file included.

    files: path → content of .bpmn, .dmn and .json files; what they use and do not bring is taken from the
    latest versions. Nothing is written on a dry run. Raises ProblemsFound; else all of them are deployed.
    """
    uploaded = adopt_paths(files)
    known = bundles.library({**latest_files(), **uploaded})
    latest, stored = _latest(), _latest_paths()
    # By the stored files too: a caller whose called process is gone from a file no longer reaches it.
    chosen = [
        bundle
        for bundle in bundles.bundles(known)
        if not uploaded.keys().isdisjoint({*bundle.files, *stored.get(bundle.root, ())})
    ]
    changed = {b.root for b in chosen if b.root not in latest or latest[b.root].digest != b.digest}
    affected = set(uploaded) | {path for b in chosen if b.root in changed for path in b.files}
    problems = [problem for problem in lint.check(known.files) if problem.file in affected]
    if errors_of(problems):
        raise ProblemsFound(errors_of(problems))
    if changed and not dry_run:
        names = {name: said for b in chosen if b.root in changed for name, said in b.english_names().items()}
        english_names.learn(names, actor_id=actor.id, now=now)
        startable.procedures_changed(actor_id=actor.id, now=now)
    return [
        _deploy(bundle, latest.get(bundle.root), actor, now, dry_run)
        if bundle.root in changed
        else Deployed(bundle.root, latest[bundle.root].number, False, bundle.name)
        for bundle in chosen
    ]


def never_deployed(files: Mapping[str, bytes | str]) -> dict[str, bytes | str]:
    """Return the files that no version ever had under this path with this content."""
    known = session().execute(
        sa.select(ProcedureFile.path, ProcedureFile.digest).where(ProcedureFile.path.in_(files)).distinct()
    )
    had = {(path, digest) for path, digest in known}
    return {
        path: content
        for path, content in files.items()
        if (path, hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest())
        not in had
    }


def adopt_paths(files: Mapping[str, bytes | str]) -> dict[str, bytes]:
    """Return the files under their stored paths.

    An upload often has bare file names: `judge.json` means the stored `complaints/judge.json` when there is
    exactly one file of that name.
    """
    stored = sa.select(ProcedureFile.path).distinct()
    by_name: dict[str, list[str]] = {}
    for path in session().scalars(stored):
        by_name.setdefault(posixpath.basename(path), []).append(path)
    result = {}
    for path, content in files.items():
        if not bundles.kind(path):
            continue
        path = bundles.canonical(path)
        same = by_name.get(path, []) if "/" not in path else []
        result[same[0] if len(same) == 1 else path] = (
            content.encode() if isinstance(content, str) else content
        )
    return result


def latest_files() -> dict[str, bytes]:
    """Return path → content of all files of the latest versions."""
    ids = [info.id for info in _latest().values()]
    rows = session().execute(
        sa.select(ProcedureFile.path, FileContent.content)
        .join(FileContent, FileContent.digest == ProcedureFile.digest)
        .where(ProcedureFile.version_id.in_(ids))
        .order_by(ProcedureFile.version_id)
    )
    return {row.path: row.content for row in rows}


def latest_version(key: str) -> VersionInfo:
    """Return the latest version of a procedure; raises NotFound."""
    row = (
        session()
        .execute(_infos().where(Procedure.key == key).order_by(ProcedureVersion.number.desc()).limit(1))
        .first()
    )
    if row is None:
        raise NotFound(_("There is no procedure “%(key)s”.", key=key))
    return VersionInfo(*row)


def version(version_id: int) -> Version:
    """Return a version with its specs; kept in this process, so that only the first call reads it.

    Raises NotFound.
    """
    found: Version | None = _kept("engine_versions").get(version_id)
    if found is None:
        found = _load(version_id)
        _keep("engine_versions", version_id, version_id, found)
    return found


def get_file(version_id: int, name: str) -> bytes:
    """Return a file of a version by path, or by file name if that is unique; raises NotFound."""
    rows = (
        session()
        .execute(
            sa.select(ProcedureFile.path, FileContent.content)
            .join(FileContent, FileContent.digest == ProcedureFile.digest)
            .where(ProcedureFile.version_id == version_id)
            .where((ProcedureFile.path == name) | ProcedureFile.path.endswith(f"/{name}", autoescape=True))
        )
        .all()
    )
    exact = [content for path, content in rows if path == name] or [content for _path, content in rows]
    if len(exact) != 1:
        raise NotFound(_("This version has no file “%(name)s”.", name=name))
    return bytes(exact[0])


def form_schema(version_id: int, form_name: str) -> dict[str, Any]:
    """Return the form that a task of this version names; kept in this process. Raises NotFound.

    The value is shared: read it, do not change it.
    """
    schema = _kept("engine_forms").get((version_id, form_name))
    if schema is None:
        path = version(version_id).form_path(form_name) or bundles.canonical(form_name)
        schema = bundles.form_schema(get_file(version_id, path))
        _keep("engine_forms", (version_id, form_name), version_id, schema)
    form: dict[str, Any] = schema
    return form


class _Kept:
    """A map that forgets what was not used for longest; versions never change, so nothing goes stale."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Any, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Any, value: Any) -> None:
        with self._lock:
            self._values[key] = value
            if len(self._values) > self._size:
                self._values.popitem(last=False)


def _kept(name: str) -> _Kept:
    # One of each an application, since each has its own database.
    kept: _Kept = current_app.extensions.setdefault(name, _Kept(KEPT[name]))
    return kept


def _keep(name: str, key: Any, version_id: int, value: Any) -> None:
    # What this transaction made may yet be rolled back, and its number given to other content.
    if version_id not in session().info.get(FRESH, ()):
        _kept(name).put(key, value)


def _infos() -> sa.Select[int, str, int, str, str]:
    return sa.select(
        ProcedureVersion.id, Procedure.key, ProcedureVersion.number, Procedure.name, ProcedureVersion.digest
    ).join(Procedure, Procedure.id == ProcedureVersion.procedure_id)


def _latest() -> dict[str, VersionInfo]:
    newest = newest_versions()
    rows = session().execute(
        _infos().join(
            newest,
            (newest.c.procedure_id == ProcedureVersion.procedure_id)
            & (newest.c.number == ProcedureVersion.number),
        )
    )
    return {row.key: VersionInfo(*row) for row in rows}


def _load(version_id: int) -> Version:
    row = (
        session()
        .execute(
            _infos()
            .add_columns(ProcedureVersion.specs, ProcedureVersion.catalog)
            .where(ProcedureVersion.id == version_id)
        )
        .first()
    )
    if row is None:
        raise NotFound(_("There is no such version of a procedure."))
    return Version(VersionInfo(*row[:5]), parser.load_specs(row.specs), row.catalog)


def _latest_paths() -> dict[str, set[str]]:
    keys = {info.id: info.key for info in _latest().values()}
    rows = session().execute(
        sa.select(ProcedureFile.version_id, ProcedureFile.path).where(ProcedureFile.version_id.in_(keys))
    )
    found: dict[str, set[str]] = {}
    for version_id, path in rows:
        found.setdefault(keys[version_id], set()).add(path)
    return found


def _deploy(
    bundle: Bundle, latest: VersionInfo | None, actor: Actor, now: datetime, dry_run: bool
) -> Deployed:
    number = latest.number + 1 if latest else 1
    # Parsed on a dry run too: it must refuse whatever the real one would.
    specs = parser.dump_specs(bundle.parse())
    if not dry_run:
        _store(bundle, number, specs, actor, now)
        record_event(
            f"procedure:{bundle.root}",
            "procedure.deployed",
            {"version": number, "digest": bundle.digest, "files": sorted(bundle.files)},
            actor=actor,
            now=now,
        )
    return Deployed(bundle.root, number, True, bundle.name)


def _store(bundle: Bundle, number: int, specs: str, actor: Actor, now: datetime) -> None:
    write = session()
    procedure = write.scalar(for_update(sa.select(Procedure).where(Procedure.key == bundle.root)))
    if procedure is None:
        procedure = Procedure(key=bundle.root, name=bundle.name, created_at=now)
        write.add(procedure)
    procedure.name = bundle.name
    write.flush()
    row = ProcedureVersion(
        procedure_id=procedure.id,
        number=number,
        digest=bundle.digest,
        specs=specs,
        catalog=bundle.catalog(),
        created_at=now,
        created_by_id=actor.id,
    )
    write.add(row)
    write.flush()
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in bundle.files.items()}
    _store_contents(bundle, digests)
    write.add_all(
        ProcedureFile(version_id=row.id, path=path, kind=bundles.kind(path), digest=digest)
        for path, digest in digests.items()
    )
    write.flush()
    assert in_transaction()
    write.info.setdefault(FRESH, set()).add(row.id)


def _store_contents(bundle: Bundle, digests: Mapping[str, str]) -> None:
    there = set(
        session().scalars(sa.select(FileContent.digest).where(FileContent.digest.in_(set(digests.values()))))
    )
    missing = {digest: bundle.files[path] for path, digest in digests.items() if digest not in there}
    session().add_all(FileContent(digest=digest, content=content) for digest, content in missing.items())
    session().flush()

"""Reads for the pages of designers and operators; the number of statements never grows with the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts import organisation
from app.db import session
from app.engine import bundles
from app.engine.queries import States
from app.engine.tables import (
    FileContent,
    Incident,
    Instance,
    Procedure,
    ProcedureFile,
    ProcedureVersion,
    newest_versions,
)
from app.errors import NotFound
from app.procedures import decision_tables
from app.procedures.decision_tables import DecisionView
from app.procedures.waiting import Waiting, waiting_at

ENDED = ("completed", "cancelled")


@dataclass(frozen=True)
class ProcedureRow:
    """One procedure of the list. standing: instances that do not move: suspended or failed."""

    key: str
    name: str
    version: int
    deployed_at: datetime
    deployed_by: str
    called_by: list[str]
    running: int
    standing: int
    incidents: int


@dataclass(frozen=True)
class VersionRow:
    """One version of a procedure, newest first."""

    id: int
    number: int
    digest: str
    created_at: datetime
    created_by: str
    running: int


@dataclass(frozen=True)
class FileRow:
    """One file of a version. kind: bpmn, dmn or form; title: of what it holds."""

    path: str
    kind: str
    title: str
    size: int


@dataclass(frozen=True)
class DiagramView:
    """One process of a version; elements: their states, where an instance is looked at."""

    id: str
    name: str
    file: str
    calls: dict[str, str]
    steps: list[StepRow]
    elements: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def at_work(self) -> bool:
        """Whether something is current here, other than a call of another process."""
        return any(
            state["status"] in ("current", "escalated") and element not in self.calls
            for element, state in self.elements.items()
        )


@dataclass(frozen=True)
class StepRow:
    """One step as the list beside the diagram says it."""

    element: str
    name: str
    type: str
    role: str
    form: str
    status: str = ""
    rounds: int = 0
    since: datetime | None = None
    here: int = 0  # instances that wait at it


@dataclass(frozen=True)
class FormRow:
    """One form of a version and the steps that use it."""

    path: str
    title: str
    fields: int
    steps: list[str]


@dataclass(frozen=True)
class ProcedurePage:
    """A procedure at one of its versions."""

    key: str
    name: str
    version: VersionRow
    versions: list[VersionRow]
    diagrams: list[DiagramView]
    decisions: list[tuple[str, list[DecisionView]]]
    forms: list[FormRow]
    files: list[FileRow]

    @property
    def newest(self) -> bool:
        """Whether this is what new instances run on."""
        return self.version.number == self.versions[0].number


# ---------------------------------------------------------------- procedures


def list_procedures() -> list[ProcedureRow]:
    """Return all procedures with their newest version, those that nobody calls first; three statements."""
    newest = newest_versions()
    rows = session().execute(
        sa.select(Procedure, ProcedureVersion)
        .join(newest, newest.c.procedure_id == Procedure.id)
        .join(
            ProcedureVersion,
            (ProcedureVersion.procedure_id == Procedure.id) & (ProcedureVersion.number == newest.c.number),
        )
        .order_by(Procedure.key)
    )
    counts: dict[tuple[int, str], int] = {
        (row.procedure_id, row.status): row.n
        for row in session().execute(
            sa.select(ProcedureVersion.procedure_id, Instance.status, sa.func.count().label("n"))
            .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
            .where(Instance.status.not_in(ENDED))
            .group_by(ProcedureVersion.procedure_id, Instance.status)
        )
    }
    incidents: dict[int, int] = {
        row.procedure_id: row.n
        for row in session().execute(
            sa.select(ProcedureVersion.procedure_id, sa.func.count().label("n"))
            .join(Instance, Instance.version_id == ProcedureVersion.id)
            .join(Incident, Incident.instance_id == Instance.id)
            .where(Incident.resolved_at.is_(None))
            .group_by(ProcedureVersion.procedure_id)
        )
    }
    found = [(procedure, version) for procedure, version in rows]
    callers: dict[str, list[str]] = {}
    for procedure, version in found:
        own = version.catalog["processes"].get(procedure.key, {})
        for called in dict.fromkeys(own.get("calls", {}).values()):
            callers.setdefault(called, []).append(procedure.name)
    names = people_names()
    listed = [
        ProcedureRow(
            key=procedure.key,
            name=procedure.name,
            version=version.number,
            deployed_at=version.created_at,
            deployed_by=names.get(version.created_by_id, ""),
            called_by=callers.get(procedure.key, []),
            running=counts.get((procedure.id, "running"), 0),
            standing=sum(counts.get((procedure.id, status), 0) for status in ("suspended", "failed")),
            incidents=incidents.get(procedure.id, 0),
        )
        for procedure, version in found
    ]
    return sorted(listed, key=lambda row: (bool(row.called_by), row.key))


def procedure_page(key: str, number: int | None = None) -> ProcedurePage:
    """Return a procedure at a version, its newest unless given; five statements. Raises NotFound."""
    rows = (
        session()
        .execute(
            sa.select(ProcedureVersion, Procedure.name, sa.func.count(Instance.id).label("running"))
            .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
            .outerjoin(Instance, (Instance.version_id == ProcedureVersion.id) & Instance.status.not_in(ENDED))
            .options(sa.orm.defer(ProcedureVersion.specs), sa.orm.defer(ProcedureVersion.catalog))
            .where(Procedure.key == key)
            .group_by(ProcedureVersion.id, Procedure.name)
            .order_by(ProcedureVersion.number.desc())
        )
        .all()
    )
    chosen = next((row for row in rows if number in (None, row.ProcedureVersion.number)), None)
    if chosen is None:
        raise no_version()
    names = people_names()
    versions = [
        VersionRow(
            row.ProcedureVersion.id,
            row.ProcedureVersion.number,
            row.ProcedureVersion.digest,
            row.ProcedureVersion.created_at,
            names.get(row.ProcedureVersion.created_by_id, ""),
            row.running,
        )
        for row in rows
    ]
    version = next(one for one in versions if one.id == chosen.ProcedureVersion.id)
    catalog = _catalog(version.id)
    files = _files(version.id)
    contents = {path: content for path, _kind, _size, content in files if content is not None}
    tables = {
        path: decision_tables.read(contents[path]) for path, kind, _size, _content in files if kind == "dmn"
    }
    schemas = {path: _schema(contents[path]) for path, kind, _size, _content in files if kind == "form"}
    return ProcedurePage(
        key=key,
        name=chosen.name,
        version=version,
        versions=versions,
        diagrams=diagrams(catalog, waiting=waiting_at(version.id)),
        decisions=list(tables.items()),
        forms=_forms(catalog, schemas),
        files=[
            FileRow(path, kind, _file_title(path, kind, catalog, tables, schemas), size)
            for path, kind, size, _content in files
        ],
    )


def version_id(key: str, number: int) -> int:
    """Return the id of a procedure's version. Raises NotFound."""
    found = session().scalar(
        sa.select(ProcedureVersion.id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key == key, ProcedureVersion.number == number)
    )
    if found is None:
        raise no_version()
    return found


def form_steps(version: int, path: str) -> list[str]:
    """Return the names of the steps that use a form."""
    return _steps_of(_catalog(version)).get(path, [])


def diagrams(
    catalog: Mapping[str, Any], states: States | None = None, waiting: Waiting | None = None
) -> list[DiagramView]:
    """Return the processes of a version, callers before the called; `states` colours them.

    waiting: how many instances wait at an element, where many are looked at.
    """
    found: dict[str, DiagramView] = {}
    queue = [catalog["root"]]
    here = waiting or {}
    while queue:
        process_id = queue.pop(0)
        described = catalog["processes"].get(process_id)
        if described is None or process_id in found:
            continue
        mine = (states or {}).get(process_id, {})
        found[process_id] = DiagramView(
            id=process_id,
            name=described["name"],
            file=described["file"],
            calls=dict(described["calls"]),
            steps=[
                _step(name, described["elements"][name], mine, here.get((process_id, name), 0))
                for name in described["order"]
                if described["elements"][name]["type"] in decision_tables.STEPS
            ],
            elements={name: {"status": state.status, "rounds": state.rounds} for name, state in mine.items()}
            | {
                name: {"status": "current", "rounds": 1, "here": n}
                for (owner, name), n in here.items()
                if owner == process_id
            },
        )
        queue += described["calls"].values()
    return list(found.values())


def catalogs(versions: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the catalogues of some versions; one statement."""
    query = sa.select(ProcedureVersion.id, ProcedureVersion.catalog).where(
        ProcedureVersion.id.in_(set(versions))
    )
    return {row.id: row.catalog for row in session().execute(query)}


# ---------------------------------------------------------------- inside


def _catalog(version: int) -> dict[str, Any]:
    return catalogs({version})[version]


def _files(version: int) -> list[tuple[str, str, int, bytes | None]]:
    """Return (path, kind, size, content) of a version's files; diagrams without their content."""
    content = sa.case((ProcedureFile.kind != "bpmn", FileContent.content), else_=None).label("content")
    query = (
        sa.select(ProcedureFile.path, ProcedureFile.kind, sa.func.length(FileContent.content), content)
        .join(FileContent, FileContent.digest == ProcedureFile.digest)
        .where(ProcedureFile.version_id == version)
        .order_by(ProcedureFile.kind, ProcedureFile.path)
    )
    return [(path, kind, size, text) for path, kind, size, text in session().execute(query)]


def _schema(content: bytes) -> dict[str, Any]:
    return dict(bundles.form_schema(content))


def _forms(catalog: Mapping[str, Any], schemas: Mapping[str, dict[str, Any]]) -> list[FormRow]:
    steps = _steps_of(catalog)
    return [
        FormRow(path, schema.get("title") or path, len(schema.get("properties", {})), steps.get(path, []))
        for path, schema in schemas.items()
    ]


def _steps_of(catalog: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return form path → names of the steps that use it."""
    steps: dict[str, list[str]] = {}
    for described in catalog["processes"].values():
        for element in described["elements"].values():
            path = catalog["forms"].get(element.get("form"))
            if path and element["name"] not in steps.setdefault(path, []):
                steps[path].append(element["name"])
    return steps


def _step(
    name: str, element: Mapping[str, Any], states: Mapping[str, engine.ElementState], here: int
) -> StepRow:
    state = states.get(name)
    return StepRow(
        name,
        element["name"] or name,
        element["type"],
        element.get("role") or "",
        element.get("form") or "",
        state.status if state else "",
        state.rounds if state else 0,
        (state.left_at or state.entered_at) if state else None,
        here,
    )


def _file_title(
    path: str,
    kind: str,
    catalog: Mapping[str, Any],
    tables: Mapping[str, list[DecisionView]],
    schemas: Mapping[str, dict[str, Any]],
) -> str:
    if kind == "form":
        return str(schemas[path].get("title") or "")
    if kind == "dmn":
        return tables[path][0].name if tables[path] else ""
    return next((one["name"] for one in catalog["processes"].values() if one["file"] == path), "")


def people_names() -> dict[int | None, str]:
    """Return the people's names in the reader's language; they are in memory."""
    return {one.id: one.label for one in organisation.colleagues()}


def no_version() -> NotFound:
    """Return the error for a procedure or version that is not there."""
    return NotFound(_("There is no such procedure, or no such version of it."))

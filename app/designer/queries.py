"""Reads for the editor: drafts, their files, what checking them finds, who else has them open."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _

from app import engine
from app.accounts.tables import Person
from app.db import session
from app.designer import rules
from app.designer.tables import ProcedureDraft, ProcedureDraftEditor, ProcedureDraftFile
from app.engine import bundles, naming
from app.engine.adapt import adapt
from app.engine.deploy import latest_files
from app.engine.problems import ERROR
from app.engine.tables import Instance, Procedure, ProcedureVersion
from app.engine.xml import BadFile
from app.errors import NotFound
from app.forms.model import say
from app.web.i18n import in_english

CLOSED_SHOWN = 10
CHECKS_KEPT = 16


@dataclass(frozen=True)
class DraftRow:
    """One draft of the list. changed: how many files differ; newest: the procedure's newest version."""

    id: int
    key: str
    name: str
    base: int | None
    newest: int | None
    updated_at: datetime
    updated_by: str
    files: int
    changed: int
    state: str
    comment: str
    made: list[dict[str, object]]


@dataclass(frozen=True)
class FileEntry:
    """One file of a draft without its bytes. kind: bpmn, dmn or form; title: of what it holds."""

    path: str
    kind: str
    title: str
    revision: int
    changed: bool
    new: bool
    updated_at: datetime


@dataclass(frozen=True)
class Present:
    """Somebody else who has the draft open."""

    name: str
    seen_at: datetime


def get(draft_id: int) -> ProcedureDraft:
    """Return a draft; raises NotFound."""
    found = session().get(ProcedureDraft, draft_id)
    if found is None:
        raise NotFound(_("There is no such draft."))
    return found


def list_drafts() -> tuple[list[DraftRow], list[DraftRow]]:
    """Return the open drafts, changed last first, and the newest of those that are closed."""
    counts = (
        sa.select(
            ProcedureDraftFile.draft_id,
            sa.func.count().label("files"),
            sa.func.sum(
                sa.case(
                    (ProcedureDraftFile.digest == ProcedureDraftFile.base_digest, 0),
                    else_=1,
                )
            ).label("changed"),
        )
        .group_by(ProcedureDraftFile.draft_id)
        .subquery()
    )
    newest = (
        sa.select(Procedure.key, sa.func.max(ProcedureVersion.number).label("number"))
        .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
        .group_by(Procedure.key)
        .subquery()
    )
    statement = (
        sa.select(ProcedureDraft, counts.c.files, counts.c.changed, newest.c.number, Person.name)
        .join(counts, counts.c.draft_id == ProcedureDraft.id)
        .outerjoin(newest, newest.c.key == ProcedureDraft.key)
        .outerjoin(Person, Person.id == ProcedureDraft.updated_by_id)
        .order_by(ProcedureDraft.updated_at.desc(), ProcedureDraft.id.desc())
    )
    closed = sa.or_(ProcedureDraft.discarded_at.is_not(None), ProcedureDraft.published_at.is_not(None))
    opened = session().execute(statement.where(sa.not_(closed)).limit(200))
    ended = session().execute(statement.where(closed).limit(CLOSED_SHOWN))
    return [_row(*row) for row in opened], [_row(*row) for row in ended]


def procedures() -> list[tuple[str, str]]:
    """Return (key, name) of the procedures that can be opened, by name."""
    rows = session().execute(sa.select(Procedure.key, Procedure.name).order_by(Procedure.name))
    return [(row.key, row.name) for row in rows]


def files(draft_id: int) -> list[ProcedureDraftFile]:
    """Return a draft's files with their bytes, by path."""
    return list(
        session().scalars(
            sa.select(ProcedureDraftFile)
            .where(ProcedureDraftFile.draft_id == draft_id)
            .order_by(ProcedureDraftFile.path)
        )
    )


def file(draft_id: int, path: str) -> ProcedureDraftFile:
    """Return one file of a draft with its bytes; raises NotFound."""
    found = session().get(ProcedureDraftFile, (draft_id, path))
    if found is None:
        raise NotFound(_("The draft has no file “%(name)s”.", name=path[:160]))
    return found


def entries(rows: Iterable[ProcedureDraftFile]) -> list[FileEntry]:
    """Return files as the tree shows them: diagrams first, then tables, then forms."""
    order = {"bpmn": 0, "dmn": 1, "form": 2}
    found = [
        FileEntry(
            path=row.path,
            kind=bundles.kind(row.path) or "form",
            title=_title(row.path, row.content),
            revision=row.revision,
            changed=row.changed,
            new=row.base_digest is None,
            updated_at=row.updated_at,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: (order[one.kind], one.path))


def root_path(draft_id: int) -> str:
    """Return the path of the draft's root diagram; raises NotFound for a draft without any diagram."""
    draft = get(draft_id)
    statement = sa.select(ProcedureDraftFile.path).where(ProcedureDraftFile.draft_id == draft_id)
    paths = sorted(path for path in session().scalars(statement) if path.endswith(".bpmn"))
    named = [path for path in paths if posixpath.basename(path) == f"{draft.key}.bpmn"]
    if not paths:
        raise NotFound(_("The draft has no diagram."))
    return (named or paths)[0]


def area_of(draft_id: int) -> str:
    """Return the folder of the draft's root."""
    return posixpath.dirname(root_path(draft_id)) or "complaints"


def changed_files(draft_id: int) -> dict[str, bytes]:
    """Return path → bytes of what differs from what the draft was made from."""
    return {row.path: row.content for row in files(draft_id) if row.changed}


def behind(draft_id: int) -> list[str]:
    """Return the changed files of which somebody has published another content since."""
    rows = [row for row in files(draft_id) if row.changed]
    latest = latest_files()
    found = []
    for row in rows:
        now = latest.get(row.path)
        digest = hashlib.sha256(now).hexdigest() if now is not None else None
        if digest not in (row.base_digest, row.digest):
            found.append(row.path)
    return found


def problems(rows: Iterable[ProcedureDraftFile]) -> list[engine.Problem]:
    """Return what is wrong with a draft laid over what runs, with the errors it makes elsewhere.

    The last few answers are kept: opening the next file of a draft asks the same again.
    """
    rows = list(rows)
    changed = {row.path: row.content for row in rows if row.changed}
    known = {**{row.path: row.content for row in rows}, **latest_files(), **changed}
    total = hashlib.sha256(str(get_locale()).encode())
    for path, content in sorted(known.items()):
        mark = "=" if path in changed else "+"
        total.update(f"\0{mark}{path}\0{hashlib.sha256(content).hexdigest()}".encode())
    total.update("\0".join(sorted(row.path for row in rows)).encode())
    kept: dict[str, list[engine.Problem]] = current_app.extensions.setdefault("designer_checked", {})
    found = kept.get(total.hexdigest())
    if found is None:
        found = _check(known, {row.path for row in rows}, set(changed))
        while len(kept) >= CHECKS_KEPT:
            kept.pop(next(iter(kept)), None)
        kept[total.hexdigest()] = found
    return found


def _check(known: dict[str, bytes], own: set[str], changed: set[str]) -> list[engine.Problem]:
    touched: set[str] = set()
    for bundle in bundles.bundles(bundles.library(known)):
        if not changed.isdisjoint(bundle.files):
            touched |= set(bundle.files)
    found = [
        one for one in engine.check(known) if one.file in own or (one.level == ERROR and one.file in touched)
    ]
    return sorted(found, key=lambda one: one.level != ERROR)  # what blocks publishing first


def mendable(rows: Iterable[ProcedureDraftFile]) -> list[str]:
    """Return the paths of the changed diagrams in which something can be mended mechanically."""
    found = []
    for row in rows:
        if row.changed and bundles.kind(row.path) == "bpmn":
            with suppress(BadFile):
                if adapt(row.path, row.content).changes:
                    found.append(row.path)
    return found


def present(draft_id: int, *, but: int | None, now: datetime) -> list[Present]:
    """Return who else has the draft open."""
    rows = session().execute(
        sa.select(Person.name, ProcedureDraftEditor.seen_at)
        .join(Person, Person.id == ProcedureDraftEditor.person_id)
        .where(
            ProcedureDraftEditor.draft_id == draft_id,
            ProcedureDraftEditor.person_id != but,
            ProcedureDraftEditor.seen_at > now - timedelta(seconds=rules.PRESENT_SECONDS),
        )
        .order_by(ProcedureDraftEditor.seen_at.desc())
    )
    return [Present(row.name, row.seen_at) for row in rows]


def name_of(person_id: int | None) -> str:
    """Return a person's name, "" for nobody."""
    if person_id is None:
        return ""
    return session().scalar(sa.select(Person.name).where(Person.id == person_id)) or ""


def running(key: str) -> int:
    """Return how many instances of a procedure are under way, on whatever version."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Instance)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key == key, Instance.status.not_in(("completed", "cancelled")))
    )
    return session().scalar(statement) or 0


def _row(draft: ProcedureDraft, count: int, changed: int, newest: int | None, name: str | None) -> DraftRow:
    state = "published" if draft.published_at else "discarded" if draft.discarded_at else "open"
    return DraftRow(
        draft.id, draft.key, draft.name, draft.base, newest, draft.updated_at, name or "",
        count, int(changed or 0), state, draft.comment, draft.made or [],
    )  # fmt: skip


def _title(path: str, content: bytes) -> str:
    """Return what a file's content is called, in its own English for English readers, else its own name."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    kind = bundles.kind(path)
    if kind == "form":
        try:
            form = bundles.form_schema(content)
            english = form.get("x-en")
            return str(say(str(form.get("title") or stem), english if isinstance(english, dict) else {}))
        except (ValueError, RecursionError):
            return stem
    if kind == "dmn":
        return next((one.name for one in bundles.decisions_in(content) if one.name), stem)
    found = bundles.library({path: content}).documents.get(path)
    if found is None or not found.processes:
        return stem
    own = naming.english_names(found.processes[0].node) if in_english() else {}
    names = [process.name for process in found.processes if process.name]
    return own.get(names[0], names[0]) if names else stem

"""Drafts: made, saved, discarded, taken back, published. Callers open the transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine, settings_store
from app.accounts import roles
from app.accounts.actor import Actor
from app.db import for_update, session
from app.designer import queries, rules
from app.designer.tables import ProcedureDraft, ProcedureDraftEditor, ProcedureDraftFile
from app.engine.deploy import latest_files
from app.engine.tables import FileContent, ProcedureFile, ProcedureVersion
from app.engine.tables import Procedure as ProcedureRow
from app.errors import Conflict, FieldError, Invalid, NotFound, Refused

LONGEST_COMMENT = 500
LONGEST_NAME = 120
LONGEST_PATH = 160


@dataclass(frozen=True)
class Saved:
    """One file after a save. written: False where it was the same content already."""

    path: str
    revision: int
    at: datetime
    written: bool
    changed: bool


# ---------------------------------------------------------------- made


def open_version(key: str, number: int | None = None, *, actor: Actor, now: datetime) -> ProcedureDraft:
    """Make a draft of a procedure's newest version, byte by byte. Raises NotFound.

    number: of an older version whose files it gets; what differs from the newest ones counts as changed, so
    that publishing the draft goes back to it.
    """
    version = engine.latest_version(key)
    files = _files_of(version.id)
    if number in (None, version.number):
        return _make(key, version.name, version.number, files, actor, now)
    older = session().scalar(
        sa.select(ProcedureVersion.id)
        .join(ProcedureRow, ProcedureRow.id == ProcedureVersion.procedure_id)
        .where(ProcedureRow.key == key, ProcedureVersion.number == number)
    )
    if older is None:
        raise NotFound(_("There is no such procedure, or no such version of it."))
    newest = {path: hashlib.sha256(content).hexdigest() for path, content in latest_files().items()}
    back = {path: (content, newest.get(path)) for path, (content, _digest) in _files_of(older).items()}
    return _make(key, version.name, version.number, back, actor, now, back_to=number)


def _files_of(version: int) -> dict[str, tuple[bytes, str | None]]:
    """Return path → (content, digest)."""
    rows = session().execute(
        sa.select(ProcedureFile.path, ProcedureFile.digest, FileContent.content)
        .join(FileContent, FileContent.digest == ProcedureFile.digest)
        .where(ProcedureFile.version_id == version)
    )
    return {row.path: (bytes(row.content), row.digest) for row in rows}


def start(
    key: str, name: str, area: str, lanes: Sequence[str], *, english: str = "", actor: Actor, now: datetime
) -> ProcedureDraft:
    """Make a draft of a new procedure: a pool with a lane for each role key, a start and an end.

    Raises Invalid with the fields key, name, english, area, lanes.
    """
    key, name, english, area = key.strip(), name.strip(), english.strip(), area.strip()
    errors = [*_key_errors("key", key), *_key_errors("area", area)]
    if not name or len(name) > LONGEST_NAME:
        errors.append(FieldError("name", _("Enter a name of up to %(n)s characters.", n=LONGEST_NAME)))
    if len(english) > LONGEST_NAME:
        errors.append(FieldError("english", _("Enter a name of up to %(n)s characters.", n=LONGEST_NAME)))
    known = {role[0]: role[1] for role in roles_for_lanes()}
    if not lanes or any(lane not in known for lane in lanes):
        errors.append(FieldError("lanes", _("Choose at least one role; each has a lane.")))
    taken = sa.select(ProcedureRow.id).where(ProcedureRow.key == key)
    if not errors and session().scalar(taken) is not None:
        errors.append(FieldError("key", _("There is a procedure “%(key)s” already.", key=key)))
    if errors:
        raise Invalid(_("The procedure cannot be made like this."), errors)
    chosen = [(lane, known[lane]) for lane in dict.fromkeys(lanes)]
    text = rules.new_diagram(key, name, chosen, english).encode()
    return _make(key, name, None, {f"{area}/{key}.bpmn": (text, None)}, actor, now)


def copy(
    draft_id: int, *, path: str = "", content: bytes = b"", actor: Actor, now: datetime
) -> ProcedureDraft:
    """Make another draft of this one's files, `path` with `content` instead. Raises NotFound."""
    draft = queries.get(draft_id)
    rows = queries.files(draft_id)
    files = {row.path: (row.content, row.base_digest) for row in rows}
    if path:
        if path not in files:
            raise _no_file(path)
        _check_size(content)
        files[path] = (content, files[path][1])
    return _make(draft.key, draft.name, draft.base, files, actor, now)


# ---------------------------------------------------------------- saved


def save(draft_id: int, path: str, content: bytes, *, revision: int, actor: Actor, now: datetime) -> Saved:
    """Keep a file's bytes. revision: of the file as the writer saw it.

    Raises Conflict when somebody has saved it since, Refused when the draft is closed, Invalid, NotFound.
    """
    draft = _open(draft_id)
    _check_size(content)
    row = session().get(ProcedureDraftFile, (draft_id, path))
    if row is None:
        raise _no_file(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest == row.digest:
        return Saved(path, row.revision, row.updated_at, False, row.changed)
    if row.revision != revision:
        by = queries.name_of(row.updated_by_id)
        raise Conflict(
            _("%(who)s has saved this file since you opened it.", who=by or _("Somebody")),
            by=by or None,
            at=row.updated_at,
        )
    row.content, row.digest = content, digest
    _touch(draft, row, actor, now)
    _record(draft, "draft.saved", {"file": path, "digest": digest}, actor, now)
    return Saved(path, row.revision, now, True, row.changed)


def add_file(
    draft_id: int, kind: str, name: str, title: str, *, actor: Actor, now: datetime
) -> ProcedureDraftFile:
    """Add a new diagram, table or form ("bpmn", "dmn", "form") beside the root. Raises Invalid, Refused."""
    draft = _open(draft_id)
    name, title = name.strip(), title.strip()
    errors = _key_errors("name", name)
    if not title or len(title) > LONGEST_NAME:
        errors.append(FieldError("title", _("Enter a name of up to %(n)s characters.", n=LONGEST_NAME)))
    suffix = {"bpmn": ".bpmn", "dmn": ".dmn", "form": ".json"}.get(kind)
    if suffix is None:
        errors.append(FieldError("kind", _("Choose what to add.")))
    if errors or suffix is None:
        raise Invalid(_("The file cannot be added like this."), errors)
    path = f"{queries.area_of(draft_id)}/{name}{suffix}"
    if session().get(ProcedureDraftFile, (draft_id, path)) or path in latest_files():
        raise Invalid(
            _("The file cannot be added like this."),
            [FieldError("name", _("There is a file “%(name)s” already.", name=path))],
        )
    make = {
        "bpmn": lambda: rules.new_diagram(name, title, [roles_for_lanes()[0]]),
        "dmn": lambda: rules.new_table(name, title),
        "form": lambda: rules.new_form(title),
    }[kind]
    return _add(draft, path, make().encode(), None, actor, now)


def take_file(draft_id: int, path: str, *, actor: Actor, now: datetime) -> ProcedureDraftFile:
    """Take a file that runs already into the draft, to change it there too. Raises NotFound, Refused."""
    draft = _open(draft_id)
    row = session().get(ProcedureDraftFile, (draft_id, path))
    if row is not None:
        return row
    content = latest_files().get(path)
    if content is None:
        raise _no_file(path)
    return _add(draft, path, content, hashlib.sha256(content).hexdigest(), actor, now)


def remove_file(draft_id: int, path: str, *, actor: Actor, now: datetime) -> None:
    """Take a new file out of the draft; files of the running version and the root stay. Raises Refused."""
    draft = _open(draft_id)
    row = session().get(ProcedureDraftFile, (draft_id, path))
    if row is None:
        raise _no_file(path)
    if row.base_digest is not None or path == queries.root_path(draft_id):
        raise Refused(_("This file runs already or is the root; it cannot be taken out of the draft."))
    session().delete(row)
    draft.revision, draft.updated_at, draft.updated_by_id = draft.revision + 1, now, actor.id
    _record(draft, "draft.file_removed", {"file": path, "digest": row.digest}, actor, now)


def revert_file(draft_id: int, path: str, *, actor: Actor, now: datetime) -> None:
    """Put a file back to what it was made from. Raises NotFound, Refused."""
    draft = _open(draft_id)
    row = session().get(ProcedureDraftFile, (draft_id, path))
    content = (
        session().scalar(sa.select(FileContent.content).where(FileContent.digest == row.base_digest))
        if row is not None and row.base_digest
        else None
    )
    if row is None or content is None:
        raise _no_file(path)
    row.content, row.digest = bytes(content), str(row.base_digest)
    _touch(draft, row, actor, now)
    _record(draft, "draft.file_reverted", {"file": path}, actor, now)


# ---------------------------------------------------------------- ended


def discard(draft_id: int, *, actor: Actor, now: datetime) -> ProcedureDraft:
    """Put a draft away; `restore` takes that back. Raises Refused when it is closed already."""
    draft = _open(draft_id)
    draft.discarded_at = now
    draft.updated_at, draft.updated_by_id = now, actor.id
    _record(draft, "draft.discarded", {}, actor, now)
    return draft


def restore(draft_id: int, *, actor: Actor, now: datetime) -> ProcedureDraft:
    """Bring a discarded draft back. Raises Refused when it was published."""
    draft = _lock(draft_id)
    if draft.published_at is not None:
        raise Refused(_("This draft is published; open the procedure again for more changes."))
    if draft.discarded_at is not None:
        draft.discarded_at = None
        draft.updated_at, draft.updated_by_id = now, actor.id
        _record(draft, "draft.restored", {}, actor, now)
    return draft


def said(comment: str) -> str:
    """Return what has changed in somebody's words. Raises Invalid for nothing, or too much."""
    comment = comment.strip()
    if not comment or len(comment) > LONGEST_COMMENT:
        words = _("Say in a few words what has changed.")
        raise Invalid(words, [FieldError("comment", words)])
    return comment


def would_publish(draft_id: int, *, actor: Actor, now: datetime) -> None:
    """Raise what publishing would: ProblemsFound, Refused when nothing has changed, Conflict."""
    changed = queries.changed_files(draft_id)
    if not changed:
        raise Refused(_("Nothing has changed, so there is no new version."))
    if behind := queries.behind(draft_id):
        raise Conflict(_("Published by somebody else since: %(files)s.", files=_(", ").join(behind)))
    engine.deploy(changed, actor=actor, now=now, dry_run=True)


def publish(
    draft_id: int,
    comment: str,
    *,
    overwrite: bool = False,
    agreed: bool = False,
    actor: Actor,
    now: datetime,
) -> list[engine.Deployed]:
    """Make new versions of what the draft changes, and close it. Returns those that were made.

    overwrite: also where somebody has published another version of a changed file since.
    agreed: a second person has, where one has to.
    Raises ProblemsFound (nothing is deployed), Conflict, Refused when nothing has changed, Invalid.
    """
    draft = _open(draft_id)
    if not agreed and settings_store.get("procedures.second_person") is True:
        raise Refused(_("A second person has to agree: ask for it on the draft's publishing page."))
    comment = said(comment)
    changed = queries.changed_files(draft_id)
    if not changed:
        raise Refused(_("Nothing has changed, so there is no new version."))
    behind = queries.behind(draft_id)
    if behind and not overwrite:
        raise Conflict(_("Published by somebody else since: %(files)s.", files=_(", ").join(behind)))
    made = [one for one in engine.deploy(changed, actor=actor, now=now) if one.created]
    draft.published_at, draft.comment = now, comment
    draft.updated_at, draft.updated_by_id = now, actor.id
    draft.made = [{"key": one.key, "version": one.version} for one in made]
    _record(draft, "draft.published", {"made": draft.made, "comment": comment}, actor, now)
    return made


# ---------------------------------------------------------------- present


def seen(draft_id: int, *, actor: Actor, now: datetime) -> None:
    """Note that this person has the draft open now. Raises NotFound."""
    # Two tabs of one person must not add the row twice: the draft's row is the lock.
    _lock(draft_id)
    row = session().get(ProcedureDraftEditor, (draft_id, actor.id))
    if row is None:
        session().add(ProcedureDraftEditor(draft_id=draft_id, person_id=actor.id, seen_at=now))
    else:
        row.seen_at = now
    session().flush()


def roles_for_lanes() -> list[tuple[str, str]]:
    """Return (key, Chinese name) of the roles that a lane may name."""
    return [(role.key, role.name) for role in roles.ROLES]


# ---------------------------------------------------------------- inside


def _make(
    key: str,
    name: str,
    base: int | None,
    files: Mapping[str, tuple[bytes, str | None]],
    actor: Actor,
    now: datetime,
    **said: Any,
) -> ProcedureDraft:
    draft = ProcedureDraft(
        key=key, name=name, base=base, revision=1, comment="", made=None,
        created_at=now, created_by_id=actor.id, updated_at=now, updated_by_id=actor.id,
    )  # fmt: skip
    session().add(draft)
    session().flush()
    session().add_all(
        ProcedureDraftFile(
            draft_id=draft.id, path=path, content=content, digest=hashlib.sha256(content).hexdigest(),
            base_digest=base_digest, revision=1, updated_at=now, updated_by_id=actor.id,
        )
        for path, (content, base_digest) in files.items()
    )  # fmt: skip
    session().flush()
    _record(draft, "draft.created", {"key": key, "base": base, **said}, actor, now)
    return draft


def _add(
    draft: ProcedureDraft, path: str, content: bytes, base_digest: str | None, actor: Actor, now: datetime
) -> ProcedureDraftFile:
    row = ProcedureDraftFile(
        draft_id=draft.id, path=path, content=content, digest=hashlib.sha256(content).hexdigest(),
        base_digest=base_digest, revision=0, updated_at=now, updated_by_id=actor.id,
    )  # fmt: skip
    session().add(row)
    _touch(draft, row, actor, now)
    _record(draft, "draft.file_added", {"file": path}, actor, now)
    return row


def _touch(draft: ProcedureDraft, row: ProcedureDraftFile, actor: Actor, now: datetime) -> None:
    draft.revision += 1
    row.revision = draft.revision
    for one in (draft, row):
        one.updated_at, one.updated_by_id = now, actor.id
    session().flush()


def _lock(draft_id: int) -> ProcedureDraft:
    found = session().scalar(for_update(sa.select(ProcedureDraft).where(ProcedureDraft.id == draft_id)))
    if found is None:
        raise NotFound(_("There is no such draft."))
    return found


def open_draft(draft_id: int) -> ProcedureDraft:
    """Return a draft, locked. Raises NotFound, and Refused when it is closed."""
    return _open(draft_id)


def _open(draft_id: int) -> ProcedureDraft:
    draft = _lock(draft_id)
    if draft.discarded_at is not None:
        raise Refused(_("This draft was discarded; bring it back first."))
    if draft.published_at is not None:
        raise Refused(_("This draft is published; open the procedure again for more changes."))
    return draft


def _no_file(path: str) -> NotFound:
    return NotFound(_("The draft has no file “%(name)s”.", name=path[:LONGEST_PATH]))


def _check_size(content: bytes) -> None:
    if len(content) > rules.MAX_BYTES:
        words = _("The file is larger than %(n)s MB.", n=rules.MAX_BYTES // 1_000_000)
        raise Invalid(words, [FieldError("content", words)])


def _key_errors(field: str, text: str) -> list[FieldError]:
    if rules.is_key(text):
        return []
    words = _("Use small letters, digits and underscores, beginning with a letter: spare_part.")
    return [FieldError(field, words)]


def _record(draft: ProcedureDraft, kind: str, data: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    engine.record_event(f"draft:{draft.id}", kind, data, actor=actor, now=now)

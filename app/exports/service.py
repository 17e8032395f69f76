"""Ask for an export, make it, fetch it, forget it."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.db import close_read_session, for_update, session, transaction
from app.errors import Forbidden, NotFound, Refused
from app.exports.kinds import KINDS, Kind
from app.exports.tables import Export
from app.notifications import service as notifications

# One person's, at a time.
MOST_WAITING = 5
KEPT = timedelta(days=7)
# Longer than the largest file takes.
LEASE = timedelta(minutes=15)
MOST_ATTEMPTS = 3
SHOWN = 50
log = logging.getLogger(__name__)


def ask(kind: str, query: Mapping[str, str], *, actor: Actor, now: datetime) -> Export:
    """Ask for a file. Raises NotFound for no such kind, Forbidden, Refused when too many wait already."""
    found = _kind(kind)
    if not found.allowed(actor):
        raise Forbidden()
    waiting = Export.person_id == actor.id, Export.status.in_(("waiting", "making"))
    if (session().scalar(sa.select(sa.func.count()).where(*waiting)) or 0) >= MOST_WAITING:
        raise Refused(
            _("%(n)s exports of yours are still being made. Please wait for one of them.", n=MOST_WAITING)
        )
    made = Export(
        person_id=actor.id,
        kind=kind,
        query={name[:40]: value[:200] for name, value in query.items()},
        locale="en" if str(get_locale()) == "en" else "zh",
        status="waiting",
        attempts=0,
        created_at=now,
    )
    session().add(made)
    session().flush()
    return made


def list_of(person_id: int) -> list[Export]:
    """Return somebody's exports, newest first; one statement."""
    mine = sa.select(Export).where(Export.person_id == person_id)
    return list(session().scalars(mine.order_by(Export.id.desc()).limit(SHOWN)))


def file_of(export_id: int, actor: Actor) -> tuple[Export, Path]:
    """Return one's own export and its file. Raises NotFound; Forbidden where one may not see it any more."""
    found = session().get(Export, export_id)
    if found is None or found.person_id != actor.id or found.status != "ready":
        raise NotFound(_("There is no such export; it may have been thrown away."))
    if not _kind(found.kind).allowed(actor):
        raise Forbidden()
    path = _path(export_id)
    if not path.exists():
        raise NotFound(_("There is no such export; it may have been thrown away."))
    return found, path


def throw_away(export_id: int, actor: Actor) -> None:
    """Forget one's own export; its file goes with the commit's next turn. Raises NotFound."""
    found = session().get(Export, export_id)
    if found is None or found.person_id != actor.id:
        raise NotFound()
    session().delete(found)


def make_due(now: datetime, worker: str) -> int:
    """Make the export that has waited longest; returns how many were made. Opens its own transactions."""
    claimed = _claim(now, worker)
    if claimed is None:
        return 0
    row, attempt = claimed
    try:
        size = _make(row, now)
    except Exception:
        # Whatever a maker trips over: the person sees that it failed, the operators why.
        log.exception("export %s, attempt %s by %s", row.id, attempt, worker)
        _path(row.id, part=True).unlink(missing_ok=True)
        _finish(row, attempt, "waiting" if attempt < MOST_ATTEMPTS else "failed", None, now)
        return 0
    _finish(row, attempt, "ready", size, now)
    return 1


def forget_old(now: datetime) -> int:
    """Throw away exports of more than a week ago, and files whose row is gone. Opens its own transaction."""
    with transaction():
        old = Export.created_at < now - KEPT
        gone = len(session().execute(sa.delete(Export).where(old).returning(Export.id)).all())
    folder = _folder()
    if folder.exists():
        # Rows read after the files: one that is being made is not among the strangers.
        names = [path for path in folder.iterdir() if path.stem.isdigit()]
        known = set(session().scalars(sa.select(Export.id)))
        close_read_session()
        for path in names:
            if int(path.stem) not in known:
                path.unlink(missing_ok=True)
    return gone


def _claim(now: datetime, worker: str) -> tuple[Export, int] | None:
    due = (
        sa.select(Export)
        .where(
            sa.or_(
                Export.status == "waiting",
                sa.and_(Export.status == "making", Export.lease_until < now),
            )
        )
        .order_by(Export.id)
        .limit(1)
    )
    # Look before taking SQLite's write lock: mostly there is nothing.
    waiting = session().execute(due.with_only_columns(Export.id)).first()
    close_read_session()
    if waiting is None:
        return None
    with transaction():
        row = session().scalar(for_update(due, skip_locked=True))
        if row is None:
            return None
        row.attempts += 1
        if row.attempts > MOST_ATTEMPTS:  # its worker died every time
            row.status, row.lease_until = "failed", None
            return None
        row.status, row.lease_until, row.worker = "making", now + LEASE, worker
        return row, row.attempts


def _make(row: Export, now: datetime) -> int:
    kind = _kind(row.kind)
    username = session().scalar(sa.select(Person.username).where(Person.id == row.person_id))
    actor = organisation.actor_named(username) if username else None
    if actor is None or not kind.allowed(actor):
        raise Forbidden("whoever asked for it may not have it any more")
    target, part = _path(row.id), _path(row.id, part=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with force_locale(row.locale), part.open("wb") as file:
        for block in kind.make(row.query, actor, now):
            size += file.write(block)
        file.flush()
        os.fsync(file.fileno())
    close_read_session()
    # Whole or not at all.
    part.replace(target)
    return size


def _finish(row: Export, attempt: int, status: str, size: int | None, now: datetime) -> None:
    with transaction():
        # Only who holds the claim may write: the attempt is its number.
        mine = Export.id == row.id, Export.attempts == attempt, Export.status == "making"
        values: dict[str, Any] = {"status": status, "size": size, "lease_until": None}
        if status == "ready":
            values["ready_at"] = now
        done = session().execute(sa.update(Export).where(*mine).values(**values).returning(Export.id))
        if done.first() is not None and status != "waiting":
            kind = "export_ready" if status == "ready" else "export_failed"
            notifications.notify([row.person_id], kind, {"subject": row.kind}, "/exports", now, mail=False)


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound(_("There is no such export."))
    return KINDS[name]


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].var_dir
    return folder / "exports"


def _path(export_id: int, *, part: bool = False) -> Path:
    return _folder() / f"{export_id}{'.part' if part else '.file'}"

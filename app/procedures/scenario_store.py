"""Scenario files kept beside the versions: taken over from the folder, changed here, written back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import Actor
from app.db import for_update, session
from app.errors import Conflict
from app.procedures.collect import stored_name
from app.procedures.scenario_files import SUFFIX
from app.procedures.tables import ScenarioFile


def get(key: str) -> ScenarioFile | None:
    """Return the scenarios of a procedure."""
    return session().get(ScenarioFile, key)


def all_files() -> dict[str, str]:
    """Return path → text of every scenario file."""
    rows = session().execute(sa.select(ScenarioFile.path, ScenarioFile.content).order_by(ScenarioFile.path))
    return {row.path: row.content for row in rows}


def save(key: str, path: str, content: str, *, revision: int, actor: Actor, now: datetime) -> ScenarioFile:
    """Keep a procedure's scenarios. revision: as the writer saw it, 0 for none. Raises Conflict."""
    row = session().scalar(for_update(sa.select(ScenarioFile).where(ScenarioFile.key == key)))
    if row is None:
        row = ScenarioFile(key=key, path=path, content=content, updated_at=now, updated_by_id=actor.id)
        session().add(row)
        session().flush()
        return row
    if row.content == content:
        return row
    if row.revision != revision:
        raise Conflict(_("Somebody has changed these scenarios since you opened them."), at=row.updated_at)
    row.content, row.revision = content, row.revision + 1
    row.updated_at, row.updated_by_id = now, actor.id
    return row


def take_over(files: Mapping[str, str], *, new_only: bool, actor: Actor, now: datetime) -> list[str]:
    """Keep scenario files of a folder, path → text; return the paths that were another content.

    new_only: leave alone what is there already.
    """
    changed = []
    for path, content in files.items():
        key = Path(path).name.removesuffix(SUFFIX)
        row = get(key)
        if row is not None and (new_only or (row.content, row.path) == (content, path)):
            continue
        changed.append(path)
        save(key, path, content, revision=row.revision if row else 0, actor=actor, now=now).path = path
    return changed


def found_files(paths: Iterable[str]) -> list[Path]:
    """Return the scenario files that `paths` mean, each once."""
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            found |= dict.fromkeys(sorted(path.rglob(f"*{SUFFIX}")))
        elif path.suffix.lower() == ".bpmn":
            beside = path.with_name(path.stem + SUFFIX)
            found |= {beside: None} if beside.is_file() else {}
        else:
            found[path] = None
    return list(found)


def read_beside(paths: Iterable[Path]) -> dict[str, str]:
    """Return stored path → text of scenario files on disk; one that is no text is left out."""
    found = {}
    for path in paths:
        try:
            found[stored_name(path, path.parent)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    return found

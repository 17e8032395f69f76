"""One function per verb: take in a spreadsheet, look it over, import it batch by batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app.accounts.actor import SYSTEM, Actor
from app.accounts.organisation import actor_columns, actor_from
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.cases import files
from app.cases import service as cases
from app.cases.imports import mapping, reading
from app.cases.imports.mapping import Plan, RowRefused
from app.cases.imports.reading import Sheet
from app.cases.tables import Case, ImportRun
from app.cases.values import NewCase
from app.db import for_update, session
from app.errors import AppError, Invalid, NotFound, Refused, StepFailed

# Rows in one transaction: a killed run loses at most these, and nobody waits long for the database.
BATCH = 25
LARGEST = 10 * 1024 * 1024


class RowFailed(Exception):
    """A row was refused while its case was being made: the batch is taken back and done again without it."""

    def __init__(self, number: int, why: RowRefused) -> None:
        super().__init__(why.reason)
        self.number, self.why = number, why


@dataclass(frozen=True)
class Review:
    """What an import would do: how many rows would become cases, are here already, are refused and why."""

    ready: int
    repeated: int
    refused: list[dict[str, Any]]


def get(run_id: int) -> ImportRun:
    """Return an import; raises NotFound."""
    found = session().get(ImportRun, run_id)
    if found is None:
        raise NotFound(_("There is no such import."))
    return found


def upload(name: str, content: bytes, *, actor: Actor, now: datetime) -> ImportRun:
    """Read a spreadsheet and keep its rows for the preview. Raises Invalid with a sentence for the person."""
    if not content:
        raise Invalid(_("Choose a file first."))
    if len(content) > LARGEST:
        raise Invalid(_("The file is larger than %(n)s MB. Split it.", n=LARGEST // (1024 * 1024)))
    sheet = reading.read(name, content)
    kept = files.keep(json.dumps(sheet.as_json(), ensure_ascii=False).encode())
    run = ImportRun(
        file_name=files.clean_name(name)[:200],
        digest=kept,
        mapping=mapping.guess(sheet.headers).as_json(),
        total=len(sheet.rows),
        refused=[],
        at=now,
        by_id=actor.id,
    )
    session().add(run)
    session().flush()
    return run


def sheet_of(run: ImportRun) -> Sheet:
    """Return the rows of an import as they were kept."""
    return Sheet.from_json(json.loads(files.path_of(run.digest).read_text("utf-8")))


def replan(run_id: int, plan: Plan) -> ImportRun:
    """Change what the columns are, before the import begins. Raises Invalid, Refused."""
    run = _locked(run_id)
    if run.status != "preview":
        raise Refused(_("This import has begun already."))
    if (problem := mapping.check_plan(plan)) is not None:
        raise Invalid(problem)
    run.mapping = plan.as_json()
    return run


def review(run: ImportRun, now: datetime) -> Review:
    """Look every row over without making anything."""
    sheet, plan = sheet_of(run), Plan.from_json(run.mapping)
    if mapping.check_plan(plan) is not None:
        return Review(0, 0, [])
    refused: list[dict[str, Any]] = []
    rows: list[tuple[NewCase, str]] = []
    for number, cells in sheet.rows:
        try:
            rows.append((mapping.new_case(sheet.headers, cells, plan, now), mapping.digest(cells)))
        except RowRefused as why:
            refused.append(_line(number, why))
    known = _Known(rows)
    ready = sum(known.is_new(new, digest) for new, digest in rows)
    return Review(ready, len(rows) - ready, refused)


def start(run_id: int) -> ImportRun:
    """Let an import begin; once only. Raises Invalid, Refused."""
    run = _locked(run_id)
    if (problem := mapping.check_plan(Plan.from_json(run.mapping))) is not None:
        raise Invalid(problem)
    if run.status != "preview":
        raise Refused(_("This import has begun already."))
    run.status = "running"
    return run


def take_batch(run_id: int, refusals: Mapping[int, RowRefused], *, actor: Actor, now: datetime) -> ImportRun:
    """Import the next rows; does nothing when none are left.

    refusals: row number to the reason why the row failed when this batch was tried before.
    Raises RowFailed: take the transaction back and come again with that row among the refusals.
    """
    run = _locked(run_id)
    if run.status != "running":
        return run
    sheet, plan = sheet_of(run), Plan.from_json(run.mapping)
    batch = sheet.rows[run.position : run.position + BATCH]
    refused = list(run.refused)
    rows: list[tuple[int, NewCase, str]] = []
    for number, cells in batch:
        try:
            if number in refusals:
                raise refusals[number]
            rows.append((number, mapping.new_case(sheet.headers, cells, plan, now), mapping.digest(cells)))
        except RowRefused as why:
            refused.append(_line(number, why))
    known = _Known([(new, digest) for _number, new, digest in rows])
    for number, new, digest in rows:
        if not known.is_new(new, digest):
            run.repeated += 1
            continue
        try:
            cases.create(new, actor=actor, now=now).import_digest = digest
        except AppError as error:
            raise RowFailed(number, RowRefused("", _reason(error))) from error
        run.created += 1
    run.refused = refused
    run.position += len(batch)
    if run.position >= run.total:
        run.status = "done"
    return run


def running() -> list[int]:
    """Return the imports that have begun and not ended."""
    return list(
        session().scalars(sa.select(ImportRun.id).where(ImportRun.status == "running").order_by(ImportRun.id))
    )


def actor_of(run_id: int) -> Actor:
    """Return who an import is for, whoever's process carries it on."""
    columns = actor_columns().join(ImportRun, ImportRun.by_id == Person.id).where(ImportRun.id == run_id)
    row = session().execute(columns).first()
    return actor_from(row) if row else SYSTEM


def get_open_to(run_id: int, actor: Actor) -> ImportRun:
    """Return an import whose rows this person may read: phone numbers stand in them. Raises NotFound."""
    found = session().scalar(sa.select(ImportRun).where(ImportRun.id == run_id, _open_to(actor)))
    if found is None:
        raise NotFound(_("There is no such import."))
    return found


def _open_to(actor: Actor) -> sa.ColumnElement[bool]:
    """Return the condition: one's own file, or anybody's for those who may see hidden numbers."""
    return sa.true() if actor.may("customer.reveal") else ImportRun.by_id == actor.id


def recent(actor: Actor, limit: int = 20) -> list[Any]:
    """Return the latest imports that are open to this person, with the name of who sent them."""
    columns = sa.select(ImportRun, shown_name()).outerjoin(Person, Person.id == ImportRun.by_id)
    columns = columns.where(_open_to(actor))
    return list(session().execute(columns.order_by(ImportRun.id.desc()).limit(limit)))


class _Known:
    """Which rows are here already: the same key of the same source, or the same row whatever it is called."""

    def __init__(self, rows: list[tuple[NewCase, str]]) -> None:
        self.keys: set[str] = set()
        self.digests: set[str] = set()
        # In portions: a statement takes only so many parameters.
        for first in range(0, len(rows), 400):
            part = rows[first : first + 400]
            keys = [new.import_key for new, _digest in part]
            source = part[0][0].import_source
            same = sa.select(Case.import_key).where(Case.import_source == source, Case.import_key.in_(keys))
            self.keys |= set(session().scalars(same))
            digests = sa.select(Case.import_digest).where(Case.import_digest.in_([d for _new, d in part]))
            self.digests |= set(session().scalars(digests))

    def is_new(self, new: NewCase, digest: str) -> bool:
        """Tell whether a row is here for the first time, and remember it."""
        if new.import_key in self.keys or digest in self.digests:
            return False
        self.keys.add(str(new.import_key))
        self.digests.add(digest)
        return True


def _locked(run_id: int) -> ImportRun:
    run = session().scalar(for_update(sa.select(ImportRun).where(ImportRun.id == run_id)))
    if run is None:
        raise NotFound(_("There is no such import."))
    return run


def _line(number: int, why: RowRefused) -> dict[str, Any]:
    return {"row": number, "column": why.column, "reason": why.reason}


def _reason(error: AppError) -> str:
    if isinstance(error, StepFailed):
        return _("The procedure could not be started; tell operations.")
    if isinstance(error, Invalid) and error.errors:
        return " ".join(f"{one.field}: {one.message}" for one in error.errors)
    return str(error)

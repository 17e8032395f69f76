"""Reads for the pages of migrations; a constant number of statements whatever the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.db import session
from app.engine.tables import Instance, Procedure, ProcedureVersion
from app.errors import NotFound
from app.procedures.migration.service import ENDED, OK, REFUSED
from app.procedures.migration.tables import MigrationRow, MigrationRun
from app.procedures.queries import no_version, people_names

ROWS_SHOWN = 50
RUNS_SHOWN = 10


@dataclass(frozen=True)
class Choice:
    """One instance that could be chosen."""

    id: int
    case_number: str | None
    version: int
    status: str
    started_at: datetime


@dataclass(frozen=True)
class ChoicePage:
    """What can be moved where. counts: open instances by version; more: how many are not shown."""

    key: str
    name: str
    versions: list[int]
    target: int
    counts: list[tuple[int, int]]
    rows: list[Choice]
    total: int
    runs: list[RunRow]


@dataclass(frozen=True)
class RunRow:
    """One run of the list."""

    id: int
    kind: str
    version: int
    by: str
    reason: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RunPage:
    """A run with its progress. reasons: why instances were refused, the most frequent first."""

    run: RunRow
    key: str
    name: str
    of_id: int | None
    next_id: int | None
    counts: dict[str, int]
    reasons: list[tuple[str, int]]
    rows: list[ResultRow]
    more: int | None

    @property
    def total(self) -> int:
        """How many instances it is about."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """How many were looked at."""
        return self.counts.get(OK, 0) + self.counts.get(REFUSED, 0)

    @property
    def percent(self) -> int:
        """How much of it is done."""
        return self.done * 100 // max(self.total, 1)


@dataclass(frozen=True)
class ResultRow:
    """What became of one instance."""

    instance_id: int
    case_number: str | None
    status: str
    reasons: list[str]
    from_version: int | None


def choices(key: str, target: int | None, from_version: int | None = None) -> ChoicePage:
    """Return the open instances that are not on the version `target` (else the newest). Raises NotFound."""
    numbers = session().execute(
        sa.select(
            Procedure.id, Procedure.name, ProcedureVersion.number, sa.func.count(Instance.id).label("n")
        )
        .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
        .outerjoin(Instance, (Instance.version_id == ProcedureVersion.id) & Instance.status.not_in(ENDED))
        .where(Procedure.key == key)
        .group_by(Procedure.id, Procedure.name, ProcedureVersion.number)
        .order_by(ProcedureVersion.number.desc())
    )
    found = [(row.id, row.name, row.number, row.n) for row in numbers]
    versions = [number for _id, _name, number, _n in found]
    if not found or (target is not None and target not in versions):
        raise no_version()
    chosen = target or versions[0]
    query = (
        sa.select(
            Instance.id, Instance.business_key, ProcedureVersion.number, Instance.status, Instance.started_at
        )
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .where(
            ProcedureVersion.procedure_id == found[0][0],
            ProcedureVersion.number != chosen,
            Instance.status.not_in(ENDED),
        )
        .order_by(Instance.id.desc())
        .limit(ROWS_SHOWN)
    )
    if from_version is not None:
        query = query.where(ProcedureVersion.number == from_version)
    counts = [(number, n) for _id, _name, number, n in found if n and number != chosen]
    return ChoicePage(
        key=key,
        name=found[0][1],
        versions=versions,
        target=chosen,
        counts=counts,
        rows=[Choice(*row) for row in session().execute(query)],
        total=sum(n for number, n in counts if from_version in (None, number)),
        runs=_runs(sa.select(MigrationRun.id).where(MigrationRun.procedure_id == found[0][0])),
    )


def run_page(run_id: int, after: int = 0) -> RunPage:
    """Return a run; after: the last instance of the page before. Raises NotFound."""
    runs = _runs(sa.select(MigrationRun.id).where(MigrationRun.id == run_id))
    if not runs:
        raise NotFound()
    key, name, of_id = (
        session()
        .execute(
            sa.select(Procedure.key, Procedure.name, MigrationRun.of_id)
            .join(MigrationRun, MigrationRun.procedure_id == Procedure.id)
            .where(MigrationRun.id == run_id)
        )
        .one()
    )
    mine = MigrationRow.run_id == run_id
    counts: dict[str, int] = {
        row.status: row.n
        for row in session().execute(
            sa.select(MigrationRow.status, sa.func.count().label("n"))
            .where(mine)
            .group_by(MigrationRow.status)
        )
    }
    reasons = session().execute(
        sa.select(MigrationRow.reasons, sa.func.count().label("n"))
        .where(mine, MigrationRow.status == REFUSED)
        .group_by(MigrationRow.reasons)
        .order_by(sa.desc("n"))
        .limit(ROWS_SHOWN)
    )
    shown = session().execute(
        sa.select(
            MigrationRow.instance_id,
            Instance.business_key,
            MigrationRow.status,
            MigrationRow.reasons,
            ProcedureVersion.number,
        )
        .join(Instance, Instance.id == MigrationRow.instance_id)
        .outerjoin(ProcedureVersion, ProcedureVersion.id == MigrationRow.before_version_id)
        .where(mine, MigrationRow.instance_id > after)
        .order_by(MigrationRow.instance_id)
        .limit(ROWS_SHOWN + 1)
    )
    rows = [
        ResultRow(one, case, status, why.splitlines(), number) for one, case, status, why, number in shown
    ]
    return RunPage(
        run=runs[0],
        key=key,
        name=name,
        of_id=of_id,
        next_id=session().scalar(sa.select(MigrationRun.id).where(MigrationRun.of_id == run_id).limit(1)),
        counts=counts,
        reasons=[(why, n) for why, n in reasons],
        rows=rows[:ROWS_SHOWN],
        more=rows[ROWS_SHOWN - 1].instance_id if len(rows) > ROWS_SHOWN else None,
    )


def _runs(ids: sa.Select[int]) -> list[RunRow]:
    names = people_names()
    query = (
        sa.select(MigrationRun, ProcedureVersion.number)
        .join(ProcedureVersion, ProcedureVersion.id == MigrationRun.version_id)
        .where(MigrationRun.id.in_(ids))
        .order_by(MigrationRun.id.desc())
        .limit(RUNS_SHOWN)
    )
    return [
        RunRow(
            run.id, run.kind, number, names.get(run.by_id, ""), run.reason, run.started_at, run.finished_at
        )
        for run, number in session().execute(query)
    ]

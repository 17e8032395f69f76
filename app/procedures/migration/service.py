"""Begin runs and take one instance of a run further; who calls opens the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import SYSTEM, Actor
from app.accounts.organisation import actor_columns, actor_from
from app.accounts.tables import Person
from app.db import for_update, session
from app.engine.events import record_event
from app.engine.tables import Instance, Procedure, ProcedureVersion
from app.errors import AppError, FieldError, Invalid, NotFound, Refused
from app.procedures.migration.tables import MigrationRow, MigrationRun

CHECK, MOVE, UNDO = "check", "move", "undo"
PENDING, OK, REFUSED = "pending", "ok", "refused"
ENDED = ("completed", "cancelled")
# Comfortable for one statement on both databases, and more than a centre has open at a time.
MOST = 20_000


class RowFailedError(Exception):
    """An instance could not be taken further; its transaction is lost, the reason is to be kept."""

    def __init__(self, instance_id: int, reasons: str) -> None:
        super().__init__(reasons)
        self.instance_id = instance_id
        self.reasons = reasons


def begin(
    key: str,
    version: int,
    *,
    instances: Sequence[int] | None = None,
    from_version: int | None = None,
    dry_run: bool = True,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> MigrationRun:
    """Begin to check or move instances of a procedure that are not on this version yet.

    instances:    only these; None: all that have not ended.
    from_version: of these, only those on this version.
    Raises NotFound for an unknown procedure or version, Invalid when nothing is chosen or fits.
    """
    target = _version(key, version)
    query = (
        sa.select(Instance.id)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .where(
            ProcedureVersion.procedure_id == target.procedure_id,
            ProcedureVersion.id != target.id,
            Instance.status.not_in(ENDED),
        )
        .order_by(Instance.id)
        .limit(MOST)
    )
    if instances is not None:
        query = query.where(Instance.id.in_(list(instances)[:MOST]))
    if from_version is not None:
        query = query.where(ProcedureVersion.number == from_version)
    chosen = list(session().scalars(query))
    if not chosen:
        raise _nothing()
    kind = CHECK if dry_run else MOVE
    return _begin(kind, target.procedure_id, target.id, None, chosen, reason=reason, actor=actor, now=now)


def move_checked(run_id: int, *, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    """Begin to move the instances that a check found movable. Raises NotFound, Refused, Invalid."""
    checked = _locked(run_id, CHECK)
    if session().scalar(sa.select(MigrationRun.id).where(MigrationRun.of_id == run_id).limit(1)):
        raise Refused(_("These instances are being moved already."))
    return _begin(
        MOVE,
        checked.procedure_id,
        checked.version_id,
        run_id,
        _those(run_id),
        reason=reason,
        actor=actor,
        now=now,
    )


def take_back(run_id: int, *, reason: str, actor: Actor, now: datetime) -> MigrationRun:
    """Begin to take a move back for each instance that has done nothing since.

    Raises NotFound; Refused while it is under way or was taken back already; Invalid without a reason.
    """
    moved = _locked(run_id, MOVE)
    if session().scalar(sa.select(MigrationRun.id).where(MigrationRun.of_id == run_id).limit(1)):
        raise Refused(_("This move has been taken back already."))
    return _begin(
        UNDO,
        moved.procedure_id,
        moved.version_id,
        run_id,
        _those(run_id),
        reason=reason,
        actor=actor,
        now=now,
    )


def take_one(run_id: int, *, actor: Actor, now: datetime) -> bool:
    """Take the next instance of a run further; False when none waits. Another worker's is left to it.

    Raises RowFailedError with what is to be kept by `refuse`, in a transaction of its own.
    """
    row = session().scalar(
        for_update(
            sa.select(MigrationRow)
            .where(MigrationRow.run_id == run_id, MigrationRow.status == PENDING)
            .order_by(MigrationRow.instance_id)
            .limit(1),
            skip_locked=True,
        )
    )
    if row is None:
        _finish_if_done(run_id, actor=actor, now=now)
        return False
    run = get(run_id)
    try:
        if run.kind == UNDO:
            _put_back(run, row, actor=actor, now=now)
        else:
            _move(run, row, actor=actor, now=now)
    except AppError as error:
        raise RowFailedError(row.instance_id, str(error)) from error
    return True


def refuse(run_id: int, failed: RowFailedError) -> None:
    """Keep why an instance was refused."""
    session().execute(
        sa.update(MigrationRow)
        .where(
            MigrationRow.run_id == run_id,
            MigrationRow.instance_id == failed.instance_id,
            MigrationRow.status == PENDING,
        )
        .values(status=REFUSED, reasons=failed.reasons)
    )


def get(run_id: int) -> MigrationRun:
    """Return a run. Raises NotFound."""
    found = session().get(MigrationRun, run_id)
    if found is None:
        raise NotFound(_("There is no such run."))
    return found


def under_way() -> list[int]:
    """Return the runs that are not finished, oldest first."""
    query = sa.select(MigrationRun.id).where(MigrationRun.finished_at.is_(None)).order_by(MigrationRun.id)
    return list(session().scalars(query))


def actor_of(run_id: int) -> Actor:
    """Return who began a run, whoever's process carries it on."""
    columns = actor_columns().join(MigrationRun, MigrationRun.by_id == Person.id)
    row = session().execute(columns.where(MigrationRun.id == run_id)).first()
    return actor_from(row) if row else SYSTEM


# ---------------------------------------------------------------- inside


def _move(run: MigrationRun, row: MigrationRow, *, actor: Actor, now: datetime) -> None:
    instance = engine.lock_instance(row.instance_id)
    version_id, state = instance.version_id, instance.state
    if version_id == run.version_id:
        row.status, row.reasons = REFUSED, _("It is on this version already.")
        return
    dry = run.kind == CHECK
    report = engine.migrate(
        row.instance_id, run.version_id, dry_run=dry, reason=run.reason, actor=actor, now=now
    )
    row.status, row.reasons = (REFUSED, "\n".join(report.problems)) if report.problems else (OK, "")
    row.before_version_id = version_id
    if not dry:
        row.before_state, row.after_revision = state, instance.revision


def _put_back(run: MigrationRun, row: MigrationRow, *, actor: Actor, now: datetime) -> None:
    moved = session().get(MigrationRow, (run.of_id, row.instance_id))
    if (
        moved is None
        or moved.before_state is None
        or moved.before_version_id is None
        or moved.after_revision is None
    ):
        raise Refused(_("What it was before is not kept any more."))
    engine.take_back_migration(
        row.instance_id,
        moved.before_state,
        moved.before_version_id,
        moved.after_revision,
        reason=run.reason,
        actor=actor,
        now=now,
    )
    row.status, row.before_version_id = OK, moved.before_version_id


def _finish_if_done(run_id: int, *, actor: Actor, now: datetime) -> None:
    run = session().scalar(for_update(sa.select(MigrationRun).where(MigrationRun.id == run_id)))
    if run is None or run.finished_at is not None:
        return
    counted: dict[str, int] = {
        row.status: row.n
        for row in session().execute(
            sa.select(MigrationRow.status, sa.func.count().label("n"))
            .where(MigrationRow.run_id == run_id)
            .group_by(MigrationRow.status)
        )
    }
    if counted.get(PENDING):
        return  # another worker has it
    run.finished_at = now
    if run.kind != CHECK:
        moved = session().execute(_key_of(run.version_id)).one()
        record_event(
            f"procedure:{moved.key}",
            f"procedure.migration_{run.kind}",
            {
                "run": run.id,
                "version": moved.number,
                "ok": counted.get(OK, 0),
                "refused": counted.get(REFUSED, 0),
                "reason": run.reason,
            },
            actor=actor,
            now=now,
        )


def _begin(
    kind: str,
    procedure_id: int,
    version_id: int,
    of_id: int | None,
    chosen: Sequence[int],
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> MigrationRun:
    reason = " ".join(reason.split())[:500]
    if kind != CHECK and not reason:
        words = _("Say why; it stays in the history.")
        raise Invalid(words, [FieldError("reason", words)])
    if not chosen:
        raise _nothing()
    run = MigrationRun(
        kind=kind,
        procedure_id=procedure_id,
        version_id=version_id,
        of_id=of_id,
        reason=reason,
        by_id=actor.id,
        started_at=now,
    )
    session().add(run)
    session().flush()
    rows = [{"run_id": run.id, "instance_id": one, "status": PENDING, "reasons": ""} for one in chosen]
    session().execute(sa.insert(MigrationRow), rows)
    return run


def _locked(run_id: int, kind: str) -> MigrationRun:
    run = session().scalar(
        for_update(sa.select(MigrationRun).where(MigrationRun.id == run_id, MigrationRun.kind == kind))
    )
    if run is None:
        raise NotFound(_("There is no such run."))
    if run.finished_at is None:
        raise Refused(_("This run is not finished yet."))
    return run


def _those(run_id: int) -> list[int]:
    query = sa.select(MigrationRow.instance_id).where(
        MigrationRow.run_id == run_id, MigrationRow.status == OK
    )
    return list(session().scalars(query.order_by(MigrationRow.instance_id)))


def _version(key: str, number: int) -> ProcedureVersion:
    found = session().scalar(
        sa.select(ProcedureVersion)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .options(sa.orm.load_only(ProcedureVersion.id, ProcedureVersion.procedure_id))
        .where(Procedure.key == key, ProcedureVersion.number == number)
    )
    if found is None:
        raise NotFound(_("There is no such procedure, or no such version of it."))
    return found


def _key_of(version_id: int) -> sa.Select[str, int]:
    return (
        sa.select(Procedure.key, ProcedureVersion.number)
        .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
        .where(ProcedureVersion.id == version_id)
    )


def _nothing() -> Invalid:
    words = _("Choose at least one running instance that is on another version.")
    return Invalid(words, [FieldError("instances", words)])

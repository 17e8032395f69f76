"""What publishing would mean for the work that is under way. Reads only; a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.db import session
from app.engine import bundles
from app.engine.deploy import latest_files
from app.engine.tables import Instance, Procedure, ProcedureVersion, Timer, WorkItem
from app.inbox.tables import Draft
from app.procedures.differences import FileDifference

WAITING = ("waiting", "paused")
OPEN = ("open", "claimed")
SHOWN = 50


@dataclass(frozen=True)
class Place:
    """A step where instances wait now. stays: the new version has it, so that they could be moved.

    process: the name of the process that holds it, "" where that is gone.
    """

    process: str
    name: str
    instances: int
    stays: bool


@dataclass(frozen=True)
class Touched:
    """A procedure that would get a new version. running: instances on older ones, which stay on theirs."""

    key: str
    name: str
    running: int
    places: tuple[Place, ...]


@dataclass(frozen=True)
class LostDraft:
    """Unsent answers that a moved task would no longer have room for."""

    person: str
    task: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Impact:
    """All of it. timers: that wait on steps whose time or allowance changes, and move with their case."""

    procedures: list[Touched]
    timers: int
    drafts: list[LostDraft]


def impact(changed: Mapping[str, bytes], differences: Iterable[FileDifference]) -> Impact:
    """Return what publishing these files would mean; changed: path → content."""
    differences = list(differences)
    known = bundles.library({**latest_files(), **changed})
    touched: dict[str, Mapping[str, Any]] = {
        one.root: cast(Mapping[str, Any], one.catalog()["processes"])
        for one in bundles.bundles(known)
        if not set(changed).isdisjoint(one.files)
    }
    running, places = _running(touched), _places(touched)
    return Impact(
        [Touched(key, *running[key], tuple(places.get(key, ()))) for key in touched if key in running],
        _timers(touched, differences),
        _drafts(touched, differences),
    )


def _running(keys: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return key → (name, how many instances are under way) of those that have a version already."""
    under_way = Instance.status.not_in(("completed", "cancelled"))
    query = (
        sa.select(Procedure.key, Procedure.name, sa.func.count(Instance.id).label("n"))
        .join(ProcedureVersion, ProcedureVersion.procedure_id == Procedure.id)
        .outerjoin(Instance, sa.and_(Instance.version_id == ProcedureVersion.id, under_way))
        .where(Procedure.key.in_(keys))
        .group_by(Procedure.key, Procedure.name)
    )
    return {row.key: (row.name, row.n) for row in session().execute(query)}


def _places(touched: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Place]]:
    """Return key → where its instances wait, for people or for a time; most instances first."""
    people = sa.select(WorkItem.process_id, WorkItem.element, WorkItem.name, WorkItem.instance_id).where(
        WorkItem.status.in_(OPEN)
    )
    times = sa.select(Timer.process_id, Timer.element, Timer.name, Timer.instance_id).where(
        Timer.kind == "catch", Timer.status.in_(WAITING)
    )
    both = sa.union_all(people, times).subquery()
    counted = sa.func.count(both.c.instance_id.distinct()).label("n")
    query = (
        sa.select(
            Procedure.key, both.c.process_id, both.c.element, sa.func.max(both.c.name).label("name"), counted
        )
        .join(Instance, Instance.id == both.c.instance_id)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key.in_(touched))
        .group_by(Procedure.key, both.c.process_id, both.c.element)
        .order_by(counted.desc(), both.c.element)
    )
    found: dict[str, list[Place]] = {}
    for row in session().execute(query):
        process = touched[row.key].get(row.process_id, {})
        stays = row.element in process.get("elements", {})
        place = Place(process.get("name", ""), row.name or row.element, row.n, stays)
        found.setdefault(row.key, []).append(place)
    return found


def _timers(keys: Collection[str], differences: Iterable[FileDifference]) -> int:
    """Return how many timers wait whose instant would be another one under the new files."""
    steps = {
        item.id
        for one in differences
        for item in one.items
        if any(fact.key == "timer" for fact in item.facts) and item.change == "changed"
    }
    tables = {table.id for one in differences for table in one.tables}
    if not steps and "allowance" not in tables:
        return 0
    query = (
        sa.select(sa.func.count())
        .select_from(Timer)
        .join(Instance, Instance.id == Timer.instance_id)
        .join(ProcedureVersion, ProcedureVersion.id == Instance.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key.in_(keys), Timer.status.in_(WAITING))
    )
    if "allowance" not in tables:
        query = query.where(Timer.element.in_(steps))
    else:
        query = query.where(sa.or_(Timer.element.in_(steps), Timer.kind != "catch"))
    return session().scalar(query) or 0


def _drafts(keys: Collection[str], differences: Iterable[FileDifference]) -> list[LostDraft]:
    """Return the unsent answers of open tasks that hold fields which their form would no longer have."""
    gone = {
        one.path: {item.id for item in one.items if item.change == "removed"}
        for one in differences
        if one.kind == "form"
    }
    gone = {path: fields for path, fields in gone.items() if fields}
    if not gone:
        return []
    query = (
        sa.select(Draft.values, WorkItem.form, WorkItem.name, WorkItem.case_number, shown_name())
        .join(WorkItem, sa.literal("work_item:").concat(sa.cast(WorkItem.id, sa.String)) == Draft.subject)
        .join(Person, Person.id == Draft.person_id)
        .join(ProcedureVersion, ProcedureVersion.id == WorkItem.version_id)
        .join(Procedure, Procedure.id == ProcedureVersion.procedure_id)
        .where(Procedure.key.in_(keys), WorkItem.status.in_(OPEN), WorkItem.form.is_not(None))
        .order_by(Draft.saved_at)
    )
    found = []
    for values, form, name, number, person in session().execute(query):
        path = next((path for path in gone if path == form or path.endswith(f"/{form}")), "")
        lost = (field for field in gone.get(path, ()) if values.get(field) not in (None, "", []))
        fields = tuple(sorted(lost))
        if fields:
            found.append(LostDraft(person, f"{number or ''} {name}".strip(), fields))
    return found[:SHOWN]

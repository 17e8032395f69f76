"""What closed cases were decided, asked again of a draft's tables: which would go another way. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.db import session
from app.engine import bundles
from app.engine.decisions import Decision
from app.engine.expressions import ExpressionError
from app.engine.tables import Event, Instance

CHOICES = (50, 200, 1_000)
SHOWN = 200


@dataclass(frozen=True)
class Otherwise:
    """One decision that would be another one.

    changed:  (output, as it was, as it would be). rows: as it was and would be, None where no row fits.
    problem:  why the draft's table has no answer, "" if it has one.
    """

    case_number: str | None
    instance_id: int
    inputs: Mapping[str, Any]
    rows: tuple[int | None, int | None]
    changed: tuple[tuple[str, Any, Any], ...]
    problem: str


@dataclass(frozen=True)
class TableReplay:
    """One decision table. asked: how often closed cases asked it."""

    decision: str
    name: str
    asked: int
    otherwise: list[Otherwise]


@dataclass(frozen=True)
class Replay:
    """All of it. instances: how many closed ones were looked at."""

    instances: int
    tables: list[TableReplay]


def replay(files: Mapping[str, bytes], newest: int) -> Replay:
    """Ask the tables in `files` what the `newest` closed instances asked them. Two statements.

    Whatever procedure asked: a table is used where its procedure is called, too. Instances that began before
    decisions were kept have none.
    """
    asked_one = sa.select(Event.instance_id).where(
        Event.instance_id == Instance.id, Event.kind == "decision.made"
    )
    closed = (
        sa.select(Instance.id, Instance.business_key)
        .where(Instance.status == "completed", asked_one.exists())
        .order_by(Instance.ended_at.desc(), Instance.id.desc())
        .limit(newest)
    )
    numbers = {row.id: row.business_key for row in session().execute(closed)}
    made = session().execute(
        sa.select(Event.instance_id, Event.data)
        .where(Event.instance_id.in_(numbers), Event.kind == "decision.made")
        .order_by(Event.id.desc())
    )
    tables = {
        decision.id: decision
        for path, content in files.items()
        if bundles.kind(path) == "dmn"
        for decision in bundles.decisions_in(content)
    }
    asked: dict[str, int] = {}
    otherwise: dict[str, list[Otherwise]] = {}
    for instance_id, data in made:
        name = str(data["decision"])
        if name in tables and instance_id is not None:
            asked[name] = asked.get(name, 0) + 1
            found = _asked_again(tables[name], numbers[instance_id], instance_id, data)
            if found is not None:
                otherwise.setdefault(name, []).append(found)
    return Replay(
        len(numbers),
        [
            TableReplay(name, tables[name].name, n, otherwise.get(name, []))
            for name, n in sorted(asked.items())
        ],
    )


def _asked_again(
    table: Decision, case_number: str | None, instance_id: int, data: Mapping[str, Any]
) -> Otherwise | None:
    inputs, before = data["inputs"], data["outputs"]
    try:
        decided = table.decide(inputs)
    except ExpressionError as error:
        return Otherwise(case_number, instance_id, inputs, (data["row"], None), (), error.message)
    after = decided.outputs or dict.fromkeys(table.outputs)
    changed = tuple(
        (name, before[name], after.get(name))
        for name in before  # lists and long texts were not kept: nobody can tell whether they would differ
        if before[name] != after.get(name)
    )
    if not changed:
        return None
    return Otherwise(case_number, instance_id, inputs, (data["row"], decided.row), changed, "")

"""The solution database 客户问题解决方案数据库: what helped once, offered at the next case.

Forms bind to it: `x-options-from: "solutions"` offers the titles; a field bound to `solution.title` names the
entry that was used, and where another one is bound to `solution.body` a new entry is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.dialects import postgresql, sqlite

from app import engine, forms
from app.accounts.actor import Actor
from app.cases import rules
from app.cases.tables import Case, Solution
from app.db import session
from app.errors import FieldError, Invalid

OFFERED = 50
COMPARED = 300
SIMILAR = 3
LONGEST_TITLE = 80


@dataclass(frozen=True)
class Known:
    """One entry as it is suggested; `likeness` 0..1."""

    id: int
    title: str
    body: str
    used_count: int
    likeness: float


def choices(klass: str | None) -> list[forms.Choice]:
    """Return what `x-options-from: "solutions"` offers: the case's class first, then the most used."""
    query = sa.select(Solution.title).order_by(*_order(klass)).limit(OFFERED)
    return [forms.Choice(title, title) for title in session().scalars(query)]


def similar(klass: str | None, text: str, limit: int = SIMILAR) -> list[Known]:
    """Return the entries whose words are most like `text` (a title, a description), best first.

    Compared by pairs of letters, which needs no word boundaries: Chinese has none.
    """
    wanted = rules.letter_pairs(text)
    if not wanted:
        return []
    query = (
        sa.select(Solution.id, Solution.title, Solution.body, Solution.used_count, Solution.cause)
        .order_by(*_order(klass))
        .limit(COMPARED)
    )
    found = []
    for row in session().execute(query):
        title = rules.likeness(wanted, row.title)
        whole = rules.likeness(wanted, f"{row.title} {row.cause or ''} {row.body}")
        found.append(Known(row.id, row.title, row.body, row.used_count, max(title, whole)))
    fitting = [one for one in found if one.likeness >= rules.LIKE_ENOUGH]
    return sorted(fitting, key=lambda one: (-one.likeness, -one.used_count))[:limit]


def use(
    case: Case,
    values: Mapping[str, Any],
    *,
    klass: str | None,
    cause: str | None,
    actor: Actor,
    now: datetime,
) -> str:
    """Count the use of an entry, or write a new one; return the words of the solution for the case.

    values: `title`, and `body` for a new entry. A new entry under a title that exists is a use of that one:
    the case keeps its own words, the entry its first ones.
    Raises Invalid when there is no title, or no entry of that title and no words for a new one.
    """
    title = " ".join(str(values.get("title") or "").split())
    body = str(values.get("body") or "").strip()
    if not title or len(title) > LONGEST_TITLE:
        raise _unfit(
            "solution.title", _("Give the solution a name of at most %(n)s characters.", n=LONGEST_TITLE)
        )
    made = _write_new(title, body, case, klass, cause, actor, now) if body else None
    if made is not None:
        _record(made, "solution.added", case, actor, now)
        return body
    known = (
        session()
        .execute(
            sa.update(Solution)
            .where(Solution.title == title)
            .values(used_count=Solution.used_count + 1)
            .returning(Solution.id, Solution.body)
            .execution_options(synchronize_session=False)
        )
        .first()
    )
    if known is None:
        raise _unfit("solution.title", _("There is no solution of this name any more."))
    _record(known.id, "solution.used", case, actor, now)
    return body or known.body


def _write_new(
    title: str, body: str, case: Case, klass: str | None, cause: str | None, actor: Actor, now: datetime
) -> int | None:
    """Insert an entry and return its id; None when somebody wrote one of this title first."""
    insert: Any = postgresql.insert if session().get_bind().dialect.name == "postgresql" else sqlite.insert
    made: int | None = session().scalar(
        insert(Solution.__table__)
        .values(
            {
                "title": title,
                "body": body,
                "class": klass,
                "cause": cause,
                "used_count": 1,
                "created_at": now,
                "created_by_id": actor.id,
                "case_id": case.id,
            }
        )
        .on_conflict_do_nothing(index_elements=["title"])
        .returning(Solution.__table__.c.id)
    )
    return made


def _order(klass: str | None) -> tuple[Any, ...]:
    most_used = (Solution.used_count.desc(), Solution.id.desc())
    # A bare 0 to order by would mean a column's place.
    return (sa.case((Solution.klass == klass, 0), else_=1), *most_used) if klass else most_used


def _record(solution_id: int, kind: str, case: Case, actor: Actor, now: datetime) -> None:
    engine.record_event(f"solution:{solution_id}", kind, {"case": case.number}, actor=actor, now=now)


def _unfit(field: str, message: str) -> Invalid:
    return Invalid(message, [FieldError(field, message)])

"""English names that process designers write beside the Chinese ones: diagrams bring their own translation.

The names of the shipped procedures are in the catalogue of translations. A designer has no hand in that: what
they write is kept here when a version is deployed, the last word about a name counting for every screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, session
from app.revised import Revised

REVISION = "procedures.english_names"


class EnglishName(Base):
    """What a Chinese name is in English."""

    __tablename__ = "english_name"

    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    english: Mapped[str] = mapped_column(sa.String(200))


def all_names() -> Mapping[str, str]:
    """Return Chinese name → English name, as deployed; another process's within five seconds."""
    return _names.get()


def learn(names: Mapping[str, str], *, actor_id: int | None, now: datetime) -> None:
    """Keep these from the commit on; called within the transaction that deploys them."""
    query = sa.select(EnglishName.name, EnglishName.english).where(EnglishName.name.in_(names))
    known = {row.name: row.english for row in session().execute(query)}
    new = {name: english for name, english in names.items() if known.get(name) != english}
    if new:
        for name, english in sorted(new.items()):
            session().merge(EnglishName(name=name, english=english))
        _names.changed(actor_id=actor_id, now=now)


def _load() -> dict[str, str]:
    rows = session().execute(sa.select(EnglishName.name, EnglishName.english))
    return {row.name: row.english for row in rows}


_names = Revised(REVISION, _load)

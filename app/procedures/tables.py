"""Scenario files of procedures, as they were written last."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ScenarioFile(Base):
    """The scenarios of one procedure: no part of a version, since they say what any version should do.

    key:      process id of the procedure. path: under bpmn/, where `bpmn export` writes it.
    revision: one more with each write; who saves says which one they saw.
    """

    __tablename__ = "scenario_file"

    key: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    path: Mapped[str] = mapped_column(sa.String(200))
    content: Mapped[str] = mapped_column(sa.Text)
    revision: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]
    updated_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

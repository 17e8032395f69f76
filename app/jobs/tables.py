"""Which processes look after timers and jobs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Worker(Base):
    """A process that works in the background, as it last made itself heard. Instants are the machine's.

    kind:  scheduler | worker.
    fired: how many timers or jobs it has done since it started.
    """

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    host: Mapped[str] = mapped_column(sa.String(80))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    fired: Mapped[int] = mapped_column(default=0)

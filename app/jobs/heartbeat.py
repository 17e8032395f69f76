"""Background processes make themselves heard, so that people see whether anybody looks after the timers."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from app.db import session, transaction
from app.jobs.tables import Worker

EVERY = timedelta(seconds=10)
# Who has not been heard for so long is gone; the next of its kind has taken over long before.
SILENT = timedelta(seconds=45)
FORGOTTEN = timedelta(days=1)


@dataclass
class Heart:
    """Beats for one process. Time is the machine's, whatever the demo's clock says."""

    name: str
    kind: str
    fired: int = 0
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _beaten_at: datetime | None = None

    def beat(self, done: int = 0) -> None:
        """Count what was done and, every ten seconds, write that this process is alive."""
        self.fired += done
        now = datetime.now(UTC)
        if self._beaten_at is not None and self._beaten_at <= now < self._beaten_at + EVERY:
            return
        self._beaten_at = now
        with transaction():
            session().merge(
                Worker(
                    name=self.name,
                    kind=self.kind,
                    host=socket.gethostname()[:80],
                    started_at=self.started_at,
                    seen_at=now,
                    fired=self.fired,
                )
            )

    def stop(self) -> None:
        """Take the row away: who ends in order is not missed."""
        with transaction():
            session().execute(sa.delete(Worker).where(Worker.name == self.name))


def forget_silent() -> None:
    """Forget processes that were killed a day ago; in the caller's transaction."""
    session().execute(sa.delete(Worker).where(Worker.seen_at < datetime.now(UTC) - FORGOTTEN))


def alive() -> list[Worker]:
    """Return the processes heard of lately, by kind and start; one statement."""
    heard = Worker.seen_at >= datetime.now(UTC) - SILENT
    return list(session().scalars(sa.select(Worker).where(heard).order_by(Worker.kind, Worker.started_at)))

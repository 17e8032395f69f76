"""Sweep only timers that can fire, and count how often each was tried.

An instance's row is the claim now, so that leases go. Going back leaves every timer free to be claimed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611262305"
down_revision = "202611262350"
branch_labels = None
depends_on = None

CAN_FIRE = sa.text("status = 'waiting' AND NOT held")


def upgrade() -> None:
    """Add `held` and `attempts`, set as the instances stand; drop the lease."""
    with op.batch_alter_table("timer") as batch:
        batch.add_column(sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))
        batch.drop_index("ix_timer_lease")
        batch.drop_column("lease_until")
    op.execute(
        "UPDATE timer SET held = true WHERE status IN ('waiting', 'paused') AND instance_id IN"
        " (SELECT id FROM instance WHERE status <> 'running')"
    )
    op.execute("UPDATE timer SET attempts = 1 WHERE status = 'fired'")
    with op.batch_alter_table("timer") as batch:
        batch.alter_column("held", server_default=None)
        batch.alter_column("attempts", server_default=None)
    op.create_index(
        "ix_timer_waiting", "timer", ["due_at", "id"], postgresql_where=CAN_FIRE, sqlite_where=CAN_FIRE
    )


def downgrade() -> None:
    """Give the leases back, none of them held."""
    op.drop_index("ix_timer_waiting", "timer")
    with op.batch_alter_table("timer") as batch:
        batch.drop_column("held")
        batch.drop_column("attempts")
        batch.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
        batch.create_index("ix_timer_lease", ["status", "lease_until"])

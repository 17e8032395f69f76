"""Keep the escalation policy with its versions; without one, the ladder that the desk comes with counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611262320"
down_revision = "202611262305"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "escalation_policy",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("comment", sa.String(200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_escalation_policy"),
    )


def downgrade() -> None:
    """Drop it: open deadlines keep the ladders they have."""
    op.drop_table("escalation_policy")

"""Let the form that begins a procedure be sent twice and begin it once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611271600"
down_revision = "202611271500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the key of the form; instances that were begun otherwise have none."""
    op.add_column("instance", sa.Column("start_key", sa.String(40), nullable=True))
    op.create_index("ix_instance_start_key", "instance", ["start_key"], unique=True)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_instance_start_key", "instance")
    op.drop_column("instance", "start_key")

"""Ask a second person before publishing, and publish at an instant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611270700"
down_revision = "202611270600"
branch_labels = None
depends_on = None

# Plain columns: SQLite would have to write the table anew for a key, and its files hang on it.
NUMBERS = ("asked_by_id", "asked_revision", "agreed_by_id")
INSTANTS = ("asked_at", "publish_at", "agreed_at")


def upgrade() -> None:
    """Add the columns."""
    for name in INSTANTS:
        op.add_column("procedure_draft", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in NUMBERS:
        op.add_column("procedure_draft", sa.Column(name, sa.Integer, nullable=True))


def downgrade() -> None:
    """Drop them; what was asked for is forgotten."""
    for name in (*NUMBERS, *INSTANTS):
        op.drop_column("procedure_draft", name)

"""Keep the English names that designers write in their diagrams."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611271500"
down_revision = "202611270700"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; what is in the catalogue of translations stays there."""
    op.create_table(
        "english_name",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("english", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_english_name"),
    )


def downgrade() -> None:
    """Drop it; the names stay in the diagrams and come back when they are deployed again."""
    op.drop_table("english_name")

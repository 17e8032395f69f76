"""Make exports in the background: who asked for what, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611270100"
down_revision = "202611262330"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "export",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("locale", sa.String(2), nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(80), nullable=True),
        sa.Column("size", sa.Integer, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_export_person_id_person"),
        sa.PrimaryKeyConstraint("id", name="pk_export"),
    )
    op.create_index("ix_export_person", "export", ["person_id", "id"])
    op.create_index("ix_export_status", "export", ["status", "id"])


def downgrade() -> None:
    """Drop it; the files lie in VAR_DIR/exports."""
    op.drop_table("export")

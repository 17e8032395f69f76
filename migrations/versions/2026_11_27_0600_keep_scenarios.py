"""Keep scenario files in the database, and how they went on a draft."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611270600"
down_revision = "202611270100"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, add the column."""
    op.create_table(
        "scenario_file",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by_id", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["person.id"], name="fk_scenario_file_updated_by_id_person"
        ),
        sa.PrimaryKeyConstraint("key", name="pk_scenario_file"),
    )
    op.add_column("procedure_draft", sa.Column("played", sa.Text, nullable=True))


def downgrade() -> None:
    """Drop them; the files that were exported stay."""
    op.drop_column("procedure_draft", "played")
    op.drop_table("scenario_file")

"""Ask a second person before publishing, and publish at an instant."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611270700"
down_revision = "202611270600"
branch_labels = None
depends_on = None

PEOPLE = ("asked_by_id", "agreed_by_id")
INSTANTS = ("asked_at", "publish_at", "agreed_at")


def upgrade() -> None:
    """Add the columns."""
    with op.batch_alter_table("procedure_draft") as table:
        for name in INSTANTS:
            table.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("asked_revision", sa.Integer, nullable=True))
        for name in PEOPLE:
            table.add_column(sa.Column(name, sa.Integer, nullable=True))
            table.create_foreign_key(f"fk_procedure_draft_{name}_person", "person", [name], ["id"])


def downgrade() -> None:
    """Drop them; what was asked for is forgotten."""
    with op.batch_alter_table("procedure_draft") as table:
        for name in PEOPLE:
            table.drop_constraint(f"fk_procedure_draft_{name}_person", type_="foreignkey")
            table.drop_column(name)
        table.drop_column("asked_revision")
        for name in INSTANTS:
            table.drop_column(name)

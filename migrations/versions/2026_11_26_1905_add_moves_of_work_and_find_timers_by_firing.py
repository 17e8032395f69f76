"""Keep moves of work, and find timers and finished work items by their instant.

Existing rows stay as they are; two indexes are built over them. There are no moves yet.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611261905"
down_revision = "202611261848"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "work_move",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("moved", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", sa.Integer(), nullable=True),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_work_move_by_id")),
        sa.ForeignKeyConstraint(["source_id"], ["person.id"], name=op.f("fk_work_move_source_id")),
        sa.ForeignKeyConstraint(["undone_by_id"], ["person.id"], name=op.f("fk_work_move_undone_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_move")),
        sa.UniqueConstraint("key", name=op.f("uq_work_move_key")),
    )
    op.create_index("ix_timer_fired", "timer", ["fired_at", "id"], unique=False)
    op.create_index("ix_work_item_completed", "work_item", ["completed_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_work_item_completed", table_name="work_item")
    op.drop_index("ix_timer_fired", table_name="timer")
    op.drop_table("work_move")

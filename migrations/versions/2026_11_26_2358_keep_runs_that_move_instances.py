"""Keep runs that check, move and take back instances between versions, with what became of each.

New tables; nothing that was there changes. Going back forgets the runs: moved instances stay where they are.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611262358"
down_revision = "202611262320"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "migration_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("procedure_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("of_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["procedure_id"], ["procedure.id"], name=op.f("fk_migration_run_procedure_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["procedure_version.id"], name=op.f("fk_migration_run_version_id")
        ),
        sa.ForeignKeyConstraint(["of_id"], ["migration_run.id"], name=op.f("fk_migration_run_of_id")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_migration_run_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_migration_run")),
    )
    for column in ("procedure_id", "of_id", "finished_at"):
        op.create_index(f"ix_migration_run_{column}", "migration_run", [column])
    op.create_table(
        "migration_row",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("before_version_id", sa.Integer(), nullable=True),
        sa.Column("before_state", sa.Text(), nullable=True),
        sa.Column("after_revision", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["migration_run.id"], name=op.f("fk_migration_row_run_id")),
        sa.ForeignKeyConstraint(["instance_id"], ["instance.id"], name=op.f("fk_migration_row_instance_id")),
        sa.ForeignKeyConstraint(
            ["before_version_id"], ["procedure_version.id"], name=op.f("fk_migration_row_before_version_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "instance_id", name=op.f("pk_migration_row")),
    )
    op.create_index("ix_migration_row_status", "migration_row", ["run_id", "status", "instance_id"])
    op.create_index("ix_migration_row_instance_id", "migration_row", ["instance_id"])


def downgrade() -> None:
    op.drop_table("migration_row")
    op.drop_table("migration_run")

"""Keep drafts of procedures with their files, and who has them open.

New tables; nothing that was there changes. Going back forgets the drafts.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611262350"
down_revision = "202611262015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "procedure_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("base", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("made", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_procedure_draft_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["person.id"], name=op.f("fk_procedure_draft_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_procedure_draft")),
    )
    op.create_index("ix_procedure_draft_key", "procedure_draft", ["key"])
    op.create_table(
        "procedure_draft_file",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("base_digest", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["procedure_draft.id"], name=op.f("fk_procedure_draft_file_draft_id")
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["person.id"], name=op.f("fk_procedure_draft_file_updated_by_id")
        ),
        sa.PrimaryKeyConstraint("draft_id", "path", name=op.f("pk_procedure_draft_file")),
    )
    op.create_table(
        "procedure_draft_editor",
        sa.Column("draft_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["procedure_draft.id"], name=op.f("fk_procedure_draft_editor_draft_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_procedure_draft_editor_person_id")
        ),
        sa.PrimaryKeyConstraint("draft_id", "person_id", name=op.f("pk_procedure_draft_editor")),
    )


def downgrade() -> None:
    op.drop_table("procedure_draft_editor")
    op.drop_table("procedure_draft_file")
    op.drop_index("ix_procedure_draft_key", table_name="procedure_draft")
    op.drop_table("procedure_draft")

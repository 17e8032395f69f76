"""Find deadlines by when they ended, to tell how many were kept.

Existing rows stay as they are; an index is built over them.
"""

from __future__ import annotations

from alembic import op

revision = "202611261935"
down_revision = "202611261905"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deadline_ended", "deadline", ["ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_deadline_ended", table_name="deadline")

"""Let mails wait for quiet hours to end and go out together; keep who has taken note of what is late.

Going back, mails that still wait are not sent: the notifications themselves stay.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "202611262330"
down_revision = "202611262358"
branch_labels = None
depends_on = None

TO_MAIL = sa.text("mail_at IS NOT NULL")


def upgrade() -> None:
    """Add the columns; nothing told before is mailed anew."""
    with op.batch_alter_table("person") as batch:
        batch.add_column(sa.Column("quiet_hours", sa.String(11), nullable=True))
    with op.batch_alter_table("notification") as batch:
        batch.add_column(sa.Column("work_item_id", sa.Integer, nullable=True))
        batch.add_column(sa.Column("urgent", sa.Boolean, nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("mail_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_index("ix_notification_mailed", ["person_id", "mailed_at"])
    with op.batch_alter_table("notification") as batch:
        batch.alter_column("urgent", server_default=None)
    op.create_index(
        "ix_notification_mail", "notification", ["mail_at"], postgresql_where=TO_MAIL, sqlite_where=TO_MAIL
    )
    op.create_table(
        "acknowledgement",
        sa.Column("subject", sa.String(40), nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_acknowledgement_person_id_person"),
        sa.PrimaryKeyConstraint("subject", "person_id", name="pk_acknowledgement"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("acknowledgement")
    op.drop_index("ix_notification_mail", "notification")
    with op.batch_alter_table("notification") as batch:
        batch.drop_index("ix_notification_mailed")
        for name in ("mailed_at", "mail_at", "urgent", "work_item_id"):
            batch.drop_column(name)
    with op.batch_alter_table("person") as batch:
        batch.drop_column("quiet_hours")

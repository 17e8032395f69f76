"""Give calendars versions and assignments.

The one calendar there was becomes "centre" with its hours and days as its present version, and counts for all.
Going back keeps the present version of "centre" and forgets the others.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "202611262015"
down_revision = "202611262005"
branch_labels = None
depends_on = None

OLD = sa.table(
    "centre_calendar",
    sa.column("id", sa.Integer),
    sa.column("name", sa.String),
    sa.column("zone", sa.String),
    sa.column("week", sa.Text),
    sa.column("known_until", sa.Date),
    sa.column("version", sa.Integer),
)
OLD_DAY = sa.table(
    "calendar_day",
    sa.column("calendar_id", sa.Integer),
    sa.column("day", sa.Date),
    sa.column("name", sa.String),
    sa.column("spans", sa.Text),
)
NEW = sa.table(
    "calendar",
    sa.column("id", sa.Integer),
    sa.column("key", sa.String),
    sa.column("name", sa.String),
    sa.column("version", sa.Integer),
)
VERSION = sa.table(
    "calendar_version",
    sa.column("calendar_id", sa.Integer),
    sa.column("number", sa.Integer),
    sa.column("content", sa.Text),
    sa.column("comment", sa.String),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
USE = sa.table(
    "calendar_assignment",
    sa.column("kind", sa.String),
    sa.column("subject", sa.String),
    sa.column("calendar_id", sa.Integer),
)


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("key", name=op.f("uq_calendar_key")),
    )
    op.create_table(
        "calendar_assignment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar.id"], name=op.f("fk_calendar_assignment_calendar_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_assignment")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_calendar_assignment_kind_subject")),
    )
    op.create_table(
        "calendar_version",
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("comment", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["calendar.id"], name=op.f("fk_calendar_version_calendar_id")
        ),
        sa.PrimaryKeyConstraint("calendar_id", "number", name=op.f("pk_calendar_version")),
    )
    bind = op.get_bind()
    row = bind.execute(sa.select(OLD).where(OLD.c.name == "centre")).first()
    if row is not None:
        days = bind.execute(sa.select(OLD_DAY).where(OLD_DAY.c.calendar_id == row.id).order_by(OLD_DAY.c.day))
        content: dict[str, Any] = {
            "zone": row.zone,
            "weeks": [{"from": None, "spans": json.loads(row.week)}],
            "days": {
                day.day.isoformat(): {"name": day.name, "spans": json.loads(day.spans)} for day in days
            },
            "known_until": None if row.known_until == date.max else row.known_until.isoformat(),
        }
        bind.execute(sa.insert(NEW).values(id=1, key="centre", name="客服中心", version=row.version))
        bind.execute(
            sa.insert(VERSION).values(
                calendar_id=1,
                number=row.version,
                content=json.dumps(content, ensure_ascii=False),
                comment="",
                created_at=datetime.now(UTC).replace(tzinfo=None)
                if bind.dialect.name == "sqlite"
                else datetime.now(UTC),
            )
        )
        bind.execute(sa.insert(USE).values(kind="default", subject="", calendar_id=1))
        if bind.dialect.name == "postgresql":
            bind.execute(sa.text("SELECT setval(pg_get_serial_sequence('calendar', 'id'), 1)"))
    op.drop_table("calendar_day")
    op.drop_table("centre_calendar")


def downgrade() -> None:
    op.create_table(
        "centre_calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("zone", sa.String(length=40), nullable=False),
        sa.Column("week", sa.Text(), nullable=False),
        sa.Column("known_until", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_calendar")),
        sa.UniqueConstraint("name", name=op.f("uq_centre_calendar_name")),
    )
    op.create_table(
        "calendar_day",
        sa.Column("calendar_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("spans", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"], ["centre_calendar.id"], name=op.f("fk_calendar_day_calendar_id")
        ),
        sa.PrimaryKeyConstraint("calendar_id", "day", name=op.f("pk_calendar_day")),
    )
    bind = op.get_bind()
    row = bind.execute(
        sa.select(NEW.c.version, VERSION.c.content)
        .join(VERSION, sa.and_(VERSION.c.calendar_id == NEW.c.id, VERSION.c.number == NEW.c.version))
        .where(NEW.c.key == "centre")
    ).first()
    if row is not None:
        content = json.loads(row.content)
        until = content["known_until"]
        bind.execute(
            sa.insert(OLD).values(
                id=1,
                name="centre",
                zone=content["zone"],
                week=json.dumps(content["weeks"][-1]["spans"]),
                known_until=date.fromisoformat(until) if until else date.max,
                version=row.version,
            )
        )
        for day, one in content["days"].items():
            bind.execute(
                sa.insert(OLD_DAY).values(
                    calendar_id=1,
                    day=date.fromisoformat(day),
                    name=one["name"],
                    spans=json.dumps(one["spans"]),
                )
            )
    op.drop_table("calendar_version")
    op.drop_table("calendar_assignment")
    op.drop_table("calendar")

"""Let calls stand without a case, name their customer and caller, and follow schedules.

Existing calls keep what they say: their customer is that of their case, and those whose step waits for somebody
are tied to it. What is asked in calls begins with three short sets of questions, and the leaders may change them.
Going back, calls that have no case are lost: the table had no place for them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "202611262005"
down_revision = "202611261940"
branch_labels = None
depends_on = None

PLAIN = (
    ("kind", sa.String(12), "closing"),
    ("most", sa.Integer(), None),
    ("agreed", sa.Boolean(), sa.false()),
    ("moved", sa.String(12), None),
    ("detail", sa.String(16), None),
    ("answers", sa.Text(), None),
)
KEYS = (
    ("customer_id", "customer"),
    ("work_item_id", "work_item"),
    ("schedule_id", "call_schedule"),
    ("planned_for_id", "person"),
    ("excluded_id", "person"),
    ("question_set_id", "question_set"),
    ("led_to_case_id", "cases"),
)
INDEXED = ("customer_id", "work_item_id", "schedule_id", "instance_id")


SOLVED = {"key": "solved", "zh": "问题是否已经解决？", "en": "Has the problem been solved?", "kind": "yesno"}
POLITE = {
    "key": "polite",
    "zh": "对服务人员的态度打几分？",
    "en": "How was the attitude of our staff?",
    "kind": "score",
}
REST = {
    "key": "rest",
    "zh": "还有什么意见或建议？",
    "en": "Anything else you would like to tell us?",
    "kind": "words",
}
SITE = {
    "key": "site",
    "zh": "是在哪里修的？",
    "en": "Where was it repaired?",
    "kind": "choice",
    "choices": [
        {"zh": "维修网点", "en": "At a repair point"},
        {"zh": "上门", "en": "On site"},
        {"zh": "远程", "en": "Remotely"},
    ],
}
USED = {"key": "used", "zh": "设备现在用得正常吗？", "en": "Does the device work well now?", "kind": "yesno"}
RENEW = {"key": "renew", "zh": "到期后打算续费吗？", "en": "Do you intend to renew?", "kind": "yesno"}
QUESTIONS = {
    "": [SOLVED, POLITE, REST],
    "device": [SOLVED, SITE, POLITE, REST],
    "regular": [USED, RENEW, REST],
}


def upgrade() -> None:
    op.create_table(
        "question_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("klass", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_question_set_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question_set")),
        sa.UniqueConstraint("klass", "version", name=op.f("uq_question_set_klass_version")),
    )
    sets = sa.table(
        "question_set",
        sa.column("klass", sa.String),
        sa.column("version", sa.Integer),
        sa.column("questions", sa.Text),
        sa.column("created_at", sa.DateTime(timezone=True)),
    )
    begun = datetime(2026, 11, 26, tzinfo=UTC)
    op.bulk_insert(
        sets,
        [
            {
                "klass": klass,
                "version": 1,
                "questions": json.dumps(asked, ensure_ascii=False, separators=(",", ":")),
                "created_at": begun
                if op.get_bind().dialect.name == "postgresql"
                else begun.replace(tzinfo=None),
            }
            for klass, asked in QUESTIONS.items()
        ],
    )
    op.create_table(
        "call_schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("idle_days", sa.Integer(), nullable=False),
        sa.Column("class", sa.String(length=16), nullable=True),
        sa.Column("asset_months", sa.Integer(), nullable=True),
        sa.Column("company", sa.String(length=120), nullable=True),
        sa.Column("region", sa.String(length=60), nullable=True),
        sa.Column("weekdays", sa.Text(), nullable=False),
        sa.Column("working_days", sa.Boolean(), nullable=False),
        sa.Column("from_time", sa.String(length=5), nullable=False),
        sa.Column("until_time", sa.String(length=5), nullable=False),
        sa.Column("most_a_day", sa.Integer(), nullable=False),
        sa.Column("active_from", sa.Date(), nullable=False),
        sa.Column("active_until", sa.Date(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["person.id"], name=op.f("fk_call_schedule_created_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_schedule")),
    )
    op.create_table(
        "call_schedule_day",
        sa.Column("schedule_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["call_schedule.id"], name=op.f("fk_call_schedule_day_schedule_id")
        ),
        sa.PrimaryKeyConstraint("schedule_id", "day", name=op.f("pk_call_schedule_day")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("call_hours", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("do_not_call", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.alter_column("do_not_call", existing_type=sa.Boolean(), server_default=None)
    with op.batch_alter_table("callback", schema=None) as batch_op:
        for name, kind, default in PLAIN:
            batch_op.add_column(sa.Column(name, kind, nullable=default is None, server_default=default))
        for name, table in KEYS:
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=True))
            batch_op.create_foreign_key(batch_op.f(f"fk_callback_{name}"), table, [name], ["id"])
        for name in INDEXED:
            batch_op.create_index(batch_op.f(f"ix_callback_{name}"), [name], unique=False)
        batch_op.create_index("ix_callback_called", ["called_at"], unique=False)
        batch_op.alter_column("case_id", existing_type=sa.Integer(), nullable=True)
    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(12), server_default=None)
        batch_op.alter_column("agreed", existing_type=sa.Boolean(), server_default=None)
    op.execute(
        "UPDATE role SET permissions = permissions || ' callback.manage'"
        " WHERE key IN ('manager', 'supervisor') AND permissions NOT LIKE '%callback.manage%'"
    )
    op.execute(
        "UPDATE callback SET customer_id = (SELECT customer_id FROM cases WHERE cases.id = callback.case_id)"
    )
    op.execute(
        "UPDATE callback SET work_item_id = (SELECT max(work_item.id) FROM work_item"
        " WHERE work_item.instance_id = callback.instance_id AND work_item.process_id = 'callback'"
        " AND work_item.status IN ('open', 'claimed'))"
        " WHERE outcome IS NULL"
    )


def downgrade() -> None:
    op.execute("UPDATE role SET permissions = replace(permissions, ' callback.manage', '')")
    op.execute("DELETE FROM callback WHERE case_id IS NULL")
    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.alter_column("case_id", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_index("ix_callback_called")
        for name in INDEXED:
            batch_op.drop_index(batch_op.f(f"ix_callback_{name}"))
        for name, _table in KEYS:
            batch_op.drop_constraint(batch_op.f(f"fk_callback_{name}"), type_="foreignkey")
            batch_op.drop_column(name)
        for name, _kind, _default in PLAIN:
            batch_op.drop_column(name)
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("do_not_call")
        batch_op.drop_column("call_hours")
    op.drop_table("call_schedule_day")
    op.drop_table("call_schedule")
    op.drop_table("question_set")

"""Cases and what is filed with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Case(Base):
    """A customer's problem from the call to the archive.

    status: open | waiting | resolved | closed | withdrawn.
    round:  1, and one more each time it is reopened; `instance_id` is the running round's.
    cost:   fen.
    paused_at: since when we wait for the customer and no clock runs.
    responded_at: when the first step of the present round was done.
    search: what a text search reads, folded: number, title, description, name, phone, plate, serial.
    """

    __tablename__ = "cases"
    __table_args__ = (
        sa.Index("ix_cases_status", "status", "received_at"),
        sa.Index("ix_cases_received", "received_at", "id"),
        sa.UniqueConstraint("import_source", "import_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(16), unique=True)
    track_code: Mapped[str] = mapped_column(sa.String(12))
    channel: Mapped[str] = mapped_column(sa.String(12))  # phone | visit | web | mail | message | import | api
    kind: Mapped[str] = mapped_column(sa.String(16), default="complaint")  # complaint | question | suggestion
    title: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[str] = mapped_column(sa.Text, default="")
    status: Mapped[str] = mapped_column(sa.String(12), default="open")
    klass: Mapped[str | None] = mapped_column("class", sa.String(16))
    severity: Mapped[str | None] = mapped_column(sa.String(16))
    other_type: Mapped[str | None] = mapped_column(sa.String(16))
    customer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("customer.id"), index=True)
    asset_id: Mapped[int | None] = mapped_column(sa.ForeignKey("asset.id"), index=True)
    instance_id: Mapped[int | None] = mapped_column(sa.ForeignKey("instance.id"))
    round: Mapped[int] = mapped_column(default=1)
    cause: Mapped[str | None] = mapped_column(sa.Text)
    solution: Mapped[str | None] = mapped_column(sa.Text)
    cost: Mapped[int | None]
    satisfaction: Mapped[int | None]
    department: Mapped[str | None] = mapped_column(sa.String(40))
    repair_point: Mapped[str | None] = mapped_column(sa.String(40))
    preferred_time: Mapped[str | None] = mapped_column(sa.String(80))
    parts_used: Mapped[str | None] = mapped_column(sa.Text)
    repair_hours: Mapped[float | None]
    escalation_level: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime]
    received_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    due_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    responded_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    intake_token: Mapped[str | None] = mapped_column(
        sa.String(64), unique=True
    )  # one form sent twice is one case
    import_source: Mapped[str | None] = mapped_column(sa.String(80))
    import_key: Mapped[str | None] = mapped_column(sa.String(120))
    # sha256 of the spreadsheet row: the same row under another source or number is not taken in twice.
    import_digest: Mapped[str | None] = mapped_column(sa.String(64), unique=True)
    search: Mapped[str] = mapped_column(sa.Text, default="")
    revision: Mapped[int] = mapped_column(default=0)


class CaseRound(Base):
    """Each instance that worked on a case: the first, and one for every reopening."""

    __tablename__ = "case_round"

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True)
    instance_id: Mapped[int] = mapped_column(sa.ForeignKey("instance.id"))
    reason: Mapped[str | None] = mapped_column(sa.Text)
    started_at: Mapped[datetime]


class CaseNumber(Base):
    """The last running number given in a year; its row is locked while a case is made."""

    __tablename__ = "case_number"

    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Submission(Base):
    """What was sent in with a step, whole: the only place of free text; may be erased, unlike events."""

    __tablename__ = "submission"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    work_item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("work_item.id"), index=True)
    version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("procedure_version.id"))
    form: Mapped[str] = mapped_column(sa.String(200))
    element: Mapped[str] = mapped_column(sa.String(120))
    name: Mapped[str] = mapped_column(sa.String(200))
    values: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class Solution(Base):
    """What helped once and may help again 客户问题解决方案数据库; forms offer it by its title.

    klass, cause: of the case it was first written for.
    used_count:   how many cases were archived with it, the first one included.
    """

    __tablename__ = "solution"
    __table_args__ = (sa.Index("ix_solution_offered", "class", "used_count"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(80), unique=True)
    body: Mapped[str] = mapped_column(sa.Text)
    klass: Mapped[str | None] = mapped_column("class", sa.String(16))
    cause: Mapped[str | None] = mapped_column(sa.Text)
    used_count: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"))


class Comment(Base):
    """A remark on a case; `audience` customer: the customer sees it on the tracking page."""

    __tablename__ = "comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    work_item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("work_item.id"))
    kind: Mapped[str] = mapped_column(sa.String(12), default="comment")  # comment | information
    audience: Mapped[str] = mapped_column(sa.String(10), default="staff")  # staff | customer
    body: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    by_name: Mapped[str] = mapped_column(sa.String(80), default="")


class Attachment(Base):
    """A file; its bytes lie under var/files by sha256."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("cases.id"), index=True)
    work_item_id: Mapped[int | None] = mapped_column(sa.ForeignKey("work_item.id"))
    name: Mapped[str] = mapped_column(sa.String(200))
    media_type: Mapped[str] = mapped_column(sa.String(100))
    size: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    by_name: Mapped[str] = mapped_column(sa.String(80), default="")


class PublicAttempt(Base):
    """What a visitor without an account did lately: it limits the public pages. `visitor`: hashed IP."""

    __tablename__ = "public_attempt"
    __table_args__ = (sa.Index("ix_public_attempt_visitor", "visitor", "action", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(sa.String(64))
    action: Mapped[str] = mapped_column(sa.String(12))  # report | track | inform
    at: Mapped[datetime]


class SavedView(Base):
    """A person's kept filter of the case list or the inbox; `query` is the page's query string."""

    __tablename__ = "saved_view"
    __table_args__ = (sa.UniqueConstraint("person_id", "page", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    page: Mapped[str] = mapped_column(sa.String(12))  # cases | inbox
    name: Mapped[str] = mapped_column(sa.String(60))
    query: Mapped[str] = mapped_column(sa.Text)


class ImportRun(Base):
    """One spreadsheet on its way in, taken in batches: progress shows and a killed run goes on."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str] = mapped_column(sa.String(200))
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    mapping: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(sa.String(10), default="preview")  # preview | running | done
    total: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    repeated: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[Any]]  # [{"row": 7, "reason": "…"}]
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))

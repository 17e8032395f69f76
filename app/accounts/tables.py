"""People, the organisation's posts and who holds them, API tokens."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class Person(Base):
    """Somebody who signs in. `session_version` grows to sign them out everywhere."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(sa.String(40), unique=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    name_en: Mapped[str | None] = mapped_column(sa.String(60))
    email: Mapped[str | None] = mapped_column(sa.String(120))
    password_hash: Mapped[str] = mapped_column(sa.String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    session_version: Mapped[int] = mapped_column(default=1)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    locale: Mapped[str | None] = mapped_column(sa.String(8))
    theme: Mapped[str | None] = mapped_column(sa.String(8))  # light | dark; None: as the system
    density: Mapped[str | None] = mapped_column(sa.String(10))  # compact; None: comfortable
    single_keys: Mapped[bool] = mapped_column(default=True)  # single-letter shortcuts on
    mail_notifications: Mapped[bool] = mapped_column(default=True)
    # None: the centre's quiet hours; "": none; else one's own, "21:30-07:00".
    quiet_hours: Mapped[str | None] = mapped_column(sa.String(11))
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]


class Role(Base):
    """A role: a lane of the diagrams and a set of permissions."""

    __tablename__ = "role"

    key: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(60))
    permissions: Mapped[str] = mapped_column(sa.Text, default="")  # space-separated


class Unit(Base):
    """A group of the organisation, or an outside unit such as a repair point."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(40), unique=True)  # "service", "WP003"
    name: Mapped[str] = mapped_column(sa.String(80))
    name_en: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[str] = mapped_column(sa.String(16), default="group")  # group | department | repair_point
    region: Mapped[str | None] = mapped_column(sa.String(60))
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"))


class Post(Base):
    """A post in the organisation; while nobody holds it, its work goes to the post above."""

    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    role_key: Mapped[str] = mapped_column(sa.ForeignKey("role.key"), index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    above_id: Mapped[int | None] = mapped_column(sa.ForeignKey("post.id"))


class PostHolder(Base):
    """A person in a post; several posts a person (兼任), several people a post."""

    __tablename__ = "post_holder"

    post_id: Mapped[int] = mapped_column(sa.ForeignKey("post.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True, index=True)
    since: Mapped[datetime]


class ApiToken(Base):
    """A bearer token; only its sha256 is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), index=True)
    digest: Mapped[str] = mapped_column(sa.String(64), unique=True)
    label: Mapped[str] = mapped_column(sa.String(80), default="")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A write already done for a client's key: the same answer is given again."""

    __tablename__ = "idempotency_key"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    request_digest: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int]
    body: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime]

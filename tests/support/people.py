"""People in their posts, for tests that need somebody to act."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import clock
from app.accounts import organisation, service
from app.accounts.actor import SYSTEM, Actor
from app.accounts.tables import Person, Post, Unit
from app.db import close_read_session, session, transaction

GOOD = "long enough words"


def post_id(role: str, unit: str | None = None) -> int:
    """Return a post's id by role and, where several units have one, by unit."""
    query = sa.select(Post.id).join(Unit, Unit.id == Post.unit_id).where(Post.role_key == role)
    found = session().scalar(query.where(Unit.key == unit) if unit else query.order_by(Post.id))
    assert found is not None
    return found


def make_person(username: str, *posts: str, password: str = GOOD, email: str = "", locale: str = "") -> int:
    """Make somebody in posts like "agent" or "repairpoint:WP003"; opens a transaction."""
    with transaction():
        ids = [post_id(role, unit or None) for role, _colon, unit in (post.partition(":") for post in posts)]
        person_id, _given = service.create_person(
            username,
            username.title(),
            name_en=f"{username.title()} Li",
            email=email,
            password=password,
            posts=ids,
            must_change=False,
            locale=locale or None,
            actor=SYSTEM,
            now=clock.now(),
        )
    return person_id


def make_centre(app: Flask) -> Flask:
    """Make an organisation with two repair points, an administrator, a supervisor and an agent."""
    with app.app_context():
        with transaction():
            organisation.seed_organisation(clock.now(), SYSTEM)
            organisation.ensure_repair_point("WP001", "西安网点", "Xi'an", now=clock.now(), actor=SYSTEM)
            organisation.ensure_repair_point("WP003", "咸阳网点", "Xianyang", now=clock.now(), actor=SYSTEM)
        for username, post in (("admin", "admin"), ("supervisor", "supervisor"), ("agent", "agent")):
            make_person(username, post)
    return app


def person_id(username: str) -> int:
    """Return the id of an account."""
    found = session().scalar(sa.select(Person.id).where(Person.username == username))
    assert found is not None
    return found


def actor(username: str) -> Actor:
    """Return an enabled person as an actor, as the organisation stands now."""
    found = organisation.actor_named(username)
    assert found is not None
    close_read_session()
    return found


def sign_in(client: FlaskClient, username: str, password: str = GOOD, **more: str) -> int:
    """Post the sign-in form; returns the status: 303 when it worked."""
    return client.post("/login", data={"username": username, "password": password, **more}).status_code

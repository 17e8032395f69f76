"""The organisation as every request needs it: who holds which post, who does whose work. Kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import get_locale

from app.accounts import rules
from app.accounts.actor import Actor
from app.accounts.roles import (
    BY_KEY,
    POSTS,
    REPAIR_POINT_ABOVE,
    ROLES,
    UNITS,
)
from app.accounts.tables import Person, Post, PostHolder, Role, Unit
from app.db import session
from app.revised import Revised

REVISION = "accounts.revision"
REPAIR_POINT = "repair_point"


@dataclass(frozen=True)
class Colleague:
    """A person as pickers and notifications need them; `roles` are those of posts held, not inherited."""

    id: int
    username: str
    name: str
    name_en: str
    roles: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_en if self.name_en and str(get_locale()) == "en" else self.name


@dataclass(frozen=True)
class Organisation:
    """One state of the organisation.

    duties:  candidate key → ids of the enabled people who do its work, vacancies resolved.
    groups:  person id → candidate keys, the other way round.
    """

    seats: tuple[rules.Seat, ...]
    duties: Mapping[str, frozenset[int]]
    groups: Mapping[int, frozenset[str]]
    permissions: Mapping[str, frozenset[str]]
    people: Mapping[int, Colleague]
    units: Mapping[str, tuple[str, str]]

    def roles_of(self, person_id: int) -> frozenset[str]:
        """Return the role keys of the posts held and of the vacant ones below."""
        return frozenset(key.partition(":")[0] for key in self.groups.get(person_id, ()))

    def permissions_of(self, person_id: int) -> frozenset[str]:
        """Return what those roles allow."""
        roles = self.roles_of(person_id)
        return frozenset[str]().union(*(self.permissions.get(role, frozenset()) for role in roles))

    def who_may(self, permission: str) -> frozenset[int]:
        """Return the ids of the enabled people who hold a permission, by their own posts or inherited."""
        return frozenset(person for person in self.groups if permission in self.permissions_of(person))


def current() -> Organisation:
    """Return the organisation: at most five seconds old, and never older than this process's own last change.

    Asks nothing while the revision stands; a few statements after a change.
    """
    return _organisation.get()


def changed(now: datetime, actor: Actor) -> None:
    """Note, within the transaction of a change, that the organisation is another from its commit on."""
    _organisation.changed(actor_id=actor.id, now=now)


def _load() -> Organisation:
    open_session = session()
    posts = open_session.execute(
        sa.select(
            Post.id,
            Post.role_key,
            Post.above_id,
            Unit.key,
            Unit.kind,
            Unit.name,
            Unit.name_en,
            Role.permissions,
        )
        .join(Unit, Unit.id == Post.unit_id)
        .join(Role, Role.key == Post.role_key)
        .order_by(Post.id)
    ).all()
    held = open_session.execute(
        sa.select(PostHolder.post_id, Person.id, Person.username, Person.name, Person.name_en)
        .join(Person, Person.id == PostHolder.person_id)
        .where(Person.disabled.is_(False))
        .order_by(Person.name, Person.id)
    ).all()
    holders: dict[int, set[int]] = {}
    for post_id, person_id, *_ in held:
        holders.setdefault(post_id, set()).add(person_id)
    seats = tuple(
        rules.Seat(
            post_id=row[0],
            role=row[1],
            key=f"{row[1]}:{row[3]}" if row[4] == REPAIR_POINT else row[1],
            above_id=row[2],
            holders=frozenset(holders.get(row[0], ())),
        )
        for row in posts
    )
    where = {row[0]: (row[1], row[3]) for row in posts}
    names = {person_id: (username, name, name_en or "") for _, person_id, username, name, name_en in held}
    people = {
        person_id: Colleague(
            person_id,
            *who,
            roles=tuple(dict.fromkeys(where[post][0] for post, holder, *_ in held if holder == person_id)),
            units=tuple(dict.fromkeys(where[post][1] for post, holder, *_ in held if holder == person_id)),
        )
        for person_id, who in names.items()
    }
    duties = rules.duties(seats)
    return Organisation(
        seats=seats,
        duties=duties,
        groups=rules.groups_of(duties),
        permissions={row[1]: frozenset(row[7].split()) for row in posts},
        people=people,
        units={row[3]: (row[5], row[6]) for row in posts},
    )


_organisation = Revised(REVISION, _load)


# ---------------------------------------------------------------- who


def candidates(candidate: str) -> list[Colleague]:
    """Return the enabled people whose work a candidate key is, by name: "agent" or "repairpoint:WP003".

    A unit that nobody ever made a post for falls to those who answer for the bare role.
    """
    organisation = current()
    people = organisation.duties.get(candidate)
    if people is None:
        people = organisation.duties.get(candidate.partition(":")[0], frozenset())
    return _listed(organisation, people)


def people_holding(role: str) -> list[Colleague]:
    """Return the enabled people who act in a role, in whatever unit; while it is vacant, those above."""
    organisation = current()
    keys = {seat.key for seat in organisation.seats if seat.role == role and seat.holders}
    keys = keys or {seat.key for seat in organisation.seats if seat.role == role}
    return _listed(organisation, frozenset[int]().union(*(organisation.duties[key] for key in keys)))


def post_above(candidate: str) -> str:
    """Return the candidate key of the post above those whose work this is; "" where nobody is above."""
    organisation = current()
    by_id = {seat.post_id: seat for seat in organisation.seats}
    own = next((seat for seat in organisation.seats if seat.key == candidate), None) or next(
        (seat for seat in organisation.seats if seat.role == candidate.partition(":")[0]), None
    )
    above = by_id.get(own.above_id) if own is not None and own.above_id is not None else None
    return above.key if above is not None else ""


def colleagues() -> list[Colleague]:
    """Return every enabled person who holds a post, by name."""
    organisation = current()
    return _listed(organisation, organisation.people.keys())


def find_colleague(person_id: int | None = None, *, username: str | None = None) -> Colleague | None:
    """Return one enabled person who holds a post, or None."""
    people = current().people
    if person_id is not None:
        return people.get(person_id)
    return next((person for person in people.values() if person.username == username), None)


def actor_of(
    person_id: int,
    username: str,
    name: str,
    *,
    locale: str = "",
    theme: str = "",
    density: str = "",
    name_en: str = "",
) -> Actor:
    """Return a person as an Actor, with roles and permissions as the organisation stands."""
    organisation = current()
    permissions = organisation.permissions_of(person_id)
    if current_app.config["SETTINGS"].demo:
        permissions |= {"demo.control"}
    return Actor(
        id=person_id,
        username=username,
        display_name=name,
        name_en=name_en,
        roles=organisation.roles_of(person_id),
        groups=organisation.groups.get(person_id, frozenset()),
        permissions=permissions,
        locale=locale,
        theme=theme,
        density=density,
    )


def actor_named(username: str) -> Actor | None:
    """Return an enabled person as an Actor: for commands, the demo and tests."""
    row = (
        session()
        .execute(actor_columns().where(Person.username == username, Person.disabled.is_(False)))
        .first()
    )
    return actor_from(row) if row else None


def actor_columns() -> sa.Select[Any]:
    """Select what `actor_from` reads; more columns may be added behind."""
    person: tuple[Any, ...] = (Person.id, Person.username, Person.name, Person.name_en)
    return sa.select(*person, Person.locale, Person.theme, Person.density)


def actor_from(row: Any) -> Actor:
    """Make an Actor of a row of `actor_columns`."""
    return actor_of(
        row.id,
        row.username,
        row.name,
        name_en=row.name_en or "",
        locale=row.locale or "",
        theme=row.theme or "",
        density=row.density or "",
    )


def _listed(organisation: Organisation, ids: Any) -> list[Colleague]:
    found = (organisation.people[person_id] for person_id in ids if person_id in organisation.people)
    return sorted(found, key=lambda person: (person.name, person.id))


# ---------------------------------------------------------------- a fresh centre


def seed_organisation(now: datetime, actor: Actor) -> int:
    """Make the roles, units and posts that are missing; bring roles' names and permissions up to date.

    Returns how many posts were made. People, and posts that staff moved, stay as they are.
    """
    write = session()
    for spec in ROLES:
        write.merge(Role(key=spec.key, name=spec.name, name_en=spec.name_en, permissions=spec.permissions))
    units = {unit.key: unit for unit in write.scalars(sa.select(Unit))}
    for plan in UNITS:
        if plan.key not in units:
            parent = units[plan.parent].id if plan.parent else None
            unit = Unit(key=plan.key, name=plan.name, name_en=plan.name_en, kind=plan.kind, parent_id=parent)
            units[plan.key] = unit
            write.add(unit)
            write.flush()
    unit_keys = {unit.id: key for key, unit in units.items()}
    posts = {(post.role_key, unit_keys[post.unit_id]): post for post in write.scalars(sa.select(Post))}
    made = 0
    for place in POSTS:
        if (place.role, place.unit) not in posts:
            above = posts[place.above].id if place.above else None
            post = Post(role_key=place.role, unit_id=units[place.unit].id, above_id=above)
            posts[place.role, place.unit] = post
            write.add(post)
            write.flush()
            made += 1
    changed(now, actor)
    return made


def is_empty() -> bool:
    """Tell whether no post was ever made."""
    return session().scalar(sa.select(Post.id).limit(1)) is None


def ensure_repair_point(
    key: str, name: str, name_en: str, *, region: str = "", now: datetime, actor: Actor
) -> int:
    """Make an outside unit such as WP003 with its post, or update its names; returns the post's id."""
    write = session()
    unit = write.scalar(sa.select(Unit).where(Unit.key == key))
    if unit is None:
        parent = write.scalar(sa.select(Unit.id).where(Unit.key == "outside"))
        unit = Unit(
            key=key, name=name, name_en=name_en, kind=REPAIR_POINT, region=region or None, parent_id=parent
        )
        write.add(unit)
    else:
        unit.name, unit.name_en, unit.region = name, name_en, region or unit.region
    write.flush()
    post = write.scalar(sa.select(Post).where(Post.unit_id == unit.id, Post.role_key == "repairpoint"))
    if post is None:
        role, at = REPAIR_POINT_ABOVE
        above = write.scalar(
            sa.select(Post.id)
            .join(Unit, Unit.id == Post.unit_id)
            .where(Post.role_key == role, Unit.key == at)
        )
        post = Post(role_key="repairpoint", unit_id=unit.id, above_id=above)
        write.add(post)
        write.flush()
    changed(now, actor)
    return post.id


def unit_name(key: str) -> str:
    """Return a unit's name in the reader's language; its key where there is none."""
    names = current().units.get(key)
    return (names[str(get_locale()) == "en"] or names[0]) if names else key


def role_label(key: str) -> str:
    """Return a role's name in the reader's language; of "repairpoint:WP003" with the unit's name."""
    role, _, unit = key.partition(":")
    english = str(get_locale()) == "en"
    label = BY_KEY[role].label("en" if english else "zh") if role in BY_KEY else role
    if not unit:
        return label
    names = current().units.get(unit)
    return f"{label} {names[english] if names else unit}"

"""What the pages of accounts show, one function per page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale

from app.accounts import organisation
from app.accounts.roles import BY_KEY, DEPARTMENTS, ROLES
from app.accounts.tables import Person, Post, PostHolder, Role, Unit
from app.db import session
from app.errors import NotFound

PAGE = 50
# The demo's accounts, the most telling first.
DEMO_ORDER = (
    *("agent", "supervisor", "callback", "technician", "repairpoint", "manager"),
    *("agent2", "oldparts", "newparts", "dispatcher", "orderclerk", "finance", "office"),
    *("platform", "engineering", "quality", "designer", "operator", "auditor", "admin"),
)


@dataclass(frozen=True)
class PostRow:
    """A post: what it is, where, and who sits in it."""

    id: int
    role: str
    unit: str
    unit_name: str
    unit_name_en: str
    kind: str
    above_id: int | None
    role_name: str
    role_name_en: str

    @property
    def key(self) -> str:
        """The candidate key that its work is addressed to."""
        return f"{self.role}:{self.unit}" if self.kind == organisation.REPAIR_POINT else self.role

    @property
    def label(self) -> str:
        """The role's name, of outside units with the unit's."""
        return f"{self._role} · {self.place}" if self.kind == organisation.REPAIR_POINT else self._role

    @property
    def place(self) -> str:
        """The unit's name."""
        return self.unit_name_en if _english() else self.unit_name

    @property
    def section(self) -> str:
        """The heading it stands under: its unit, or "repair points" for all of these."""
        return self.place if self.kind != organisation.REPAIR_POINT else self._role

    @property
    def short(self) -> str:
        """Its name below that heading."""
        return self._role if self.kind != organisation.REPAIR_POINT else self.place

    @property
    def _role(self) -> str:
        return self.role_name_en if _english() else self.role_name


@dataclass
class PersonRow:
    """One line of the list of users."""

    id: int
    username: str
    name: str
    name_en: str
    email: str
    disabled: bool
    locked_until: datetime | None
    must_change_password: bool
    last_login_at: datetime | None
    posts: list[PostRow] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name in the reader's language."""
        return self.name_en if self.name_en and _english() else self.name

    @property
    def post_labels(self) -> list[str]:
        """The posts held; two of one role are told apart by their units."""
        labels = [post.label for post in self.posts]
        return [
            f"{label} · {post.place}" if labels.count(label) > 1 else label
            for label, post in zip(labels, self.posts, strict=True)
        ]

    def is_locked(self, now: datetime) -> bool:
        """Tell whether too many wrong passwords keep this account out."""
        return self.locked_until is not None and self.locked_until > now


@dataclass(frozen=True)
class Page:
    """A page of people; `after` leads to the next one."""

    rows: list[PersonRow]
    after: str | None
    total: int


def list_people(*, search: str = "", role: str = "", state: str = "", after: str = "", now: datetime) -> Page:
    """Return people by user name: names and address, role key, state enabled | disabled | locked."""
    conditions: list[Any] = []
    if search.strip():
        words = f"%{search.strip().lower().replace('%', '').replace('_', '')}%"
        columns = (Person.username, Person.name, Person.name_en, Person.email)
        conditions.append(sa.or_(*(sa.func.lower(column).like(words) for column in columns)))
    if role in BY_KEY:
        holders = sa.select(PostHolder.person_id).join(Post, Post.id == PostHolder.post_id)
        conditions.append(Person.id.in_(holders.where(Post.role_key == role)))
    if state in ("enabled", "disabled"):
        conditions.append(Person.disabled.is_(state == "disabled"))
    elif state == "locked":
        conditions.append(Person.locked_until > now)
    total = session().scalar(sa.select(sa.func.count()).select_from(Person).where(*conditions)) or 0
    if after:
        conditions.append(Person.username > after)
    people = list(
        session().scalars(sa.select(Person).where(*conditions).order_by(Person.username).limit(PAGE + 1))
    )
    rows = _with_posts(people[:PAGE])
    return Page(rows, people[PAGE - 1].username if len(people) > PAGE else None, total)


def everybody() -> list[PersonRow]:
    """Return all people by user name: for the command line."""
    return _with_posts(list(session().scalars(sa.select(Person).order_by(Person.username))))


def get_person(person_id: int) -> PersonRow:
    """Return one person with their posts; raises NotFound."""
    person = session().get(Person, person_id)
    if person is None:
        raise NotFound()
    return _with_posts([person])[0]


def get_account(person_id: int) -> Person:
    """Return one's own account with its preferences; raises NotFound."""
    person = session().get(Person, person_id)
    if person is None:
        raise NotFound()
    return person


def all_posts() -> list[PostRow]:
    """Return all posts: by unit in the order they were made, repair points last."""
    return [
        _post(row)
        for row in session().execute(_posts().order_by(Unit.kind == "repair_point", Unit.id, Post.id))
    ]


@dataclass(frozen=True)
class PostLine:
    """A post on the organisation page. covered_by: who does its work while nobody holds it."""

    post: PostRow
    holders: list[organisation.Colleague]
    above: PostRow | None
    covered_by: list[organisation.Colleague]


def posts_by_section() -> list[tuple[str, list[PostRow]]]:
    """Return all posts under their headings: what an account may be given."""
    sections: dict[str, list[PostRow]] = {}
    for post in all_posts():
        sections.setdefault(post.section, []).append(post)
    return list(sections.items())


def organisation_chart() -> list[tuple[str, list[PostLine]]]:
    """Return the posts by unit, with holders, vacancies and who does the work of vacant ones."""
    state = organisation.current()
    posts = all_posts()
    by_id = {post.id: post for post in posts}
    held = {seat.post_id: seat.holders for seat in state.seats}
    chart: dict[str, list[PostLine]] = {}
    for post in posts:
        holders = [state.people[person] for person in sorted(held.get(post.id, ()))]
        covered = [] if holders else [state.people[one] for one in sorted(state.duties.get(post.key, ()))]
        above = by_id.get(post.above_id) if post.above_id else None
        chart.setdefault(post.section, []).append(PostLine(post, holders, above, covered))
    return list(chart.items())


def role_choices() -> list[tuple[str, str]]:
    """Return (key, name) of every role in the reader's language, departments last."""
    locale = "en" if _english() else "zh"
    order = sorted(ROLES, key=lambda role: role.key in DEPARTMENTS)
    return [(role.key, role.label(locale)) for role in order]


def demo_accounts() -> list[PersonRow]:
    """Return the demo's accounts that exist, the most telling first."""
    people = session().scalars(
        sa.select(Person).where(Person.username.in_(DEMO_ORDER), Person.disabled.is_(False))
    )
    return sorted(_with_posts(list(people)), key=lambda person: DEMO_ORDER.index(person.username))


def _posts() -> sa.Select[Any]:
    return (
        sa.select(Post.id, Post.role_key, Unit.key, Unit.name, Unit.name_en, Unit.kind, Post.above_id)
        .add_columns(Role.name, Role.name_en)
        .join(Unit, Unit.id == Post.unit_id)
        .join(Role, Role.key == Post.role_key)
    )


def _post(row: Any) -> PostRow:
    return PostRow(*row[:9])


def _with_posts(people: list[Person]) -> list[PersonRow]:
    rows = {
        person.id: PersonRow(
            id=person.id,
            username=person.username,
            name=person.name,
            name_en=person.name_en or "",
            email=person.email or "",
            disabled=person.disabled,
            locked_until=person.locked_until,
            must_change_password=person.must_change_password,
            last_login_at=person.last_login_at,
        )
        for person in people
    }
    held = _posts().add_columns(PostHolder.person_id).join(PostHolder, PostHolder.post_id == Post.id)
    for row in session().execute(held.where(PostHolder.person_id.in_(rows)).order_by(Post.id)):
        rows[row[9]].posts.append(_post(row))
    return list(rows.values())


def shown_name() -> sa.ColumnElement[str]:
    """Return the column of a person's name in the reader's language, for a select that joins Person."""
    return sa.func.coalesce(Person.name_en if _english() else None, Person.name)


def _english() -> bool:
    return str(get_locale()) == "en"

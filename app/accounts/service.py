"""One function per verb: sign in, passwords, preferences, people and their posts.

Callers open the transaction, but for `authenticate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from app import settings_store
from app.accounts import audit, organisation, passwords, rules
from app.accounts.actor import SYSTEM, Actor
from app.accounts.tables import ApiToken, Person, Post, PostHolder
from app.db import for_update, session, transaction
from app.errors import FieldError, Invalid, NotFound, Refused, TooMany

USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")
LOCALES, THEMES, DENSITIES = ("zh", "en"), ("light", "dark"), ("compact",)


# ---------------------------------------------------------------- signing in


def authenticate(username: str, password: str, *, now: datetime) -> int:
    """Check a name and password; return the person's id.

    Opens its own transactions: the hash is computed outside of them, since it takes longer than all else.
    Raises Invalid when they do not fit, TooMany while the account is locked.
    """
    username = username.strip().lower()
    query = sa.select(Person.id, Person.password_hash).where(Person.username == username)
    row = session().execute(query).first()
    known_hash = row.password_hash if row else None
    # A database that was a demo's once must not open with the password that everybody knows.
    public = password == rules.DEMO_PASSWORD and not _demo()
    fits = passwords.matches(known_hash, password) and not public
    stronger = (
        passwords.hash_password(password) if fits and known_hash and passwords.outdated(known_hash) else None
    )
    with transaction():
        # An unknown name takes the same way as a known one, so that time tells nothing.
        person = _find_locked(row.id if row else 0)
        if person is None:
            raise _wrong()
        fits = fits and person.password_hash == known_hash  # it may have been changed meanwhile
        # Guesses that arrive together count one after the other: the row is ours until the commit.
        locked = person.locked_until is not None and person.locked_until > now
        if not locked and fits and not person.disabled:
            if stronger:
                person.password_hash = stronger
            person.failed_logins, person.locked_until, person.last_login_at = 0, None, now
            audit.tell(f"person:{person.id}", "person.signed_in", {}, actor=_as_actor(person), now=now)
        elif not locked and not person.disabled:
            locked = _count_failure(person, now)
        until = person.locked_until
    if locked and until is not None:
        minutes = max(1, -int((now - until).total_seconds() // 60))
        raise TooMany(
            _(
                "Too many wrong passwords. Please try again in %(n)s min; "
                "an administrator can unlock the account sooner.",
                n=minutes,
            )
        )
    if not fits or person.disabled:
        raise _wrong()
    return person.id


def _count_failure(person: Person, now: datetime) -> bool:
    if person.locked_until is not None:
        person.failed_logins, person.locked_until = 0, None  # the lock has run out: a fresh start
    person.failed_logins += 1
    allowed = int(settings_store.get("accounts.lockout_failures"))
    person.locked_until = rules.lock_after(
        person.failed_logins, allowed, int(settings_store.get("accounts.lockout_minutes")), now
    )
    if person.locked_until is None:
        return False
    data = {"failures": person.failed_logins, "until": person.locked_until.isoformat()}
    audit.tell(f"person:{person.id}", "person.locked", data, actor=SYSTEM, now=now)
    return True


def _wrong() -> Invalid:
    # The same words for an unknown name, a wrong password and a disabled account.
    message = _("User name or password is wrong.")
    return Invalid(message, [FieldError("password", message)])


def sign_out_everywhere(person_id: int, *, actor: Actor, now: datetime) -> None:
    """End every session of a person, on every machine."""
    person = _locked(person_id)
    person.session_version += 1
    audit.tell(f"person:{person_id}", "person.signed_out_everywhere", {}, actor=actor, now=now)


# ---------------------------------------------------------------- one's own account


def change_password(person_id: int, old: str, new: str, again: str, *, actor: Actor, now: datetime) -> None:
    """Set a new password for oneself; every session ends. Raises Invalid with the field that does not fit."""
    person = _locked(person_id)
    if not passwords.matches(person.password_hash, old):
        message = _("This is not your present password.")
        raise Invalid(message, [FieldError("old_password", message)])
    if new != again:
        message = _("The two new passwords differ.")
        raise Invalid(message, [FieldError("again", message)])
    if person.must_change_password and new == old:
        message = _("Please choose another password than the one you were given.")
        raise Invalid(message, [FieldError("new_password", message)])
    rules.check_password(new, person.username, demo=_demo())
    person.password_hash = passwords.hash_password(new)
    person.must_change_password = False
    person.session_version += 1
    audit.tell(f"person:{person_id}", "person.password_changed", {}, actor=actor, now=now)


def keep_preferences(person_id: int, chosen: dict[str, Any], *, actor: Actor, now: datetime) -> None:
    """Keep preferences: locale, theme, density, single_keys, mail_notifications, quiet_hours; no others.

    "system" and "comfortable" mean no choice. quiet_hours: None for the centre's, "" for none, "21:30-07:00".
    """
    person = _locked(person_id)
    allowed: dict[str, tuple[Any, ...]] = {
        "locale": LOCALES,
        "theme": (*THEMES, "system", ""),
        "density": (*DENSITIES, "comfortable", ""),
        "single_keys": (True, False),
        "mail_notifications": (True, False),
    }
    changes: dict[str, Any] = {}
    for name, value in chosen.items():
        if name in allowed and value in allowed[name]:
            kept = None if value in ("system", "comfortable", "") else value
            if getattr(person, name) != kept:
                changes[name] = [getattr(person, name), kept]
                setattr(person, name, kept)
    if "quiet_hours" in chosen and person.quiet_hours != chosen["quiet_hours"]:
        changes["quiet_hours"] = [person.quiet_hours, chosen["quiet_hours"]]
        person.quiet_hours = chosen["quiet_hours"]
    if changes:
        audit.tell(f"person:{person_id}", "person.preferences_changed", changes, actor=actor, now=now)


# ---------------------------------------------------------------- administration


def create_person(
    username: str,
    name: str,
    *,
    name_en: str = "",
    email: str = "",
    password: str | None = None,
    posts: Iterable[int] = (),
    must_change: bool = True,
    locale: str | None = None,
    actor: Actor,
    now: datetime,
) -> tuple[int, str]:
    """Make an account; returns its id and the password, a one-time one unless given.

    Raises Invalid with the fields that do not fit.
    """
    username = username.strip().lower()
    errors = _person_errors(name, name_en, email)
    if not USERNAME.fullmatch(username):
        errors.append(
            FieldError(
                "username", _("2 to 40 characters: a letter first, then a–z, 0–9, dot, dash or underscore.")
            )
        )
    elif session().scalar(sa.select(Person.id).where(Person.username == username)):
        errors.append(FieldError("username", _("This user name is taken.")))
    if errors:
        raise Invalid(_("Some fields still need an answer."), errors)
    if password is not None:
        rules.check_password(password, username, demo=_demo(), field="password")
    given = password or passwords.one_time_password()
    person = Person(
        username=username,
        name=name.strip(),
        name_en=name_en.strip() or None,
        email=email.strip() or None,
        password_hash=passwords.hash_password(given),
        must_change_password=must_change,
        locale=locale,
        created_at=now,
    )
    session().add(person)
    session().flush()
    wanted = _known_posts(posts)
    session().add_all(PostHolder(post_id=post, person_id=person.id, since=now) for post in wanted)
    session().flush()
    organisation.changed(now, actor)
    data = {"username": username, "posts": sorted(wanted)}
    audit.tell(f"person:{person.id}", "person.created", data, actor=actor, now=now)
    return person.id, given


def edit_person(
    person_id: int,
    *,
    name: str,
    name_en: str = "",
    email: str = "",
    posts: Iterable[int] | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Change names, address and, if given, the posts held; sessions go on, with the new rights.

    Raises Invalid, or Refused when nobody would be left to administer users.
    """
    person = _locked(person_id)
    errors = _person_errors(name, name_en, email)
    if errors:
        raise Invalid(_("Some fields still need an answer."), errors)
    before = {"name": person.name, "name_en": person.name_en, "email": bool(person.email)}
    person.name, person.name_en, person.email = name.strip(), name_en.strip() or None, email.strip() or None
    data: dict[str, Any] = {
        "before": before,
        "after": {"name": person.name, "name_en": person.name_en, "email": bool(person.email)},
    }
    if posts is not None:
        held = set(session().scalars(sa.select(PostHolder.post_id).where(PostHolder.person_id == person_id)))
        wanted = _known_posts(posts)
        if held - wanted:
            gone = sa.delete(PostHolder).where(
                PostHolder.person_id == person_id, PostHolder.post_id.in_(held - wanted)
            )
            session().execute(gone)
        session().add_all(PostHolder(post_id=post, person_id=person_id, since=now) for post in wanted - held)
        data["before"]["posts"], data["after"]["posts"] = sorted(held), sorted(wanted)
    session().flush()
    organisation.changed(now, actor)
    _check_admins()
    audit.tell(f"person:{person_id}", "person.edited", data, actor=actor, now=now)


def disable(person_id: int, *, actor: Actor, now: datetime) -> None:
    """Close an account: sessions and tokens end at once, its posts are vacant if nobody else holds them.

    Raises Refused for oneself and for the last administrator.
    """
    if person_id == actor.id:
        raise Refused(_("You cannot disable your own account."))
    person = _locked(person_id)
    if person.disabled:
        return
    person.disabled = True
    person.session_version += 1
    session().execute(
        sa.update(ApiToken)
        .where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    session().flush()
    organisation.changed(now, actor)
    _check_admins()
    audit.tell(f"person:{person_id}", "person.disabled", {"username": person.username}, actor=actor, now=now)


def enable(person_id: int, *, actor: Actor, now: datetime) -> None:
    """Open a closed account again, with the posts it had."""
    person = _locked(person_id)
    person.disabled, person.failed_logins, person.locked_until = False, 0, None
    session().flush()
    organisation.changed(now, actor)
    audit.tell(f"person:{person_id}", "person.enabled", {"username": person.username}, actor=actor, now=now)


def unlock(person_id: int, *, actor: Actor, now: datetime) -> None:
    """End a lock-out before its time."""
    person = _locked(person_id)
    person.failed_logins, person.locked_until = 0, None
    audit.tell(f"person:{person_id}", "person.unlocked", {}, actor=actor, now=now)


def reset_password(person_id: int, *, actor: Actor, now: datetime) -> str:
    """Give a one-time password, to be shown once and changed at the next sign-in. All sessions end."""
    person = _locked(person_id)
    given = passwords.one_time_password()
    person.password_hash = passwords.hash_password(given)
    person.must_change_password = True
    person.session_version += 1
    person.failed_logins, person.locked_until = 0, None
    audit.tell(f"person:{person_id}", "person.password_reset", {}, actor=actor, now=now)
    return given


# ---------------------------------------------------------------- within


def _find_locked(person_id: int) -> Person | None:
    found: Person | None = session().scalar(for_update(sa.select(Person).where(Person.id == person_id)))
    return found


def _locked(person_id: int) -> Person:
    person = _find_locked(person_id)
    if person is None:
        raise NotFound(_("There is no such account."))
    return person


def _as_actor(person: Person) -> Actor:
    return Actor(id=person.id, username=person.username, display_name=person.name)


def _known_posts(posts: Iterable[int]) -> set[int]:
    wanted = set(posts)
    known = set(session().scalars(sa.select(Post.id).where(Post.id.in_(wanted)))) if wanted else set()
    if wanted - known:
        message = _("There is no such post.")
        raise Invalid(message, [FieldError("posts", message)])
    return wanted


def _person_errors(name: str, name_en: str, email: str) -> list[FieldError]:
    errors = []
    if not name.strip():
        errors.append(FieldError("name", _("Please give a name.")))
    errors += [
        FieldError(field, _("At most %(n)s characters, please.", n=60))
        for field, value in (("name", name), ("name_en", name_en))
        if len(value.strip()) > 60
    ]
    if email.strip() and (len(email) > 120 or not EMAIL.fullmatch(email.strip())):
        errors.append(FieldError("email", _("This does not look like an e-mail address.")))
    return errors


def _check_admins() -> None:
    # Two administrators who remove each other at once must not both succeed: the posts' rows are the lock.
    session().execute(for_update(sa.select(Post.id).where(Post.role_key == "admin").order_by(Post.id))).all()
    rules.check_an_admin_remains(organisation.current().who_may("user.admin"))


def _demo() -> bool:
    return bool(current_app.config["SETTINGS"].demo)

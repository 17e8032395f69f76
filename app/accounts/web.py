"""Who asks: the signed-in person of a request, and what guards the views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, Response, abort, g, make_response, redirect, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.tables import Person
from app.db import session as read_session
from app.errors import Forbidden

ANONYMOUS = Actor(id=None, username="", display_name="", locale="")
# These answer without knowing who asks; a dead database must not take them down with it.
WITHOUT_ACTOR = ("static", "css", "healthz", "readyz", "metrics")
# The way out for somebody who must set a new password first.
ALWAYS_OPEN = ("accounts.password", "accounts.change_password", "accounts.sign_out")

View = TypeVar("View", bound=Callable[..., Any])


class SignedIn(UserMixin):
    """What Flask-Login keeps: the id holds the session's version, so that raising it ends every session."""

    def __init__(self, actor: Actor, version: int, *, must_change_password: bool, single_keys: bool) -> None:
        self.actor = actor
        self.version = version
        self.must_change_password = must_change_password
        self.single_keys = single_keys

    def get_id(self) -> str:
        """Return "person.version", as the cookie keeps it."""
        return f"{self.actor.id}.{self.version}"


def init(app: Flask) -> None:
    """Install Flask-Login; the actor is read before the view, so that languages and errors know it."""
    manager = LoginManager()
    manager.user_loader(load_user)
    manager.init_app(app)
    app.before_request(_read_actor)
    app.jinja_env.globals.update(
        current_actor=current_actor,
        person_name=person_name,
        may=may,
        role_label=organisation.role_label,
        unit_name=organisation.unit_name,
        single_keys=single_keys,
    )


def load_user(key: str) -> SignedIn | None:
    """Return the person of a session cookie; None when disabled or signed out everywhere. One statement."""
    person_id, _dot, version = key.partition(".")
    if not (person_id.isdecimal() and version.isdecimal()):
        return None
    row = (
        read_session()
        .execute(
            organisation.actor_columns()
            .add_columns(Person.must_change_password, Person.single_keys)
            .where(
                Person.id == int(person_id),
                Person.session_version == int(version),
                Person.disabled.is_(False),
            )
        )
        .first()
    )
    if row is None:
        return None
    return SignedIn(
        organisation.actor_from(row),
        int(version),
        must_change_password=row.must_change_password,
        single_keys=row.single_keys,
    )


def current_actor() -> Actor:
    """Return who asks; ANONYMOUS (id None, no permissions) when nobody is signed in."""
    if "actor" not in g:
        g.actor = current_user.actor if current_user.is_authenticated else ANONYMOUS
    return cast(Actor, g.actor)


def use_actor(actor: Actor) -> None:
    """Let this request act as `actor`: for bearer tokens, which have no session."""
    g.actor = actor


def person_name(actor: Actor) -> str:
    """Return a person's name in the reader's language."""
    return actor.name_en if actor.name_en and str(get_locale()) == "en" else actor.display_name


def may(permission: str) -> bool:
    """Tell templates whether to offer something."""
    return current_actor().may(permission)


def single_keys() -> bool:
    """Tell whether single-letter shortcuts are on for who asks."""
    return bool(getattr(current_user, "single_keys", True))


def requires(*permissions: str) -> Callable[[View], View]:
    """Guard a view: signed in, and one of `permissions` held; none named, being signed in is enough.

    Nobody signed in: sent to the login page and back afterwards; htmx and the API get 401.
    Raises Forbidden otherwise.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            actor = current_actor()
            if actor.id is None:
                return ask_to_sign_in()
            if getattr(current_user, "must_change_password", False) and request.endpoint not in ALWAYS_OPEN:
                return _send(url_for("accounts.password", next=here()))
            if permissions and not any(actor.may(permission) for permission in permissions):
                raise Forbidden(_("Your posts do not include this. Ask an administrator if they should."))
            return view(*args, **kwargs)

        return cast(View, guarded)

    return guard


def ask_to_sign_in() -> Response:
    """Answer somebody who is not signed in."""
    if request.path.startswith("/api/"):
        abort(401)
    return _send(url_for("accounts.sign_in", next=here()))


def here() -> str:
    """Return the page to come back to: of a fragment or a write, the page it stood on."""
    if request.headers.get("HX-Request"):
        parts = urlsplit(request.headers.get("HX-Current-URL", ""))
        return safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path)
    if request.method in ("GET", "HEAD"):
        return safe_next(request.full_path.removesuffix("?"))
    parts = urlsplit(request.referrer or "")
    return safe_next(parts.path if parts.netloc == request.host else "/")


def safe_next(address: str | None) -> str:
    """Return `address` when it is a page of this site, else "/": a link must not send people elsewhere."""
    address = address or "/"
    # Browsers read a backslash as a slash and drop control characters.
    if (
        not address.startswith("/")
        or address[1:2] in ("/", "\\")
        or any(ord(letter) < 32 for letter in address)
    ):
        return "/"
    parts = urlsplit(address)
    return "/" if parts.netloc or parts.scheme or parts.path in ("/login", "/logout") else address


def begin_session(person_id: int) -> bool:
    """Sign a person in, in a session of their own; False when they may not."""
    version = read_session().scalar(sa.select(Person.session_version).where(Person.id == person_id))
    user = load_user(f"{person_id}.{version}")
    if user is None:
        return False
    session.clear()  # nothing that somebody prepared before the login lives on in it
    login_user(user)
    g.actor = user.actor
    g.pop("locale_choice", None)
    return True


def end_session() -> None:
    """Sign out this browser."""
    logout_user()
    session.clear()
    g.actor = ANONYMOUS


def _send(address: str) -> Response:
    if request.headers.get("HX-Request"):
        return make_response("", 401, {"HX-Redirect": address})
    return make_response(redirect(address, 303 if request.method == "POST" else 302))


def _read_actor() -> None:
    if request.endpoint is None or request.endpoint.rpartition(".")[2] in WITHOUT_ACTOR:
        return
    if request.headers.get("Authorization", "").startswith("Bearer "):
        return  # the API finds out itself whose token it is
    current_actor()

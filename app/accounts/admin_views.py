"""User administration: people, their posts, the organisation's vacancies."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app import clock
from app.accounts import queries, service
from app.accounts.web import current_actor, requires
from app.db import transaction
from app.errors import FieldError, Invalid

bp = Blueprint("admin", __name__, template_folder="templates", url_prefix="/admin")

TYPED = ("username", "name", "name_en", "email")


@bp.get("/users")
@requires("user.admin")
def users() -> str:
    """List people; with htmx only the rows that follow."""
    filters = {name: request.args.get(name, "") for name in ("q", "role", "state")}
    page = queries.list_people(
        search=filters["q"],
        role=filters["role"],
        state=filters["state"],
        after=request.args.get("after", ""),
        now=clock.now(),
    )
    return render_template(
        "accounts/users.html", page=page, filters=filters, roles=queries.role_choices(), now=clock.now()
    )


@bp.get("/users/new")
@requires("user.admin")
def new_user() -> str:
    """Show the form for a new account."""
    return _form({}, set())


@bp.post("/users")
@requires("user.admin")
def create_user() -> Response | tuple[str, int]:
    """Make an account and show its one-time password."""
    typed = {name: request.form.get(name, "") for name in TYPED}
    posts = _posted_posts()
    try:
        with transaction():
            person_id, given = service.create_person(
                typed["username"],
                typed["name"],
                name_en=typed["name_en"],
                email=typed["email"],
                posts=posts,
                actor=current_actor(),
                now=clock.now(),
            )
    except Invalid as error:
        return _form(typed, posts, error.errors), 422
    return _show_once(person_id, given, 201)


@bp.get("/users/<int:person_id>")
@requires("user.admin")
def user(person_id: int) -> str:
    """Show one account with what can be done to it."""
    person = queries.get_person(person_id)
    typed = {name: getattr(person, name) for name in TYPED}
    return _form(typed, {post.id for post in person.posts}, person=person)


@bp.post("/users/<int:person_id>")
@requires("user.admin")
def edit_user(person_id: int) -> Response | tuple[str, int]:
    """Change names, address and posts."""
    typed = {name: request.form.get(name, "") for name in TYPED if name != "username"}
    posts = _posted_posts()
    try:
        with transaction():
            service.edit_person(
                person_id,
                name=typed["name"],
                name_en=typed["name_en"],
                email=typed["email"],
                posts=posts,
                actor=current_actor(),
                now=clock.now(),
            )
    except Invalid as error:
        return _form(typed, posts, error.errors, person=queries.get_person(person_id)), 422
    flash(_("Account saved."))
    return _back(person_id)


@bp.post("/users/<int:person_id>/disable")
@requires("user.admin")
def disable_user(person_id: int) -> Response:
    """Close an account."""
    with transaction():
        service.disable(person_id, actor=current_actor(), now=clock.now())
    flash(_("Account disabled. It is signed out everywhere."))
    return _back(person_id)


@bp.post("/users/<int:person_id>/enable")
@requires("user.admin")
def enable_user(person_id: int) -> Response:
    """Open a closed account."""
    with transaction():
        service.enable(person_id, actor=current_actor(), now=clock.now())
    flash(_("Account enabled."))
    return _back(person_id)


@bp.post("/users/<int:person_id>/unlock")
@requires("user.admin")
def unlock_user(person_id: int) -> Response:
    """End a lock-out."""
    with transaction():
        service.unlock(person_id, actor=current_actor(), now=clock.now())
    flash(_("Account unlocked."))
    return _back(person_id)


@bp.post("/users/<int:person_id>/reset-password")
@requires("user.admin")
def reset_password(person_id: int) -> Response:
    """Give a one-time password and show it once."""
    with transaction():
        given = service.reset_password(person_id, actor=current_actor(), now=clock.now())
    return _show_once(person_id, given, 200)


@bp.get("/organisation")
@requires("user.admin")
def chart() -> str:
    """Show posts, who holds them, and who does the work of vacant ones."""
    return render_template("accounts/organisation.html", units=queries.organisation_chart())


def _form(
    typed: dict[str, str],
    posts: set[int],
    errors: list[FieldError] | None = None,
    person: queries.PersonRow | None = None,
) -> str:
    return render_template(
        "accounts/user.html",
        typed=typed,
        chosen=posts,
        errors=errors or [],
        person=person,
        sections=queries.posts_by_section(),
        myself=current_actor().id,
        now=clock.now(),
    )


def _show_once(person_id: int, given: str, status: int) -> Response:
    page = render_template(
        "accounts/one_time_password.html", person=queries.get_person(person_id), password=given
    )
    return make_response(page, status, {"Cache-Control": "no-store"})


def _posted_posts() -> set[int]:
    return {int(value) for value in request.form.getlist("posts") if value.isdecimal()}


def _back(person_id: int) -> Response:
    return make_response(redirect(url_for(".user", person_id=person_id), 303))

"""Signing in and out, and one's own settings."""

from __future__ import annotations

import re
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from app import clock, settings_store
from app.accounts import queries, rules, service, tokens
from app.accounts.web import begin_session, current_actor, end_session, requires, safe_next
from app.db import transaction
from app.errors import AppError, FieldError, Invalid, TooMany

bp = Blueprint("accounts", __name__, template_folder="templates")

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
PREFERENCES = {"locale": ("", "zh", "en"), "theme": ("", "light", "dark"), "density": ("", "compact")}


@bp.get("/login")
def sign_in() -> Response:
    """Show the sign-in page; who is signed in already goes on."""
    if current_actor().id is not None:
        return make_response(redirect(safe_next(request.args.get("next"))))
    return _sign_in_page()


@bp.post("/login")
def do_sign_in() -> Response:
    """Check name and password, then go where the person wanted to go."""
    return _try(request.form.get("username", ""), request.form.get("password", ""))


@bp.post("/login/demo")
def demo_sign_in() -> Response:
    """Sign in as a demo account with one click; only in demo mode."""
    username = request.form.get("username", "")
    if not current_app.config["SETTINGS"].demo or username not in queries.DEMO_ORDER:
        abort(404)
    return _try(username, rules.DEMO_PASSWORD)


@bp.post("/logout")
def sign_out() -> Response:
    """End this browser's session."""
    end_session()
    return make_response(redirect(url_for(".sign_in"), 303))


@bp.get("/settings")
@requires()
def settings() -> str:
    """Show one's own settings."""
    return _settings_page()


@bp.post("/settings/preferences")
@requires()
def change_preferences() -> Response | tuple[str, int]:
    """Keep language, looks, keys and mail."""
    actor = current_actor()
    chosen: dict[str, Any] = {
        name: request.form.get(name, "")
        for name, allowed in PREFERENCES.items()
        if request.form.get(name, "") in allowed
    }
    chosen |= {name: name in request.form for name in ("single_keys", "mail_notifications")}
    typed = {name: request.form.get(name, "") for name in ("quiet", "quiet_from", "quiet_until")}
    chosen["quiet_hours"], wrong = _quiet_hours(**typed)
    if wrong:
        return _settings_page(typed | chosen, [FieldError("quiet", wrong)]), 422
    with transaction():
        service.keep_preferences(_id(), chosen, actor=actor, now=clock.now())
    flash(_("Settings saved."))
    response = make_response(redirect(url_for(".settings"), 303))
    # The account decides from here on, not what this browser was told before signing in.
    for cookie in ("lang", "theme", "density"):
        response.delete_cookie(cookie)
    return response


def _quiet_hours(quiet: str, quiet_from: str, quiet_until: str) -> tuple[str | None, str]:
    """Return the quiet hours as they are kept (None: the centre's), and what is wrong with them."""
    if quiet != "own":
        return ("" if quiet == "none" else None), ""
    if not (CLOCK.fullmatch(quiet_from) and CLOCK.fullmatch(quiet_until)):
        return None, _("From when until when? Please give both times, such as 21:30 and 07:00.")
    return f"{quiet_from}-{quiet_until}", ""


@bp.post("/settings/profile")
@requires()
def change_profile() -> Response | tuple[str, int]:
    """Keep one's own names and address."""
    typed = {name: request.form.get(name, "") for name in ("name", "name_en", "email")}
    try:
        with transaction():
            service.edit_person(
                _id(),
                name=typed["name"],
                name_en=typed["name_en"],
                email=typed["email"],
                actor=current_actor(),
                now=clock.now(),
            )
    except Invalid as error:
        return _settings_page(typed=typed, errors=error.errors), 422
    flash(_("Profile saved."))
    return make_response(redirect(url_for(".settings"), 303))


@bp.get("/settings/password")
@requires()
def password() -> str:
    """Ask for a new password: the page of those who must choose one."""
    return render_template("accounts/password.html", errors=[], next=safe_next(request.args.get("next")))


@bp.post("/settings/password")
@requires()
def change_password() -> Response | tuple[str, int]:
    """Set a new password; this browser stays signed in, all others are signed out."""
    person_id, form = _id(), request.form
    try:
        with transaction():
            service.change_password(
                person_id,
                form.get("old_password", ""),
                form.get("new_password", ""),
                form.get("again", ""),
                actor=current_actor(),
                now=clock.now(),
            )
    except Invalid as error:
        page = render_template(
            "accounts/password.html", errors=error.errors, next=safe_next(form.get("next"))
        )
        return page, 422
    begin_session(person_id)
    flash(_("Password changed. Other devices were signed out."))
    return make_response(redirect(safe_next(form.get("next", url_for(".settings"))), 303))


@bp.post("/settings/sign-out-everywhere")
@requires()
def sign_out_everywhere() -> Response:
    """End all sessions of this person, this one too."""
    with transaction():
        service.sign_out_everywhere(_id(), actor=current_actor(), now=clock.now())
    end_session()
    flash(_("You are signed out on every device."))
    return make_response(redirect(url_for(".sign_in"), 303))


@bp.post("/settings/tokens")
@requires("api.token")
def create_token() -> Response:
    """Make an API token and show it once."""
    with transaction():
        token = tokens.create(
            _id(), request.form.get("label", "").strip(), actor=current_actor(), now=clock.now()
        )
    # Shown in this answer only: it must not lie in a cookie, nor be fetched again.
    response = make_response(_settings_page(new_token=token), 201)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/settings/tokens/<int:token_id>/revoke")
@requires()
def revoke_token(token_id: int) -> Response:
    """End one's own API token."""
    with transaction():
        tokens.revoke(token_id, _id(), actor=current_actor(), now=clock.now())
    flash(_("Token revoked."))
    return make_response(redirect(url_for(".settings"), 303))


def _try(username: str, typed_password: str) -> Response:
    try:
        person_id = service.authenticate(username, typed_password, now=clock.now())
    except (Invalid, TooMany) as error:
        return _sign_in_page(
            username=username, error=error, status=429 if isinstance(error, TooMany) else 422
        )
    begin_session(person_id)
    return make_response(redirect(safe_next(request.form.get("next")), 303))


def _sign_in_page(username: str = "", error: AppError | None = None, status: int = 200) -> Response:
    demo = current_app.config["SETTINGS"].demo
    return make_response(
        render_template(
            "accounts/sign_in.html",
            username=username,
            error=error,
            next=safe_next(request.values.get("next")),
            demo_accounts=queries.demo_accounts() if demo else [],
        ),
        status,
    )


def _settings_page(
    typed: dict[str, str] | None = None, errors: list[FieldError] | None = None, new_token: str = ""
) -> str:
    person_id = _id()
    return render_template(
        "accounts/settings.html",
        person=queries.get_person(person_id),
        account=queries.get_account(person_id),
        tokens=tokens.of(person_id),
        new_token=new_token,
        typed=typed or {},
        errors=errors or [],
        demo=current_app.config["SETTINGS"].demo,
        centre_quiet=dict(
            zip(("from", "until"), settings_store.get("notifications.quiet_hours"), strict=True)
        ),
    )


def _id() -> int:
    person_id = current_actor().id
    assert person_id is not None  # every view here is guarded by @requires
    return person_id

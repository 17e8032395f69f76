"""Preferences that every page can change: language, theme, density."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request

from app import clock
from app.accounts import service as accounts
from app.accounts.web import requires, safe_next
from app.db import transaction
from app.web.i18n import COOKIE, LOCALES
from app.web.shell import actor

bp = Blueprint("web", __name__, template_folder="templates")

CHOICES = {"locale": LOCALES, "theme": ("light", "dark", "system"), "density": ("comfortable", "compact")}
COOKIES = {"locale": COOKIE, "theme": "theme", "density": "density"}
YEAR = 365 * 24 * 3600


@bp.post("/preferences")
def preferences() -> Response:
    """Keep a choice in the browser, and on the account of who is signed in; go back to the page."""
    chosen = {name: value for name, value in request.form.items() if value in CHOICES.get(name, ())}
    _keep_on_account(chosen)
    if request.headers.get("HX-Request") or request.headers.get("X-Requested-With"):
        response = make_response("", 204)
    else:
        response = make_response(redirect(safe_next(request.form.get("next")), 303))
    for name, value in chosen.items():
        response.set_cookie(COOKIES[name], value, max_age=YEAR, samesite="Lax", httponly=True)
    return response


@bp.get("/me")
@requires()
def me() -> str:
    """What the menu of the person holds, for phones."""
    return render_template("web/me.html")


@bp.get("/help/keys")
def keys() -> str:
    """The keyboard sheet as a page, for those without script."""
    return render_template("web/keys.html")


def _keep_on_account(chosen: dict[str, Any]) -> None:
    person = actor()
    if person is None or person.id is None or not chosen:
        return
    with transaction():
        accounts.keep_preferences(person.id, chosen, actor=person, now=clock.now())

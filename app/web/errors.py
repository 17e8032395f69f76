"""Every error becomes a clear page here, in the person's language, with what they typed kept."""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app import clock, engine
from app.accounts.web import ANONYMOUS
from app.db import transaction
from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Refused, StepFailed, TooMany
from app.web import shell

log = logging.getLogger(__name__)

STATUS: dict[type[BaseException], int] = {
    NotFound: 404,
    Forbidden: 403,
    Refused: 409,
    Invalid: 422,
    TooMany: 429,
    StepFailed: 500,
}
# Values that never come back onto a page, and those the browser cannot give us again.
SECRET_FIELDS = ("csrf_token", "password", "old_password", "new_password", "again", "code")


def init(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(AppError, _app_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.register_error_handler(OverflowError, _overflow)
    app.register_error_handler(Exception, _unexpected)


def status_of(error: AppError) -> int:
    """Return the HTTP status of an error of ours."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def kept_values() -> list[tuple[str, str]]:
    """Return what was typed, (field, value), without secrets; nothing typed is lost."""
    return [
        (name, value)
        for name, values in _posted()
        for value in values
        if value.strip() and name not in SECRET_FIELDS and not name.startswith("_")
    ]


def resend_values() -> list[tuple[str, str]]:
    """Return every field to put into a form that sends the same again, without secrets."""
    return [(n, v) for n, values in _posted() for v in values if n not in SECRET_FIELDS]


def _posted() -> list[tuple[str, list[str]]]:
    """Return the posted fields; none of a body that was too large or broken to be read."""
    try:
        return list(request.form.lists()) if request.method != "GET" else []
    except HTTPException:
        return []


def _app_error(error: AppError) -> Response:
    status = status_of(error)
    if isinstance(error, StepFailed):
        log.error("step failed: instance %s element %s: %s", error.instance_id, error.element, error.detail)
        _record_incident(error)
    return _show(status, error=error, title=_title(error, status))


def _csrf_error(error: CSRFError) -> Response:
    return _show(400, template="web/csrf.html", title=_("This page had been open for too long"), error=error)


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None and 300 <= status < 400:
        return make_response(error.response)
    response = _show(status, title=_http_title(status), error=None)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _database_error(error: SQLAlchemyError) -> Response:
    if isinstance(error, DataError):
        # PostgreSQL takes no NUL and no number beyond its columns; nothing of ours has such a name either.
        return _refused_value(error.orig)
    gone = isinstance(error, (OperationalError, InterfaceError, PoolTimeout)) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    # SQLite says the same of a wrong statement; that one is our mistake.
    if not gone or "no such" in str(error):
        return _unexpected(error)
    log.error("the database cannot be reached: %s", error)
    # From here on nothing on the page may ask it, not even who is signed in.
    g.no_database = True
    g._login_user, g.actor = AnonymousUserMixin(), ANONYMOUS
    g.pop("locale_choice", None)
    response = _show(503, template="web/error_bare.html", title=_("The database does not answer"), error=None)
    response.headers["Retry-After"] = "30"
    return response


def _overflow(error: OverflowError) -> Response:
    # Such a number comes from outside; SQLite's driver refuses it before SQLAlchemy sees it.
    return _refused_value(error) if "SQLite" in str(error) else _unexpected(error)


def _refused_value(why: object) -> Response:
    log.warning("the database refused a value at %s: %s", request.path, why)
    status = 404 if request.method == "GET" and not request.args else 400
    return _show(status, title=_http_title(status), error=None)


def _unexpected(error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.exception("unexpected error %s at %s %s", reference, request.method, request.path, exc_info=error)
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    return _show(500, title=_("Something went wrong on our side"), error=None, reference=reference)


def _record_incident(error: StepFailed) -> None:
    """Tell the operators, in a transaction of its own: the step's has been rolled back."""
    try:
        with transaction():
            engine.record_incident(error, now=clock.now())
    except SQLAlchemyError:
        # The person's page must come all the same; the log has told what the incident would have.
        log.exception("the incident of instance %s was not recorded", error.instance_id)


def _title(error: AppError, status: int) -> str:
    if isinstance(error, Conflict):
        return _("%(name)s was first", name=error.by) if error.by else _("Somebody else was first")
    if isinstance(error, StepFailed):
        return _("This step could not be finished")
    return _http_title(status)


def _http_title(status: int) -> str:
    return {
        400: _("This request could not be read"),
        401: _("Please sign in"),
        403: _("This is not yours to do"),
        404: _("Nothing found here"),
        405: _("This address does not work that way"),
        409: _("This is not possible now"),
        413: _("The file is too large"),
        415: _("This kind of file is not accepted"),
        422: _("Some fields still need an answer"),
        429: _("Too many attempts"),
        503: _("The service is not available"),
    }.get(status, _("Something went wrong on our side"))


def _show(
    status: int, *, title: str, error: Any, template: str = "web/error.html", reference: str = ""
) -> Response:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        return _problem(status, title, error)
    values: dict[str, Any] = {
        "status": status,
        "title": title,
        "error": error,
        "message": str(error) if isinstance(error, AppError) else "",
        "kept": kept_values(),
        "resend": resend_values(),
        "at": clock.now(),
        "reference": reference,
    }
    try:
        if request.headers.get("HX-Request") and request.headers.get("HX-Request-Type") != "full":
            return make_response(render_template("web/_error.html", **values), status)
        if shell.actor() is None and template == "web/error.html":
            template = "web/error_bare.html"
        return make_response(render_template(template, **values), status)
    except SQLAlchemyError:
        # The page itself needed the database: say it without one.
        log.exception("error page without a database")
        g.no_database = True
        g._login_user, g.actor = AnonymousUserMixin(), ANONYMOUS
        return make_response(render_template("web/error_bare.html", **values), status)


def _problem(status: int, title: str, error: Any) -> Response:
    """Answer a script, or an address under /api that no view owns, as RFC 9457 problem details."""
    body = {"type": "about:blank", "title": title, "status": status}
    if isinstance(error, AppError) and str(error):
        body["detail"] = str(error)
    response = make_response(json.dumps(body, ensure_ascii=False), status)
    response.headers["Content-Type"] = "application/problem+json"
    return response

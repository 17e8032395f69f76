"""Errors of the API as RFC 9457 problem details."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, current_app, json
from flask_babel import gettext as _
from flask_smorest import Api
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from app import engine
from app.clock import now
from app.db import transaction
from app.errors import AppError, Conflict, Forbidden, Invalid, NotFound, Refused, StepFailed, TooMany

STATUS: dict[type[AppError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Refused: 409,
    Invalid: 422,
    TooMany: 429,
    StepFailed: 500,
}
log = logging.getLogger(__name__)


def problem(status: int, title: str, detail: str = "", **members: Any) -> Response:
    """Make a problem document; `members` are its extensions, e.g. errors."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    body |= {name: value for name, value in members.items() if value is not None}
    return current_app.response_class(json.dumps(body), status, mimetype="application/problem+json")


def for_app_error(error: AppError) -> Response:
    """Say what the application refused; a step that failed is kept for the operator."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    if isinstance(error, Invalid):
        found = [{"field": one.field, "message": one.message} for one in error.errors]
        return problem(status, _("The values do not fit."), str(error), errors=found)
    if isinstance(error, Conflict):
        at = error.at.isoformat() if error.at else None
        return problem(status, _("Somebody was first, or it has changed."), str(error), by=error.by, at=at)
    if isinstance(error, StepFailed):
        with transaction():
            engine.record_incident(error, now=now())
        return problem(status, _("The step could not be finished; nothing was changed."))
    titles = {403: _("Not allowed."), 404: _("Not found."), 409: _("Refused."), 429: _("Too many requests.")}
    return problem(status, titles.get(status, _("Something went wrong.")), str(error))


class ProblemApi(Api):
    """The library's Api without its error handlers: pages have their own, our blueprints get `install`'s."""

    def _register_error_handlers(self) -> None:
        """Leave the application's handlers alone."""


def for_http_error(error: HTTPException) -> Response:
    """Turn what the router or the argument parser says into a problem."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    found = [
        {"field": name, "message": " ".join(map(str, words)) if isinstance(words, list) else str(words)}
        for part in data.get("messages", {}).values()
        if isinstance(part, dict)
        for name, words in part.items()
    ]
    title = _("The values do not fit.") if found else error.name
    response = problem(status, title, data.get("message") or error.description or "", errors=found or None)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    for name, value in (data.get("headers") or {}).items():
        response.headers[name] = value
    return response


def install(blueprint: Any) -> None:
    """Let a blueprint answer every error with a problem."""
    blueprint.register_error_handler(AppError, for_app_error)
    blueprint.register_error_handler(HTTPException, for_http_error)
    blueprint.register_error_handler(OperationalError, _database_away)


def _database_away(error: OperationalError) -> Response:
    log.error("the database did not answer: %s", error.orig)
    return problem(503, _("The database does not answer; nothing was changed. Try again shortly."))

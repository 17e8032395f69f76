"""Errors of the API as RFC 9457 problem details.

Addresses that no view of the API owns, wrong methods, a database that is away and what nobody foresaw are
answered in the same form by the application's own handlers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, json
from flask_babel import gettext as _
from flask_smorest import Api
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from app import engine
from app.api import document
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


class ProblemApi(Api):
    """The library's Api without its error handlers and its own idea of an error document."""

    def _register_error_handlers(self) -> None:
        """Leave the application's handlers alone: pages have their own, our blueprints get `install`'s."""

    def _openapi_json(self) -> Response:
        """Serve the document, with the answers that every operation may give."""
        return current_app.response_class(
            json.dumps(document.finish(self.spec.to_dict())), mimetype="application/json"
        )


def install(blueprint: Any) -> None:
    """Let a blueprint answer every error with a problem."""
    blueprint.register_error_handler(AppError, for_app_error)
    blueprint.register_error_handler(HTTPException, for_http_error)
    blueprint.after_request(_not_kept)


def _not_kept(response: Response) -> Response:
    """Let nobody on the way keep what may name people."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


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
        found = [{"field": one.field, "message": str(one.message)} for one in error.errors]
        return problem(status, _title(status), str(error), errors=found)
    if isinstance(error, Conflict):
        at = error.at.isoformat() if error.at else None
        return problem(status, _("Somebody was first, or it has changed."), str(error), by=error.by, at=at)
    if isinstance(error, StepFailed):
        log.error("step failed: instance %s element %s: %s", error.instance_id, error.element, error.detail)
        _record_incident(error)
        return problem(status, _("The step could not be finished; nothing was changed."))
    return problem(status, _title(status), str(error))


def for_http_error(error: HTTPException) -> Response:
    """Turn what the argument parser or a view says into a problem."""
    status = error.code or 500
    found = list(_errors(getattr(error, "data", None) or {}))
    # Werkzeug's own sentences are English; ours stand in `description` where we called `abort` with them.
    words = error.description if error.description != type(error).description else ""
    response = problem(status, _title(status), words or "", errors=found or None)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _errors(data: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield one error a field; a field within an object is named "customer.name"."""
    for messages in (data.get("messages") or {}).values():
        yield from _fields("", messages)


def _fields(path: str, messages: Any) -> Iterator[dict[str, str]]:
    if not isinstance(messages, dict):
        words = messages if isinstance(messages, list) else [messages]
        yield {"field": path, "message": " ".join(map(str, words))}
        return
    for name, inner in messages.items():
        inside = path if name == "_schema" else f"{path}.{name}".lstrip(".")
        yield from _fields(inside, inner)


def _record_incident(error: StepFailed) -> None:
    """Tell the operators, in a transaction of its own: the step's has been rolled back."""
    try:
        with transaction():
            engine.record_incident(error, now=now())
    except SQLAlchemyError:
        log.exception("the incident of instance %s was not recorded", error.instance_id)


def _title(status: int) -> str:
    return {
        400: _("The request cannot be read."),
        401: _("A token is needed."),
        403: _("Not allowed."),
        404: _("Not found."),
        409: _("Refused."),
        413: _("The file is too large"),
        415: _("This kind of content is not accepted."),
        422: _("The values do not fit."),
        429: _("Too many requests."),
    }.get(status, _("Something went wrong on our side"))

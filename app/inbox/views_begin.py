"""Pages: beginning a procedure by hand."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.errors import Invalid, StepFailed
from app.inbox import beginning
from app.inbox.views import bp

log = logging.getLogger(__name__)


@bp.get("/inbox/begin/<key>")
@requires()
def ask_begin(key: str) -> str:
    """Ask what it is about."""
    return _page(key, once=secrets.token_urlsafe(24))


@bp.post("/inbox/begin/<key>")
@requires()
def begin(key: str) -> Any:
    """Begin it and lead to its first task, if that is this person's."""
    once = request.form.get("once", "")[:40] or secrets.token_urlsafe(24)
    values = {
        name.removeprefix("value-"): text for name, text in request.form.items() if name.startswith("value-")
    }
    given = (key, request.form.get("title", ""), values)
    try:
        try:
            item_id = _begun(*given, once)
        except IntegrityError:
            item_id = _begun(*given, once)  # the same form, sent twice at once: the other one has begun it
    except Invalid as error:
        return _page(key, once=once, errors={one.field: one.message for one in error.errors}), 422
    except StepFailed as error:
        # The instance is gone with the step, so there is none to show to the operators.
        log.error("%s could not be begun, at %s: %s", key, error.element, error.detail)
        words = _("Its first steps fail, so it was not begun. Please tell the process designers.")
        return _page(key, once=once, errors={"": words}), 409
    flash(_("Begun."))
    return redirect(url_for(".show", item_id=item_id) if item_id else url_for(".index"), 303)


def _begun(key: str, title: str, values: dict[str, str], once: str) -> int | None:
    with transaction():
        return beginning.begin(key, title, values, once=once, actor=current_actor(), now=now())[1]


def _page(key: str, *, once: str, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "inbox/begin.html",
        procedure=beginning.get(key, current_actor()),
        once=once,
        form=request.form,
        errors=errors or {},
    )

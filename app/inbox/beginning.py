"""Beginning a procedure by hand: who may, with what, and only once however often the form is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.db import session
from app.engine.tables import Instance, WorkItem
from app.errors import AppError, FieldError, Forbidden, Invalid
from app.inbox import service

LONGEST_TITLE = 200
LONGEST_VALUE = 2_000


def offered(actor: Actor) -> list[engine.Startable]:
    """Return the procedures that this person may begin."""
    return [one for one in engine.startable() if one.roles & actor.roles]


def get(key: str, actor: Actor) -> engine.Startable:
    """Return one of them. Raises Forbidden."""
    found = next((one for one in offered(actor) if one.key == key), None)
    if found is None:
        raise Forbidden(_("This procedure is not begun by hand, or not by your role."))
    return found


def begin(
    key: str, title: str, values: Mapping[str, str], *, once: str, actor: Actor, now: datetime
) -> tuple[Instance, int | None]:
    """Begin a procedure; return its instance and the first task, taken, if it is this person's to do.

    once: the form's own key; sent again, what it began is returned.
    Raises Forbidden; Invalid with the field title or `value-NAME`; StepFailed.
    """
    procedure = get(key, actor)
    instance = session().scalar(
        sa.select(Instance).where(Instance.start_key == once, Instance.started_by_id == actor.id)
    )
    if instance is None:
        instance = _start(procedure, " ".join(title.split()), values, once, actor, now)
    return instance, _first_task(instance.id, actor, now)


def _start(
    procedure: engine.Startable, title: str, values: Mapping[str, str], once: str, actor: Actor, now: datetime
) -> Instance:
    errors = [
        FieldError(f"value-{name}", _("Enter a value."))
        for name in procedure.variables
        if not values.get(name, "").strip()
    ]
    if not title or len(title) > LONGEST_TITLE:
        words = _("Say what it is about, in up to %(n)s characters.", n=LONGEST_TITLE)
        errors.insert(0, FieldError("title", words))
    if errors:
        raise Invalid(_("It cannot be begun like this."), errors)
    variables = {name: _value(values[name]) for name in procedure.variables}
    subject = engine.Subject(title=title)
    try:
        return engine.start(procedure.key, variables, start_key=once, subject=subject, actor=actor, now=now)
    except Invalid as error:
        asked = [FieldError(f"value-{one.field}", one.message) for one in error.errors]
        raise Invalid(str(error), asked) from error


def _first_task(instance_id: int, actor: Actor, now: datetime) -> int | None:
    items = session().scalars(
        sa.select(WorkItem.id)
        .where(WorkItem.instance_id == instance_id, WorkItem.status.in_(("open", "claimed")))
        .order_by(WorkItem.id)
    )
    for item_id in items:
        try:
            return service.claim(item_id, actor=actor, now=now).id
        except AppError:
            continue  # another role's, or taken already
    return None


def _value(text: str) -> Any:
    """Return what was typed: a number or a truth value where it can be nothing else, else the text."""
    text = text.strip()[:LONGEST_VALUE]
    if text in ("true", "false"):
        return text == "true"
    # 0012 is a number that somebody gave to a thing, none to reckon with.
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d{1,10})?", text):
        return float(text) if "." in text else int(text)
    return text

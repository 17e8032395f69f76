"""Change the policy: each change is a version of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app.accounts.roles import ROLES
from app.db import session
from app.errors import Conflict, FieldError, Invalid
from app.escalation import rules, store
from app.escalation.rules import Policy
from app.escalation.tables import EscalationPolicy

MAX_COMMENT = 200


def checked(content: Any) -> Policy:
    """Return the policy of JSON values. Raises Invalid with all that is wrong, in the reader's language."""
    try:
        policy = rules.read(content)
    except rules.BadPolicy as bad:
        raise Invalid(_("This is no policy yet."), errors_of(bad.problems)) from bad
    known = {rules.ASSIGNEE, rules.ABOVE, *(role.key for role in ROLES)}
    unknown = [
        rules.Problem(f"ladders.{number}.steps.{place}.target", "target")
        for number, ladder in enumerate(policy.ladders)
        for place, step in enumerate(ladder.steps)
        if step.target not in known
    ]
    if unknown:
        raise Invalid(_("This is no policy yet."), errors_of(unknown))
    return policy


def save(policy: Policy, *, comment: str, based_on: int, actor_id: int | None, now: datetime) -> Policy:
    """Make a policy the one that counts, from the commit on; return it with its number.

    based_on: the version that the change was made from. Raises Conflict when another has come since.
    """
    newest = session().scalar(sa.select(sa.func.max(EscalationPolicy.number))) or 0
    conflict = Conflict(_("Somebody else has changed the policy meanwhile. Nothing you typed was lost."))
    if newest != based_on:
        raise conflict
    number = newest + 1
    session().add(
        EscalationPolicy(
            number=number,
            content=policy.plain(),
            comment=comment.strip()[:MAX_COMMENT],
            created_at=now,
            created_by_id=actor_id,
        )
    )
    try:
        session().flush()
    except IntegrityError as error:  # the other one was a moment faster
        raise conflict from error
    store.changed(actor_id=actor_id, now=now)
    return Policy(policy.ladders, number)


def errors_of(problems: tuple[rules.Problem, ...] | list[rules.Problem]) -> list[FieldError]:
    """Say what is wrong in the reader's language."""
    words = {
        "form": _("The policy came incomplete. Please go back and try again."),
        "twice": _("There are two ladders for the same class and severity."),
        "no_default": _("There must be a ladder for any class and any severity."),
        "count": _("A ladder has 1 to %(n)s steps.", n=rules.MOST_STEPS),
        "same": _("This step is there twice."),
        "only_before": _("One step must come at the deadline or after it."),
        "choice": _("Please choose one of those offered."),
        "target": _("There is nobody of this name to turn to."),
        "offset": _("Please give a whole number, such as 2."),
        "no_offset": _("How long before or after the deadline?"),
        "long": _("That is more than a year."),
    }
    return [FieldError(one.path, words[one.code]) for one in problems]

"""Wait for the customer, go on, and classify a case by hand: what moves its deadlines from outside a step."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from flask_babel import gettext as _

from app import engine
from app.accounts.actor import SYSTEM, Actor
from app.cases import clocks, rules, service
from app.cases.access import check_may
from app.cases.tables import Case
from app.cases.values import clean
from app.db import session, transaction
from app.deadlines import pausing
from app.errors import FieldError, Invalid, Refused

BATCH = 20


def wait_for_customer(case_id: int, awaited: str, *, actor: Actor, now: datetime) -> Case:
    """Stop the clocks: the next word is the customer's. The case waits until they answer or a step is done.

    awaited: what we need of them, in a few words. Raises Refused when the case has ended, waits already or is
    solved; Invalid, Forbidden.
    """
    check_may(actor, "case.comment")
    case = _locked(case_id)
    if not rules.may_wait(case.status, case.paused_at is not None):
        raise Refused(_("Case %(number)s cannot wait for the customer now.", number=case.number))
    awaited = awaited.strip()
    if not awaited:
        words = _("Say what you are waiting for.")
        raise Invalid(words, [FieldError("awaited", words)])
    awaited = awaited[:80]
    clocks.pause(case, awaited, actor=actor, now=now)
    service.set_status(case, "waiting", actor=actor, now=now)
    case.due_at = None
    return case


def stop_waiting(case_id: int, *, actor: Actor, now: datetime) -> Case:
    """Let the clocks go on; does nothing when they run. Raises Forbidden."""
    check_may(actor, "case.comment")
    case = _locked(case_id)
    if case.paused_at is not None:
        go_on(case, actor=actor, now=now)
    return case


def go_on(case: Case, *, actor: Actor, now: datetime) -> None:
    """End the pause of a locked case: its deadlines move by what was lost, its status is as before."""
    before = clocks.go_on(case, actor=actor, now=now)
    if before is not None and case.status == "waiting":
        service.set_status(case, before, actor=actor, now=now)
    session().flush()
    session().refresh(case, ["due_at", "escalation_level"])


def classify(case_id: int, klass: str | None, severity: str | None, *, actor: Actor, now: datetime) -> int:
    """Give a case another class or severity by hand; returns how many deadlines moved.

    The way the case is on stays; allowances, priority and ladders follow. Raises Invalid for unknown words,
    Refused when the case has ended, Forbidden.
    """
    check_may(actor, "case.edit")
    case = _locked(case_id)
    if case.status in rules.ENDED:
        raise Refused(_("Case %(number)s has ended already.", number=case.number))
    given = {"class": klass or None, "severity": severity or None}
    columns = {
        rules.COLUMNS.get(name, name): value for name, value in clean(given).items() if value is not None
    }
    changed = {
        name: [getattr(case, name), value] for name, value in columns.items() if getattr(case, name) != value
    }
    if not changed:
        return 0
    for name, (_before, value) in changed.items():
        setattr(case, name, value)
    case.revision += 1
    service.record_change(case, changed, actor, now)
    if case.instance_id is not None:
        engine.update_subject(case.instance_id, **asdict(service.subject(case)))
        engine.set_data(case.instance_id, {name: pair[1] for name, pair in changed.items()}, now=now)
    return clocks.classified(case, actor=actor, now=now, steps=True)


def _locked(case_id: int) -> Case:
    # A step locks its instance and then writes the case; the other way round both would wait for ever.
    if (instance_id := service.get(case_id).instance_id) is not None:
        engine.lock_instance(instance_id)
    return service.locked(case_id)


def end_long_waits(now: datetime) -> int:
    """Go on with cases whose customer has not answered in time; returns how many. Opens its transactions."""
    ended = 0
    for case_id in pausing.pauses_over(now, BATCH):
        with transaction():
            case = _locked(case_id)
            found = pausing.open_pause(case_id)
            if found is not None and found.until_at is not None and found.until_at <= now:
                go_on(case, actor=SYSTEM, now=now)
                ended += 1
    return ended

"""The demo bar: be somebody else with one click, move the clock forward and see what falls due."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, flash, make_response, redirect, request
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _

from app import clock, engine
from app.accounts import queries as people
from app.accounts.web import begin_session, current_actor, safe_next
from app.db import session, transaction
from app.demo.people import PEOPLE
from app.engine.tables import Timer
from app.jobs import worker_name
from app.timers import virtual
from app.timers.job import run_until
from app.web.i18n import content

bp = Blueprint("demo", __name__, url_prefix="/demo", template_folder="templates")

STEPS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "3d": timedelta(days=3)}


@bp.before_request
def only_in_demo() -> None:
    """Answer 404 outside demo mode: this clock and these doors do not exist there."""
    if not current_app.config["SETTINGS"].demo:
        abort(404)


@bp.post("/as")
def become() -> Response:
    """Go on as another demo person, on the page where the visitor stands."""
    username = request.form.get("username", "")
    person = next((one for one in people.demo_accounts() if one.username == username), None)
    if person is None or not begin_session(person.id):
        abort(404)
    return make_response(redirect("/", 303))


@bp.post("/clock")
def forward() -> Response:
    """Move the clock by a step, or to the next deadline; each timer fires at its own instant on the way."""
    start = clock.now()
    step = request.form.get("step", "1h")
    if step == "next":
        due = engine.next_due()
        target = max(due, start) + timedelta(seconds=1) if due else start + STEPS["1h"]
    elif step in STEPS:
        target = start + STEPS[step]
    else:
        abort(400)
    run_until(target, worker_name())
    with transaction():
        virtual.move(target - start, actor_id=current_actor().id, now=start)
    flash(_told(start, target), "toast")
    return make_response(redirect(safe_next(request.form.get("next")), 303))


def _told(start: datetime, target: datetime) -> str:
    fired = session().scalars(
        sa.select(Timer.name).where(
            Timer.status == "fired", Timer.fired_at >= start, Timer.fired_at <= target
        )
    )
    names = Counter(fired)
    if not names:
        return str(_("The clock has moved on; nothing fell due."))
    what = _(", ").join(f"{content(name)} {count}" for name, count in names.most_common(4))
    total = sum(names.values())
    return str(ngettext("%(num)s timer fired: %(what)s", "%(num)s timers fired: %(what)s", total, what=what))


def bar() -> dict[str, object]:
    """Return what the bar shows: the demo's people, the clock, the steps it can take."""
    return {
        "people": [one for one in PEOPLE if not one.username.startswith("wp")],
        "now": clock.now(),
        "english": str(get_locale()) == "en",
    }

"""When a customer may be called, as their page and the call's panel enter and say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import format_date
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.customers import service
from app.errors import FieldError, Invalid

ROWS = 3
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
# Any Monday: weekdays are named by dates.
_MONDAY = date(2024, 1, 1)


def read(form: Any) -> list[dict[str, Any]] | None:
    """Return the hours of a form's rows `days_0`, `from_0`, `until_0`, …; None when every row is blank.

    No day ticked means every day. Raises Invalid.
    """
    found: list[dict[str, Any]] = []
    errors = []
    for number in range(ROWS):
        begins, ends = form.get(f"from_{number}", "").strip(), form.get(f"until_{number}", "").strip()
        days = sorted({int(text) for text in form.getlist(f"days_{number}") if text in "1234567" and text})
        if not begins and not ends:
            if days:
                errors.append(FieldError(f"from_{number}", _("Say from when until when.")))
            continue
        try:
            one, other = time.fromisoformat(begins or "00:00"), time.fromisoformat(ends or "23:59")
        except ValueError:
            errors.append(FieldError(f"from_{number}", _("This is no time of day. Example: 18:00.")))
            continue
        if one >= other:
            errors.append(FieldError(f"until_{number}", _("The hours must end after they begin.")))
            continue
        found.append({"days": days or EVERY_DAY, "from": f"{one:%H:%M}", "until": f"{other:%H:%M}"})
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return found or None


def change(customer_id: int, form: Any, *, actor: Actor, now: datetime) -> None:
    """Write down when a customer may be called, and whether regularly at all. Raises Invalid, NotFound."""
    customer = service.get(customer_id)
    hours, refuses = read(form), bool(form.get("do_not_call"))
    changed = [
        name
        for name, before, after in (
            ("call_hours", customer.call_hours, hours),
            ("do_not_call", customer.do_not_call, refuses),
        )
        if before != after
    ]
    if not changed:
        return
    customer.call_hours, customer.do_not_call, customer.updated_at = hours, refuses, now
    engine.record_event(
        f"customer:{customer_id}", "customer.changed", {"changed": changed}, actor=actor, now=now
    )


def words(hours: Sequence[Mapping[str, Any]] | None) -> str:
    """Say the hours: "Mon–Fri 18:00–20:00, Sat 10:00–12:00"; "" when there are none."""
    return _("; ").join(f"{days_words(one['days'])} {_span(one)}".strip() for one in hours or ())


def weekdays() -> list[tuple[int, str]]:
    """Return the ISO weekdays with their short names in the reader's language."""
    return [(day, _name(day)) for day in EVERY_DAY]


def _span(one: Mapping[str, Any]) -> str:
    if one["until"] == "23:59":
        return _("from %(t)s on", t=one["from"])
    if one["from"] == "00:00":
        return _("before %(t)s", t=one["until"])
    return f"{one['from']}–{one['until']}"


def days_words(days: Sequence[int]) -> str:
    """Say some weekdays: "Mon–Fri, Sun"; "" for every day."""
    if list(days) == EVERY_DAY:
        return ""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return _(", ").join(
        f"{_name(run[0])}–{_name(run[-1])}" if len(run) > 2 else _(", ").join(map(_name, run)) for run in runs
    )


def _name(day: int) -> str:
    return str(format_date(_MONDAY + timedelta(days=day - 1), "EEE"))

"""The pages of regular calls: the schedules, what one would do, and a call booked by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app import calendar
from app.accounts import organisation
from app.accounts.web import current_actor, requires
from app.agenda import queries
from app.agenda import regular as schedules
from app.agenda.views import bp, day_words, weekday
from app.clock import now
from app.customers import hours
from app.customers import service as customers
from app.db import transaction
from app.errors import Invalid
from app.inbox import answers

FIELDS = (
    "name", "idle_days", "klass", "asset_months", "company", "region", "working_days", "from_time",
    "until_time", "most_a_day", "active_from", "active_until",
)  # fmt: skip


@bp.get("/regular")
@requires("callback.view")
def regular() -> str:
    """Show every schedule of regular calls."""
    rows = [(row, calls, last) for row, calls, last in schedules.all_schedules()]
    return render_template(
        "agenda/regular.html",
        rows=rows,
        weekday_words=_weekday_words,
        actor=current_actor(),
        today=schedules.today(),
    )


@bp.route("/regular/new", methods=["GET", "POST"])
@requires("callback.manage")
def new_schedule() -> Response:
    """Write a new schedule; it rests until it is started on its page."""
    if request.method == "GET":
        day = schedules.today() + timedelta(days=1)
        values: dict[str, Any] = {
            "idle_days": 90, "most_a_day": 10, "from_time": "09:30", "until_time": "17:00",
            "working_days": True, "weekdays": [1, 2, 3, 4, 5], "active_from": day.isoformat(),
        }  # fmt: skip
        return _form(None, values, ())
    try:
        with transaction():
            row = schedules.save(None, _posted(), actor=current_actor(), now=now())
    except Invalid as invalid:
        return _form(None, _posted(), invalid.errors, 422)
    return make_response(redirect(url_for(".schedule", schedule_id=row.id), 303))


@bp.route("/regular/<int:schedule_id>", methods=["GET", "POST"])
@requires("callback.view")
def schedule(schedule_id: int) -> Response:
    """Show what a schedule would do in the next four weeks; leaders change it here."""
    row = schedules.get(schedule_id)
    if request.method == "GET":
        return _form(row, _values(row), ())
    try:
        with transaction():
            schedules.save(
                schedule_id,
                _posted(),
                actor=current_actor(),
                now=now(),
                revision=request.form.get("revision", 0, type=int),
            )
    except Invalid as invalid:
        return _form(row, _posted(), invalid.errors, 422)
    flash(_("Saved."), "success")
    return make_response(redirect(url_for(".schedule", schedule_id=schedule_id), 303))


@bp.post("/regular/<int:schedule_id>/pause")
@requires("callback.manage")
def pause_schedule(schedule_id: int) -> Response:
    """Start a schedule, or let it rest."""
    paused = request.form.get("paused") == "1"
    with transaction():
        schedules.set_paused(schedule_id, paused, actor=current_actor(), now=now())
    flash(_("The schedule rests now.") if paused else _("The schedule runs now."), "success")
    return make_response(redirect(url_for(".schedule", schedule_id=schedule_id), 303))


@bp.route("/new", methods=["GET", "POST"])
@requires("work.claim")
def book() -> Response:
    """Book a call with a customer at a time they named."""
    customer_id = request.values.get("customer", 0, type=int)
    if request.method == "GET":
        return _booking(customer_id, {}, ())
    form = request.form
    try:
        at = answers.instant_of(form.get("at", "")) or now()
        with transaction():
            made = schedules.book(
                customer_id,
                at,
                title=form.get("title", ""),
                caller_id=form.get("caller", type=int),
                actor=current_actor(),
                now=now(),
            )
    except Invalid as invalid:
        return _booking(customer_id, form, invalid.errors, 422)
    flash(_("The call is booked."), "success")
    return make_response(redirect(url_for(".show", call_id=made.id), 303))


def reason_words(key: str) -> str:
    """Say why somebody is not called."""
    return {
        "opted_out": _("want no regular calls"),
        "no_phone": _("have no phone number"),
        "open_case": _("have an open case"),
        "planned": _("are to be called already"),
        "recent": _("had contact too recently"),
        "class": _("had no case of this class last"),
        "asset": _("own nothing that old"),
    }[key]


def _form(row: Any, values: Any, errors: Any, status: int = 200) -> Response:
    preview = schedules.preview(row, now()) if row is not None else None
    body = render_template(
        "agenda/schedule.html",
        row=row,
        values=values,
        errors=list(errors),
        weekdays=hours.weekdays(),
        weekday=weekday,
        weekday_words=_weekday_words,
        day_words=day_words,
        preview=preview,
        reason_words=reason_words,
        actor=current_actor(),
    )
    return make_response(body, status)


def _booking(customer_id: int, values: Any, errors: Any, status: int = 200) -> Response:
    customer = customers.get(customer_id) if customer_id else None
    body = render_template(
        "agenda/book.html",
        customer=customer,
        hours=hours.words(customer.call_hours) if customer else "",
        values=values,
        errors=list(errors),
        people=organisation.candidates(queries.CALLERS),
        room=queries.load_of(schedules.today(), calendar.current()),
    )
    return make_response(body, status)


def _posted() -> dict[str, Any]:
    values: dict[str, Any] = {name: request.form.get(name, "") for name in FIELDS}
    values["weekdays"] = [int(text) for text in request.form.getlist("weekdays") if text.isdecimal()]
    return values


def _values(row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in (*FIELDS, "weekdays", "revision")}
    return {name: "" if value is None else value for name, value in values.items()}


def _weekday_words(days: list[int]) -> str:
    return hours.days_words(days)

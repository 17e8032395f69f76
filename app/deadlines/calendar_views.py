"""The calendars' pages: look, edit, see what a change moves, then apply it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import engine
from app.accounts.web import current_actor, requires
from app.calendar import content, ics, official, service, store
from app.calendar.rules import Calendar
from app.clock import now
from app.db import transaction
from app.deadlines import calendar_forms, calendar_queries, moving, reassigning
from app.errors import Conflict, FieldError, Invalid, NotFound, Refused

bp = Blueprint("calendars", __name__, url_prefix="/calendars", template_folder="templates")


@bp.get("")
@requires()
def index() -> str:
    """List the calendars with what each counts for."""
    return _index()


@bp.post("")
@requires("calendar.edit")
def create() -> Any:
    """Make another calendar, a copy of one there is."""
    form = request.form
    given = content.write(_calendar(form.get("copy", store.DEFAULT)))
    try:
        with transaction():
            actor = current_actor()
            made = service.create(
                form.get("key", "").strip(), form.get("name", ""), given, actor_id=actor.id, now=now()
            )
            _record(made.key, "calendar.created", {"name": made.name})
    except Invalid as error:
        return _index(typed=form, errors=error.errors), 422
    return redirect(url_for(".edit", key=made.key), 303)


@bp.get("/<key>")
@requires()
def show(key: str) -> str:
    """Show a year of a calendar, its hours, its versions."""
    calendar = _calendar(key)
    year = _year(calendar)
    return render_template(
        "deadlines/calendars/show.html",
        calendar=calendar,
        year=year,
        months=calendar_queries.year(calendar, year),
        groups=calendar_queries.groups,
        versions=calendar_queries.versions(key),
        uses=calendar_queries.uses().get(key, []),
        choices=calendar_queries.choices(),
        today=now().astimezone(calendar.zone).date(),
    )


@bp.get("/<key>/edit")
@requires("calendar.edit")
def edit(key: str) -> str:
    """Show the editor."""
    calendar = _calendar(key)
    return _editor(calendar, calendar_forms.of_calendar(calendar, _year(calendar)), calendar.version)


@bp.post("/<key>/edit")
@requires("calendar.edit")
def preview(key: str) -> Any:
    """Take over an official year into the form, or show what the typed change would move."""
    calendar = _calendar(key)
    form = calendar_forms.parse(request.form, calendar, _year(calendar))
    based_on = request.form.get("based_on", 0, type=int)
    if request.form.get("do") == "official":
        found = official.year(form.year, _hours_of_monday(calendar))
        count = calendar_forms.take(form, found.days)
        if found.published:
            form.known_until = max(form.known_until, f"{form.year}-12-31") if form.known_until else ""
        said = ngettext("%(num)s day differs.", "%(num)s days differ.", count)
        note = "" if found.published else _("This year has not been announced yet: its days are a guess.")
        return _editor(calendar, form, based_on, note=f"{said} {note}".strip())
    if request.form.get("do") == "ics":
        return _with_file(calendar, form, based_on)
    given = calendar_forms.to_content(form)
    if not form.errors:
        try:
            changed = service.checked(
                given, key=key, name=calendar.name, version=max(calendar.version, based_on) + 1
            )
        except Invalid as error:
            form.errors = error.errors
        else:
            return _previewed(calendar, changed, form, based_on)
    return _editor(calendar, form, based_on), 422


class _OnlyLooked(Exception):
    """Nothing is assigned yet: what it would move is shown first."""

    def __init__(self, seen: moving.Preview) -> None:
        super().__init__()
        self.seen = seen


@bp.post("/<key>/assign")
@requires("calendar.edit")
def assign(key: str) -> Any:
    """Let the calendar count for somebody's work from now on, or (do=remove) no longer.

    Where that moves open deadlines it is shown first; then=move moves them, then=keep lets them be.
    """
    calendar = _calendar(key)
    kind, _colon, subject = request.form.get("use", "").partition(":")
    if not calendar_queries.known_use(kind, subject):
        raise Refused(_("A calendar cannot be assigned to that."))
    removed = request.form.get("do") == "remove"
    actor, at, then = current_actor(), now(), request.form.get("then", "")
    moved = 0
    try:
        with transaction():
            present = store.book()
            before = present.assigned.get((kind, subject), "")
            service.assign(kind, subject, None if removed else key, actor_id=actor.id, now=at)
            # Read within the change, so that nobody decides on a calendar that was kept from before.
            changed = store.book()
            if then not in ("move", "keep"):
                seen = reassigning.preview(present, changed, at)
                if seen.moved:
                    raise _OnlyLooked(seen)
            if then != "keep":
                moved = reassigning.apply(present, changed, actor=actor, now=at)
            data = {"kind": kind, "subject": subject, "before": before, "moved": moved}
            _record(key, "calendar.unassigned" if removed else "calendar.assigned", data)
    except _OnlyLooked as looked:
        return render_template(
            "deadlines/calendars/assign.html",
            calendar=calendar, seen=looked.seen, kind=kind, subject=subject, removed=removed,
        )  # fmt: skip
    words = _("Counts from now on. What runs keeps the calendar it began with.")
    if then != "keep":
        words = ngettext(
            "Counts from now on. %(num)s deadline has moved.",
            "Counts from now on. %(num)s deadlines have moved.",
            moved,
        )
    flash(words, "success")
    return redirect(url_for(".show", key=key), 303)


@bp.post("/<key>/apply")
@requires("calendar.edit")
def apply(key: str) -> Any:
    """Save the version and move the deadlines, in one transaction."""
    given = _given()
    based_on, comment = request.form.get("based_on", 0, type=int), request.form.get("comment", "")
    actor = current_actor()
    try:
        with transaction():
            made = service.save(key, given, comment=comment, based_on=based_on, actor_id=actor.id, now=now())
            moved = moving.apply(key, made, actor=actor, now=now())
            _record(key, "calendar.saved", {"version": made.version, "moved": moved})
    except Conflict as conflict:
        return _conflict(key, given, comment, conflict), 409
    words = ngettext(
        "Version %(v)s counts now. %(num)s deadline has moved.",
        "Version %(v)s counts now. %(num)s deadlines have moved.",
        moved,
        v=made.version,
    )
    flash(words, "success")
    return redirect(url_for(".show", key=key), 303)


def _with_file(calendar: Calendar, form: calendar_forms.CalendarForm, based_on: int) -> Any:
    """Show the editor with the days of an iCalendar file in it; the rest of what was typed stays."""
    sent = request.files.get("ics")
    given = sent.read(ics.MOST_BYTES + 1) if sent is not None else b""
    try:
        found = ics.read(given, form.year, _hours_of_monday(calendar))
    except ics.NoCalendar as error:
        words = {
            "large": _("The file is too large: at most 2 MB."),
            "empty": _("The file has no events."),
        }.get(str(error), _("This is no iCalendar file (.ics)."))
        form.errors = [FieldError("ics", words if given else _("Choose a file."))]
        return _editor(calendar, form, based_on), 422
    already = {row.day for row in form.days}
    both = sum(day.isoformat() in already for day in found)
    count = calendar_forms.take(form, found)
    note = ngettext(
        "The file names %(num)s day in %(year)s.",
        "The file names %(num)s days in %(year)s.",
        len(found),
        year=form.year,
    )
    differ = ngettext("%(num)s day differs.", "%(num)s days differ.", count)
    there = ngettext(
        "%(num)s of them stood here already and is now as in the file.",
        "%(num)s of them stood here already and are now as in the file.",
        both,
    )
    said = f"{note} {differ} {there}" if both else f"{note} {differ}" if found else note
    return _editor(calendar, form, based_on, note=said)


def _previewed(
    calendar: Calendar, changed: Calendar, form: calendar_forms.CalendarForm, based_on: int
) -> str:
    return render_template(
        "deadlines/calendars/preview.html",
        calendar=calendar,
        form=form,
        based_on=based_on,
        changes=content.differences(calendar, changed),
        seen=moving.preview(calendar.key, changed, now()),
        given=json.dumps(content.write(changed), ensure_ascii=False),
    )


def _conflict(key: str, given: dict[str, Any], comment: str, conflict: Conflict) -> str:
    """Show the editor again with what was typed, and how the version that came first differs from it."""
    present = _calendar(key)
    mine = service.checked(given, key=key, name=present.name, version=present.version)
    form = calendar_forms.of_calendar(mine, _year(present))
    form.comment = comment
    differs = content.differences(present, mine)
    return _editor(present, form, present.version, note=str(conflict), differs=differs)


def _editor(
    calendar: Calendar,
    form: calendar_forms.CalendarForm,
    based_on: int,
    *,
    note: str = "",
    differs: list[content.Difference] | None = None,
) -> str:
    return render_template(
        "deadlines/calendars/edit.html",
        calendar=calendar,
        form=form,
        based_on=based_on,
        note=note,
        differs=differs or [],
        empty_rows=calendar_forms.EMPTY_ROWS,
    )


def _index(typed: Any = None, errors: Any = ()) -> str:
    found = store.book().calendars.values()
    return render_template(
        "deadlines/calendars/index.html",
        calendars=sorted(found, key=lambda one: (one.key != store.DEFAULT, one.key)),
        uses=calendar_queries.uses(),
        groups=calendar_queries.groups,
        typed=typed or {},
        errors=list(errors),
    )


def _calendar(key: str) -> Calendar:
    found = store.book().calendars.get(key)
    if found is None:
        raise NotFound(_("There is no such calendar."))
    return found


def _year(calendar: Calendar) -> int:
    present: date = now().astimezone(calendar.zone).date()
    asked = request.values.get("year", type=int) or present.year
    return asked if 2000 <= asked <= 2100 else present.year


def _hours_of_monday(calendar: Calendar) -> Any:
    return calendar.weeks[-1][1].get(1) or official.OFFICE


def _given() -> dict[str, Any]:
    try:
        given = json.loads(request.form.get("content", ""))
    except ValueError as error:
        raise Invalid(_("The calendar came incomplete. Please go back and try again.")) from error
    if not isinstance(given, dict):
        raise Invalid(_("The calendar came incomplete. Please go back and try again."))
    return given


def _record(key: str, kind: str, data: dict[str, Any]) -> None:
    engine.record_event(f"calendar:{key}", kind, data, actor=current_actor(), now=now())

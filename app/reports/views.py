"""The supervisor's board, the forecast, and moving work. All of it works without script."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from app import calendar
from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.errors import NotFound
from app.reports import drawing, kept, moving, previews, queries, service, timing
from app.reports.filters import CLASSES, VERDICTS, ForecastFilters
from app.reports.outlook import Outlook, outlook

bp = Blueprint("reports", __name__, template_folder="templates")
LONGEST_KEY = 40


def is_partial() -> bool:
    """Tell whether htmx asks for a part of the page."""
    restored = request.headers.get("HX-History-Restore-Request")
    return request.headers.get("HX-Request") == "true" and restored is None


def fresh(body: str, status: int = 200) -> Response:
    """Answer with what is true only now, and depends on who asks how."""
    response = make_response(body, status)
    response.headers["Vary"] = "HX-Request"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/board")
@requires("report.view")
def board() -> Response:
    """Show the board; htmx asks for its inside every half minute."""
    actor, instant = current_actor(), now()
    seen = outlook(actor, instant)
    shown = queries.board(seen, actor, everybody=request.args.get("people") == "all")
    template = "reports/_board.html" if is_partial() else "reports/board.html"
    card = timing.card(instant, calendar.current().zone)
    return fresh(
        render_template(
            template,
            board=shown,
            seen=seen,
            chart=drawing.chart(seen.columns),
            card=card,
            bars=drawing.heights(card.bars, 40),
            kept=kept.kept(actor, instant),
            actor=actor,
            **_suggested(shown),
        )
    )


def _suggested(shown: queries.Board) -> dict[str, Any]:
    """Return the words and the address of the suggestion."""
    moves = shown.suggestion.moves if shown.suggestion else {}
    people = organisation.current().people
    names = sorted({people[one].label for one in moves.values() if one in people})
    return {
        "suggested_names": _(" and ").join(names),
        "suggested_pairs": [f"{item}:{person}" for item, person in moves.items()],
    }


@bp.get("/board/forecast")
@requires("report.view")
def forecast() -> Response:
    """Show which open items will be late, and how that was reckoned."""
    actor, filters = current_actor(), ForecastFilters.read(request.args)
    seen = outlook(actor, now())
    page = queries.forecast(seen, filters)
    values: dict[str, Any] = {"page": page, "filters": filters, "seen": seen, "actor": actor}
    if is_partial() and filters.start:
        return fresh(render_template("reports/_forecast_rows.html", **values))
    template = "reports/_forecast_table.html" if is_partial() else "reports/forecast.html"
    return fresh(
        render_template(
            template,
            **values,
            chart=drawing.chart(seen.columns),
            verdicts=VERDICTS,
            classes=CLASSES,
            colleagues=organisation.current().people,
        )
    )


# ---------------------------------------------------------------- moving work


@bp.get("/board/move")
@requires("work.assign")
def pick() -> Response:
    """Show what somebody has, to pick from."""
    return _pick(current_actor())


def _pick(actor: Actor, error: str = "") -> Response:
    source = _person(request.args.get("from", 0, type=int))
    seen = outlook(actor, now())
    held = [task for task in seen.tasks.values() if task.assignee_id == source.id and task.id in seen.seen]
    able = {one.id: one.able for one in seen.items}
    takers = {person for task in held for person in able[task.id] if person != source.id}
    people = [one for one in organisation.colleagues() if one.id in takers]
    picked = set(request.args.getlist("item", type=int))
    body = render_template(
        "reports/move.html",
        source=source,
        rows=[queries.forecast_row(seen, task) for task in held],
        people=people,
        picked=picked,
        error=error,
        actor=actor,
    )
    return fresh(body, 422 if error else 200)


@bp.get("/board/move/preview")
@requires("work.assign")
def preview() -> Response:
    """Show what a move would do to lateness, for everybody concerned; nothing is changed yet."""
    actor = current_actor()
    source = _person(request.args.get("from", 0, type=int))
    seen = outlook(actor, now())
    moves, stuck = _wanted(seen, source.id)
    if not moves and not stuck:
        return _pick(actor, _("Choose at least one task."))
    if len(moves) > moving.MOST_PICKED:
        return _pick(actor, _("At most %(n)s tasks are moved at once.", n=moving.MOST_PICKED))
    shown = previews.preview(seen, source.id, moves, stuck)
    values = {"source": source, "page": shown, "seen": seen, "key": secrets.token_urlsafe(16), "actor": actor}
    return fresh(
        render_template("reports/_preview.html" if is_partial() else "reports/preview.html", **values)
    )


def _wanted(seen: Outlook, source_id: int) -> tuple[dict[int, int], list[int]]:
    """Read what is to be moved where: (item → person, items that nobody else may do).

    `move=12:4` moves item 12 to person 4; `item=12&to=4` too, and `to=auto` shares the items out.
    """
    able = {one.id: one.able for one in seen.items if one.holder == source_id and one.id in seen.seen}
    moves = {item: person for item, person in pairs_of(request.args.getlist("move")) if item in able}
    picked = [item for item in request.args.getlist("item", type=int) if item in able]
    to = request.args.get("to", "auto")
    if to.isascii() and to.isdigit():
        moves |= {item: int(to) for item in picked}
    elif picked and seen.pace.usual:
        moves |= moving.spread(seen.items, picked, source_id, seen.pace)
    elif picked:
        others = {item: [one for one in able[item] if one != source_id] for item in picked}
        moves |= {item: people[0] for item, people in others.items() if people}
    stuck = [item for item, person in moves.items() if person not in able[item] or person == source_id]
    stuck += [item for item in picked if item not in moves]
    return {item: person for item, person in moves.items() if item not in stuck}, stuck


def pairs_of(texts: list[str]) -> list[tuple[int, int]]:
    """Read "12:4" as (12, 4); what is no such pair is left out."""
    found = []
    for text in texts:
        item, _colon, person = text.partition(":")
        if all(one.isascii() and one.isdigit() and len(one) < 10 for one in (item, person)):
            found.append((int(item), int(person)))
    return found


@bp.post("/board/move")
@requires("work.assign")
def apply() -> Response:
    """Do it: in one transaction, item by item; what is refused is said on the page of the move."""
    actor, instant = current_actor(), now()
    source = _person(request.form.get("from", 0, type=int))
    moves = dict(pairs_of(request.form.getlist("move")))
    key = request.form.get("key", "")[:LONGEST_KEY] or secrets.token_urlsafe(16)
    try:
        with transaction():
            made = service.move(
                source.id,
                moves,
                key=key,
                reason=request.form.get("reason", ""),
                actor=actor,
                now=instant,
            )
            move_id = made.id
    except IntegrityError:
        # The same form sent twice at one moment: the other one did it.
        other = service.find_by_key(key)
        if other is None:
            raise
        move_id = other.id
    return make_response(redirect(url_for(".moved", move_id=move_id), 303))


@bp.get("/board/moves/<int:move_id>")
@requires("work.assign")
def moved(move_id: int) -> Response:
    """Show what a move did, and offer to take it back."""
    actor = current_actor()
    return fresh(
        render_template("reports/moved.html", page=previews.moved(service.get(move_id, actor), actor))
    )


@bp.post("/board/moves/<int:move_id>/undo")
@requires("work.assign")
def undo(move_id: int) -> Response:
    """Take a move back, as far as nobody has touched what was moved."""
    with transaction():
        service.undo(move_id, actor=current_actor(), now=now())
    return make_response(redirect(url_for(".moved", move_id=move_id), 303))


def _person(person_id: int) -> previews.Holder:
    found = previews.holder(person_id)
    if found is None:
        raise NotFound(_("There is no such person."))
    return found

"""A dry run of a draft: its open steps with their forms, clicked through and kept as a scenario."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import forms
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import playing, queries, recording
from app.designer.recording import Recording
from app.designer.tables import ProcedureDraft
from app.designer.views import EDIT, bp
from app.designer.views_scenarios import needed_files, scenario_path
from app.engine import bundles
from app.errors import Conflict
from app.inbox import background
from app.procedures import scenario_store
from app.procedures.scenario_files import BadScenario, parse
from app.web.i18n import choose

LENGTHS = {
    "1 hour": _l("1 hour"),
    "8 working hours": _l("8 working hours"),
    "1 day": _l("1 day"),
    "1 week": _l("1 week"),
    "4 weeks": _l("4 weeks"),
}


@bp.get("/<int:draft_id>/record")
@requires(EDIT)
def record(draft_id: int) -> str:
    """Ask what the dry run begins with."""
    draft = queries.get(draft_id)
    kept = scenario_store.get(draft.key)
    data: dict[str, Any] = {}
    if kept:
        try:
            data = dict(next((one.data for one in parse(kept.content) if one.procedure == draft.key), {}))
        except BadScenario:
            data = {}  # whoever mends the file is told on its own page
    begin = recording.as_typed(data)
    return render_template(
        "designer/record.html", draft=draft, begin=begin, run=None, error="", lengths=LENGTHS
    )


@bp.post("/<int:draft_id>/record")
@requires(EDIT)
def go_on(draft_id: int) -> Any:
    """Do one thing (begin, submit, pass, undo, keep) and play it all again."""
    draft = queries.get(draft_id)
    do = request.form.get("do", "")
    try:
        run = Recording.from_text(draft.key, request.form.get("recording", ""))
        if do == "begin":
            run = Recording(draft.key, recording.begin_of(request.form.get("begin", "")))
    except BadScenario as error:
        return _asked_again(draft, str(error))
    state, before = _state(request.form.get("state", "")), run.text()
    try:
        if do == "keep":
            return _keep(draft, run, state)
        refused = _next(draft, run, do, state)
        if refused:
            return _page(draft, run, state, refused=refused), 422
        result = playing.play(needed_files(draft), scenario_path(draft), run.file(), str(choose()))
    except (playing.NotPlayed, BadScenario) as error:
        return _page(draft, Recording.from_text(draft.key, before), state, error=str(error)), 422
    played = result["scenarios"][0]
    if not played["passed"]:
        if not run.steps:
            return _asked_again(draft, played["message"])
        # What went wrong is not part of the recording; the page shows the state before it.
        run = Recording.from_text(draft.key, before)
        return _page(draft, run, state, error=played["message"]), 422
    return _page(draft, run, played["state"])


def _next(draft: ProcedureDraft, run: Recording, do: str, state: dict[str, Any]) -> dict[str, Any]:
    """Record what was clicked; returns {"element", "parsed"} of a form that refuses its answers, else {}."""
    if do == "undo":
        run.take_back()
    elif do == "pass":
        run.add({"pass": request.form.get("length", "1 hour")}, state)
    elif do.startswith("submit:"):
        element = do.removeprefix("submit:")
        item = next((one for one in state.get("open", ()) if one["element"] == element), None)
        if item is None:
            raise BadScenario(_("%(element)s is not open", element=element))
        schema = _schema(draft, item)
        step: dict[str, Any] = {"at": element}
        if schema is not None:
            context = {"data": state.get("data", {})}
            parsed = forms.parse(schema, request.form, context=context, choices=background.choices())
            if parsed.errors:
                return {"element": element, "parsed": parsed}
            given = {name: value for name, value in parsed.values.items() if value not in (None, "", [])}
            if given:
                step["submit"] = given
        run.add(step, state)
    elif do != "begin":
        raise BadScenario(_("Nothing of the kind can be done here."))
    return {}


def _keep(draft: ProcedureDraft, run: Recording, state: dict[str, Any]) -> Any:
    name = request.form.get("name", "").strip()
    if not name:
        return _page(draft, run, state, error=_("Give the scenario a name.")), 422
    kept = scenario_store.get(draft.key)
    written = run.scenario(name, state)
    try:
        text = recording.appended(kept.content if kept else "", draft.key, written)
        with transaction():
            scenario_store.save(
                draft.key, scenario_path(draft), text,
                revision=kept.revision if kept else 0, actor=current_actor(), now=now(),
            )  # fmt: skip
    except (BadScenario, Conflict) as error:
        return _page(draft, run, state, error=str(error), written=written), 409
    flash(_("“%(name)s” is kept as a scenario.", name=name))
    return redirect(url_for(".scenarios", draft_id=draft.id), 303)


def _state(text: str) -> dict[str, Any]:
    """Return what the page carried along; it is only shown and expected, never acted on."""
    try:
        found = json.loads(text[: recording.LONGEST_TEXT]) if text else {}
    except (ValueError, RecursionError):
        found = {}
    if not isinstance(found, dict) or not isinstance(found.get("open", []), list):
        return {}
    return found


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def _schema(draft: ProcedureDraft, item: dict[str, Any]) -> dict[str, Any] | None:
    library = bundles.library(needed_files(draft))
    beside = library.processes.get(str(item.get("process")), ("", None))[0]
    path = library.form_path(item.get("form"), beside)
    if path is None:
        return None
    schema: dict[str, Any] = dict(bundles.form_schema(library.files[path]))
    fields = dict(schema.get("properties", {}))
    # Files would be kept for good, by a case that is none.
    asked = {name: one for name, one in fields.items() if one.get("x-widget") != "file"}
    return {**schema, "properties": asked}


def _asked_again(draft: ProcedureDraft, error: str) -> Any:
    return render_template(
        "designer/record.html",
        draft=draft, begin=request.form.get("begin", ""), run=None, error=error, lengths=LENGTHS,
    ), 422  # fmt: skip


def _page(
    draft: ProcedureDraft,
    run: Recording,
    state: dict[str, Any],
    *,
    error: str = "",
    refused: dict[str, Any] | None = None,
    written: str = "",
) -> str:
    drawn = []
    context = {"data": state.get("data", {})}
    for number, item in enumerate(state.get("open", ())):
        schema = _schema(draft, item)
        mine = refused is not None and refused["element"] == item["element"]
        values = refused["parsed"].typed if mine and refused else None
        errors = refused["parsed"].errors if mine and refused else ()
        form = (
            forms.draw(schema, values, errors, context, background.choices(), prefix=f"f{number}")
            if schema is not None
            else None
        )
        drawn.append((item, form))
    return render_template(
        "designer/record.html",
        draft=draft, run=run, state=state, drawn=drawn, error=error, written=written, lengths=LENGTHS,
        scenario=run.scenario("…", state) if run.steps else "", at=_instant(state.get("at")),
    )  # fmt: skip

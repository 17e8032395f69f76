"""A draft's scenarios: written, played on what is drawn, and what they went through painted on it."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import playing, queries
from app.designer.tables import ProcedureDraft
from app.designer.views import EDIT, bp
from app.engine import bundles
from app.engine.deploy import latest_files
from app.errors import Conflict
from app.procedures import scenario_store
from app.procedures.queries import DiagramView, diagrams
from app.procedures.scenario_files import MAX_BYTES, SUFFIX, BadScenario, parse, too_large
from app.procedures.views import diagram_states
from app.web.i18n import choose

# How dark what was gone through is painted.
GONE_THROUGH = 2


@bp.get("/<int:draft_id>/scenarios")
@requires(EDIT)
def scenarios(draft_id: int) -> str:
    """Show the scenarios of the draft's procedure, and how they went last."""
    return _page(queries.get(draft_id))


@bp.post("/<int:draft_id>/scenarios")
@requires(EDIT)
def keep_scenarios(draft_id: int) -> Any:
    """Keep the scenarios; with do=play, play them on the draft."""
    draft = queries.get(draft_id)
    text = request.form.get("content", "").replace("\r\n", "\n")
    revision = request.form.get("revision", type=int) or 0
    try:
        if len(text.encode()) > MAX_BYTES:
            raise too_large()
        parse(text)
        with transaction():
            scenario_store.save(
                draft.key, scenario_path(draft), text, revision=revision, actor=current_actor(), now=now()
            )
    except BadScenario as error:
        return _page(draft, text=text, revision=revision, error=str(error)), 422
    except Conflict as error:
        return _page(draft, text=text, revision=_revision(draft), error=str(error)), 409
    if request.form.get("do") != "play":
        flash(_("The scenarios are kept."))
        return redirect(url_for(".scenarios", draft_id=draft_id), 303)
    try:
        files = needed_files(draft)
        seen = queries.get(draft_id).revision
        result = playing.play(files, scenario_path(draft), text, str(choose()))
    except playing.NotPlayed as error:
        return _page(queries.get(draft_id), error=str(error)), 422
    with transaction() as write:
        write.get_one(ProcedureDraft, draft_id).played = {**result, "revision": seen}
    return redirect(url_for(".scenarios", draft_id=draft_id, _anchor="result"), 303)


def needed_files(draft: ProcedureDraft) -> dict[str, bytes]:
    """Return path → content of what the draft's procedure uses, its own files before those that run."""
    files = {**latest_files(), **{row.path: row.content for row in queries.files(draft.id)}}
    library = bundles.library(files)
    # All of them where the root cannot be read: then that is what playing says.
    return dict(bundles.closure(library, draft.key).files) if draft.key in library.processes else files


def scenario_path(draft: ProcedureDraft) -> str:
    """Return where the scenarios of a draft's procedure are kept, under bpmn/."""
    kept = scenario_store.get(draft.key)
    return kept.path if kept else f"{queries.area_of(draft.id)}/{draft.key}{SUFFIX}"


def _revision(draft: ProcedureDraft) -> int:
    kept = scenario_store.get(draft.key)
    return kept.revision if kept else 0


def _page(
    draft: ProcedureDraft, *, text: str | None = None, revision: int | None = None, error: str = ""
) -> str:
    kept = scenario_store.get(draft.key)
    views, states = _painted(draft)
    played = draft.played or {}
    return render_template(
        "designer/scenarios.html",
        draft=draft,
        text=text if text is not None else kept.content if kept else _first(draft),
        revision=revision if revision is not None else kept.revision if kept else 0,
        error=error,
        played=played,
        stale=bool(played) and played["revision"] != draft.revision,
        views=views,
        states=states,
    )


def _first(draft: ProcedureDraft) -> str:
    return f"procedure: {draft.key}\nscenarios:\n  - name: first\n    steps:\n      - expect: {{open: []}}\n"


def _painted(draft: ProcedureDraft) -> tuple[list[DiagramView], dict[str, Any]]:
    """Return the draft's diagrams and what diagram.js draws on them; nothing before anything was played."""
    if not draft.played:
        return [], {}
    rows = queries.files(draft.id)
    library = bundles.library({**latest_files(), **{row.path: row.content for row in rows}})
    if draft.key not in library.processes:
        return [], {}
    views = diagrams(bundles.closure(library, draft.key).catalog())
    own = {row.path for row in rows}
    states = diagram_states(
        [view for view in views if view.file in own],
        lambda view: url_for(".raw", draft_id=draft.id, path=view.file),
    )
    done = {tuple(place) for place in draft.played["done"]}
    missing = {tuple(place) for place in draft.played["missing"]}
    for process in states["processes"]:
        mine = process["id"]
        process["elements"] = {
            id: {"heat": GONE_THROUGH, "label": "", "never": (mine, id) in missing}
            for owner, id in done | missing
            if owner == mine
        }
        process["flows"] = {
            id: 0 if (mine, id) in missing else GONE_THROUGH for owner, id in done | missing if owner == mine
        }
    return [view for view in views if view.file in own], states

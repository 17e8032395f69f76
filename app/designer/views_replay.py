"""The page that lays closed cases over a draft: their ways and their decisions."""

from __future__ import annotations

from flask import render_template, request

from app.accounts.web import requires
from app.designer import conforming, queries, replaying
from app.designer.views import EDIT, bp
from app.designer.views_scenarios import needed_files


@bp.get("/<int:draft_id>/replay")
@requires(EDIT)
def replay(draft_id: int) -> str:
    """Show which ways and decisions of the last closed cases the draft does not have; ?n= of how many."""
    draft = queries.get(draft_id)
    n = request.args.get("n", replaying.CHOICES[1], type=int)
    n = n if n in replaying.CHOICES else replaying.CHOICES[1]
    files = needed_files(draft)
    return render_template(
        "designer/replay.html",
        draft=draft,
        result=replaying.replay(files, n),
        fit=conforming.fit(files, n),
        n=n,
        choices=replaying.CHOICES,
        shown=replaying.SHOWN,
    )

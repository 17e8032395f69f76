"""The page that asks a draft's tables what closed cases asked."""

from __future__ import annotations

from flask import render_template, request

from app.accounts.web import requires
from app.designer import queries, replaying
from app.designer.views import EDIT, bp
from app.designer.views_scenarios import needed_files


@bp.get("/<int:draft_id>/replay")
@requires(EDIT)
def replay(draft_id: int) -> str:
    """Show which decisions of the last closed cases would go another way; ?n= of how many."""
    draft = queries.get(draft_id)
    n = request.args.get("n", replaying.CHOICES[1], type=int)
    n = n if n in replaying.CHOICES else replaying.CHOICES[1]
    return render_template(
        "designer/replay.html",
        draft=draft,
        result=replaying.replay(needed_files(draft), n),
        n=n,
        choices=replaying.CHOICES,
        shown=replaying.SHOWN,
    )

"""What can be mended mechanically in a draft's diagram: seen first, then done."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.designer import queries, service
from app.designer.views import EDIT, bp
from app.engine.adapt import OPTIONAL, REPAIRS, Adapted, adapt
from app.engine.xml import BadFile
from app.errors import Refused
from app.procedures.diagrams import compared

REPAIR_NAMES = {
    "encoding": _l("Encoding"),
    "executable": _l("Executable"),
    "timers": _l("Times"),
    "expressions": _l("Expressions"),
    "assignments": _l("Who does it"),
    "forms": _l("Forms"),
    "connectors": _l("Connectors, decisions, called processes"),
    "implicit_splits": _l("Gateways where ways part"),
    "implicit_joins": _l("Gateways where ways meet"),
    "default_flows": _l("Default flows"),
    "drawing": _l("Drawing"),
}


@bp.get("/<int:draft_id>/mend/<path:path>")
@requires(EDIT)
def ask_mend(draft_id: int, path: str) -> str:
    """Show what would change, in the drawing and in the text; ?repair= chooses, once ?chosen=1."""
    draft, row = queries.get(draft_id), queries.file(draft_id, path)
    offered = [*_adapt(path, row.content).changes, *_adapt(path, row.content, list(OPTIONAL)).changes]
    chosen = _chosen(request.args)
    adapted = _adapt(path, row.content, chosen)
    return render_template(
        "designer/mend.html",
        draft=draft,
        path=path,
        revision=row.revision,
        offered=Counter(change.repair for change in offered),
        names=REPAIR_NAMES,
        chosen=chosen,
        changes=adapted.changes,
        sides=compared(adapted.before, adapted.content, dict.fromkeys(adapted.elements, "changed")),
        difference=adapted.difference() if adapted.changes else [],
    )


@bp.post("/<int:draft_id>/mend/<path:path>")
@requires(EDIT)
def mend(draft_id: int, path: str) -> Any:
    """Keep the mended diagram in the draft. ?revision= is the one that was looked at."""
    adapted = _adapt(path, queries.file(draft_id, path).content, _chosen(request.form))
    revision = request.form.get("revision", type=int) or 0
    if adapted.changes:
        with transaction():
            service.save(draft_id, path, adapted.content, revision=revision, actor=current_actor(), now=now())
        flash(_("Mended. What is left stands under “Problems”."))
    return redirect(url_for(".edit", draft_id=draft_id, path=path), 303)


def _chosen(given: Any) -> list[str]:
    if given.get("chosen") != "1":
        return [key for key in REPAIRS if key not in OPTIONAL]
    return [key for key in given.getlist("repair") if key in REPAIRS]


def _adapt(path: str, content: bytes, only: list[str] | None = None) -> Adapted:
    try:
        return adapt(path, content, only=only)
    except BadFile as error:
        raise Refused(error.message) from error

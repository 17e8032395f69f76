"""One's own exports: ask for one, see how far it is, fetch it, throw it away."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.exports import service
from app.exports.kinds import KINDS, MEDIA

bp = Blueprint("exports", __name__, url_prefix="/exports", template_folder="templates")


@bp.get("")
@requires()
def index() -> str:
    """List one's own exports; htmx gets the rows alone."""
    person_id = current_actor().id
    assert person_id is not None  # @requires lets nobody else in
    found = service.list_of(person_id)
    busy = any(one.status in ("waiting", "making") for one in found)
    template = "exports/_rows.html" if request.headers.get("HX-Request") else "exports/index.html"
    return render_template(template, exports=found, kinds=KINDS, busy=busy, kept=service.KEPT)


@bp.post("")
@requires()
def ask() -> Response:
    """Ask for a file with the filters of the page it was asked on."""
    query = {name: value for name, value in request.form.items() if name not in ("csrf_token", "kind")}
    with transaction():
        service.ask(request.form.get("kind", ""), query, actor=current_actor(), now=now())
    flash(_("The file is being made. It appears here, and the bell rings when it is ready."), "success")
    return make_response(redirect(url_for(".index"), 303))


@bp.get("/<int:export_id>/file")
@requires()
def fetch(export_id: int) -> Response:
    """Give the file."""
    found, path = service.file_of(export_id, current_actor())
    suffix = KINDS[found.kind].suffix
    name = f"{found.kind.partition('.')[0]}-{found.created_at:%Y%m%d-%H%M}.{suffix}"
    return send_file(path, mimetype=MEDIA[suffix], as_attachment=True, download_name=name)


@bp.post("/<int:export_id>/delete")
@requires()
def throw_away(export_id: int) -> Response:
    """Forget one."""
    with transaction():
        service.throw_away(export_id, current_actor())
    return make_response(redirect(url_for(".index"), 303))

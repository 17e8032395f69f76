"""Style sheet, scripts and icons: one CSS request, addresses that change with their content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, current_app, request, url_for
from markupsafe import Markup

bp = Blueprint("assets", __name__)

FOREVER = "public, max-age=31536000, immutable"


def init(app: Flask) -> None:
    """Register the style sheet's address and the template helpers."""
    app.register_blueprint(bp)
    app.jinja_env.globals.update(asset=asset, stylesheet=stylesheet, ic=icon, icon=icon, has_asset=has_asset)
    app.after_request(_keep_versioned)


def asset(path: str) -> str:
    """Return the address of a file under static/; it changes when the file does."""
    file = _static() / path
    version = f"{int(file.stat().st_mtime):x}" if file.exists() else "0"
    return url_for("static", filename=path, v=version)


def has_asset(path: str) -> bool:
    """Tell whether a file lies under static/ (front-end libraries are installed by the set-up)."""
    return (_static() / path).exists()


def stylesheet() -> str:
    """Return the address of the one style sheet."""
    return url_for("assets.css", digest=_bundle()[0])


def icon(name: str, cls: str = "") -> Markup:
    """Draw an icon of the sprite; words stand beside it or in a label, so it is hidden from readers."""
    return Markup('<svg class="ic{}" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(
        f" {cls}" if cls else "", asset("icons.svg"), name
    )


@bp.get("/static/bundle/<digest>.css")
def css(digest: str) -> Response:
    """Serve tokens, base and every component as one sheet."""
    response = Response(_bundle()[1], mimetype="text/css")
    response.headers["Cache-Control"] = FOREVER if digest == _bundle()[0] else "no-cache"
    return response


def _bundle() -> tuple[str, str]:
    """Return (digest, text) of all sheets, read again when one of them changed."""
    folder = _static() / "css"
    files = [folder / "tokens.css", folder / "base.css", *sorted((folder / "components").glob("*.css"))]
    stamp = tuple((file.name, file.stat().st_mtime_ns) for file in files)
    kept: tuple[object, str, str] | None = current_app.extensions.get("css_bundle")
    if kept is None or kept[0] != stamp:
        text = "\n".join(file.read_text("utf-8") for file in files)
        kept = (stamp, hashlib.sha256(text.encode()).hexdigest()[:12], text)
        current_app.extensions["css_bundle"] = kept
    return kept[1], kept[2]


def _static() -> Path:
    return Path(str(current_app.static_folder))


def _keep_versioned(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == 200:
        response.headers["Cache-Control"] = FOREVER
    return response

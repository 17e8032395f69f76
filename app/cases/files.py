"""Attached files: bytes under var/files by their sha256, checked before they are kept."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path
from tempfile import NamedTemporaryFile

from flask import current_app
from flask_babel import gettext as _

from app.errors import FieldError, Invalid

# What customers and repair points send. Nothing that a browser would run: no HTML, no SVG, no scripts.
TYPES = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "heic": "image/heic", "bmp": "image/bmp",
    "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "mp3": "audio/mpeg", "m4a": "audio/mp4", "wav": "audio/wav", "amr": "audio/amr", "ogg": "audio/ogg",
    "pdf": "application/pdf", "txt": "text/plain", "csv": "text/csv", "log": "text/plain",
    "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}  # fmt: skip
# How these begin: a file that says it is a picture must be one, since it is shown in the page.
SIGNATURES = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
    "image/bmp": (b"BM",),
    "application/pdf": (b"%PDF",),
}
# Shown in the page; everything else is only ever saved.
SHOWN = ("image/jpeg", "image/png", "image/gif", "image/webp")
LONGEST_NAME = 120


def check(name: str, content: bytes) -> tuple[str, str]:
    """Return (safe name, media type) of a file that may be kept. Raises Invalid."""
    plain = clean_name(name)
    media_type = TYPES.get(plain.rpartition(".")[2].lower())
    limit = current_app.config["SETTINGS"].max_upload_bytes
    if not content:
        raise _refused(_("%(name)s is empty.", name=plain))
    if len(content) > limit:
        raise _refused(_("%(name)s is larger than %(n)s MB.", name=plain, n=limit // (1024 * 1024)))
    if media_type is None:
        raise _refused(
            _(
                "%(name)s: this kind of file is not taken. Pictures, videos, recordings and documents are.",
                name=plain,
            )
        )
    signatures = SIGNATURES.get(media_type)
    if signatures and not content.startswith(signatures):
        raise _refused(_("%(name)s is not what its name says.", name=plain))
    return plain, media_type


def clean_name(name: str) -> str:
    """Return a file's own name without folders, control characters and what a disk would trip over."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C" and sign not in '<>:"|?*')
    stem, dot, ending = kept.strip(" .").rpartition(".")
    return f"{stem[:LONGEST_NAME]}{dot}{ending[:10]}" if stem else (ending[:LONGEST_NAME] or "file")


def keep(content: bytes) -> str:
    """Write the bytes under their sha256 and return it; what lies there already is not written again."""
    digest = hashlib.sha256(content).hexdigest()
    place = path_of(digest)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        # A reader never sees half a file: it is written beside and renamed.
        with NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(content)
        os.replace(file.name, place)
    return digest


def path_of(digest: str) -> Path:
    """Return where the bytes with this sha256 lie."""
    folder: Path = current_app.config["SETTINGS"].var_dir / "files"
    return folder / digest[:2] / digest


def _refused(message: str) -> Invalid:
    return Invalid(message, [FieldError("file", message)])

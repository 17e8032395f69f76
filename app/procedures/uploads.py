"""Files that a designer sends: checked first, carried from the check to the deployment, then deployed."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from app import engine, settings_store
from app.accounts.actor import Actor
from app.engine import bundles
from app.engine.adapt import Change, adapt
from app.engine.deploy import adopt_paths, latest_files
from app.engine.problems import errors_of
from app.engine.xml import BadFile
from app.errors import FieldError, Invalid, Refused

# A form field may hold half a megabyte; diagrams shrink to a tenth.
LARGEST_PARCEL = 400_000
LARGEST_UNPACKED = 20 * 1024 * 1024


@dataclass(frozen=True)
class Checked:
    """What the check found.

    files:    stored path → content. ignored: names of files that are no procedure files.
    problems: errors and warnings, by file and line.
    deployed: what deploying would do; empty while there are errors.
    """

    files: dict[str, bytes]
    ignored: list[str]
    problems: list[engine.Problem]
    deployed: list[engine.Deployed]

    @property
    def errors(self) -> list[engine.Problem]:
        """Those that refuse the deployment."""
        return errors_of(self.problems)

    @property
    def changed(self) -> list[engine.Deployed]:
        """The procedures that get a new version."""
        return [one for one in self.deployed if one.created]

    def by_file(self) -> list[tuple[str, list[engine.Problem]]]:
        """Return the problems of each file that has any."""
        paths = dict.fromkeys(problem.file for problem in self.problems)
        return [(path, [one for one in self.problems if one.file == path]) for path in paths]


def received(sent: Iterable[Any], folder: str) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a multipart post by path, and the names of those that are no procedure files.

    folder: where files go that are not stored yet and come without a folder of their own.
    Raises Invalid when nothing fit was sent.
    """
    folder = bundles.canonical(folder).strip("./") if folder.strip() else ""
    files: dict[str, bytes] = {}
    ignored: list[str] = []
    for one in sent:
        name = (one.filename or "").strip()
        if not name:
            continue
        if not bundles.kind(name):
            ignored.append(name)
            continue
        files[name] = one.read()
    if not files:
        words = _("Choose at least one .bpmn, .dmn or .json file.")
        raise Invalid(words, [FieldError("files", words)])
    stored = adopt_paths(files)
    return {
        f"{folder}/{path}" if folder and "/" not in path else path: text for path, text in stored.items()
    }, ignored


def check(files: Mapping[str, bytes], ignored: list[str], *, actor: Actor, now: datetime) -> Checked:
    """Say what deploying these files would do; nothing is written."""
    try:
        deployed = engine.deploy(files, actor=actor, now=now, dry_run=True)
    except engine.ProblemsFound as error:
        return Checked(dict(files), ignored, list(error.problems), [])
    known = {**latest_files(), **files}
    warnings = [problem for problem in engine.check(known) if problem.file in files]
    return Checked(dict(files), ignored, warnings, deployed)


def mended(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[tuple[str, Change]]]:
    """Return the files with what can be mended mechanically in them, and each change with its file."""
    found, changes = dict(files), []
    for path, content in files.items():
        with suppress(BadFile):  # the check says what is wrong with it
            adapted = adapt(path, content)
            found[path] = adapted.content
            changes += [(path, change) for change in adapted.changes]
    return found, changes


def refuse_alone() -> None:
    """Raise Refused where a second person has to agree to each publication."""
    if settings_store.get("procedures.second_person") is True:
        raise Refused(_("A second person has to agree: publish from a draft."))


def pack(files: Mapping[str, bytes]) -> str:
    """Return the files as one short text for a hidden field. Raises Invalid when they are too many."""
    plain = {path: base64.b64encode(content).decode() for path, content in files.items()}
    parcel = base64.b64encode(zlib.compress(json.dumps(plain).encode(), 9)).decode()
    if len(parcel) > LARGEST_PARCEL:
        words = _("These are too many files for one page; deploy them with “flask bpmn deploy”.")
        raise Invalid(words, [FieldError("files", words)])
    return parcel


def unpack(parcel: str) -> dict[str, bytes]:
    """Return what `pack` packed; a short text cannot unpack into a huge one. Raises Invalid."""
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(base64.b64decode(parcel, validate=True), LARGEST_UNPACKED)
        if inflate.unconsumed_tail:
            raise ValueError("too large")
        plain = json.loads(text)
        files = {str(path): base64.b64decode(content, validate=True) for path, content in plain.items()}
    except (binascii.Error, zlib.error, ValueError, TypeError, AttributeError) as error:
        words = _("The files were lost on the way. Please choose them again.")
        raise Invalid(words, [FieldError("files", words)]) from error
    if not files:
        raise Invalid(_("Choose at least one .bpmn, .dmn or .json file."))
    return files

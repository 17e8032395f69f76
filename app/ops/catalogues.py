"""`make texts`: bring the catalogues up to date with code, templates, diagrams, tables and forms.

New texts are added without a translation; nothing is taken out, since some are named at run time alone (the
labels of roles and choices). English texts (code) belong into zh, Chinese ones (files) into en. Prints what
still waits for a translation and exits 1 while there is some.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from lxml import etree

from app.settings import ROOT

CATALOGUES = ROOT / "app" / "translations"
CHINESE = re.compile("[\u4e00-\u9fff]")
KEYWORDS: dict[str, Any] = {
    **dict.fromkeys(("_", "gettext", "_l", "lazy_gettext")),
    **dict.fromkeys(("ngettext", "_n", "lazy_ngettext"), (1, 2)),
}
# What a form shows to people; the rest of the schema is for machines.
SAID = ("title", "description", "x-help", "x-submit", "x-unit", "x-placeholder")
# Elements of diagrams and tables whose content people read.
READ = ("text", "documentation", "description")


def main() -> int:
    """Update both catalogues; return 1 while a translation is missing."""
    texts = {**dict.fromkeys(texts_of_files(), ""), **texts_of_code()}
    waiting = 0
    for language in ("zh", "en"):
        chinese = language == "en"
        wanted = {text: many for text, many in texts.items() if bool(CHINESE.search(text)) == chinese}
        waiting += update(CATALOGUES / language / "LC_MESSAGES" / "messages.po", wanted)
    print(f"{waiting} texts wait for a translation." if waiting else "Every text is translated.")
    return 1 if waiting else 0


def texts_of_code() -> dict[str, str]:
    """Return text → plural form ("" without one) of what code and templates translate."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found: dict[str, str] = {}
    for _file, _line, message, *_rest in extract_from_dir(str(ROOT), methods, options, keywords=KEYWORDS):
        text, many = (message, "") if isinstance(message, str) else message[:2]
        if text:
            found[text] = many or found.get(text, "")
    return found


def texts_of_files() -> set[str]:
    """Return the Chinese names, labels and texts of diagrams, tables and forms."""
    found: set[str] = set()
    for path in [*ROOT.glob("bpmn/**/*.bpmn"), *ROOT.glob("bpmn/**/*.dmn")]:
        for node in etree.parse(path).iter():
            found |= {node.get("name") or "", node.get("label") or ""}
            if isinstance(node.tag, str) and etree.QName(node).localname in READ:
                found.add((node.text or "").strip())
    for path in ROOT.glob("forms/**/*.json"):
        found |= set(_said(json.loads(path.read_text("utf-8"))))
    return {text for text in found if CHINESE.search(text)}


def _said(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _said(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key in SAID and isinstance(one, str):
                yield one.strip()
            elif key == "enum":
                yield from (text for text in one if isinstance(text, str))
            else:
                yield from _said(one)


def update(path: Path, wanted: dict[str, str]) -> int:
    """Bring one catalogue to these texts; print and count those without a translation."""
    catalogue = polib.pofile(str(path), wrapwidth=110)
    known = {entry.msgid: entry for entry in catalogue}
    for text, many in wanted.items():
        entry = known.get(text)
        if entry is None:
            entry = polib.POEntry(msgid=text, flags=["python-format"] if "%(" in text else [])
            catalogue.append(entry)
        if many and not entry.msgid_plural:
            entry.msgid_plural, entry.msgstr = many, ""
            entry.msgstr_plural = {0: ""} if "/zh/" in path.as_posix() else {0: "", 1: ""}
    catalogue.sort(key=lambda entry: entry.msgid)
    catalogue.save()
    catalogue.save_as_mofile(str(path.with_suffix(".mo")))
    missing = [
        entry
        for entry in catalogue
        if entry.msgid in wanted and not (entry.msgstr or all(entry.msgstr_plural.values() or [""]))
    ]
    for entry in missing:
        print(f"{path.relative_to(ROOT)}: {entry.msgid}")
    return len(missing)


if __name__ == "__main__":
    sys.exit(main())

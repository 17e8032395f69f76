"""What is said about one value while it is typed: read by the engine's own parser, explained in words."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flask_babel import format_datetime
from flask_babel import gettext as _

from app.engine import connectors, expressions, functions, timer_text
from app.engine.bundles import Library
from app.engine.expressions import ExpressionError
from app.engine.lint.data import all_names

OK, ERROR, WARNING = "ok", "error", "warning"
TIMERS = ("timeDuration", "timeDate", "timeCycle")
MAX_SHOWN = 6
_WORDS = re.compile(r"[\w:-]+(\s*,\s*[\w:-]+)*")
_SLOPPY = re.compile(r"P?T?\d+[YMWDHS]", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """level: ok, error or warning; message: in the reader's language, "" where there is nothing to add."""

    level: str
    message: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON."""
        return asdict(self)


def check(kind: str, text: str, *, known: Collection[str], now: datetime) -> Said:
    """Say what the engine will make of a text.

    kind:  timeDuration, timeDate, timeCycle, condition (or any one expression), script, words (an expression
           or a plain word, as in candidateGroups).
    known: the variables that some step of the draft sets.
    """
    text = text.strip()
    if not text:
        return Said(OK)
    try:
        if kind in TIMERS:
            return _timer(kind, text, known, now)
        if kind == "script":
            return _script(text, known)
        # A plain word is a role, a person or a variable; anything else is an expression.
        if kind == "words" and (_WORDS.fullmatch(text) or timer_text.is_bare(text)):
            return Said(OK)
        return _expression(text, known)
    except ExpressionError as error:
        where = _(" (at character %(n)s)", n=error.position) if getattr(error, "position", 0) > 0 else ""
        return Said(ERROR, f"{error}{where}")


def connector_parameters() -> list[dict[str, Any]]:
    """Return the connectors with their typed parameters, for the properties panel.

    [{"id", "help", "parameters": [{"id", "type", "required"}]}]
    """
    found = []
    for name in sorted(connectors.connector_names()):
        function = connectors.find_connector(name)
        assert function is not None
        parts = list(inspect.signature(function).parameters.values())[1:]
        found.append(
            {
                "id": name,
                "parameters": [
                    {
                        "id": part.name,
                        "type": _type_of(part.annotation),
                        "required": part.default is inspect.Parameter.empty,
                    }
                    for part in parts
                    if part.kind in (part.POSITIONAL_OR_KEYWORD, part.KEYWORD_ONLY)
                ],
            }
        )
    return found


def _type_of(annotation: Any) -> str:
    text = str(annotation)
    for word, kind in (("bool", "bool"), ("int", "int"), ("float", "float"), ("str", "str")):
        if word in text:
            return kind
    return "any"


def _timer(kind: str, text: str, known: Collection[str], now: datetime) -> Said:
    if kind == "timeCycle" and timer_text.is_bare(text):
        cycle = timer_text.parse_cycle(text)
        first = cycle.start or cycle.period.after(now)
        if cycle.times < 0:
            return Said(OK, _("Again and again; begun now, first at %(at)s.", at=_local(first)))
        return Said(OK, _("%(n)s times; begun now, first at %(at)s.", n=cycle.times, at=_local(first)))
    if timer_text.is_bare(text):
        if text.startswith("R"):
            return Said(ERROR, _("A repetition belongs into a cycle; here the timer fires once."))
        due = timer_text.due(text, now)
        if due <= now:
            return Said(WARNING, _("This time has passed: the timer would fire at once."))
        return Said(OK, _("Begun now, it fires at %(at)s.", at=_local(due)))
    bare = text.strip("\"'")
    if bare != text and not any(letter in bare for letter in "\"'"):
        return _timer(kind, bare, known, now) if timer_text.is_bare(bare) else _literal_timer(kind, bare)
    if _SLOPPY.fullmatch(text):
        return Said(ERROR, _("Write the duration as %(text)s.", text=_iso(text)))
    said = _expression(text, known)
    if said.level == ERROR or expressions.names_read(text) or _asks_tables(text):
        return said
    value = expressions.evaluate(text, {}, functions.build({}))
    if kind == "timeCycle" and isinstance(value, list):
        return Said(OK, _("Begun now, first at %(at)s.", at=_local(timer_text.instant(value[0]))))
    return Said(OK, _("Begun now, it fires at %(at)s.", at=_local(timer_text.due(value, now))))


def _literal_timer(kind: str, text: str) -> Said:
    if kind == "timeCycle":
        timer_text.parse_cycle(text)
    elif text.startswith("P") or kind == "timeDuration":
        timer_text.parse_duration(text)
    else:
        timer_text.instant(text)
    return Said(OK)


def _iso(text: str) -> str:
    """Return 8H as PT8H and 3D as P3D: what was surely meant."""
    text = text.upper().lstrip("P").lstrip("T")
    return f"P{text}" if text.endswith(("D", "W", "Y")) else f"PT{text}"


def _asks_tables(text: str) -> bool:
    return bool({"decide", "setting"} & {name for name, _first in expressions.calls(text)})


def _expression(text: str, known: Collection[str]) -> Said:
    if text.startswith(("${", "#{")) and text.endswith("}"):
        text = text[2:-1].strip()
    expressions.parse(text)
    return _functions_of({name for name, _first in expressions.calls(text)}) or _names(
        expressions.names_read(text), known
    )


def _script(text: str, known: Collection[str]) -> Said:
    lines = expressions.script_names(text)
    unknown = _functions_of({name for name, _first in expressions.script_calls(text)})
    if unknown:
        return unknown
    read: set[str] = set()
    own: set[str] = set()
    for names, target in lines:
        read |= names - own
        own.add(target)
    missing = _names(read, known)
    if missing.level != OK:
        return missing
    return Said(OK, _("Sets %(names)s.", names=_listed(sorted(own))))


def _functions_of(called: set[str]) -> Said | None:
    strange = sorted(called - functions.NAMES)
    if not strange:
        return None
    return Said(
        ERROR,
        _("There is no function “%(name)s”.", name=strange[0])
        + _(" Use one of: %(names)s.", names=", ".join(sorted(functions.NAMES))),
    )


def _names(read: set[str], known: Collection[str]) -> Said:
    strange = sorted(read - set(known))
    if strange:
        return Said(WARNING, _("No step sets %(names)s.", names=_listed(strange)))
    return Said(OK, _("Reads %(names)s.", names=_listed(sorted(read))) if read else "")


def _listed(names: list[str]) -> str:
    shown = _(", ").join(names[:MAX_SHOWN])
    return f"{shown}…" if len(names) > MAX_SHOWN else shown


def _local(at: datetime) -> str:
    return str(format_datetime(at, "yyyy-MM-dd HH:mm"))


def known_names(library: Library) -> set[str]:
    """Return the variables that some step of these files sets, and those that cases start with."""
    return all_names(library)

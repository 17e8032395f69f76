"""What is asked in a call: versioned sets of questions per class, their answers read and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import get_locale
from flask_babel import gettext as _

from app import engine
from app.accounts.actor import Actor
from app.callbacks.rules import REGULAR
from app.callbacks.tables import Callback, QuestionSet
from app.cases.tables import Case
from app.db import session
from app.errors import Conflict, FieldError, Forbidden, Invalid

KINDS = ("yesno", "score", "choice", "words")
# Classes with a set of their own; "" is asked where a class has none.
CLASSES = ("", "platform", "device", "other", REGULAR)
PREFIX = "q_"
MOST_QUESTIONS = 12
LONGEST = 200
LONGEST_WORDS = 1000


@dataclass(frozen=True)
class Asked:
    """A set of questions as it is asked. id: None where a class has no set, so nothing is asked."""

    id: int | None
    klass: str
    version: int
    questions: list[dict[str, Any]]


def asked_in(call: Callback) -> Asked:
    """Return the questions of a call: those it was answered with, else the newest of its class."""
    if call.question_set_id is not None:
        row = session().get(QuestionSet, call.question_set_id)
        if row is not None:
            return Asked(row.id, row.klass, row.version, row.questions)
    if call.case_id is None:
        return current(REGULAR)
    return current(session().scalar(sa.select(Case.klass).where(Case.id == call.case_id)) or "")


def current(klass: str) -> Asked:
    """Return the newest set of a class; that for all classes where it has none of its own. One statement."""
    rows = session().scalars(
        sa.select(QuestionSet).where(QuestionSet.klass.in_((klass, ""))).order_by(QuestionSet.version)
    )
    kept = {row.klass: row for row in rows}
    for key in (klass, ""):
        if key in kept and kept[key].questions:
            return Asked(kept[key].id, key, kept[key].version, kept[key].questions)
    return Asked(None, klass, 0, [])


def own(klass: str) -> Asked:
    """Return the newest set of exactly this class, empty where it has none; one statement."""
    query = (
        sa.select(QuestionSet).where(QuestionSet.klass == klass).order_by(QuestionSet.version.desc()).limit(1)
    )
    row = session().scalar(query)
    if row is None:
        return Asked(None, klass, 0, [])
    return Asked(row.id, klass, row.version, row.questions)


def read(asked: Asked, posted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers in posted fields "q_…"; what was left blank is left out. Raises Invalid."""
    found: dict[str, Any] = {}
    errors = []
    for one in asked.questions:
        name = f"{PREFIX}{one['key']}"
        text = str(posted.get(name) or "").strip()
        if not text:
            continue
        if one["kind"] == "words":
            if len(text) > LONGEST_WORDS:
                errors.append(FieldError(name, _("At most %(n)s characters.", n=LONGEST_WORDS)))
            found[one["key"]] = {"words": text}
        elif text in {value for value, _words in options(one)}:
            found[one["key"]] = int(text) if one["kind"] == "score" else text
        else:
            errors.append(FieldError(name, _("Not one of the choices.")))
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return found


def options(question: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (value, label) of what may be answered; none for words."""
    if question["kind"] == "yesno":
        return [("yes", _("Yes")), ("no", _("No"))]
    if question["kind"] == "score":
        return [(str(n), str(n)) for n in range(1, 6)]
    return [(str(n), text(one)) for n, one in enumerate(question.get("choices") or [])]


def text(one: Mapping[str, Any]) -> str:
    """Return a question or choice in the reader's language."""
    return str(one.get("en") if str(get_locale()) == "en" and one.get("en") else one.get("zh") or "")


def shown(asked: Asked, answers: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Return (question, answer) pairs of what was answered, in the reader's language."""
    found = []
    for one in asked.questions:
        value = (answers or {}).get(one["key"])
        if value is None:
            continue
        if isinstance(value, dict):
            words = str(value.get("words", ""))
        elif one["kind"] == "score":
            words = f"{value} / 5"
        else:
            words = dict(options(one)).get(str(value), str(value))
        found.append((text(one), words))
    return found


def save(
    klass: str, questions: list[dict[str, Any]], *, version: int, actor: Actor, now: datetime
) -> QuestionSet:
    """Keep a new version of a class's questions; calls already answered keep theirs.

    version: the one that was changed. Raises Forbidden, Invalid, Conflict when somebody else was first.
    """
    if not actor.may("callback.manage"):
        raise Forbidden(_("Your roles do not allow this."))
    if klass not in CLASSES:
        raise Invalid(_("Not one of the choices."), [FieldError("klass", _("Not one of the choices."))])
    cleaned = clean(questions)
    newest = own(klass)
    if newest.version != version:
        raise Conflict(_("Somebody has changed these questions in the meantime. Look at them again."))
    made = QuestionSet(
        klass=klass, version=newest.version + 1, questions=cleaned, created_at=now, created_by_id=actor.id
    )
    session().add(made)
    session().flush()
    data = {"klass": klass, "version": made.version, "questions": len(cleaned)}
    engine.record_event(f"questions:{klass or 'all'}", "questions.changed", data, actor=actor, now=now)
    return made


def clean(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return questions as they are kept: without blank rows, new ones with a key. Raises Invalid."""
    errors: list[FieldError] = []
    found: list[dict[str, Any]] = []
    used = {one.get("key") for one in questions}
    for number, one in enumerate(questions[:MOST_QUESTIONS]):
        zh, en = str(one.get("zh") or "").strip(), str(one.get("en") or "").strip()
        if not zh and not en:
            continue
        if not zh:
            errors.append(FieldError(f"zh_{number}", _("Write the question in Chinese too.")))
        if max(len(zh), len(en)) > LONGEST:
            errors.append(FieldError(f"zh_{number}", _("At most %(n)s characters.", n=LONGEST)))
        kind = one.get("kind") if one.get("kind") in KINDS else "yesno"
        kept: dict[str, Any] = {"key": one.get("key") or _new_key(used), "zh": zh, "en": en, "kind": kind}
        if kind == "choice":
            kept["choices"] = [
                {"zh": str(part.get("zh") or "").strip(), "en": str(part.get("en") or "").strip()}
                for part in one.get("choices") or []
                if str(part.get("zh") or "").strip()
            ]
            if len(kept["choices"]) < 2:
                errors.append(
                    FieldError(f"choices_{number}", _("A choice needs at least two answers, one a line."))
                )
        found.append(kept)
    if errors:
        raise Invalid(_("Some fields do not fit."), errors)
    return found


def _new_key(used: set[Any]) -> str:
    number = 1
    while f"q{number}" in used:
        number += 1
    used.add(f"q{number}")
    return f"q{number}"

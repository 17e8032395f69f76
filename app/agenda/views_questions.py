"""The pages on which leaders write what is asked in calls."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.accounts.web import current_actor, requires
from app.agenda import questions
from app.agenda.views import bp
from app.clock import now
from app.db import transaction
from app.errors import Invalid, NotFound

ALL = "all"
BLANK_ROWS = 2


@bp.get("/questions")
@requires("callback.view")
def question_sets() -> str:
    """Show what is asked for each class of cases, and in regular calls."""
    sets = [(key or ALL, questions.own(key)) for key in questions.CLASSES]
    return render_template(
        "agenda/questions.html",
        sets=sets,
        klass_words=klass_words,
        kind_words=kind_words,
        question_text=questions.text,
        actor=current_actor(),
    )


@bp.route("/questions/<klass>", methods=["GET", "POST"])
@requires("callback.manage")
def question_set(klass: str) -> Response:
    """Change the questions of one class; the next calls ask the new ones."""
    key = "" if klass == ALL else klass
    if key not in questions.CLASSES:
        raise NotFound()
    if request.method == "GET":
        asked = questions.own(key)
        return _form(klass, asked.questions, asked.version, ())
    rows, version = _rows(), request.form.get("version", 0, type=int)
    if request.form.get("more"):
        return _form(klass, rows, version, ())
    try:
        with transaction():
            questions.save(key, rows, version=version, actor=current_actor(), now=now())
    except Invalid as invalid:
        return _form(klass, rows, version, invalid.errors, 422)
    flash(_("Saved. The next calls ask these questions."), "success")
    return make_response(redirect(url_for(".question_sets"), 303))


def klass_words(key: str) -> str:
    """Return what a set of questions is for."""
    return {
        "platform": _("Platform problem"),
        "device": _("Device problem"),
        "other": _("Other problem"),
        "regular": _("Regular calls"),
    }.get(key, _("All classes without their own"))


def kind_words(kind: str) -> str:
    """Return how a question is answered."""
    return {
        "yesno": _("Yes or no"),
        "score": _("1 to 5"),
        "choice": _("One of several"),
        "words": _("Words"),
    }[kind]


def _form(klass: str, rows: list[dict[str, Any]], version: int, errors: Any, status: int = 200) -> Response:
    blank = {"key": "", "zh": "", "en": "", "kind": "yesno"}
    shown = [*rows, *([blank] * BLANK_ROWS)][: questions.MOST_QUESTIONS]
    body = render_template(
        "agenda/question_set.html",
        klass=klass,
        rows=shown,
        version=version,
        errors=list(errors),
        kinds=[(kind, kind_words(kind)) for kind in questions.KINDS],
        klass_words=klass_words,
    )
    return make_response(body, status)


def _rows() -> list[dict[str, Any]]:
    """Read the posted rows in the order of their positions."""
    form = request.form
    found = []
    for number in range(questions.MOST_QUESTIONS):
        if f"zh_{number}" not in form:
            continue
        lines = [line.strip() for line in form.get(f"choices_{number}", "").splitlines() if line.strip()]
        choices = [
            {"zh": zh.strip(), "en": en.strip()} for zh, _bar, en in (line.partition("|") for line in lines)
        ]
        row = {name: form.get(f"{name}_{number}", "").strip() for name in ("key", "zh", "en", "kind")}
        found.append((_place(number), number, {**row, "choices": choices}))
    return [row for _place, _number, row in sorted(found, key=lambda one: one[:2]) if row["zh"] or row["en"]]


def _place(number: int) -> int:
    """Return where a row wants to stand; where it stood, when it says nothing of use."""
    return request.form.get(f"place_{number}", number + 1, type=int) or number + 1

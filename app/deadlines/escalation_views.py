"""The pages of the escalation policy: look, edit one ladder, see what that changes, then apply it."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app import engine
from app.accounts.roles import ROLES
from app.accounts.web import current_actor, requires
from app.clock import now
from app.db import transaction
from app.deadlines import escalation_forms as forms
from app.deadlines import escalation_queries as queries
from app.deadlines import replanning
from app.errors import Conflict, Invalid, NotFound
from app.escalation import rules, service, store
from app.escalation.rules import Policy

bp = Blueprint("escalation", __name__, url_prefix="/escalation", template_folder="templates")
MAY_SEE = ("escalation.edit", "work.assign")


@bp.get("")
@requires(*MAY_SEE)
def index() -> str:
    """Show the ladder of each class and severity, and what changed when."""
    policy = store.current()
    return render_template(
        "deadlines/escalation/index.html",
        policy=policy,
        matrix=queries.matrix(policy),
        severities=queries.SEVERITIES,
        versions=queries.versions(),
        offset=forms.said_offset,
    )


@bp.get("/edit")
@requires("escalation.edit")
def edit() -> str:
    """Show the editor of one ladder; one that has none of its own begins as the one that counts."""
    klass, severity = _key(request.args.get("klass", ""), request.args.get("severity", ""))
    policy = store.current()
    ladder = policy.ladder_for(klass, severity)
    return _editor(policy, forms.of_steps(klass, severity, ladder.steps, policy.version))


@bp.post("/edit")
@requires("escalation.edit")
def preview() -> Any:
    """Rearrange the steps, or show what the change would do to open deadlines."""
    form = forms.posted(request.form)
    _key(form.klass, form.severity)
    policy = store.current()
    wish = request.form.get("do", "")
    if forms.rearranged(form, wish):
        return _editor(policy, form)
    own = None if wish == "inherit" else form.content()
    try:
        changed = service.checked(_content(policy, form.key, own))
    except Invalid as error:
        form.errors = error.errors
        return _editor(policy, form), 422
    return _previewed(policy, changed, form, own)


@bp.post("/apply")
@requires("escalation.edit")
def apply() -> Any:
    """Save the version and give open deadlines their new ladders, in one transaction."""
    form, own = _given()
    actor, at = current_actor(), now()
    try:
        with transaction():
            present = store.current()
            checked = service.checked(_content(present, form.key, own))
            made = service.save(
                checked, comment=form.comment, based_on=form.based_on, actor_id=actor.id, now=at
            )
            count = replanning.apply(present, made, actor=actor, now=at)
            data = {"version": made.version, "klass": form.klass, "severity": form.severity, "open": count}
            engine.record_event("escalation", "escalation.saved", data, actor=actor, now=at)
    except Conflict as conflict:
        return _editor(store.current(), form, note=str(conflict)), 409
    words = ngettext(
        "Version %(v)s counts now. %(num)s open deadline has another ladder.",
        "Version %(v)s counts now. %(num)s open deadlines have another ladder.",
        count,
        v=made.version,
    )
    flash(words, "success")
    return redirect(url_for(".index"), 303)


def _content(policy: Policy, key: tuple[str | None, str | None], own: list[dict[str, Any]] | None) -> Any:
    """Return the policy as JSON values with another ladder at its end, or without its own (None)."""
    ladders = [one for one in policy.plain()["ladders"] if (one["klass"], one["severity"]) != key]
    if own is not None:
        ladders.append({"klass": key[0], "severity": key[1], "steps": own})
    return {"ladders": ladders}


def _previewed(
    policy: Policy, changed: Policy, form: forms.LadderForm, own: list[dict[str, Any]] | None
) -> str:
    return render_template(
        "deadlines/escalation/preview.html",
        policy=policy,
        form=form,
        changes=rules.differences(policy, changed),
        seen=replanning.preview(policy, changed, now()),
        given=json.dumps({"own": own, "form": _plain(form)}, ensure_ascii=False),
        offset=forms.said_offset,
    )


def _editor(policy: Policy, form: forms.LadderForm, *, note: str = "") -> str:
    form.based_on = policy.version if note else form.based_on
    return render_template(
        "deadlines/escalation/edit.html",
        policy=policy,
        form=form,
        note=note,
        own=policy.own(*form.key) is not None,
        wider=form.key != (None, None),
        roles=[role.key for role in ROLES if role.key not in ("department", "repairpoint")],
        units=forms.UNITS,
        offset=forms.said_offset,
    )


def _plain(form: forms.LadderForm) -> dict[str, Any]:
    return {
        "klass": form.klass,
        "severity": form.severity,
        "comment": form.comment,
        "based_on": form.based_on,
        "steps": [[getattr(step, name) for name in forms.FIELDS] for step in form.steps],
    }


def _given() -> tuple[forms.LadderForm, list[dict[str, Any]] | None]:
    """Return what the preview page carries: the form as it was typed, and the steps made of it."""
    incomplete = Invalid(_("The policy came incomplete. Please go back and try again."))
    try:
        given = json.loads(request.form.get("content", ""))
        typed = given["form"]
        form = forms.LadderForm(
            str(typed["klass"]), str(typed["severity"]), str(typed["comment"]), int(typed["based_on"]),
            [forms.StepForm(*map(str, row)) for row in typed["steps"]],
        )  # fmt: skip
        own = given["own"]
    except (ValueError, KeyError, TypeError) as error:
        raise incomplete from error
    _key(form.klass, form.severity)
    if own is not None and not isinstance(own, list):
        raise incomplete
    return form, own


def _key(klass: str, severity: str) -> tuple[str | None, str | None]:
    if klass not in queries.CLASSES or severity not in queries.SEVERITIES:
        raise NotFound(_("There is no such class or severity."))
    return klass or None, severity or None

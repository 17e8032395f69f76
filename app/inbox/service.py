"""One function per verb: claim, release, hand over, complete, remark, attach, follow up, keep a draft.

Callers open the transaction. Of two people at once the row decides; the other gets a Conflict that names the
first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask_babel import gettext as _

from app import engine, forms
from app.accounts import organisation
from app.accounts.actor import Actor
from app.accounts.queries import shown_name
from app.accounts.tables import Person
from app.callbacks import service as callbacks
from app.cases import filing
from app.cases import service as cases
from app.cases.tables import Attachment, Comment, SavedView, Submission
from app.db import session
from app.deadlines import acknowledging
from app.engine.tables import WorkItem
from app.errors import AppError, Conflict, FieldError, Forbidden, Invalid, NotFound, Refused
from app.inbox import queries, rules
from app.inbox.background import form_of, form_sources
from app.inbox.tables import Draft
from app.notifications import service as notifications


class Unfit(Invalid):
    """The answers do not fit; `parsed.typed` draws the form again with everything still in it."""

    def __init__(self, parsed: forms.Parsed) -> None:
        super().__init__(forms.headline(len(parsed.errors)), parsed.errors)
        self.parsed = parsed


@dataclass(frozen=True)
class Bulk:
    """What became of several items: ids done, and (case number, reason) of those refused."""

    done: list[int]
    refused: list[tuple[str, str]]


def get(item_id: int, actor: Actor) -> WorkItem:
    """Return an item that this person may see. Raises NotFound."""
    found = session().scalar(sa.select(WorkItem).where(WorkItem.id == item_id, queries.visible(actor)))
    if found is None:
        raise NotFound(_("There is no such task, or it is not yours to see."))
    return found


def claim(item_id: int, *, actor: Actor, now: datetime) -> WorkItem:
    """Take an unclaimed item; taking one's own again changes nothing.

    Raises Conflict when somebody was first, Forbidden, Refused, NotFound.
    """
    item = get(item_id, actor)
    if item.status == "claimed" and item.assignee_id == actor.id:
        return item
    _check_free(item)
    _check_may_take(item, actor)
    taken = session().execute(
        sa.update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.status == "open", WorkItem.assignee_id.is_(None))
        .values(status="claimed", assignee_id=actor.id, claimed_at=now)
        .execution_options(synchronize_session=False)
    )
    session().refresh(item)
    if taken.rowcount == 0:  # type: ignore[attr-defined]
        _check_open(item)
        raise _taken(item)
    _record(item, "work_item.claimed", {}, actor, now)
    return item


def claim_next(*, actor: Actor, now: datetime) -> WorkItem | None:
    """Take the most urgent unclaimed item of the actor's roles; None when there is none left."""
    for item_id in queries.first_unclaimed(actor, now):
        try:
            return claim(item_id, actor=actor, now=now)
        except Conflict:
            continue  # somebody was quicker; the next one then
    return None


def release(item_id: int, *, actor: Actor, now: datetime) -> WorkItem:
    """Give an item back to its role. Raises Conflict when it is done or another's, Forbidden, NotFound."""
    item = get(item_id, actor)
    _check_open(item)
    if item.assignee_id is None:
        return item
    if item.assignee_id != actor.id and not actor.may("work.assign"):
        raise _taken(item)
    before = item.assignee_id
    changed = session().execute(
        sa.update(WorkItem)
        .where(WorkItem.id == item_id, WorkItem.status == "claimed", WorkItem.assignee_id == before)
        .values(status="open", assignee_id=None, claimed_at=None)
        .execution_options(synchronize_session=False)
    )
    session().refresh(item)
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        _check_open(item)
        raise _taken(item)
    _record(item, "work_item.released", {"from": before}, actor, now)
    return item


def assign(item_id: int, person_id: int, *, reason: str = "", actor: Actor, now: datetime) -> WorkItem:
    """Hand an item over to somebody who may do it; one's own or a free one, others' only with work.assign.

    Raises Invalid when that person may not do it, Conflict when it is done, Forbidden, NotFound.
    """
    item = get(item_id, actor)
    _check_open(item)
    own = item.assignee_id == actor.id or (item.assignee_id is None and item.candidate in actor.groups)
    if not actor.may("work.assign") and not (own and actor.may("work.claim")):
        raise Forbidden(_("Only a supervisor hands over somebody else's task."))
    if person_id not in {one.id for one in takers(item)}:
        words = _("Choose somebody who may do this task.")
        raise Invalid(words, [FieldError("assignee", words)])
    before = item.assignee_id
    changed = session().execute(
        sa.update(WorkItem)
        .where(
            WorkItem.id == item_id,
            WorkItem.status.in_(rules.OPEN),
            WorkItem.assignee_id.is_not_distinct_from(before),
        )
        .values(status="claimed", assignee_id=person_id, claimed_at=now)
        .execution_options(synchronize_session=False)
    )
    session().refresh(item)
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        _check_open(item)
        raise _taken(item)
    _record(item, "work_item.assigned", {"from": before, "to": person_id}, actor, now)
    reason = reason.strip()[:500]
    if reason and item.case_id is not None:
        words = _("Handed over to %(name)s: %(reason)s", name=queries.name_of(person_id), reason=reason)
        _remark(item, words, actor, now)
    if person_id != actor.id:
        params = {"person": actor.display_name, "item": item.name, "number": item.case_number or ""}
        params |= {"title": item.title, "words": reason}
        notifications.notify([person_id], "handed_over", params, f"/inbox/{item.id}", now)
    return item


def takers(item: WorkItem) -> list[organisation.Colleague]:
    """Return who may do an item, by name; the excluded person only where nobody else could."""
    people = organisation.candidates(item.candidate)
    others = [one for one in people if one.id != item.excluded_id]
    return others or people


def complete(
    item_id: int, posted: Any, *, actor: Actor, now: datetime, files: Any = None, revision: int | None = None
) -> engine.StepResult:
    """Check the answers, write them where they belong, and let the process go on.

    posted: the MultiDict of a page, or a mapping of JSON values. files: the MultiDict of a multipart post.
    Raises Unfit, Conflict when somebody was first, Forbidden, NotFound, StepFailed.
    """
    try:
        locked = engine.lock_item(item_id, now=now, actor=actor, revision=revision)
    except AppError:
        # Who may not see it is not told how it stands; who may reads it in our words, by name.
        check_may_complete(get(item_id, actor), actor)
        raise
    item = locked.item
    if not queries.may_see(item, actor):
        raise NotFound(_("There is no such task, or it is not yours to see."))
    check_may_complete(item, actor)
    # What changes is written once, at the end, instead of before each look at the database.
    with session().no_autoflush:
        return _complete(locked, posted, files, actor, now)


def _complete(
    locked: engine.LockedItem, posted: Any, files: Any, actor: Actor, now: datetime
) -> engine.StepResult:
    item = locked.item
    form = form_of(item)
    sources = form_sources(item, form, data=locked.data, sent=posted, drafts_of=actor.id)
    posted = posted if hasattr(posted, "getlist") else _as_drawn(form, posted, sources.context)
    parsed = forms.parse(form, posted, context=sources.context, choices=sources.choices, files=files)
    if parsed.errors:
        raise Unfit(parsed)
    for name, sent in parsed.files.items():
        ids = [attach(item, one.filename, one.read(), actor=actor, now=now).id for one in sent]
        parsed = parsed.attach(name, ids)
    if item.case_id is not None:
        cases.apply(item.case_id, parsed.bound, actor=actor, now=now)
    else:
        _record_call(item, parsed.bound, actor, now)
    session().add(
        Submission(
            case_id=item.case_id,
            work_item_id=item.id,
            version_id=item.version_id,
            form=item.form or "",
            element=item.element,
            name=item.name,
            values=parsed.submission,
            at=now,
            by_id=actor.id,
        )
    )
    result = engine.complete(locked, parsed.process, actor=actor, now=now)
    if sources.has_draft:
        drop_draft(subject_of(item.id), actor=actor)
    return result


def _record_call(item: WorkItem, bound: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Write what a step without a case learned: it can only be about a call, which its instance promised."""
    values = {path.partition(".")[2]: one for path, one in bound.items() if path.startswith("callback.")}
    if values:
        callbacks.record(None, values, actor=actor, now=now, instance_id=item.instance_id)


def _as_drawn(form: forms.Form, posted: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    """Add to JSON values what a page would have shown filled in and sent back."""
    shown = {one.name: forms.initial(one, context) for one in form.fields if one.name not in posted}
    plain = {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in shown.items()
    }
    return {**{name: value for name, value in plain.items() if value is not None}, **posted}


def check_may_complete(item: WorkItem, actor: Actor) -> None:
    """Refuse to complete what is done, another's, or not for this person. Raises Conflict, Forbidden."""
    _check_open(item)
    if actor.id is None or item.assignee_id == actor.id:
        return
    if item.assignee_id is not None:
        raise _taken(item)
    _check_may_take(item, actor)


def case_of(item_id: int, actor: Actor) -> int:
    """Return the case of an item that this person may see. Raises Refused when it has none, NotFound."""
    item = get(item_id, actor)
    if item.case_id is None:
        raise Refused(_("This task belongs to no case."))
    return item.case_id


def comment(item_id: int, body: str, *, actor: Actor, now: datetime) -> Comment:
    """Write a remark on the item's case. Raises Invalid, Refused, Forbidden, NotFound."""
    return filing.comment(case_of(item_id, actor), body, actor=actor, now=now, work_item_id=item_id)


def attach(item: WorkItem, name: str, content: bytes, *, actor: Actor, now: datetime) -> Attachment:
    """Keep a file with the item's case. Raises Invalid when it may not be kept."""
    return filing.attach(item.case_id, name, content, actor=actor, now=now, work_item_id=item.id)


def acknowledge(item_id: int, *, actor: Actor, now: datetime) -> WorkItem:
    """Take note that a task is late: it rings no more for this person until the deadline is another.

    Once more changes nothing. Raises Refused when it is not late yet, Conflict when it is done, NotFound.
    """
    item = get(item_id, actor)
    _check_open(item)
    if not item.escalation_level:
        raise Refused(_("Nobody has been told of this task being late yet."))
    acknowledging.acknowledge(item, actor=actor, now=now)
    return item


def ring_again(item_id: int, *, actor: Actor, now: datetime) -> WorkItem:
    """Take one's note back. Raises NotFound."""
    item = get(item_id, actor)
    acknowledging.withdraw(item, actor=actor, now=now)
    return item


def follow_up(item_id: int, at: datetime | None, *, actor: Actor, now: datetime) -> WorkItem:
    """Note when to look at an item again; None takes the note away. The deadline stays as it is.

    Raises Invalid for a past instant, Conflict, Forbidden, NotFound.
    """
    item = get(item_id, actor)
    _check_open(item)
    if item.assignee_id not in (None, actor.id) and not actor.may("work.assign"):
        raise Forbidden(_("%(name)s has this task now.", name=queries.name_of(item.assignee_id)))
    if at is not None and at <= now:
        raise Invalid(_("Choose a time to come."), [FieldError("follow_up", _("Choose a time to come."))])
    item.follow_up_at = at
    _record(item, "work_item.follow_up_set", {"at": at.isoformat() if at else None}, actor, now)
    return item


def bulk(
    verb: str,
    item_ids: Iterable[int],
    *,
    actor: Actor,
    now: datetime,
    person_id: int | None = None,
    reason: str = "",
) -> Bulk:
    """Claim, release or assign several items; one that cannot be does not stop the others."""
    done: list[int] = []
    refused: list[tuple[str, str]] = []
    for item_id in dict.fromkeys(item_ids):
        try:
            if verb == "assign" and person_id is not None:
                assign(item_id, person_id, reason=reason, actor=actor, now=now)
            elif verb == "release":
                release(item_id, actor=actor, now=now)
            elif verb == "claim":
                claim(item_id, actor=actor, now=now)
            else:
                raise Invalid(_("Choose somebody who may do this task."))
            done.append(item_id)
        except AppError as error:
            item = session().get(WorkItem, item_id)
            refused.append((item.case_number or str(item_id) if item else str(item_id), str(error)))
    return Bulk(done, refused)


def may_take(item: WorkItem, actor: Actor) -> bool:
    """Tell whether to offer this unclaimed item to a person; asks nothing."""
    others = [one.id for one in organisation.candidates(item.candidate)]
    return actor.may("work.claim") and rules.may_take(
        item.candidate, item.excluded_id, actor_id=actor.id, groups=actor.groups, others=others
    )


def keep_view(name: str, query: Mapping[str, str], *, actor: Actor) -> SavedView:
    """Keep a look at the inbox under a name; the same name again replaces it."""
    if actor.id is None:
        raise Forbidden(_("Please sign in."))
    found = session().scalar(
        sa.select(SavedView).where(
            SavedView.person_id == actor.id, SavedView.page == "inbox", SavedView.name == name
        )
    )
    if found is None:
        found = SavedView(person_id=actor.id, page="inbox", name=name, query="")
        session().add(found)
    found.query = urlencode(query)
    return found


# ---------------------------------------------------------------- drafts


def subject_of(item_id: int) -> str:
    """Return the key of an item's draft."""
    return f"work_item:{item_id}"


def save_draft(item_id: int, posted: Any, *, actor: Actor, now: datetime) -> None:
    """Keep what was typed so far; it comes back after a crash or another login. Raises Conflict when done."""
    item = get(item_id, actor)
    _check_open(item)
    typed = forms.parse(form_of(item), posted).typed
    session().merge(Draft(person_id=actor.id, subject=subject_of(item_id), values=typed, saved_at=now))


def drop_draft(subject: str, *, actor: Actor) -> None:
    """Forget a draft."""
    session().execute(sa.delete(Draft).where(Draft.person_id == actor.id, Draft.subject == subject))


# ---------------------------------------------------------------- refusals


def _check_open(item: WorkItem) -> None:
    if item.status in rules.OPEN:
        return
    name = _person(item.completed_by_id)
    if item.status == "done":
        words = _("“%(task)s” was finished already.", task=_(item.name) if item.name else "")
        raise Conflict(words, by=name or None, at=item.completed_at)
    words = _("“%(task)s” is not needed any more: the case has gone another way.", task=_(item.name))
    raise Conflict(words)


def _taken(item: WorkItem) -> Conflict:
    name = queries.name_of(item.assignee_id)
    words = _("%(name)s has this task now.", name=name or _("Somebody else"))
    return Conflict(words, by=name or None, at=item.claimed_at)


def _check_free(item: WorkItem) -> None:
    _check_open(item)
    if item.assignee_id is not None:
        raise _taken(item)


def _check_may_take(item: WorkItem, actor: Actor) -> None:
    if not actor.may("work.claim"):
        raise Forbidden(_("Your posts do not take tasks."))
    if item.candidate not in actor.groups:
        raise Forbidden(_("This task is for %(role)s.", role=organisation.role_label(item.candidate)))
    if not may_take(item, actor):
        raise Forbidden(_("You did an earlier step of this case, so somebody else takes this one."))


def _person(person_id: int | None) -> str:
    """Name a person, also one who has left."""
    if person_id is None:
        return ""
    kept = queries.name_of(person_id)
    return kept or session().scalar(sa.select(shown_name()).where(Person.id == person_id)) or ""


def _remark(item: WorkItem, body: str, actor: Actor, now: datetime) -> None:
    session().add(
        Comment(
            case_id=item.case_id,
            work_item_id=item.id,
            body=body,
            at=now,
            by_id=actor.id,
            by_name=actor.display_name,
        )
    )


def _record(item: WorkItem, kind: str, data: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """Write the history; words and names stay out of it."""
    stream = f"case:{item.case_id}" if item.case_id is not None else f"instance:{item.instance_id}"
    engine.record_event(
        stream,
        kind,
        {"work_item": item.id, "name": item.name, **data},
        actor=actor,
        now=now,
        instance_id=item.instance_id,
        process_id=item.process_id,
        element=item.element,
    )

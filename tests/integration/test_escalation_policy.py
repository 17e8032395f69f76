"""The escalation policy: edited in the browser, seen before it counts, and done as it says."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.cases import waiting
from app.db import close_read_session, session, transaction
from app.deadlines import queries, replanning
from app.deadlines.tables import Deadline
from app.engine.tables import Event, WorkItem
from app.errors import Conflict
from app.escalation import service, store
from app.escalation.rules import DEFAULT, Step
from app.notifications.tables import Notification
from tests.factories import MONDAY
from tests.integration.case_pages import signed_in

HOUR = timedelta(hours=1)
REMIND = Step()


def policy(*steps: Step, klass: str | None = None, severity: str | None = None, now=MONDAY) -> None:
    """Let a ladder count from now on, and give open deadlines theirs."""
    with transaction():
        present = store.current()
        made = service.save(
            present.with_ladder(klass, severity, steps), comment="", based_on=present.version,
            actor_id=None, now=now,
        )  # fmt: skip
        replanning.apply(present, made, actor=SYSTEM, now=now)


def referred(desk):
    """Return a case that waits for the platform department, and its item."""
    case = desk.receive().analyse("platform")
    case.do("judge", can_solve=False)
    case.do("refer", department="platform")
    return case, case.item("solve")


def kinds(desk, username: str) -> list[str]:
    person = desk.actor(username).id
    query = sa.select(Notification.kind).where(
        Notification.person_id == person, Notification.url.like("/inbox/%")
    )
    return list(session().scalars(query.order_by(Notification.id)))


def events(case, kind: str) -> list[dict]:
    stream = f"case:{case.row.id}"
    close_read_session()
    return list(session().scalars(sa.select(Event.data).where(Event.stream == stream, Event.kind == kind)))


def pass_until(desk, item, before: timedelta) -> None:
    desk.pass_time(item.due_at - item.created_at - before)


def test_a_reminder_before_the_deadline_comes_before_it_and_is_no_escalation(desk):
    policy(Step("before", "PT1H", counted="clock"), REMIND)
    case, item = referred(desk)
    pass_until(desk, item, timedelta(minutes=61))
    assert "due_soon" not in kinds(desk, "platform")
    desk.pass_time(timedelta(minutes=2))
    assert kinds(desk, "platform")[-1] == "due_soon"
    assert case.item("solve").escalation_level == 0
    desk.pass_time(HOUR)
    assert kinds(desk, "platform")[-1] == "overdue"
    assert case.item("solve").escalation_level == 1


def test_raising_the_priority_is_done_recorded_and_ends_at_the_highest(desk):
    policy(Step(action="raise_priority"), Step("after", "1x", action="raise_priority"))
    case, item = referred(desk)
    assert item.priority == 2
    desk.pass_time(timedelta(days=14))
    assert case.item("solve").priority == 1
    assert [one["priority"] for one in events(case, "work_item.priority_raised")] == [[2, 1]]
    assert [one["action"] for one in events(case, "work_item.escalated")] == ["raise_priority"] * 2


def test_handing_over_makes_it_the_work_of_the_post_above(desk):
    policy(Step(action="hand_over", target="above"))
    case, item = referred(desk)
    desk.pass_time(item.due_at - item.created_at + HOUR)
    after = case.item("solve")
    assert (after.candidate, after.assignee_id, after.status) == ("supervisor", None, "open")
    assert "escalated" in kinds(desk, "supervisor")
    assert events(case, "work_item.delegated")[0]["to_role"] == "supervisor"
    case.do("solve", by="supervisor")


def test_giving_it_to_another_takes_who_has_the_least_to_do(desk):
    policy(Step(action="reassign"))
    case = desk.receive()
    held = case.open[0]
    item_id, candidate = case.item(held).id, case.item(held).candidate
    able = [one for one in ("agent", "agent2") if candidate in desk.actor(one).groups]
    assert len(able) == 2, candidate
    with transaction():
        session().execute(
            sa.update(WorkItem)
            .where(WorkItem.id == item_id)
            .values(status="claimed", assignee_id=desk.actor("agent").id)
        )
    desk.pass_time(timedelta(days=14))
    after = case.item(held)
    assert after.status == "claimed"
    assert after.assignee_id not in (None, desk.actor("agent").id)
    assert events(case, "work_item.assigned")[0]["from"] == desk.actor("agent").id


def test_the_most_particular_ladder_counts_for_a_case(desk):
    policy(Step(action="notify", target="manager"), klass="platform", severity="critical")
    calm, urgent = desk.receive().analyse("platform"), desk.receive().analyse("platform", severity="critical")
    rungs = [
        [rung["target"] for rung in session().scalar(step_of(case)).reckoning["rungs"]]
        for case in (calm, urgent)
    ]
    assert rungs == [["assignee", "supervisor", "manager"], ["manager"]]


def step_of(case):
    return sa.select(Deadline).where(Deadline.work_item_id == case.item("judge").id)


def test_open_deadlines_get_the_new_ladder_and_nobody_is_told_twice(desk):
    case, item = referred(desk)
    pass_until(desk, item, timedelta(minutes=-1))
    told = kinds(desk, "platform").count("overdue")
    assert told == 1
    now = item.due_at + timedelta(minutes=1)
    policy(
        Step("before", "PT2H"), REMIND, Step("after", "PT30M", counted="clock", action="notify", target="quality"),
        now=now,
    )  # fmt: skip
    one = session().scalar(sa.select(Deadline).where(Deadline.work_item_id == item.id))
    ladder = queries.explained(one, now, timedelta(hours=2)).ladder
    assert [rung.state for rung in ladder] == ["skipped", "done", "next"]
    close_read_session()
    desk.pass_time(timedelta(minutes=20))
    assert kinds(desk, "platform").count("overdue") == told
    assert kinds(desk, "quality") == []
    desk.pass_time(timedelta(minutes=20))
    assert kinds(desk, "quality") == ["escalated"]
    desk.pass_time(timedelta(days=20))
    assert (kinds(desk, "platform").count("overdue"), kinds(desk, "quality")) == (told, ["escalated"])
    assert "escalated" not in kinds(desk, "manager")
    assert list(engine.broken_links(f"case:{case.row.id}")) == []


def test_a_shortened_ladder_stops_what_was_still_to_come_and_a_longer_one_brings_it_back(desk):
    case, item = referred(desk)
    pass_until(desk, item, timedelta(minutes=-1))
    now = item.due_at + timedelta(minutes=1)
    present = store.current()
    seen = replanning.preview(present, present.with_ladder(None, None, [REMIND]), now)
    assert None in [row.after for row in seen.rows]
    close_read_session()
    policy(REMIND, now=now)
    desk.pass_time(timedelta(days=2))
    heard = sa.select(sa.func.count()).where(Notification.kind == "escalated")
    assert session().scalar(heard) == 0
    assert case.item("solve").escalation_level == 1
    # The task goes on as any other, and another policy finds its ladder again.
    later = clock.now()
    policy(REMIND, Step("after", "P3D", counted="clock", action="notify", target="quality"), now=later)
    desk.pass_time(timedelta(days=2))
    assert kinds(desk, "quality") == ["escalated"]
    case.do("solve")


def test_a_ladder_that_has_ended_early_starts_again_with_a_deadline_that_moves_ahead(desk):
    case, item = referred(desk)
    pass_until(desk, item, timedelta(minutes=-1))
    policy(REMIND, now=item.due_at + timedelta(minutes=1))
    told = kinds(desk, "platform").count("overdue")
    with transaction():
        waiting.wait_for_customer(case.id, "照片", actor=desk.actor("supervisor"), now=clock.now())
    desk.pass_time(timedelta(hours=1))
    with transaction():
        waiting.stop_waiting(case.id, actor=desk.actor("supervisor"), now=clock.now())
    desk.pass_time(timedelta(days=3))
    assert kinds(desk, "platform").count("overdue") == told
    case.do("solve")


def test_of_two_who_change_it_the_second_hears_of_the_first(desk):
    policy(REMIND)
    with pytest.raises(Conflict), transaction():
        service.save(DEFAULT, comment="", based_on=0, actor_id=None, now=MONDAY)
    assert store.current().version == 1


# ---------------------------------------------------------------- pages


def typed(*steps: tuple[str, ...], do: str = "preview", **more: str) -> dict[str, object]:
    """Return the editor's fields as a browser sends them; a step is (number, unit, when, action, target)."""
    names = ("number", "unit", "when", "action", "target")
    fields: dict[str, object] = {
        f"step.{name}": [step[place] for step in steps] for place, name in enumerate(names)
    }
    for name, value in (("counted", "working"), ("hours", "any"), ("urgent", "no")):
        fields[f"step.{name}"] = [value] * len(steps)
    return fields | {"klass": "", "severity": "", "based_on": "0", "comment": "试行", "do": do} | more


AT = ("", "times", "at", "remind", "assignee")
LATER = ("4", "hours", "after", "notify", "manager")


def content(page: str) -> str:
    found = re.search(r'name="content" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def test_a_change_is_seen_before_it_counts(app, desk):
    _case, item = referred(desk)
    number = _case.row.number
    client = signed_in(app, "manager")
    close_read_session()
    page = client.post("/escalation/edit", data=typed(AT, LATER))
    assert page.status_code == 200
    assert "个未完成期限将改用新的升级阶梯" in page.text
    assert number in page.text
    assert store.current().version == 0
    close_read_session()
    assert client.post("/escalation/apply", data={"content": content(page.text)}).status_code == 303
    shown = client.get("/escalation")
    assert "过后 4 小时" in shown.text
    assert "试行" in shown.text
    close_read_session()
    assert store.current().version == 1
    rungs = session().scalar(sa.select(Deadline).where(Deadline.work_item_id == item.id)).reckoning["rungs"]
    assert [(rung["target"], rung["policy"]) for rung in rungs] == [("assignee", 1), ("manager", 1)]


def test_steps_are_added_moved_and_removed_without_script(app, desk):
    client = signed_in(app, "manager")
    added = client.post("/escalation/edit", data=typed(AT, LATER, do="add"))
    assert added.text.count('name="step.number"') == 3
    moved = client.post("/escalation/edit", data=typed(AT, LATER, do="up.1"))
    assert re.findall(r'name="step.number" value="(\d*)"', moved.text) == ["4", ""]
    removed = client.post("/escalation/edit", data=typed(AT, LATER, do="remove.0"))
    assert re.findall(r'name="step.number" value="(\d*)"', removed.text) == ["4"]


def test_what_cannot_count_is_refused_with_everything_typed_still_there(app, desk):
    client = signed_in(app, "manager")
    page = client.post("/escalation/edit", data=typed(AT, ("soon", "hours", "after", "notify", "manager")))
    assert page.status_code == 422
    assert "请填写整数" in page.text
    assert 'value="soon"' in page.text
    assert "试行" in page.text


def test_of_two_editors_the_second_sees_both_ladders(app, desk):
    client = signed_in(app, "manager")
    mine = content(client.post("/escalation/edit", data=typed(AT, LATER)).text)
    policy(REMIND)
    close_read_session()
    page = client.post("/escalation/apply", data={"content": mine})
    assert page.status_code == 409
    assert "其间已有他人修改了升级规则" in page.text
    assert re.findall(r'name="step.number" value="(\d*)"', page.text) == ["", "4"]
    assert 'name="based_on" value="1"' in page.text


def test_an_own_ladder_can_follow_the_wider_one_again(app, desk):
    policy(REMIND, klass="device")
    client = signed_in(app, "manager")
    page = client.post("/escalation/edit", data=typed(AT, do="inherit", klass="device", based_on="1"))
    assert client.post("/escalation/apply", data={"content": content(page.text)}).status_code == 303
    close_read_session()
    assert store.current().own("device", None) is None


@pytest.mark.parametrize(("who", "seen", "edited"), [("supervisor", 200, 403), ("agent", 403, 403)])
def test_who_may_not_change_it_may_see_it_or_not(app, desk, who, seen, edited):
    client = signed_in(app, who)
    assert client.get("/escalation").status_code == seen
    assert client.get("/escalation/edit").status_code == edited


@pytest.mark.parametrize("sent", ["", "{", "[]", '{"form": {}, "own": []}', '{"form": 7}'])
def test_what_was_tampered_with_is_refused_and_changes_nothing(app, desk, sent):
    answer = signed_in(app, "manager").post("/escalation/apply", data={"content": sent})
    assert answer.status_code in (404, 422)
    close_read_session()
    assert store.current().version == 0

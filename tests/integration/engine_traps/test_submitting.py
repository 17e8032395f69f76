"""Two people, stale pages, bad names: a submission is done once or not at all."""

from datetime import timedelta

import pytest

from app import engine
from app.db import transaction
from app.errors import Conflict, Invalid, NotFound


def test_a_second_submission_of_the_same_item_is_refused(desk):
    desk.run("rounds", dissatisfied=False)
    anna = desk.person("anna")
    item = desk.item("ask")
    desk.complete("ask")
    with desk.as_it_was(), pytest.raises(Conflict) as refused, transaction():
        engine.complete(item.id, {}, actor=desk.actor, now=desk.now)
    assert refused.value.by == anna.display_name
    assert refused.value.at == desk.now


def test_a_page_that_is_older_than_the_item_is_refused(desk):
    desk.run("rounds", dissatisfied=False)
    seen = desk.item("ask").revision
    desk.wake(hours=9)  # the reminder changed the item
    with desk.as_it_was(), pytest.raises(Conflict), transaction():
        engine.complete(desk.item("ask").id, {}, actor=desk.actor, now=desk.now, revision=seen)


def test_completing_after_the_due_time_does_not_skip_the_escalation(desk):
    desk.run("rounds", dissatisfied=False)
    desk.now += timedelta(hours=13)
    result = desk.complete("ask")
    assert result.fired == 2
    (done,) = [item for item in desk.items(every=True) if item.element == "ask"]
    assert (done.status, done.escalation_level) == ("done", 2)
    assert [timer.sequence for timer in desk.timers("fired")] == [1, 2]


def test_completing_after_an_interrupting_deadline_is_refused_and_the_deadline_still_comes(desk):
    desk.run("reminders")
    item = desk.item("work")
    desk.now += timedelta(days=31)
    with desk.as_it_was(), pytest.raises(Conflict), transaction():
        engine.complete(item.id, {}, actor=desk.actor, now=desk.now)
    desk.wake()
    assert desk.open() == ["escalated"]


def test_an_item_of_another_world_is_not_found(desk):
    with pytest.raises(NotFound), transaction():
        engine.lock_item(4711, now=desk.now)


@pytest.mark.parametrize("name", ["typename", "__builtins__", "__class__", "not a name"])
def test_a_value_whose_name_would_break_the_instance_is_refused(desk, name):
    desk.run("rounds", dissatisfied=False)
    with desk.as_it_was(), pytest.raises(Invalid) as refused, transaction():
        engine.complete(desk.item("ask").id, {name: 1}, actor=desk.actor, now=desk.now)
    assert refused.value.errors[0].field == name


def test_a_value_named_typename_deep_inside_another_is_refused(desk):
    desk.run("rounds", dissatisfied=False)
    with desk.as_it_was(), pytest.raises(Invalid), transaction():
        engine.complete(
            desk.item("ask").id, {"answer": [{"typename": "UUID"}]}, actor=desk.actor, now=desk.now
        )


def test_a_value_that_is_no_plain_json_is_refused(desk):
    desk.run("rounds", dissatisfied=False)
    with desk.as_it_was(), pytest.raises(Invalid), transaction():
        engine.complete(desk.item("ask").id, {"answer": object()}, actor=desk.actor, now=desk.now)


def test_a_start_with_a_forbidden_name_is_refused(desk):
    desk.deploy("simple")
    with pytest.raises(Invalid):
        desk.start("simple", typename="UUID")


def test_a_value_named_like_a_function_does_not_hide_the_function(desk):
    desk.run("rounds", dissatisfied=False, now="never")
    desk.complete("ask", hours=1, len=2)
    assert desk.item("answer").due_at == desk.now + timedelta(hours=8)


def test_a_list_given_again_in_the_next_round_replaces_the_old_one(desk):
    desk.run("rounds", dissatisfied=True)
    desk.complete("ask", chosen=[1, 2])
    desk.complete("answer")
    desk.complete("ask", chosen=[2, 3])  # merged by the library: [1, 2]
    assert desk.data("answer")["chosen"] == [2, 3]


def test_a_value_changed_by_its_owner_afterwards_stays_what_was_submitted(desk):
    desk.run("rounds", dissatisfied=False)
    given = {"inner": [1]}
    with transaction():
        engine.complete(desk.item("ask").id, {"kept": given}, actor=desk.actor, now=desk.now)
        given["inner"].append(2)
    assert desk.data("answer")["kept"] == {"inner": [1]}

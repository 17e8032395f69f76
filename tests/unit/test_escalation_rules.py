"""The escalation policy: which ladder counts, when its steps come, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.calendar import official
from app.escalation import rules
from app.escalation.rules import DEFAULT, Ladder, Policy, Step

CALENDAR = official.around("Asia/Shanghai", 2026)
# Monday 2026-03-02, 09:00 and 11:00 in Shanghai; the office opens 08:30–12:00 and 13:30–18:00.
START, DUE = (datetime(2026, 3, 2, hour, tzinfo=UTC) for hour in (1, 3))
HOUR = timedelta(hours=1)


def instants(*steps: Step, then: timedelta = 2 * HOUR, due: datetime = DUE) -> list[datetime]:
    found = rules.plan(Ladder(None, None, steps), start=START, due=due, then=then, counted=CALENDAR)
    return [one.at for one in found]


def test_the_ladder_that_the_desk_comes_with_reminds_then_tells_the_supervisor_then_the_manager():
    steps = DEFAULT.ladder_for("device", "high").steps
    assert [(one.action, one.target) for one in steps] == [
        ("remind", "assignee"), ("notify", "supervisor"), ("notify", "manager"),
    ]  # fmt: skip
    # Two working hours after 11:00 is 14:30, since lunch does not count; two more is 16:30.
    assert instants(*steps) == [DUE, DUE + 3.5 * HOUR, DUE + 5.5 * HOUR]


def test_steps_come_in_the_order_of_their_instants_whatever_the_order_they_are_written_in():
    found = instants(Step("after", "PT1H"), Step("before", "PT30M"), Step())
    assert found == [DUE - 0.5 * HOUR, DUE, DUE + HOUR]


def test_working_time_before_a_deadline_leaves_out_lunch_and_the_clock_does_not():
    due = datetime(2026, 3, 2, 6, tzinfo=UTC)  # 14:00
    assert instants(Step("before", "PT1H"), Step(), due=due)[0] == due - 2.5 * HOUR
    assert instants(Step("before", "PT1H", counted="clock"), Step(), due=due)[0] == due - HOUR


def test_a_reminder_from_before_the_work_began_does_not_come():
    assert instants(Step("before", "PT5H"), Step()) == [DUE]


def test_a_step_for_opening_hours_waits_for_the_next_opening():
    evening = datetime(2026, 3, 2, 12, tzinfo=UTC)  # 20:00
    asleep, awake = Step(), Step(hours="open")
    assert instants(asleep, due=evening) == [evening]
    assert instants(awake, due=evening) == [datetime(2026, 3, 3, 0, 30, tzinfo=UTC)]


def test_the_severity_says_more_than_the_class_and_both_together_most():
    ladders = [
        Ladder(klass, severity, (Step(target=name),))
        for klass, severity, name in (
            (None, None, "any"), ("device", None, "klass"), (None, "high", "severity"), ("device", "high", "both"),
        )
    ]  # fmt: skip
    policy = Policy(tuple(ladders))
    asked = [("platform", "low"), ("device", "low"), ("platform", "high"), ("device", "high"), (None, None)]
    found = [policy.ladder_for(*key).steps[0].target for key in asked]
    assert found == ["any", "klass", "severity", "both", "any"]


def test_a_policy_is_the_same_after_being_written_and_read():
    step = Step("before", "PT2H", "clock", "open", "hand_over", "above", True)
    policy = DEFAULT.with_ladder("device", "high", [step, Step()])
    assert rules.read(policy.plain(), 0) == policy


def test_how_grave_a_step_is_follows_from_whom_it_concerns():
    steps = [
        Step("before", "PT1H"), Step(), Step(action="raise_priority"), Step(action="notify", target="above"),
        Step(action="hand_over", target="manager"),
    ]  # fmt: skip
    assert [one.level for one in steps] == [0, 1, 1, 2, 3]


@pytest.mark.parametrize(
    ("step", "path", "code"),
    [
        ({"when": "after", "offset": "soon"}, "offset", "offset"),
        ({"when": "after", "offset": ""}, "offset", "no_offset"),
        ({"when": "before", "offset": "0x"}, "offset", "no_offset"),
        ({"when": "after", "offset": "P400D"}, "offset", "long"),
        ({"when": "later"}, "when", "choice"),
        ({"action": "shout"}, "action", "choice"),
        ({"target": "No One!"}, "target", "target"),
        ({"urgent": "yes"}, "urgent", "choice"),
    ],
)
def test_a_step_that_says_nothing_that_can_be_done_is_refused_with_its_place(step, path, code):
    content = {"ladders": [{"klass": None, "severity": None, "steps": [{}, step]}]}
    with pytest.raises(rules.BadPolicy) as bad:
        rules.read(content)
    assert rules.Problem(f"ladders.0.steps.1.{path}", code) in bad.value.problems


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "form"),
        ({"ladders": "none"}, "form"),
        ({"ladders": [7]}, "form"),
        ({"ladders": []}, "no_default"),
        ({"ladders": [{"steps": []}]}, "count"),
        ({"ladders": [{"steps": [{}] * 11}]}, "count"),
        ({"ladders": [{"steps": [{}, {}]}]}, "same"),
        ({"ladders": [{"steps": [{}]}, {"steps": [{}]}]}, "twice"),
        ({"ladders": [{"steps": [{"when": "before", "offset": "PT1H"}]}]}, "only_before"),
    ],
)
def test_what_is_no_policy_is_refused_and_says_why(content, code):
    with pytest.raises(rules.BadPolicy) as bad:
        rules.read(content)
    assert code in {one.code for one in bad.value.problems}


def test_two_policies_are_compared_ladder_by_ladder():
    changed = DEFAULT.with_ladder("device", None, [Step()])
    (found,) = rules.differences(DEFAULT, changed)
    assert (found.klass, found.severity, found.before) == ("device", None, None)
    assert found.after is not None
    assert rules.differences(changed, changed.without_ladder("device", None))[0].after is None
    assert changed.without_ladder(None, None) == changed

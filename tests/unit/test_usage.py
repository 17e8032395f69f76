"""Counting what instances went through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.procedures.usage import rules

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PROCESSES = {
    "p": {
        "flows": {
            "in": ["start", "a"], "on": ["a", "g"], "back": ["g", "a"], "out": ["g", "end"], "side": ["g", "b"],
        }
    }
}  # fmt: skip


def hour(n: float) -> datetime:
    return MONDAY + timedelta(hours=n)


def places(*names: str) -> list[list[str]]:
    return [["p", name] for name in names]


def followed(*steps):
    return rules.follow(steps, PROCESSES, lambda start, end: end - start)


STRAIGHT = (
    (1, hour(0), {"done": places("start"), "entered": places("a")}),
    (1, hour(2), {"done": places("a", "g", "end")}),
)
LOOPING = (
    (2, hour(0), {"done": places("start"), "entered": places("a")}),
    (2, hour(1), {"done": places("a", "g"), "entered": places("a")}),
    (2, hour(4), {"done": places("a", "g", "end")}),
)


def test_visits_lengths_and_flows_are_counted():
    trail = followed(*STRAIGHT)
    assert trail.instances == 1
    assert trail.visits["p", "a"] == trail.visits["p", "g"] == 1
    assert trail.lengths["p", "a"] == [timedelta(hours=2)]
    assert ("p", "g") not in trail.lengths
    assert dict(trail.flows) == {("p", "in"): 1, ("p", "on"): 1, ("p", "out"): 1}


def test_a_loop_is_work_done_again_and_its_flow_back_is_told_from_the_way_out():
    trail = followed(*STRAIGHT, *LOOPING)
    assert trail.instances == 2
    assert (trail.visits["p", "a"], trail.again["p", "a"]) == (3, 1)
    assert (trail.flows["p", "back"], trail.flows["p", "out"], trail.flows["p", "side"]) == (1, 2, 0)
    assert trail.lengths["p", "a"] == [timedelta(hours=n) for n in (2, 1, 3)]


def test_what_was_broken_off_has_no_length():
    trail = followed(STRAIGHT[0], (1, hour(5), {"cancelled": places("a")}))
    assert trail.cancelled["p", "a"] == 1
    assert trail.lengths == {}


def test_two_tokens_at_one_element_are_two_visits():
    trail = followed(
        (1, hour(0), {"entered": places("a", "a")}),
        (1, hour(1), {"done": places("a")}),
        (1, hour(3), {"done": places("a")}),
    )
    assert trail.lengths["p", "a"] == [timedelta(hours=1), timedelta(hours=3)]


def test_the_middle_and_the_slowest_tenth_are_lengths_that_happened():
    lengths = [timedelta(hours=n) for n in (9, 1, 2, 3, 4, 5, 6, 7, 8, 10)]
    assert rules.median([]) is None
    assert rules.median(lengths[:1]) == timedelta(hours=9)
    assert rules.median(lengths) in lengths
    assert rules.share(lengths, 0.9) == timedelta(hours=10)


def test_heat_goes_from_nothing_to_the_most():
    assert [rules.heat(value, 100) for value in (0, 1, 20, 50, 99, 100)] == [0, 1, 1, 3, 5, 5]
    assert rules.heat(0, 0) == 0

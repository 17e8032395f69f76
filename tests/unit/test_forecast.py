"""The forecast over plain values: what it says, and what more work may never do to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports import moving, rules
from app.reports.drawing import chart, step_of
from app.reports.rules import LATE, Column, Done, Open, Pace, Ruler, forecast, pace_of, percentile

HOUR = 3600.0
DAY = 8 * HOUR
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def hours(*spans: tuple[int, int]) -> Ruler:
    """A ruler of working periods, in hours from Monday on."""
    return Ruler((MONDAY + timedelta(hours=a), MONDAY + timedelta(hours=b)) for a, b in spans)


def finished(
    share: float = 0.5, *, person: int = 1, day: int = 1, step: str = "p/s", role: str = "agent"
) -> Done:
    return Done(step, role, person, share * 4 * HOUR, 4 * HOUR, day)


def steady(persons: tuple[int, ...] = (1, 2), a_day: int = 8, share: float = 0.5) -> Pace:
    """A pace at which each person finishes so many a day, one working hour apart for 8."""
    done = [finished(share, person=one, day=day) for one in persons for day in range(5) for _ in range(a_day)]
    return pace_of(done, DAY, today=99)


def item(number: int, due_in: float | None = 4 * HOUR, *, holder: int | None = 1, **more: object) -> Open:
    given = {"age": 0.0, "allowed": 4 * HOUR, "able": (1, 2)} | more
    return Open(number, "p/s", "agent", due_in=due_in, holder=holder, **given)  # type: ignore[arg-type]


# ---------------------------------------------------------------- the ruler


def test_a_ruler_counts_working_time_only_and_reads_it_back():
    ruler = hours((0, 4), (5, 9), (24, 28))
    assert ruler.at(MONDAY - timedelta(days=1)) == 0
    assert ruler.at(MONDAY + timedelta(hours=4, minutes=30)) == 4 * HOUR
    assert ruler.at(MONDAY + timedelta(hours=6)) == 5 * HOUR
    assert ruler.at(MONDAY + timedelta(days=9)) == 12 * HOUR
    assert ruler.instant(4 * HOUR) == MONDAY + timedelta(hours=4)
    assert ruler.instant(5 * HOUR) == MONDAY + timedelta(hours=6)
    assert ruler.instant(99 * HOUR) == MONDAY + timedelta(hours=28)


@given(st.lists(st.integers(1, 30), min_size=2, max_size=20), st.floats(0, 1))
def test_an_instant_of_so_much_work_has_so_much_work_before_it(steps: list[int], share: float):
    edges = [sum(steps[: place + 1]) for place in range(len(steps))]
    ruler = hours(*zip(edges[::2], edges[1::2], strict=False))
    seconds = ruler.before[-1] * share
    assert ruler.at(ruler.instant(seconds)) == pytest.approx(seconds, abs=1e-3)


def test_percentiles_are_interpolated_as_postgresql_does():
    assert percentile([1.0], 0.95) == 1.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 0.5) == 2.5
    assert percentile([0.0, 10.0], 0.25) == 2.5


# ---------------------------------------------------------------- the pace


def test_without_history_nothing_is_known_instead_of_guessed():
    assert not pace_of([], DAY, today=99).known
    assert not pace_of([finished() for _ in range(rules.FEW - 1)], DAY, today=99).known
    assert steady().known


def test_a_person_gets_as_much_done_as_on_a_good_day_and_days_off_do_not_count():
    done = [finished(day=1)] + [finished(day=day) for day in (2, 3, 4) for _ in range(4)]
    pace = pace_of(done, DAY, today=99)
    assert pace.gap(1) == DAY / 4
    assert pace.gap(7) == pace.usual == DAY / 4, "who has no history is like the middle of the others"


def test_a_day_that_is_not_over_does_not_slow_anybody_down():
    done = [finished(day=day) for day in (1, 2) for _ in range(8)] + [finished(day=3)]
    assert pace_of(done, DAY, today=3).gap(1) == HOUR


def test_few_finished_tasks_of_a_step_let_those_of_its_role_speak_and_then_all():
    pace = steady()
    assert pace.rest(item(1)).basis == "step"
    assert pace.rest(replace(item(1), step="p/new")).basis == "role"
    assert pace.rest(replace(item(1), step="p/new", role="quality")).basis == "all"


def test_what_has_taken_long_already_is_compared_with_what_took_longer():
    done = [finished(share / 10, day=1) for share in range(1, 21)]
    pace = pace_of(done, DAY, today=99)
    fresh, old = pace.rest(item(1)), pace.rest(item(1, age=4 * HOUR))
    # Of those that took more than their whole time, the middle one took half as much again.
    assert old.middle == pytest.approx(0.55 * 4 * HOUR)
    assert fresh.middle == pytest.approx(1.05 * 4 * HOUR)


def test_what_has_outlasted_all_others_is_reckoned_as_if_it_began_now():
    assert steady().rest(item(1, age=400 * HOUR)).middle == 2 * HOUR


# ---------------------------------------------------------------- the queue


def test_everybody_does_first_what_is_due_first():
    found = forecast([item(1, 9 * HOUR), item(2, 3 * HOUR), item(3, -HOUR, overdue=True)], steady())
    assert [(one.id, one.place, one.queued) for one in found] == [
        (3, 1, HOUR),
        (2, 2, 2 * HOUR),
        (1, 3, 3 * HOUR),
    ]


def test_a_queue_that_is_too_long_makes_its_end_late():
    # Each takes an hour; eight are due in four hours.
    found = forecast([item(number) for number in range(1, 9)], steady())
    assert [one.verdict for one in found] == ["ontime"] * 4 + ["sure"] * 4


def test_best_days_lie_between_perhaps_and_almost_surely():
    # Good days have eight, the best has sixteen: an item that a good day does not reach the best one may.
    done = [finished(day=day) for day in range(1, 12) for _ in range(8)] + [
        finished(day=20) for _ in range(16)
    ]
    pace = pace_of(done, DAY, today=99)
    assert pace.swift == rules.SWIFTEST
    found = forecast([item(number, 4 * HOUR, able=(1,)) for number in range(1, 12)], pace)
    assert [one.verdict for one in found] == ["ontime"] * 4 + ["maybe"] * 4 + ["sure"] * 3


def test_what_nobody_has_goes_to_whoever_is_free_first_and_never_to_one_who_may_not():
    found = forecast([item(1), item(2), item(3, holder=None), item(4, holder=None, able=(1,))], steady())
    assert [(one.id, one.doer) for one in found] == [(1, 1), (2, 1), (3, 2), (4, 1)]


def test_work_that_nobody_does_is_late():
    [found] = forecast([item(1, holder=None, able=())], steady())
    assert (found.doer, found.verdict) == (None, "sure")


def test_without_a_deadline_nothing_is_late():
    [found] = forecast([item(1, None, allowed=None)], steady())
    assert found.verdict == "none"


# ---------------------------------------------------------------- more work


ITEMS = st.builds(
    Open,
    id=st.integers(1, 10**6),
    step=st.sampled_from(["p/a", "p/b", "p/new"]),
    role=st.sampled_from(["agent", "quality"]),
    age=st.floats(0, 40 * HOUR),
    allowed=st.floats(HOUR, 30 * HOUR),
    due_in=st.one_of(st.none(), st.floats(0, 60 * HOUR)),
    overdue=st.booleans(),
    holder=st.one_of(st.none(), st.integers(1, 4)),
    able=st.lists(st.integers(1, 4), max_size=4, unique=True).map(tuple),
)
DONE = st.builds(
    Done,
    step=st.sampled_from(["p/a", "p/b"]),
    role=st.sampled_from(["agent", "quality"]),
    person_id=st.integers(1, 4),
    took=st.floats(60, 60 * HOUR),
    allowed=st.floats(HOUR, 30 * HOUR),
    day=st.integers(1, 10),
)
PACES = (
    st.lists(DONE, min_size=30, max_size=90)
    .map(lambda done: pace_of(done, DAY, today=99))
    .filter(lambda pace: pace.known)
)


@given(st.lists(ITEMS, max_size=25, unique_by=lambda one: one.id), ITEMS, PACES)
def test_one_more_item_makes_nothing_earlier_and_never_fewer_late(items: list[Open], more: Open, pace: Pace):
    more = replace(more, id=10**7)
    before = {one.id: one for one in forecast(items, pace)}
    after = {one.id: one for one in forecast([*items, more], pace)}
    for key, one in before.items():
        assert after[key].early >= one.early - 1e-6
        assert after[key].middle >= one.middle - 1e-6
    assert late(after.values()) >= late(before.values())


@given(st.lists(ITEMS, max_size=25, unique_by=lambda one: one.id), PACES)
def test_every_item_gets_one_answer_and_its_three_instants_are_in_order(items: list[Open], pace: Pace):
    found = forecast(items, pace)
    assert sorted(one.id for one in found) == sorted(one.id for one in items)
    assert all(0 <= one.early <= one.middle <= one.late for one in found)
    assert all(
        one.doer in (*item.able, item.holder, None) for one in found for item in items if item.id == one.id
    )


def late(expected: object) -> int:
    return sum(one.verdict in LATE for one in expected)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- moving


def test_moving_work_to_somebody_idle_makes_fewer_late():
    items = [item(number) for number in range(1, 9)]
    found = moving.effect(items, {7: 2, 8: 2}, steady())
    assert (found.late_before, found.late_after) == (4, 2)
    assert found.better == [7, 8] and found.worse == []
    before, after = found.people[1]
    assert (before.count, before.late, after.count, after.late) == (8, 4, 6, 2)
    assert found.people[2][1].count == 2


def test_moving_work_to_somebody_laden_shows_whose_becomes_late():
    items = [item(number) for number in range(1, 4)] + [item(number, holder=2) for number in range(11, 15)]
    found = moving.effect(items, {1: 2}, steady())
    assert found.worse == [14]
    assert found.late_after == 1


def test_a_suggestion_moves_what_saves_most_and_none_is_made_where_none_helps():
    items = [item(number) for number in range(1, 9)]
    found = moving.suggest(items, 1, steady())
    assert found is not None
    assert (set(found.moves.values()), found.saved) == ({2}, 4)
    assert moving.effect(items, found.moves, steady()).late_after == 0
    assert moving.suggest(items[:3], 1, steady()) is None
    assert moving.suggest([replace(one, able=(1,)) for one in items], 1, steady()) is None


@given(st.lists(ITEMS, min_size=1, max_size=20, unique_by=lambda one: one.id), PACES)
def test_a_suggestion_keeps_its_word(items: list[Open], pace: Pace):
    found = moving.suggest(items, 1, pace)
    if found is not None:
        result = moving.effect(items, found.moves, pace)
        assert result.late_before - result.late_after == found.saved > 0
        able = {one.id: one.able for one in items}
        assert all(person in able[key] and person != 1 for key, person in found.moves.items())


@given(st.lists(ITEMS, min_size=1, max_size=20, unique_by=lambda one: one.id), PACES)
def test_sharing_out_gives_each_item_to_somebody_else_who_may_do_it(items: list[Open], pace: Pace):
    own = [replace(one, holder=1) for one in items]
    moves = moving.spread(own, [one.id for one in own], 1, pace)
    for one in own:
        others = set(one.able) - {1}
        assert (one.id in moves) == bool(others)
        assert moves.get(one.id) in (others or {None})


# ---------------------------------------------------------------- the chart


def test_the_columns_count_what_falls_due_between_now_and_each_end():
    at = [MONDAY + timedelta(hours=hour) for hour in (-1, 0, 5, 10, 30)]
    verdicts = list(zip(at, ("overdue", "ontime", "maybe", "sure", "ontime"), strict=True))
    ends = [MONDAY + timedelta(hours=8), MONDAY + timedelta(hours=32)]
    assert rules.columns(verdicts, ends, MONDAY) == [Column(1, 1, 0), Column(1, 0, 1)]


def test_the_lines_of_the_chart_are_round_numbers_that_hold_all_columns():
    assert [step_of(most) for most in (0, 4, 5, 17, 40, 41, 900)] == [1, 1, 2, 5, 10, 20, 500]
    for most in range(60):
        drawn = chart([Column(most, 0, 0)])
        assert drawn.lines[-1][0] >= most and len(drawn.lines) <= 5
        assert all(part.y >= 20 for bar in drawn.bars for part in bar.parts)


def test_numbers_beside_thin_parts_do_not_lie_on_each_other():
    [bar] = chart([Column(300, 1, 1)]).bars
    beside = [part.label_y for part in bar.parts if not part.inside]
    assert beside[0] - beside[1] >= 13

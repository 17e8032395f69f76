"""Timers on the injected clock: what they mean, when they fire, and that they survive a save."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.util.task import TaskState

from app import clock
from app.engine import parser, timer_text
from app.engine.expressions import ExpressionError
from app.engine.script_engine import script_engine
from tests.support.engine_files import flow, line, process, timer, user_task

START = datetime(2026, 3, 2, 1, tzinfo=UTC)
LADDER = ["2026-03-02T02:00:00+00:00", "2026-03-02T03:00:00+00:00", "2026-03-02T04:00:00+00:00"]


def watched(kind: str, text: str) -> bytes:
    """start → a (with a non-interrupting timer → late) → b → end."""
    body = line(user_task("a"), user_task("b"), ids=("a", "b"))
    body += '<bpmn:boundaryEvent id="watch" cancelActivity="false" attachedToRef="a">'
    body += f'{timer(kind, text)}</bpmn:boundaryEvent><bpmn:endEvent id="late"/>' + flow("watch", "late")
    return process(body)


def waiting(kind: str, text: str) -> bytes:
    """start → wait → a → end."""
    catch = f'<bpmn:intermediateCatchEvent id="wait">{timer(kind, text)}</bpmn:intermediateCatchEvent>'
    return process(line(catch, user_task("a"), ids=("wait", "a")))


class Running:
    """An instance that is saved and restored before each move, as in real use."""

    def __init__(self, content: bytes, **data: object) -> None:
        self.serializer = BpmnWorkflowSerializer(parser.registry)
        specs = parser.load_specs(parser.dump_specs(parser.parse({"p.bpmn": content}, "p")))
        self.workflow = BpmnWorkflow(specs.spec, dict(specs.subs), script_engine=script_engine())
        self.workflow.task_tree.data.update(data)
        self.move(timedelta(0))

    def move(self, since_start: timedelta) -> list[str]:
        """Go to this instant; return the ids of what was done, in order."""
        done: list[str] = []
        with clock.at(START + since_start):
            for _round in range(20):
                self.workflow.do_engine_steps(
                    did_complete_task=lambda task: done.append(task.task_spec.bpmn_id)
                )
                if self.workflow.get_next_task(state=TaskState.READY, manual=False) is None:
                    break
        self.workflow = self.serializer.deserialize_json(self.serializer.serialize_json(self.workflow))
        self.workflow.script_engine = script_engine()
        return [id for id in done if id]

    def finish(self, id: str, since_start: timedelta) -> None:
        task = self.workflow.get_next_task(state=TaskState.READY, manual=True)
        assert task.task_spec.bpmn_id == id
        with clock.at(START + since_start):
            task.run()
        self.move(since_start)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_a_ladder_fires_once_at_each_instant_and_survives_every_save():
    running = Running(watched("timeCycle", "steps"), steps=LADDER)
    fired = [running.move(hours(at)).count("late") for at in (0.9, 1, 1.5, 2, 2.5, 3, 4, 100)]
    assert fired == [0, 1, 0, 1, 0, 1, 0, 0]
    running.finish("a", hours(101))
    running.finish("b", hours(102))
    assert running.workflow.completed


def test_a_ladder_that_is_seen_late_fires_each_missed_step_in_order():
    running = Running(watched("timeCycle", "steps"), steps=[LADDER[2], LADDER[0], LADDER[1]])
    assert running.move(hours(2.5)).count("late") == 2
    assert running.move(hours(3)).count("late") == 1


def test_finishing_the_work_stops_the_ladder():
    running = Running(watched("timeCycle", "steps"), steps=LADDER)
    assert running.move(hours(1)).count("late") == 1
    running.finish("a", hours(1.2))
    assert running.move(hours(9)) == []
    running.finish("b", hours(10))
    assert running.workflow.completed


def test_a_counted_repetition_makes_up_for_what_it_missed_and_an_endless_one_does_not():
    assert Running(watched("timeCycle", "R3/PT1H")).move(hours(30)).count("late") == 3
    endless = Running(watched("timeCycle", "R/PT1H"))
    assert endless.move(hours(30)).count("late") == 1
    assert endless.move(hours(30.5)).count("late") == 0
    assert endless.move(hours(31)).count("late") == 1


def test_a_timer_is_due_at_its_instant_not_after_it():
    running = Running(waiting("timeDuration", "PT1H"))
    assert running.move(hours(1) - timedelta(seconds=1)) == []
    assert running.move(hours(1)) == ["wait"]


@pytest.mark.parametrize(
    ("kind", "value", "due"),
    [
        ("timeDate", "2026-03-02T18:00:00+08:00", hours(9)),
        ("timeDate", "2026-03-02T10:00:00Z", hours(9)),
        ("timeDate", "2026-03-02T18:00", hours(9)),
        ("timeDate", "2026-03-03", hours(15)),
        ("timeDuration", "P1DT1H", hours(25)),
        ("timeDuration", "2026-03-02T18:00", hours(9)),
    ],
)
def test_a_value_from_data_may_be_a_date_or_a_duration_and_naive_means_the_centres_zone(kind, value, due):
    running = Running(waiting(kind, "value"), value=value)
    assert running.move(due - timedelta(seconds=1)) == []
    assert running.move(due) == ["wait"]


@pytest.mark.parametrize("value", [None, "", "soon", 5, {"a": 1}, [], "0 9 * * *"])
@pytest.mark.parametrize("kind", ["timeDate", "timeDuration", "timeCycle"])
def test_a_value_that_is_no_time_says_so_in_words(kind, value):
    with pytest.raises(WorkflowTaskException) as error:
        Running(waiting(kind, "value"), value=value)
    assert error.value.task.task_spec.bpmn_id == "wait"
    assert "AttributeError" not in str(error.value)


def test_a_date_and_a_day_follow_the_wall_clock():
    day = timer_text.parse_duration("P1M1D")
    assert day.after(datetime(2026, 1, 31, 2, tzinfo=UTC)) == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert timer_text.instant(date(2026, 3, 3)) == datetime(2026, 3, 2, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "P", "PT", "1D", "P1", "PT1D", "P-1D", "P1000Y", "-P1D", "P1.5D"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ExpressionError):
        timer_text.parse_duration(text)


def test_bare_times_are_quoted_and_expressions_stay():
    assert timer_text.normalised(" P1D ") == '"P1D"'
    assert timer_text.normalised("2026-12-10") == '"2026-12-10"'
    assert timer_text.normalised("R3/P1D") == '"R3/P1D"'
    assert timer_text.normalised("${due}") == "due"
    assert timer_text.normalised("working_day(3)") == "working_day(3)"

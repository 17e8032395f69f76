"""The yardstick of the benchmarks: SpiffWorkflow alone on the same path, saved and restored at each step.

No database, people, history or timers' rows; the library's own serializer, which keeps all that happened.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.util.task import TaskState

# One round: two user tasks, each with a deadline; the second one's answer decides whether there is another.
DIAGRAM = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" id="d" targetNamespace="bench">
<bpmn:process id="bench" name="bench" isExecutable="true">
<bpmn:laneSet id="lanes"><bpmn:lane id="lane" name="客服助理">
 <bpmn:flowNodeRef>look</bpmn:flowNodeRef><bpmn:flowNodeRef>answer</bpmn:flowNodeRef></bpmn:lane></bpmn:laneSet>
<bpmn:startEvent id="start"/>
<bpmn:userTask id="look" name="look"/>
<bpmn:userTask id="answer" name="answer"><bpmn:extensionElements><spiffworkflow:properties>
 <spiffworkflow:property name="formJsonSchemaFilename" value="bench.json"/>
</spiffworkflow:properties></bpmn:extensionElements></bpmn:userTask>
<bpmn:boundaryEvent id="look_late" attachedToRef="look" cancelActivity="false"><bpmn:timerEventDefinition>
 <bpmn:timeDuration>"P9D"</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
<bpmn:boundaryEvent id="answer_late" attachedToRef="answer" cancelActivity="false"><bpmn:timerEventDefinition>
 <bpmn:timeDuration>"P9D"</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
<bpmn:endEvent id="look_reminded"/><bpmn:endEvent id="answer_reminded"/>
<bpmn:exclusiveGateway id="more" default="enough"/>
<bpmn:endEvent id="end"/>
<bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="look"/>
<bpmn:sequenceFlow id="f2" sourceRef="look" targetRef="answer"/>
<bpmn:sequenceFlow id="f3" sourceRef="answer" targetRef="more"/>
<bpmn:sequenceFlow id="again_flow" sourceRef="more" targetRef="look">
 <bpmn:conditionExpression>again</bpmn:conditionExpression></bpmn:sequenceFlow>
<bpmn:sequenceFlow id="enough" sourceRef="more" targetRef="end"/>
<bpmn:sequenceFlow id="f4" sourceRef="look_late" targetRef="look_reminded"/>
<bpmn:sequenceFlow id="f5" sourceRef="answer_late" targetRef="answer_reminded"/>
</bpmn:process></bpmn:definitions>"""
FORM = """{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "再来一次", "type": "object",
 "required": ["again"],
 "properties": {"again": {"type": "boolean", "title": "再来一次", "x-widget": "yesno"}}}"""


@dataclass(frozen=True)
class Bare:
    """What the library alone did: steps a second, and bytes of state after each round."""

    steps_per_second: float
    state_bytes: list[int]


def run(instances: int, rounds: int) -> Bare:
    """Run instances through so many rounds of two steps, restoring before and saving after each step."""
    parser = SpiffBpmnParser()
    parser.add_bpmn_str(DIAGRAM.encode())
    spec, subs = parser.get_spec("bench"), parser.get_subprocess_specs("bench")
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))
    spent = 0.0
    sizes: list[int] = []
    for _instance in range(instances):
        workflow = BpmnWorkflow(spec, subs)
        workflow.do_engine_steps()
        state = serializer.serialize_json(workflow)
        sizes = []
        for step in range(2 * rounds):
            started = time.perf_counter()
            workflow = serializer.deserialize_json(state)
            task = workflow.get_next_task(state=TaskState.READY, manual=True)
            task.data["again"] = step < 2 * rounds - 1
            task.run()
            workflow.refresh_waiting_tasks()
            workflow.do_engine_steps()
            state = serializer.serialize_json(workflow)
            spent += time.perf_counter() - started
            if step % 2:
                sizes.append(len(state.encode()))
    return Bare(instances * 2 * rounds / spent, sizes)


def fire(diagram: str, process: str, count: int) -> float:
    """Return how many timers the library alone fires a second, restoring before and saving after each."""
    parser = SpiffBpmnParser()
    parser.add_bpmn_str(diagram.encode())
    spec, subs = parser.get_spec(process), parser.get_subprocess_specs(process)
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))
    states = []
    due = datetime.now(UTC) + timedelta(seconds=0.5 + count / 100)
    for _instance in range(count):
        workflow = BpmnWorkflow(spec, subs)
        workflow.task_tree.data["due"] = due.isoformat()
        workflow.do_engine_steps()
        states.append(serializer.serialize_json(workflow))
    time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    started = time.perf_counter()
    for state in states:
        workflow = serializer.deserialize_json(state)
        workflow.refresh_waiting_tasks()
        workflow.do_engine_steps()
        serializer.serialize_json(workflow)
    spent = time.perf_counter() - started
    if not any(task.task_spec.name == "reminded" for task in workflow.get_tasks(state=TaskState.COMPLETED)):
        raise RuntimeError("the bare engine fired nothing")
    return count / spent

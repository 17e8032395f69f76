"""Each kind of edit against each place where an instance may stand: kept or refused, and never harmed.

Refused: exactly where the place itself is gone, with its name. Kept: ids, due times and assignees stay, and the
instance then runs to its end on the new version. One database: what is tried is the engine's own work.
"""

from __future__ import annotations

import pytest

from app import engine
from app.db import transaction
from tests.support.engine_files import flow, lane, process, timer, user_task
from tests.support.procedures import Procedures

pytestmark = pytest.mark.sqlite_only

BEFORE = user_task("before")
MESSAGE = '<bpmn:message id="reply" name="reply"/>'
BODIES = {
    "task": user_task("stay"),
    "timer": user_task("stay")
    + f'<bpmn:boundaryEvent id="late" attachedToRef="stay" cancelActivity="false">{timer("timeDuration", "P1D")}'
    + '</bpmn:boundaryEvent><bpmn:endEvent id="told"/>'
    + flow("late", "told"),
    "parallel": '<bpmn:parallelGateway id="stay"/>'
    + user_task("left")
    + user_task("right")
    + '<bpmn:parallelGateway id="join"/>'
    + flow("stay", "left")
    + flow("stay", "right")
    + flow("left", "join")
    + flow("right", "join"),
    "sub": '<bpmn:subProcess id="stay" name="stay"><bpmn:startEvent id="in"/>'
    + user_task("inside")
    + '<bpmn:endEvent id="out"/>'
    + flow("in", "inside")
    + flow("inside", "out")
    + "</bpmn:subProcess>",
    "many": user_task(
        "stay",
        inner='<bpmn:multiInstanceLoopCharacteristics isSequential="false">'
        "<bpmn:loopCardinality>3</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>",
    ),
    "message": '<bpmn:intermediateCatchEvent id="stay" name="stay">'
    '<bpmn:messageEventDefinition messageRef="reply"/></bpmn:intermediateCatchEvent>',
}
# Where the work is, and where the way leaves the place.
WORK = {"task": ["stay"], "timer": ["stay"], "parallel": ["left", "right"], "sub": ["inside"], "many": ["stay"] * 3, "message": []}  # fmt: skip
# In the middle of a repeated step its neighbours may not change: the turns that are to come would be lost.
REFUSED = {("many", "insert_before"), ("many", "insert_after"), ("many", "gateway")}
EDITS = ("rename", "insert_before", "insert_after", "remove", "role", "gateway")


def diagram(position: str, edit: str = "") -> bytes:
    body, leaves = BODIES[position], "join" if position == "parallel" else "stay"
    ids = [one for one in ("stay", "left", "right") if f'userTask id="{one}"' in body]
    ids += ["inside"] if position == "sub" else []
    more, way = "", ["start", "before", "stay", "end"]
    ins, outs = "stay", leaves
    if edit == "insert_before":
        more, way = user_task("added"), ["start", "before", "added", "stay", "end"]
    if edit == "insert_after":
        more, way = user_task("added"), ["start", "before", "stay", "added", "end"]
    if edit == "gateway":
        more = '<bpmn:exclusiveGateway id="choice" default="plain"/>' + user_task("added")
        more += flow("choice", "added", "known") + flow("choice", "end", id="plain") + flow("added", "end")
        way = ["start", "before", "stay", "choice"]
    flows = "".join(flow(outs if a == "stay" else a, ins if b == "stay" else b) for a, b in zip(way, way[1:], strict=False))  # fmt: skip
    if edit == "gateway":
        ids.append("added")
    if edit in ("insert_before", "insert_after"):
        ids.append("added")
    role = "客服回访" if edit == "role" else "客服助理"
    lanes = lane("before", *ids, name=role)
    text = (
        lanes + '<bpmn:startEvent id="start"/>' + BEFORE + body + more + '<bpmn:endEvent id="end"/>' + flows
    )
    xml = process(text, outside=MESSAGE if position == "message" else "").decode()
    if edit == "rename":
        xml = xml.replace('name="stay"', 'name="别名"').replace('name="left"', 'name="别名"').replace('name="inside"', 'name="别名"')  # fmt: skip
    if edit == "remove":
        for one in ("stay", "left", "inside"):
            xml = xml.replace(f'"{one}"', f'"{one}_new"').replace(f">{one}<", f">{one}_new<")
            xml = xml.replace(f"{one}__", f"{one}_new__").replace(f"__{one}", f"__{one}_new")
    return xml.encode()


def deploy(desk: Procedures, content: bytes) -> int:
    with transaction():
        engine.deploy({"p.bpmn": content}, actor=desk.actor, now=desk.now)
    return engine.latest_version("p").id


def run_to_the_end(desk: Procedures) -> None:
    if not desk.items():
        desk.send("reply", instance_id=desk.instance)
    for _step in range(8):
        for item in desk.items():
            desk.complete(item.element)
            break
    assert desk.row().status == "completed"


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("position", BODIES)
def test_an_instance_is_kept_or_refused_and_goes_on_either_way(app_context, position, edit):
    desk = Procedures()
    deploy(desk, diagram(position))
    desk.start("p", known=False)
    desk.complete("before")
    assert desk.open() == sorted(WORK[position])
    items = [(one.id, one.task_id, one.due_at) for one in desk.items()]
    timers = [(one.id, one.due_at) for one in desk.timers()]
    version = deploy(desk, diagram(position, edit))
    desk.now = desk.now.replace(minute=30)
    with desk.as_it_was(), transaction():
        report = engine.migrate(desk.instance, version, dry_run=True, actor=desk.actor, now=desk.now)
    assert bool(report.problems) is (edit == "remove" or (position, edit) in REFUSED), report.problems
    if report.problems:
        gone = "left" if position == "parallel" else "stay"
        assert any(gone in problem for problem in report.problems)
    else:
        with transaction():
            engine.migrate(desk.instance, version, actor=desk.actor, now=desk.now)
        assert desk.row().version_id == version
        assert [(one.id, one.task_id, one.due_at) for one in desk.items()] == items
        assert [(one.id, one.due_at) for one in desk.timers()] == timers
        if edit == "role" and items:
            assert {one.role for one in desk.items()} == {"callback"}
        if edit == "rename" and items and position != "many":
            assert "别名" in {one.name for one in desk.items()}
    run_to_the_end(desk)

"""What is saved is the state alone, in text, and comes back whole."""

import json
import random

import sqlalchemy as sa

from app.db import session, transaction
from app.engine import store
from app.engine.parser import registry
from app.engine.tables import Instance


def _shuffled(value):
    if isinstance(value, dict):
        keys = list(value)
        random.Random(7).shuffle(keys)
        return {key: _shuffled(value[key]) for key in keys}
    return [_shuffled(one) for one in value] if isinstance(value, list) else value


def test_key_order_of_the_stored_state_does_not_matter(desk):
    desk.run("outer", "middle", "inner", again=False)
    desk.complete("register", colour="red")
    for order in (sorted, reversed, list):
        state = desk.state()
        saved = state["workflow"]
        for tree in (saved, *saved["subprocesses"].values()):
            tree["tasks"] = {key: tree["tasks"][key] for key in order(list(tree["tasks"]))}
        with transaction():
            session().execute(
                sa.update(Instance)
                .where(Instance.id == desk.instance)
                .values(state=json.dumps(_shuffled(state)))
            )
        assert desk.data("inner_work") == {"again": False, "colour": "red"}
    desk.complete("inner_work")
    assert desk.open() == ["middle_check"]


def test_a_saved_state_holds_no_specs(desk):
    desk.run("outer", "middle", "inner", again=False)
    desk.complete("register")
    assert "task_specs" not in desk.row().state
    assert '"spec":{' not in desk.row().state
    assert len(desk.row().state) < 15_000


def test_running_instances_does_not_change_the_specs_they_share(desk):
    desk.run("outer", "middle", "inner", business_key="K1", again=True)
    shared = store.version(desk.row().version_id).specs
    before = [
        json.dumps(registry.convert(spec), default=str) for spec in (shared.spec, *shared.subs.values())
    ]
    desk.complete("register")
    desk.complete("inner_work")
    desk.wake(hours=20)
    desk.send("customer_withdraws", correlation="K1")
    desk.start("outer", again=False)
    after = [json.dumps(registry.convert(spec), default=str) for spec in (shared.spec, *shared.subs.values())]
    assert after == before
    assert desk.open() == ["register"]


def test_every_step_works_on_a_restored_instance_in_another_process(desk, app_context):
    """A new process has none of the versions in memory; loops must find their way back to their parents."""
    desk.run("departments", departments=["platform", "quality"], again=False)
    while desk.items():
        app_context.extensions.pop("procedure_versions")
        desk.complete(desk.items()[0].element, feedback_text="好")
    assert desk.row().status == "completed"


def test_a_version_of_a_transaction_that_failed_is_not_remembered(desk, app_context):
    desk.deploy("simple")
    try:
        with transaction():
            from app import engine
            from app.accounts.actor import SYSTEM
            from tests.support.procedures import FIXTURES

            text = (FIXTURES / "simple.bpmn").read_text().replace("判定", "裁定")
            engine.deploy({"simple.bpmn": text}, actor=SYSTEM, now=desk.now)
            engine.start("simple", actor=SYSTEM, now=desk.now)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    desk.deploy("simple", change=lambda text: text.replace("判定", "认定"))
    desk.start("simple")
    assert desk.item("judge").name == "认定"

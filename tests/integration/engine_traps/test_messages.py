"""Messages reach the one instance that waits, or are kept until one does."""

import pytest

from app import engine
from app.db import session, transaction
from app.engine.tables import KeptMessage
from app.errors import Invalid, Refused


def test_a_message_reaches_the_instance_with_its_business_key_and_no_other(desk):
    other = desk.run("rounds", business_key="K1", dissatisfied=False)
    mine = desk.start("rounds", business_key="K2", dissatisfied=False)
    found = desk.send("customer_withdraws", correlation="K2")
    assert isinstance(found, engine.Delivered)
    assert found.instance_id == mine
    assert desk.row().status == "completed"
    desk.instance = other
    assert desk.open() == ["ask"]


def test_a_withdrawal_ends_all_that_is_open_three_calls_deep(desk):
    desk.run("outer", "middle", "inner", business_key="K1", again=False)
    desk.complete("register")
    assert desk.open() == ["inner_work"]
    desk.send("customer_withdraws", correlation="K1")
    assert desk.row().status == "completed"
    assert not desk.items()
    assert not desk.timers()
    assert not desk.messages()
    states = desk.states()
    assert (states["inner_work"], states["call_inner"], states["withdrawn"]) == (
        "cancelled",
        "cancelled",
        "done",
    )


def test_a_message_that_comes_too_early_is_kept_for_the_first_who_waits(desk):
    desk.deploy("reply")
    kept = desk.send("customer_replies", correlation="K1", payload={"text": "好的"})
    assert isinstance(kept, engine.Kept)
    desk.start("reply", business_key="K2")
    assert not desk.items()
    desk.start("reply", business_key="K1")
    assert desk.open() == ["read"]
    assert desk.data("read")["reply"] == {"text": "好的"}
    assert session().get(KeptMessage, kept.kept_message_id) is None


def test_a_message_without_the_fields_the_diagram_correlates_by_still_arrives(desk):
    """The library evaluates the correlation on the payload again when it is caught: a NameError in mid-step."""

    def correlated(text):
        key = (
            '<bpmn:collaboration id="c"><bpmn:participant id="p" processRef="reply" />'
            '<bpmn:correlationKey id="k" name="case"><bpmn:correlationPropertyRef>number</bpmn:correlationPropertyRef>'
            '</bpmn:correlationKey></bpmn:collaboration><bpmn:correlationProperty id="number" name="number">'
            '<bpmn:correlationPropertyRetrievalExpression messageRef="customer_replies"><bpmn:messagePath>number'
            "</bpmn:messagePath></bpmn:correlationPropertyRetrievalExpression></bpmn:correlationProperty>"
        )
        start = '<bpmn:startEvent id="start" name="start">'
        variables = (
            "<bpmn:extensionElements><spiffworkflow:properties>"
            '<spiffworkflow:property name="variables" value="number" />'
            "</spiffworkflow:properties></bpmn:extensionElements>"
        )
        text = text.replace(start, start + variables)
        return text.replace("  <bpmn:process ", key + "  <bpmn:process ", 1)

    desk.deploy("reply", change=correlated)
    desk.start("reply", business_key="K1", number="A7")
    assert [message.correlation for message in desk.messages()] == ["A7"]
    found = desk.send("customer_replies", correlation="A7", payload={"words": "收到"})
    assert isinstance(found, engine.Delivered)
    assert desk.data("read")["reply"] == {"words": "收到"}


def test_a_message_can_be_addressed_to_an_instance(desk):
    instance = desk.run("reply")
    desk.start("reply")
    found = desk.send("customer_replies", instance_id=instance)
    assert found.instance_id == instance
    with pytest.raises(TypeError), transaction():
        engine.send_message("customer_replies", now=desk.now)


def test_a_payload_that_would_break_the_instance_is_refused(desk):
    desk.run("reply", business_key="K1")
    with desk.as_it_was(), pytest.raises(Invalid):
        desk.send("customer_replies", correlation="K1", payload={"typename": "UUID"})


def test_a_message_is_for_one_wait_only(desk):
    desk.run("reply", business_key="K1")
    assert isinstance(desk.send("customer_replies", correlation="K1"), engine.Delivered)
    assert isinstance(desk.send("customer_replies", correlation="K1"), engine.Kept)


def test_a_message_to_a_suspended_instance_waits_until_it_goes_on(desk):
    instance = desk.run("reply", business_key="K1")
    with transaction():
        engine.suspend(instance, "核实", actor=desk.actor, now=desk.now)
    assert isinstance(desk.send("customer_replies", correlation="K1"), engine.Kept)
    assert not desk.items()
    with transaction():
        engine.resume(instance, actor=desk.actor, now=desk.now)
    assert desk.open() == ["read"]
    with pytest.raises(Refused), transaction():
        engine.resume(instance, actor=desk.actor, now=desk.now)


def test_a_message_thrown_by_one_procedure_reaches_another(desk):
    waiting = desk.run("reply", business_key="K1")
    desk.run("sender", business_key="K1", words="明天到货")
    desk.complete("write")
    assert desk.row().status == "completed"
    desk.instance = waiting
    assert desk.data("read")["reply"] == {"text": "明天到货"}


def test_a_message_wait_that_moves_along_with_the_steps_is_one_row(desk):
    desk.run("rounds", business_key="K1", dissatisfied=False)
    (first,) = desk.messages()
    desk.complete("ask")
    (second,) = desk.messages()
    assert (first.id, first.element) == (second.id, "withdrawn_ask")
    assert second.element == "withdrawn_answer"
    desk.complete("answer")
    assert not desk.messages()

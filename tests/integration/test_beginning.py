"""Beginning a procedure by hand: who is offered it, what they are asked, and that it begins once."""

from __future__ import annotations

import re
import threading

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.engine.tables import Instance, WorkItem
from tests.factories import Desk
from tests.integration.case_pages import signed_in
from tests.support.engine_files import flow, lane, process, properties


def diagram(**start: str) -> bytes:
    """A procedure of one step for agents whose start has these properties."""
    body = (
        f'{lane("look")}<bpmn:startEvent id="start">{properties(**start)}</bpmn:startEvent>'
        '<bpmn:manualTask id="look" name="查配件"/><bpmn:endEvent id="end"/>'
    )
    return process(body + flow("start", "look") + flow("look", "end"), id="spares")


def deploy(**start: str) -> None:
    with transaction():
        engine.deploy({"spares.bpmn": diagram(**start)}, actor=SYSTEM, now=clock.now())


@pytest.fixture
def desk(app):
    with app.app_context():
        found = Desk(app)
        deploy(startedBy="agent, supervisor", variables="amount, spare")
        close_read_session()
    yield found
    with app.app_context():
        found.close()


def begun(app) -> list[Instance]:
    with app.app_context():
        rows = session().scalars(sa.select(Instance).where(Instance.start_key.is_not(None))).all()
        session().expunge_all()
        close_read_session()
    return list(rows)


def asked(client) -> dict[str, str]:
    page = client.get("/inbox/begin/spares").text
    return {"once": re.search(r'name="once" value="([^"]+)"', page)[1]}


def test_an_agent_begins_a_procedure_and_is_led_to_its_first_task(app, desk):
    agent = signed_in(app, "agent", "en")
    assert "/inbox/begin/spares" in agent.get("/inbox").text
    form = asked(agent)
    bare = agent.post("/inbox/begin/spares", data={**form, "title": "", "value-amount": "2"})
    assert bare.status_code == 422 and 'value="2"' in bare.text and begun(app) == []
    given = {**form, "title": "给车队配一台终端", "value-amount": "2", "value-spare": "terminal"}
    answer = agent.post("/inbox/begin/spares", data=given)
    with app.app_context():
        (item,) = session().scalars(sa.select(WorkItem).where(WorkItem.element == "look"))
        assert (item.title, item.status) == ("给车队配一台终端", "claimed")
        assert engine.item_data(item.id) == {"amount": 2, "spare": "terminal"}
        close_read_session()
    assert answer.location.endswith(f"/inbox/{item.id}")
    assert "给车队配一台终端" in agent.get(answer.location).text


def test_a_value_is_a_number_only_where_it_can_be_nothing_else(app, desk):
    agent = signed_in(app, "agent")
    typed = {
        "12": 12,
        "1.5": 1.5,
        "0012": "0012",
        "true": True,
        "nan": "nan",
        "9" * 40: "9" * 40,
        "终端": "终端",
    }
    for text, value in typed.items():
        agent.post(
            "/inbox/begin/spares",
            data={**asked(agent), "title": text, "value-amount": text, "value-spare": "x"},
        )
        with app.app_context():
            item = session().scalar(sa.select(WorkItem.id).where(WorkItem.title == text))
            assert engine.item_data(item)["amount"] == value
            close_read_session()


def test_a_procedure_whose_first_steps_fail_is_not_begun_and_what_was_typed_stays(app, desk, caplog):
    script = '<bpmn:scriptTask id="s"><bpmn:script>half = 10 / amount</bpmn:script></bpmn:scriptTask>'
    body = (
        f'{lane("look", "s")}<bpmn:startEvent id="start">{properties(startedBy="agent", variables="amount")}'
        f'</bpmn:startEvent>{script}<bpmn:manualTask id="look" name="查配件"/><bpmn:endEvent id="end"/>'
    )
    body += flow("start", "s") + flow("s", "look") + flow("look", "end")
    with app.app_context():
        with transaction():
            engine.deploy({"spares.bpmn": process(body, id="spares")}, actor=SYSTEM, now=clock.now())
        close_read_session()
    agent = signed_in(app, "agent", "en")
    given = {**asked(agent), "title": "一台终端", "value-amount": "0"}
    answer = agent.post("/inbox/begin/spares", data=given)
    assert answer.status_code == 409 and 'value="一台终端"' in answer.text
    # Nobody has been told by the desk: there is no instance that operators could look at.
    assert "tell the process designers" in answer.text and "operators have been told" not in answer.text
    assert "spares could not be begun, at s" in caplog.text and begun(app) == []


def test_the_same_form_sent_twice_begins_it_once_even_at_the_same_moment(app, desk):
    clients = [signed_in(app, "agent"), signed_in(app, "agent")]
    given = {**asked(clients[0]), "title": "一台终端", "value-amount": "1", "value-spare": "x"}
    answers = []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(one.post("/inbox/begin/spares", data=given)))
        for one in clients
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    answers.append(clients[0].post("/inbox/begin/spares", data=given))
    assert [one.status_code for one in answers] == [303] * 3
    assert len({one.location for one in answers}) == 1 and len(begun(app)) == 1


def test_it_is_offered_to_the_roles_that_the_diagram_names_and_to_nobody_else(app, desk):
    technician = signed_in(app, "technician")
    assert "/inbox/begin/" not in technician.get("/inbox").text
    assert technician.get("/inbox/begin/spares").status_code == 403
    assert technician.post("/inbox/begin/spares", data={"title": "x"}).status_code == 403
    assert signed_in(app, "agent").get("/inbox/begin/customer_issue").status_code == 403
    assert begun(app) == []


def test_a_later_version_that_nobody_may_begin_is_offered_no_longer(app, desk):
    agent = signed_in(app, "agent")
    assert "/inbox/begin/spares" in agent.get("/inbox").text
    with app.app_context():
        deploy(variables="amount, spare")
        close_read_session()
    assert "/inbox/begin/spares" not in agent.get("/inbox").text


def test_who_may_begin_it_may_do_so_over_rest_too(app, desk, outside):
    body = {"variables": {"amount": 1, "spare": "x"}}
    assert outside["agent"].post("/procedures/spares/instances", body).status_code == 201
    assert outside["technician"].post("/procedures/spares/instances", body).status_code == 403


ELSEWHERE = b">%s</bpmn:manualTask>" % properties(startedBy="agent").encode()


@pytest.mark.parametrize(
    "content",
    [
        diagram(startedBy="agent, nobody"),
        diagram().replace('name="查配件"/>'.encode(), b"name='x'" + ELSEWHERE),
    ],
)
def test_a_role_that_does_not_exist_and_a_wrong_place_are_errors(app_context, content):
    found = [one for one in engine.check({"spares.bpmn": content}) if one.rule == "bad-property"]
    assert [one.level for one in found] == ["error"]

"""English names that designers write in their diagrams: on every English screen from the deployment on."""

from __future__ import annotations

import pytest

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, transaction
from app.designer import service
from app.procedures.diagrams import translated
from app.web.i18n import content
from tests.factories import Desk
from tests.integration.case_pages import signed_in
from tests.support.engine_files import flow, lane, properties

NAMES = {
    "step": "Look up the spare part",
    "process": "Spare parts",
    "lane": "Front desk",
    "flow": "no more parts",
}


def diagram(english: dict[str, str] = NAMES, step: str = "查配件") -> bytes:
    """A procedure of one step, its Chinese names with these English ones."""
    words = {name: properties(nameEn=value) for name, value in english.items()}
    lanes = lane("look", name="客服助理").replace(
        "><bpmn:flowNodeRef>", f">{words.get('lane', '')}<bpmn:flowNodeRef>", 1
    )
    return (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" id="d" targetNamespace="t">'
        f'<bpmn:process id="spares" name="配件查询流程" isExecutable="true">{words.get("process", "")}{lanes}'
        f'<bpmn:startEvent id="start"/><bpmn:manualTask id="look" name="{step}">{words.get("step", "")}</bpmn:manualTask>'
        f'<bpmn:endEvent id="end"/>{flow("start", "look")}'
        f'<bpmn:sequenceFlow id="f" name="查完了" sourceRef="look" targetRef="end">{words.get("flow", "")}</bpmn:sequenceFlow>'
        "</bpmn:process></bpmn:definitions>"
    ).encode()


def deploy(content: bytes) -> None:
    with transaction():
        engine.deploy({"spares.bpmn": content}, actor=SYSTEM, now=clock.now())


@pytest.fixture
def desk(app):
    with app.app_context():
        found = Desk(app)
        deploy(diagram())
        with transaction():
            engine.start("spares", {}, actor=SYSTEM, now=clock.now())
        close_read_session()
    yield found
    with app.app_context():
        found.close()


def test_an_agent_reads_the_english_that_the_designer_wrote(app, desk):
    assert "Look up the spare part" in signed_in(app, "agent", "en").get("/inbox").text
    chinese = signed_in(app, "agent", "zh").get("/inbox").text
    assert "查配件" in chinese and "Look up the spare part" not in chinese


def test_the_drawing_of_a_version_shows_its_own_names_and_later_ones_count_elsewhere(app, desk):
    with app.app_context():
        deploy(diagram({**NAMES, "step": "Find the part"}))
        close_read_session()
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert content("查配件") == "Find the part"
        drawn = translated(diagram()).decode()
        close_read_session()
    assert all(f'name="{english}"' in drawn for english in NAMES.values())


def test_a_name_that_the_designer_no_longer_translates_keeps_what_is_known(app, desk):
    with app.app_context():
        deploy(diagram({}))
        close_read_session()
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert content("查配件") == "Look up the spare part"
        close_read_session()


def test_a_new_procedure_begins_with_its_english_name(app, desk):
    with app.app_context():
        with transaction():
            draft = service.start(
                "parts_call",
                "配件催办",
                "parts",
                ["agent"],
                english='Parts & "calls"',
                actor=SYSTEM,
                now=clock.now(),
            )
            draft_id = draft.id
        with transaction():
            service.publish(draft_id, "v1", actor=SYSTEM, now=clock.now())
        close_read_session()
    assert "Parts &amp; &#34;calls&#34;" in signed_in(app, "designer", "en").get("/procedures").text

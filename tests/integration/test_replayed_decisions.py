"""What closed cases were decided is kept, and a draft's tables are asked the same before they count."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app import clock, engine
from app.accounts.actor import SYSTEM
from app.db import close_read_session, session, transaction
from app.designer import replaying, service
from app.designer.tables import ProcedureDraft
from app.engine.deploy import latest_files
from app.engine.tables import Event
from tests.factories import Desk
from tests.integration.case_pages import signed_in
from tests.support.engine_files import lane, line, process, user_task
from tests.support.procedures import Procedures

TABLE = "complaints/callback.dmn"


@pytest.fixture
def desk(app):
    with app.app_context():
        made = Desk(app)
        close_read_session()
        yield made
        close_read_session()
        made.close()


@pytest.fixture
def closed(desk):
    """Two cases called back and archived, one still waiting for its call."""
    cases = [desk.receive(title=f"油耗报表不符 {n}").analyse("platform") for n in range(3)]
    for case in cases:
        case.do("judge", can_solve=False)
        case.do("refer")
        case.do("solve")
    for case in cases:
        case.until_callback()
    for case in cases[:2]:
        case.call()
        case.do("archive")
    close_read_session()
    return cases


def files_with(**changed):
    files = dict(latest_files())
    close_read_session()
    for name, (old, new) in changed.items():
        path = f"complaints/{name}.dmn"
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return files


def decisions():
    rows = session().scalars(sa.select(Event).where(Event.kind == "decision.made").order_by(Event.id)).all()
    close_read_session()
    return rows


def test_a_decision_is_kept_with_what_it_was_asked_and_its_row(closed):
    made = [one.data for one in decisions() if one.data["decision"] == "callback"]
    assert len(made) >= 2
    assert made[0]["inputs"]["klass"] == "platform"
    assert made[0]["row"] and made[0]["outputs"]["days"] is not None


def test_the_same_tables_decide_the_same_and_only_closed_cases_are_asked(closed):
    result = replaying.replay(files_with(), 50)
    close_read_session()
    asked = {table.decision: table for table in result.tables}
    assert result.instances == 2
    assert asked["callback"].asked == 2
    assert all(not table.otherwise for table in result.tables)
    assert replaying.replay(files_with(), 1).instances == 1


def test_a_changed_table_says_which_cases_would_have_gone_another_way(closed):
    before = {one.data["outputs"]["days"] for one in decisions() if one.data["decision"] == "callback"}
    files = files_with()
    days = next(iter(before))
    old = f"<text>{days}</text>".encode()
    files[TABLE] = files[TABLE].replace(old, b"<text>9</text>")
    found = next(one for one in replaying.replay(files, 50).tables if one.decision == "callback")
    assert len(found.otherwise) == 2
    assert ("days", days, 9) in found.otherwise[0].changed
    assert {one.case_number for one in found.otherwise} == {case.row.number for case in closed[:2]}


def test_a_table_that_reads_what_nobody_knew_has_no_answer(closed):
    files = files_with(callback=(b"<text>klass</text>", b"<text>mileage</text>"))
    found = next(one for one in replaying.replay(files, 50).tables if one.decision == "callback")
    assert found.otherwise and all("mileage" in one.problem for one in found.otherwise)


def test_the_page_shows_it_for_a_draft(app, desk, closed):
    with transaction():
        draft_id = service.open_version("callback", actor=desk.actor("designer"), now=clock.now()).id
        draft = session().get_one(ProcedureDraft, draft_id)
        assert draft.key == "callback"
    designer = signed_in(app, "designer")
    page = designer.get(f"/designer/{draft_id}/replay?n=1000").text
    assert "询问 2 次" in page and "全部相同" in page
    assert "/replay" in designer.get(f"/designer/{draft_id}/publish").text
    assert designer.get(f"/designer/{draft_id}/replay?n=7").status_code == 200


def test_only_designers_may(app):
    with app.app_context():
        Desk(app).close()
        with transaction():
            draft_id = service.open_version("callback", actor=SYSTEM, now=clock.now()).id
    assert signed_in(app, "agent").get(f"/designer/{draft_id}/replay").status_code == 403


DMN = b"""<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="t">
<decision id="size" name="size"><decisionTable id="size_table" hitPolicy="FIRST">
<input id="i" label="n"><inputExpression id="e" typeRef="number"><text>n</text></inputExpression></input>
<output id="o" name="size" typeRef="string"/>
<rule id="r1"><inputEntry id="a"><text>&gt; 10</text></inputEntry>
<outputEntry id="b"><text>"large"</text></outputEntry></rule>
<rule id="r2"><inputEntry id="c"><text></text></inputEntry>
<outputEntry id="f"><text>"small"</text></outputEntry></rule>
</decisionTable></decision></definitions>"""
CALLED = "<spiffworkflow:calledDecisionId>size</spiffworkflow:calledDecisionId>"
EACH = (
    '<bpmn:multiInstanceLoopCharacteristics isSequential="false"><bpmn:loopDataInputRef>many</bpmn:loopDataInputRef>'
    '<bpmn:inputDataItem id="n" name="n"/></bpmn:multiInstanceLoopCharacteristics>'
)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("before", "each", "kept"),
    [
        ("", EACH, [({"n": 3}, 2, "small"), ({"n": 30}, 1, "large")]),
        # What a script of the step itself gave is asked of the table, and is not what came to the step.
        ("<spiffworkflow:preScript>n = n * 100</spiffworkflow:preScript>", "", []),
        ("", "", [({"n": 5}, 2, "small")]),
    ],
    ids=["each of many", "after a script", "plainly"],
)
def test_every_table_is_asked_as_before_whether_or_not_it_can_be_kept(app_context, before, each, kept):
    rule = (
        f'<bpmn:businessRuleTask id="rule"><bpmn:extensionElements>{CALLED}{before}</bpmn:extensionElements>'
        f"{each}</bpmn:businessRuleTask>"
    )
    given = '<bpmn:scriptTask id="given"><bpmn:script>%s = 5</bpmn:script></bpmn:scriptTask>'
    given %= "other" if each else "n"
    content = process(lane("look") + line(given, rule, user_task("look"), ids=("given", "rule", "look")))
    desk = Procedures()
    with transaction():
        engine.deploy({"p.bpmn": content, "size.dmn": DMN}, actor=desk.actor, now=desk.now)
    desk.start("p", many=[3, 30])
    assert desk.open() == ["look"]
    made = [(one.data["inputs"], one.data["row"], one.data["outputs"]["size"]) for one in decisions()]
    assert sorted(made, key=str) == sorted(kept, key=str)


@pytest.mark.sqlite_only
def test_what_was_said_but_could_not_be_kept_does_not_count_as_another_way(app_context):
    collecting = DMN.replace(b'hitPolicy="FIRST"', b'hitPolicy="COLLECT"')
    rule = f'<bpmn:businessRuleTask id="rule"><bpmn:extensionElements>{CALLED}</bpmn:extensionElements></bpmn:businessRuleTask>'
    given = '<bpmn:scriptTask id="given"><bpmn:script>n = 30</bpmn:script></bpmn:scriptTask>'
    content = process(lane() + line(given, rule, ids=("given", "rule")))
    desk = Procedures()
    with transaction():
        engine.deploy({"p.bpmn": content, "size.dmn": collecting}, actor=desk.actor, now=desk.now)
    desk.start("p")
    assert [one.data["outputs"] for one in decisions()] == [{}]  # a list
    (table,) = replaying.replay({"size.dmn": collecting}, 50).tables
    close_read_session()
    assert (table.asked, table.otherwise) == (1, [])

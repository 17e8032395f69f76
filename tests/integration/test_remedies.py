"""Real failures of real steps are explained by their cause, in the language of who reads."""

from __future__ import annotations

import pytest
from flask_babel import force_locale

from app.errors import StepFailed
from app.procedures.remedies import remedy
from tests.integration.test_migration_matrix import deploy
from tests.support.engine_files import flow, lane, process, user_task
from tests.support.procedures import Procedures

pytestmark = pytest.mark.sqlite_only
ENDS = '<bpmn:startEvent id="start"/><bpmn:endEvent id="end"/>' + lane("first") + user_task("first")


def failure(body: str) -> str:
    """Return what the engine said when the step after the first could not be done."""
    desk = Procedures()
    deploy(desk, process(ENDS + flow("start", "first") + body))
    desk.start("p")
    with pytest.raises(StepFailed) as failed:
        desk.complete("first")
    return failed.value.detail


SCRIPT = '<bpmn:scriptTask id="sum"><bpmn:script>total = amount + 1</bpmn:script></bpmn:scriptTask>'
FAILURES = {
    "reads a value": SCRIPT + flow("first", "sum") + flow("sum", "end"),
    "met what it did not expect": SCRIPT.replace("amount + 1", "1 / 0")
    + flow("first", "sum")
    + flow("sum", "end"),
}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("words", FAILURES)
def test_a_failed_step_has_a_cause_and_a_remedy(app_context, words, language):
    with force_locale(language):
        said = failure(FAILURES[words])
    with force_locale("en"):
        cause, advice = remedy(said)
    assert words in cause and advice
    with force_locale("zh"):
        assert remedy(said)[0] != cause


def test_each_known_failure_is_told_from_the_others():
    seen = {
        remedy(said)
        for said in (
            "“x” has no value here.",
            "There is no connector “sms”.",
            "No row of the decision “triage” fits.",
            "the step needs more than 1000 tasks; does the process call itself?",
            "nothing is waited for any more; open: join",
            "WorkflowException: No conditions satisfied for choice",
            "ConnectionError: refused",
            "KeyError: 'bug'",
        )
    }
    assert len(seen) == 8

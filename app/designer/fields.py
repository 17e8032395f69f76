"""The fields of the properties panel, group by group.

Each field: {"key", "label", "help", "kind", "on", "check"?, "options"?}; `key` names a way to read and write
the value in js/designer/model.js, `on` lists element types, `kind` is text, area, select, check, mono, code,
lane or parameters.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.engine import naming
from app.engine.lint.elements import CASE_DEADLINES
from app.engine.startable import STARTED_BY

WORK = ["userTask", "manualTask", "task"]
TASKS = [
    *WORK, "serviceTask", "scriptTask", "businessRuleTask", "sendTask", "receiveTask", "callActivity",
    "subProcess", "transaction",
]  # fmt: skip
THROWING = ["endEvent", "intermediateThrowEvent"]
CATCHING = ["startEvent", "intermediateCatchEvent", "boundaryEvent"]
EVENTS = [*CATCHING, *THROWING]
GATEWAYS = ["exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway"]
NODES = [*TASKS, *EVENTS, *GATEWAYS]
PROCESS = ["participant", "process", "collaboration"]
ANY = ["*"]
MESSAGES = [*EVENTS, "sendTask", "receiveTask"]


def groups() -> list[dict[str, Any]]:
    """Return the groups of fields, in their order."""
    return [
        _group("general", _("General"), _general()),
        _group("work", _("Who does it, with which form"), _work()),
        _group("time", _("Time"), _time()),
        _group("flow", _("Which way it goes"), _flow()),
        _group("does", _("What it does"), _does()),
        _group("messages", _("Messages and events"), _messages()),
        _group("repeat", _("Repetition"), _repeat()),
        _group("case", _("The case"), _case()),
        _group("data", _("Process data"), _data()),
        _group("about", _("Id and description"), _about()),
    ]


def _general() -> list[dict[str, Any]]:
    return [
        _field(
            "name",
            _("What it is called"),
            ANY,
            help=_("In Chinese, as people read it."),
        ),
        _field(
            f"prop:{naming.ENGLISH}",
            _("Its name in English"),
            ANY,
            help=_("What English screens show. Empty: the catalogue's translation, else the Chinese."),
        ),
        _field(
            "lane_role",
            _("Role of this lane"),
            ["lane"],
            "select",
            options="roles",
            help=_("A step is offered to the holders of its lane's role."),
        ),
        _field(
            "process_id",
            _("Id of the process"),
            PROCESS,
            "mono",
            help=_("Other diagrams call it by this; it is also the file's name."),
        ),
        _field("executable", _("It can be run"), PROCESS, "check"),
    ]


def _about() -> list[dict[str, Any]]:
    return [
        _field(
            "id",
            _("Id"),
            [*NODES, "sequenceFlow", "lane"],
            "mono",
            help=_("Tests, tables and other steps call it by this; waiting cases too, so change it rarely."),
        ),
        _field(
            "documentation",
            _("Description"),
            [*NODES, *PROCESS],
            "area",
            help=_("For whoever reads the diagram; nobody at work sees it."),
        ),
    ]


def _work() -> list[dict[str, Any]]:
    return [
        _field(
            "lane", _("Role (lane)"), NODES, "lane", help=_("Choosing another moves the step into its lane.")
        ),
        _field(
            "prop:formJsonSchemaFilename",
            _("Form"),
            ["userTask"],
            "select",
            options="forms",
            opens=True,
            help=_("What is asked at this step."),
        ),
        _field(
            "camunda:candidateGroups",
            _("Only for"),
            WORK,
            "mono",
            check="words",
            help=_('Narrows the role down: department (a variable), "repairpoint:" + repair_point.'),
        ),
        _field(
            "camunda:assignee",
            _("Given to"),
            WORK,
            "mono",
            check="words",
            help=_("A username, or an expression that gives one; usually empty."),
        ),
        _field(
            "camunda:priority",
            _("Priority"),
            WORK,
            "mono",
            check="words",
            help=_("1 high, 2 normal, 3 low, or an expression."),
        ),
        _field(
            "prop:separateFrom",
            _("Not by who did"),
            WORK,
            "mono",
            help=_("Ids of steps: who did one of them does not take this one, where somebody else can."),
        ),
    ]


def _time() -> list[dict[str, Any]]:
    events = ["startEvent", "intermediateCatchEvent", "boundaryEvent"]
    return [
        _field("timer_kind", _("It fires"), events, "select", options="timers", event="timer"),
        _field(
            "timer",
            _("Time"),
            events,
            "code",
            check="timer",
            event="timer",
            help=_(
                'PT8H, P1D, 2026-12-01T09:00, R3/P1D; working_time("PT8H") and working_days(3) count '
                'opening time, ladder(decide("allowance", step="…")) reminds and escalates.'
            ),
        ),
        _field(
            "interrupting",
            _("Ends the step when it happens"),
            ["boundaryEvent"],
            "check",
            help=_("Off: the step goes on, and something else happens beside it."),
        ),
        _field(
            "prop:escalation",
            _("Whom the escalation tells"),
            ["endEvent"],
            "mono",
            help=_(
                "assignee and role keys, for the first, second and third firing: "
                "assignee, supervisor, manager."
            ),
        ),
        _field(
            "camunda:dueDate",
            _("Due"),
            WORK,
            "mono",
            check="words",
            help=_("Only without a deadline at the step's edge: a date or an expression."),
        ),
        _field(
            "camunda:followUpDate",
            _("Not before"),
            WORK,
            "mono",
            check="words",
            help=_("Until then it stands under “later” in the inbox."),
        ),
    ]


def _flow() -> list[dict[str, Any]]:
    return [
        _field(
            "condition",
            _("Condition"),
            ["sequenceFlow"],
            "code",
            check="condition",
            help=_('When this way is gone: can_solve, severity == "high", rounds_done >= rounds.'),
        ),
        _field(
            "is_default",
            _("Otherwise this way"),
            ["sequenceFlow"],
            "check",
            help=_("Gone when no other condition holds; needs none itself."),
        ),
        _field(
            "default",
            _("Otherwise"),
            ["exclusiveGateway", "inclusiveGateway"],
            "flows",
            help=_("The way that is gone when no condition holds. Without one, a case can stand still here."),
        ),
    ]


def _does() -> list[dict[str, Any]]:
    return [
        _field(
            "called",
            _("Process"),
            ["callActivity"],
            "select",
            options="processes",
            opens=True,
            help=_("What it sets, this process sees afterwards."),
        ),
        _field(
            "decision",
            _("Decision table"),
            ["businessRuleTask"],
            "select",
            options="decisions",
            opens=True,
            help=_("Its outputs become variables."),
        ),
        _field(
            "script",
            _("Script"),
            ["scriptTask"],
            "code",
            check="script",
            help=_("Lines of name = expression."),
        ),
        _field(
            "connector",
            _("Connector"),
            ["serviceTask"],
            "select",
            options="connectors",
            help=_("What the desk does by itself at this step."),
        ),
        _field(
            "parameters",
            _("Parameters"),
            ["serviceTask"],
            "parameters",
            check="condition",
            help=_('Each an expression: "supervisor" in quotes is a word, severity a variable.'),
        ),
        _field(
            "result",
            _("Answer goes to"),
            ["serviceTask"],
            "mono",
            help=_("The variable for what the connector answers; empty, if nobody asks."),
        ),
    ]


def _messages() -> list[dict[str, Any]]:
    return [
        _field(
            "message",
            _("Message"),
            MESSAGES,
            "mono",
            event="message",
            help=_("Its name; who sends it names the same: customer_reply."),
        ),
        _field(
            "payload",
            _("What it carries"),
            ["endEvent", "intermediateThrowEvent", "sendTask"],
            "code",
            check="condition",
            event="message",
            help=_('An expression: {"case_no": case_no}.'),
        ),
        _field(
            "signal",
            _("Signal"),
            EVENTS,
            "mono",
            event="signal",
            help=_("Heard by every case that waits for it."),
        ),
        _field(
            "error_code",
            _("Error code"),
            EVENTS,
            "mono",
            event="error",
            help=_("As the connector or the sub-process gives it."),
        ),
        _field(
            "escalation_code",
            _("Escalation code"),
            EVENTS,
            "mono",
            event="escalation",
            help=_("overdue tells those who are named under “Whom the escalation tells”."),
        ),
        _field(
            "event_condition",
            _("Condition"),
            ["startEvent", "intermediateCatchEvent", "boundaryEvent"],
            "code",
            check="condition",
            event="conditional",
            help=_("It happens once this is true."),
        ),
    ]


def _repeat() -> list[dict[str, Any]]:
    return [
        _field(
            "loop_kind",
            _("How"),
            TASKS,
            "loop",
            help=_("Chosen with the wrench beside the element: in a row, side by side, or as a loop."),
        ),
        _field(
            "cardinality",
            _("How often"),
            TASKS,
            "code",
            check="condition",
            loop="multi",
            help=_("A number or an expression; or a list below, not both."),
        ),
        _field(
            "inputs", _("For each of"), TASKS, "mono", loop="multi", help=_("A variable that holds a list.")
        ),
        _field(
            "input_item", _("Called"), TASKS, "mono", loop="multi", help=_("The variable for one of them.")
        ),
        _field(
            "outputs",
            _("Results into"),
            TASKS,
            "mono",
            loop="multi",
            help=_("A list; add the pre-script that empties it: results = []."),
        ),
        _field("output_item", _("Result of one"), TASKS, "mono", loop="multi"),
        _field("completion", _("Enough when"), TASKS, "code", check="condition", loop="multi"),
        _field("loop_condition", _("Again while"), TASKS, "code", check="condition", loop="standard"),
        _field("loop_maximum", _("At most"), TASKS, "mono", loop="standard", help=_("Number of laps.")),
    ]


def _case() -> list[dict[str, Any]]:
    return [
        _field(
            "prop:caseStatus",
            _("Status of the case afterwards"),
            [*TASKS, *EVENTS],
            "select",
            options="statuses",
            help=_("Set once this is done; empty, it stays."),
        ),
        _field(
            "prop:caseDeadlines",
            _("Deadlines of the whole case"),
            ["startEvent"],
            "mono",
            help=_("Of the root alone: %(names)s.", names=", ".join(CASE_DEADLINES)),
        ),
        _field(
            f"prop:{STARTED_BY}",
            _("Who may begin it by hand"),
            ["startEvent"],
            "mono",
            help=_(
                "Keys of roles, separated by commas: agent, supervisor. "
                "They find it in their inbox under “Begin”."
            ),
        ),
        _field(
            "prop:variables",
            _("What the starter gives"),
            ["startEvent"],
            "mono",
            help=_("Variables that are there from the beginning, separated by commas."),
        ),
    ]


def _data() -> list[dict[str, Any]]:
    return [
        _field(
            "ext:preScript",
            _("Before it begins"),
            TASKS,
            "code",
            check="script",
            help=_("Lines of name = expression."),
        ),
        _field(
            "ext:postScript",
            _("After it is done"),
            TASKS,
            "code",
            check="script",
            help=_("Lines of name = expression."),
        ),
    ]


def _group(key: str, label: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {"key": key, "label": label, "fields": fields}


def _field(key: str, label: str, on: list[str], kind: str = "text", **more: Any) -> dict[str, Any]:
    return {"key": key, "label": label, "on": on, "kind": kind, **more}

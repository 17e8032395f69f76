"""Rules about single elements: what the engine cannot do, and what an element must name."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from app.engine import expressions, naming, roles
from app.engine.diagram import FLOW_NODES, SUBPROCESSES, WORK, Element, Process
from app.engine.lint.context import WARNING, Findings, ProcessContext
from app.engine.startable import STARTED_BY, listed
from app.engine.xml import BPMN, NS, Node, local

CASE_STATUSES = ("open", "waiting", "resolved", "closed", "withdrawn")
CASE_DEADLINES = ("first_response", "resolution", "round")
# The decision that says how long they may take.
ALLOWANCE = "allowance"
# Both the engine's own silence and its half-working parts: each of these was seen to go wrong.
UNSUPPORTED = {
    "adHocSubProcess": "ad-hoc",
    "complexGateway": "complex-gateway",
    "transaction": "transaction",
}
SUSPECT = re.compile(r"(?:Task|Event|Gateway|Choreography)$")
MAX_ID = 120
PLACED = FLOW_NODES | {"sequenceFlow"}
PLACES = SUBPROCESSES | {"process"}
ROLE_WORD = re.compile(r"[a-z][a-z_]*(?::\w+)?")


def supported_only(ctx: ProcessContext) -> Findings:
    """Elements that the engine gets wrong are refused at the door."""
    for element in ctx.process.elements.values():
        found = _unsupported(element)
        if found:
            yield ctx.problem(element, *found)
    for node in ctx.process.node.iterdescendants():
        name = local(node)
        if (
            node.tag == f"{{{BPMN}}}{name}"
            and name not in FLOW_NODES
            and SUSPECT.search(name)
            and node.get("id")
        ):
            yield ctx.problem(
                _stand_in(node, ctx.process.id),
                "unsupported-element",
                _("“%(type)s” is not supported.", type=name),
                _("Use a task, event or gateway of the basic set."),
            )
        if node.tag == f"{{{BPMN}}}{name}" and name in PLACED and local(node.getparent()) not in PLACES:
            yield ctx.problem(
                _stand_in(node if node.get("id") else node.getparent(), ctx.process.id),
                "misplaced-element",
                _("“%(type)s” stands inside “%(around)s”.", type=name, around=local(node.getparent())),
                _("Draw it in the process or in a sub-process, not inside another element."),
                line=node.sourceline or 0,
            )
        if name in ("dataStoreReference", "dataStore"):
            yield ctx.problem(
                _stand_in(node, ctx.process.id),
                "data-store",
                _("Data stores are not supported."),
                _("Keep the value in process data, or call a connector."),
            )


def one_event_each(ctx: ProcessContext) -> Findings:
    """Events with several definitions are drawn by few and understood by fewer, the engine included."""
    for element in ctx.process.elements.values():
        if "+" in element.event:
            yield ctx.problem(
                element,
                "several-events",
                _("The event waits for several things at once."),
                _("Draw one event for each, after an event gateway or on the border of the step."),
            )


def references_exist(ctx: ProcessContext) -> Findings:
    """messageRef, signalRef, errorRef and escalationRef point into the same file."""
    ids = {node.get("id") for node in ctx.document.root.iter() if isinstance(node.tag, str)}
    for element in ctx.process.elements.values():
        for node in (element.node, *element.node):
            for attribute in ("messageRef", "signalRef", "errorRef", "escalationRef"):
                reference = node.get(attribute)
                if reference and reference not in ids:
                    yield ctx.problem(
                        element,
                        "dangling-reference",
                        _("It refers to “%(id)s”, which does not exist.", id=reference),
                        _("Choose or create the message, signal, error or escalation."),
                    )


def messages_have_names(ctx: ProcessContext) -> Findings:
    """A message is found by its name."""
    for element in ctx.process.elements.values():
        is_message = "message" in element.event or element.type in ("sendTask", "receiveTask")
        dangling = any(node.get("messageRef") for node in (element.node, *element.node))
        if is_message and not element.event_name and not dangling:
            yield ctx.problem(
                element,
                "message-without-name",
                _("The message has no name."),
                _("Create a message with a name and choose it here."),
            )
    for message in ctx.document.root.iterfind("bpmn:message", NS):
        if not message.get("name"):
            yield ctx.problem(
                _stand_in(message, ""),
                "message-without-name",
                _("The message has no name."),
                _("Give the message the name that its sender uses."),
            )


def lanes_are_roles(ctx: ProcessContext) -> Findings:
    """A lane's name is a role; it decides in whose inbox the work appears."""
    for lane in ctx.process.node.iterfind(".//bpmn:lane", NS):
        if lane.find("bpmn:childLaneSet", NS) is None and not roles.find_key(lane.get("name"), ctx.roles):
            yield ctx.problem(
                _stand_in(lane, ctx.process.id),
                "unknown-role",
                _("The lane “%(name)s” is no role.", name=lane.get("name") or ""),
                _("Name the lane after a role, e.g. %(role)s.", role=ctx.roles[0][1]),
            )


def work_has_somebody(ctx: ProcessContext) -> Findings:
    """A user task in no lane appears in nobody's inbox."""
    for element in ctx.process.elements.values():
        if element.type not in WORK:
            continue
        groups = element.camunda.get("candidateGroups")
        if not groups and not element.camunda.get("assignee") and not element.lane:
            yield ctx.problem(
                element,
                "no-role",
                _("The step lies in no lane, so it would be in nobody's inbox."),
                _("Put it into a lane named after a role, or give it candidate groups."),
            )
        if (
            groups
            and ROLE_WORD.fullmatch(groups)
            and ":" not in groups
            and not roles.find_key(groups, ctx.roles)
        ):
            yield from _unknown_group(ctx, element, groups)
        if element.type == "task":
            yield ctx.problem(
                element,
                "abstract-task",
                _("A task without a type waits for a person, as a user task does."),
                _("Make it a user task, or a script or service task."),
                level=WARNING,
            )


def forms_exist(ctx: ProcessContext) -> Findings:
    """The form that a step names is among the files."""
    for element in ctx.process.elements.values():
        if element.form and not ctx.known.form_path(element.form, ctx.path):
            yield ctx.problem(
                element,
                "missing-form",
                _("The form “%(form)s” is not among the files.", form=element.form),
                _("Add the form, or correct its name."),
            )


def services_are_known(ctx: ProcessContext) -> Findings:
    """A service task names a connector that the application has."""
    for element in ctx.process.elements.values():
        if element.type != "serviceTask":
            continue
        if not element.connector:
            yield ctx.problem(
                element,
                "no-connector",
                _("The service task names no connector."),
                _("Choose a connector, or make it a user task."),
            )
        elif ctx.connectors is not None and element.connector not in ctx.connectors:
            yield ctx.problem(
                element,
                "unknown-connector",
                _("There is no connector “%(name)s”.", name=element.connector),
                _("Choose one of: %(names)s.", names=", ".join(sorted(ctx.connectors))),
            )


def decisions_exist(ctx: ProcessContext) -> Findings:
    """A business rule task names a decision that is among the files."""
    for element in ctx.process.elements.values():
        if element.type == "businessRuleTask" and element.decision not in ctx.known.decisions:
            yield ctx.problem(
                element,
                "missing-decision",
                _("The decision “%(id)s” is not among the files.", id=element.decision or ""),
                _("Add the decision table's file, or correct the id."),
            )


def repetitions_are_complete(ctx: ProcessContext) -> Findings:
    """Repeated steps say how often, and start each lap with an empty result."""
    for element in ctx.process.elements.values():
        loop = element.node.find("bpmn:standardLoopCharacteristics", NS)
        if (
            loop is not None
            and loop.get("loopMaximum") is None
            and loop.find("bpmn:loopCondition", NS) is None
        ):
            yield ctx.problem(
                element,
                "endless-loop",
                _("The loop has neither a condition nor a maximum."),
                _("Enter a condition or a maximum number of laps."),
            )
        many = element.node.find("bpmn:multiInstanceLoopCharacteristics", NS)
        if many is not None:
            yield from _multi_instance(ctx, element, many)


def properties_are_known(ctx: ProcessContext) -> Findings:
    """The properties that the desk reads have values that it understands."""
    everywhere = {id for _path, process in ctx.known.processes.values() for id in process.elements}
    for element in ctx.process.elements.values():
        status = element.properties.get("caseStatus")
        if status and status not in CASE_STATUSES:
            yield ctx.problem(
                element,
                "bad-property",
                _("“%(value)s” is no case status.", value=status),
                _("Use one of: %(names)s.", names=", ".join(CASE_STATUSES)),
            )
        yield from _case_deadlines(ctx, element)
        yield from _started_by(ctx, element)
        for name in listed(element.properties.get("escalation")):
            if name != "assignee" and not roles.find_key(name, ctx.roles):
                yield ctx.problem(
                    element,
                    "bad-property",
                    _("“%(value)s” is no role that an escalation could go to.", value=name),
                    _("List assignee and role keys, separated by commas."),
                )
        for name in listed(element.properties.get("separateFrom")):
            # A called process on its own names its callers' steps, which are not at hand.
            alone = not ctx.process.called and not any(
                ctx.process.id in other.called for _path, other in ctx.known.processes.values()
            )
            if name not in everywhere and not alone:
                yield ctx.problem(
                    element,
                    "bad-property",
                    _("The step “%(value)s” in separateFrom does not exist.", value=name),
                    _("Enter the ids of steps, separated by commas."),
                    level=WARNING,
                )


def _started_by(ctx: ProcessContext, element: Element) -> Findings:
    named = listed(element.properties.get(STARTED_BY))
    for name in named:
        if roles.find_key(name, ctx.roles) != name:
            yield ctx.problem(
                element,
                "bad-property",
                _("“%(value)s” is no role key, so nobody of it can begin the procedure.", value=name),
                _("Use one of: %(names)s.", names=", ".join(sorted(role[0] for role in ctx.roles))),
            )
    if named and (element.type != "startEvent" or element.scope != ctx.process.id):
        yield ctx.problem(
            element,
            "bad-property",
            _("Who may begin it by hand is read at the start of the process only."),
            _("Write it at the start event."),
        )


def _case_deadlines(ctx: ProcessContext, element: Element) -> Findings:
    named = listed(element.properties.get("caseDeadlines"))
    for name in named:
        if name not in CASE_DEADLINES:
            yield ctx.problem(
                element,
                "bad-property",
                _("“%(value)s” is no deadline of a case.", value=name),
                _("Use one of: %(names)s.", names=", ".join(CASE_DEADLINES)),
            )
    if named and ALLOWANCE not in ctx.known.decisions:
        yield ctx.problem(
            element,
            "bad-property",
            _("The deadlines of the case need a decision “%(name)s”, which does not exist.", name=ALLOWANCE),
            _("Add a table with rows for the steps %(names)s.", names=", ".join(named)),
        )


def ids_and_names_fit(ctx: ProcessContext) -> Findings:
    """Work items and the history keep ids and names in columns of a fixed width."""
    places: list[Process | Element] = [ctx.process, *ctx.process.elements.values()]
    for place in places:
        if len(place.id) > MAX_ID or len(place.name) > naming.MAX_NAME:
            yield ctx.problem(
                place,
                "too-long",
                _(
                    "The id is longer than %(id)s or the name longer than %(name)s characters.",
                    id=MAX_ID,
                    name=naming.MAX_NAME,
                ),
                _("Shorten it; details belong into the documentation."),
            )


RULES = (
    ids_and_names_fit,
    supported_only,
    one_event_each,
    references_exist,
    messages_have_names,
    lanes_are_roles,
    work_has_somebody,
    forms_exist,
    services_are_known,
    decisions_exist,
    repetitions_are_complete,
    properties_are_known,
)


def _unsupported(element: Element) -> tuple[str, str, str] | None:
    node = element.node
    if node.get("triggeredByEvent") == "true":
        return (
            "event-subprocess",
            _("Event sub-processes are not supported: the engine ignores what they interrupt."),
            _("Use a boundary event on the steps, or on an embedded sub-process around them."),
        )
    if element.type in UNSUPPORTED:
        return (
            UNSUPPORTED[element.type],
            _("“%(type)s” is not supported.", type=element.type),
            _("Use an embedded sub-process, or exclusive and parallel gateways."),
        )
    if "link" in element.event:
        return (
            "link-event",
            _("Link events are not supported: the path would end without a word."),
            _("Draw the flow all the way, or call another process."),
        )
    if "compensate" in element.event or node.get("isForCompensation") == "true":
        return (
            "compensation",
            _("Compensation is not supported: the engine does nothing."),
            _("Draw the undoing steps as a path of their own."),
        )
    if element.type == "endEvent" and "signal" in element.event:
        return (
            "signal-end",
            _("A signal end event sends nothing: the engine treats it as a plain end."),
            _("Send the signal with an intermediate throw event before a plain end."),
        )
    if "cancel" in element.event:
        return (
            "cancel-event",
            _("Cancel events are not supported."),
            _("Use an error or terminate end event."),
        )
    return None


def _multi_instance(ctx: ProcessContext, element: Element, many: Node) -> Findings:
    counts = [many.find(f"bpmn:{name}", NS) for name in ("loopCardinality", "loopDataInputRef")]
    if (
        any(name.endswith("}collection") for name in many.attrib)
        or sum(count is not None for count in counts) != 1
    ):
        yield ctx.problem(
            element,
            "bad-repetition",
            _("The repeated step needs either a number or a list of inputs."),
            _("Enter a loop cardinality or a loop data input, not both."),
        )
    output = many.findtext("bpmn:loopDataOutputRef", "", NS).strip()
    if output and output not in _reset_before(element):
        again = ctx.in_loop(element.id)
        yield ctx.problem(
            element,
            "output-not-reset",
            _("The list “%(name)s” still holds the results of the lap before.", name=output),
            _("Add the pre-script %(name)s = [] to the step.", name=output),
            level="error" if again else WARNING,
        )


def _reset_before(element: Element) -> set[str]:
    names: set[str] = set()
    for script in element.expressions:
        if script.kind == "preScript" and not expressions.script_check(script.text):
            names |= {target for _read, target in expressions.script_names(script.text)}
    return names


def _unknown_group(ctx: ProcessContext, element: Element, group: str) -> Findings:
    # A bare word may also be a variable; only one that nothing sets is surely meant as a role.
    from app.engine.lint.data import all_names

    if group not in all_names(ctx.known):
        yield ctx.problem(
            element,
            "unknown-role",
            _("The candidate group “%(name)s” is neither a role nor a variable.", name=group),
            _("Use a role key, or an expression that gives one."),
        )


def _stand_in(node: Node, scope: str) -> Element:
    """An element that is no flow node, so that findings can point at it."""
    return Element(node.get("id", ""), local(node), node.get("name", ""), node.sourceline or 0, scope)

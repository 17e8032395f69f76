"""Rules about the drawing: starts, ends, flows, gateways, calls."""

from __future__ import annotations

from flask_babel import gettext as _

from app.engine.diagram import GATEWAYS, TASKS, Element
from app.engine.lint.context import Findings, ProcessContext
from app.engine.xml import NS

CATCHING = ("intermediateCatchEvent", "receiveTask")


def starts_and_ends(ctx: ProcessContext) -> Findings:
    """A process, and each embedded sub-process, begins and ends somewhere."""
    for scope in (ctx.process.id, *ctx.process.scopes):
        place = ctx.process.elements.get(scope) or ctx.process
        if isinstance(place, Element) and place.type == "adHocSubProcess":
            continue
        inside = [element.type for element in ctx.process.elements.values() if element.scope == scope]
        if "startEvent" not in inside:
            yield ctx.problem(
                place, "no-start", _("There is no start event."), _("Draw a start event and connect it.")
            )
        if "endEvent" not in inside:
            yield ctx.problem(
                place, "no-end", _("There is no end event."), _("Draw an end event where the work is done.")
            )


def one_plain_start(ctx: ProcessContext) -> Findings:
    """Two plain starts leave open where a case begins."""
    starts = [e for e in ctx.process.elements.values() if e.type == "startEvent" and not e.event]
    for scope in {start.scope for start in starts}:
        for extra in [start for start in starts if start.scope == scope][1:]:
            yield ctx.problem(
                extra,
                "several-starts",
                _("There is more than one plain start event."),
                _("Keep one start event; let a gateway choose between the ways."),
            )


def flows_have_both_ends(ctx: ProcessContext) -> Findings:
    """A flow that ends in nothing makes the engine speak of two items with one id."""
    for flow in ctx.process.flows:
        source, target = (ctx.process.elements.get(end) for end in (flow.source, flow.target))
        if source is None or target is None:
            missing = flow.source if source is None else flow.target
            yield ctx.problem(
                flow,
                "dangling-flow",
                _("The flow refers to “%(id)s”, which does not exist.", id=missing),
                _("Delete the flow and draw it again."),
            )
        elif source.scope != target.scope:
            yield ctx.problem(
                flow,
                "flow-across-border",
                _("The flow crosses the border of a sub-process."),
                _("End inside the sub-process, and continue from its own border."),
            )


def boundaries_are_attached(ctx: ProcessContext) -> Findings:
    """A boundary event sits on an activity of its process."""
    for element in ctx.process.elements.values():
        if element.type != "boundaryEvent":
            continue
        host = ctx.process.elements.get(element.attached_to or "")
        if host is None or host.type not in TASKS:
            yield ctx.problem(
                element,
                "dangling-boundary",
                _("The boundary event is attached to no activity."),
                _("Drag it onto the border of the step that it watches."),
            )


def everything_is_reached(ctx: ProcessContext) -> Findings:
    """What no token reaches is never looked at by the engine, wrong or not."""
    starts = [
        e.id for e in ctx.process.elements.values() if e.type == "startEvent" and e.scope == ctx.process.id
    ]
    if not starts:
        return
    reached = set(starts).union(*(ctx.after(start) for start in starts))
    for element in ctx.process.elements.values():
        if element.id not in reached and not _is_event_subprocess_part(ctx, element):
            yield ctx.problem(
                element,
                "unreachable",
                _("No flow leads here."),
                _("Connect it, or delete it."),
            )


def paths_end_in_end_events(ctx: ProcessContext) -> Findings:
    """A path that just stops leaves the instance open for ever."""
    for element in ctx.process.elements.values():
        if (
            element.type != "endEvent"
            and not ctx.process.out_of(element.id)
            and not _is_event_subprocess_part(ctx, element)
        ):
            yield ctx.problem(
                element,
                "dead-end",
                _("No flow leaves this element: the path stops without an end event."),
                _("Lead it on, or draw an end event after it."),
            )


def tasks_have_one_outflow(ctx: ProcessContext) -> Findings:
    """There is no implicit split."""
    for element in ctx.process.elements.values():
        out = ctx.process.out_of(element.id)
        if element.type in GATEWAYS or len(out) < 2:
            continue
        yield ctx.problem(
            element,
            "several-outflows",
            _("%(n)s flows leave this element.", n=len(out)),
            _("Draw a gateway after it: parallel for all ways, exclusive for one of them."),
        )


def conditions_only_after_gateways(ctx: ProcessContext) -> Findings:
    """The engine ignores a condition on a task's outflow."""
    for flow in ctx.process.flows:
        source = ctx.process.elements.get(flow.source)
        if (
            flow.condition is not None
            and source
            and source.type not in ("exclusiveGateway", "inclusiveGateway")
        ):
            yield ctx.problem(
                flow,
                "condition-ignored",
                _("The condition is ignored: the flow does not leave an exclusive or inclusive gateway."),
                _("Draw an exclusive gateway before the flow, or delete the condition."),
            )


def gateway_flows_have_conditions(ctx: ProcessContext) -> Findings:
    """Each way out of a choice says when it is taken, but for the default."""
    for element in ctx.process.elements.values():
        if element.type not in ("exclusiveGateway", "inclusiveGateway"):
            continue
        out = ctx.process.out_of(element.id)
        if element.default and element.default not in {flow.id for flow in out}:
            yield ctx.problem(
                element,
                "bad-default",
                _("The default flow “%(id)s” does not leave this gateway.", id=element.default),
                _("Choose one of the gateway's own flows as default."),
            )
        for flow in out:
            if len(out) > 1 and not flow.condition and flow.id != element.default:
                yield ctx.problem(
                    flow,
                    "missing-condition",
                    _("The flow has no condition and is not the default."),
                    _("Write a condition, or make it the gateway's default flow."),
                )


def event_gateways_wait(ctx: ProcessContext) -> Findings:
    """After an event gateway come waiting events, one timer at most: two would share one clock."""
    for element in ctx.process.elements.values():
        if element.type != "eventBasedGateway":
            continue
        targets = [ctx.process.elements.get(flow.target) for flow in ctx.process.out_of(element.id)]
        for target in targets:
            if target and target.type not in CATCHING:
                yield ctx.problem(
                    target,
                    "event-gateway-target",
                    _("An event gateway leads to something that does not wait for an event."),
                    _("Put an intermediate catch event between the gateway and this step."),
                )
        if sum(1 for target in targets if target and "timer" in target.event) > 1:
            yield ctx.problem(
                element,
                "several-timers",
                _("Several timers wait at one event gateway; only the first listed would ever fire."),
                _("Keep one timer at the gateway: the earliest decides."),
            )


def calls_lead_somewhere(ctx: ProcessContext) -> Findings:
    """A call activity names a process that is at hand, and no process calls itself, directly or not."""
    for element in ctx.process.elements.values():
        if element.type != "callActivity":
            continue
        if not element.called:
            yield ctx.problem(
                element,
                "missing-process",
                _("The call activity names no process."),
                _("Enter the id of the process to call."),
            )
        elif element.called not in ctx.known.processes:
            yield ctx.problem(
                element,
                "missing-process",
                _(
                    "The called process “%(id)s” is not among the files, or is not executable.",
                    id=element.called,
                ),
                _("Add its file, or correct the id."),
            )
        elif ctx.process.id in _called_by(ctx, element.called):
            yield ctx.problem(
                element,
                "call-cycle",
                _("The process calls itself through “%(id)s”: it would never end.", id=element.called),
                _("Draw the repetition as a loop within one process."),
            )


RULES = (
    starts_and_ends,
    one_plain_start,
    flows_have_both_ends,
    boundaries_are_attached,
    everything_is_reached,
    paths_end_in_end_events,
    tasks_have_one_outflow,
    conditions_only_after_gateways,
    gateway_flows_have_conditions,
    event_gateways_wait,
    calls_lead_somewhere,
)


def _called_by(ctx: ProcessContext, process_id: str) -> set[str]:
    found: set[str] = set()
    waiting = [process_id]
    while waiting:
        current = waiting.pop()
        if current in ctx.known.processes and current not in found:
            found.add(current)
            waiting.extend(ctx.known.processes[current][1].called)
    return found


def _is_event_subprocess_part(ctx: ProcessContext, element: Element) -> bool:
    """These are refused by a rule of their own; more findings about them would only distract."""
    holders = (ctx.process.elements.get(scope) for scope in (element.id, element.scope))
    for holder in holders:
        apart = holder is not None and (
            holder.node.get("triggeredByEvent") == "true" or holder.type == "adHocSubProcess"
        )
        if apart:
            return True
    # A compensation handler hangs on an association, not on a flow.
    return element.node.get("isForCompensation") == "true" or bool(
        element.node.findall("bpmn:compensateEventDefinition", NS)
    )

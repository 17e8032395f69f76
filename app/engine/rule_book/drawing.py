"""The rules about files, flows, gateways and what the engine does not do."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.engine.rule_book.model import EITHER, ERROR, WARNING, Rule

RULES: dict[str, Rule] = {
    # ---------------------------------------------------------------- files
    "bad-xml": Rule(
        "file", ERROR,
        _l(
            "A file that is no well-formed XML cannot be read; document types and entities are where "
            "attacks live."
        ),
        _l("Save it anew from a BPMN or DMN editor."),
    ),
    "no-process": Rule(
        "file", ERROR,
        _l("Without a process in BPMN 2.0 there is nothing to run."),
        _l("Save it from a BPMN editor as BPMN 2.0 XML."),
    ),
    "not-executable": Rule(
        "file", ERROR,
        _l("The engine passes over processes that are marked as drawings only."),
        _l("Mark the process as executable; the adapter does it."),
    ),
    "no-id": Rule(
        "file", ERROR,
        _l("A process is deployed, called and found by its id."),
        _l("Give the process an id."),
    ),
    "duplicate-id": Rule(
        "file", ERROR,
        _l("Of two elements with one id the engine sees only the last, without a word."),
        _l("Give each element an id of its own."),
    ),
    "duplicate-process": Rule(
        "file", ERROR,
        _l("If two files hold one process, chance decides which of them runs."),
        _l("Give the process another id, or leave one of the files out."),
    ),
    "duplicate-decision": Rule(
        "file", ERROR,
        _l("If two files hold one decision, chance decides which of them counts."),
        _l("Give the decision another id, or leave one of the files out."),
    ),
    "too-large": Rule(
        "file", ERROR,
        _l(
            "Nobody can read a drawing of a thousand shapes, and a step of the engine does at most a "
            "thousand things."
        ),
        _l("Cut it into several processes that call each other."),
    ),
    "too-long": Rule(
        "file", ERROR,
        _l("Work items and the history keep ids and names in columns of a fixed width."),
        _l("Shorten it; details belong into the documentation."),
    ),
    "engine": Rule(
        "file", ERROR,
        _l("No rule foresaw it, but the engine itself cannot read the process."),
        _l("Simplify the element, or ask for help with this message."),
    ),
    "check-failed": Rule(
        "file", ERROR,
        _l("A rule of the check itself fails on this file, so it cannot be vouched for."),
        _l("Simplify the file, or ask for help with this message."),
    ),
    "missing-file": Rule("file", ERROR, _l("The path leads nowhere."), _l("Check the path.")),
    "no-files": Rule(
        "file", ERROR,
        _l("The folder holds nothing that could be checked."),
        _l("Check the path."),
    ),
    "unknown-kind": Rule(
        "file", ERROR,
        _l("Only diagrams, decision tables and forms can be read."),
        _l("Export it as .bpmn, .dmn or .json."),
    ),
    "unreadable": Rule(
        "file", ERROR,
        _l("The operating system does not give the file."),
        _l("Check the path."),
    ),
    # ---------------------------------------------------------------- shape
    "no-start": Rule(
        "shape", ERROR,
        _l("Without a start event no case can begin here."),
        _l("Draw a start event and connect it."),
    ),
    "no-end": Rule(
        "shape", ERROR,
        _l("Without an end event no case ever comes to an end."),
        _l("Draw an end event where the work is done."),
    ),
    "several-starts": Rule(
        "shape", ERROR,
        _l("Two plain starts leave open where a case begins."),
        _l("Keep one start event; let a gateway choose between the ways."),
    ),
    "dangling-flow": Rule(
        "shape", ERROR,
        _l("A flow that ends in nothing stops the engine with a message that misleads."),
        _l("Delete the flow and draw it again."),
    ),
    "flow-across-border": Rule(
        "shape", ERROR,
        _l(
            "A flow may not cross the border of a sub-process: inside and outside are worlds of "
            "their own."
        ),
        _l("End inside the sub-process, and continue from its own border."),
    ),
    "dangling-boundary": Rule(
        "shape", ERROR,
        _l("A boundary event that sits on no step watches nothing."),
        _l("Drag it onto the border of the step that it watches."),
    ),
    "unreachable": Rule(
        "shape", ERROR,
        _l("What no flow leads to is never done, and the engine never even looks whether it is right."),
        _l("Connect it, or delete it."),
    ),
    "dead-end": Rule(
        "shape", ERROR,
        _l("A path that just stops leaves people to wonder whether something is missing."),
        _l("Lead it on, or draw an end event after it."),
    ),
    "several-outflows": Rule(
        "shape", ERROR,
        _l("Some editors mean parallel ways, some a choice; the engine refuses to guess."),
        _l("Draw the gateway; the adapter adds a parallel one."),
    ),
    "missing-process": Rule(
        "shape", ERROR,
        _l("The step calls a process that is not there; the case would stop."),
        _l("Add its file, or correct the id."),
    ),
    "call-cycle": Rule(
        "shape", ERROR,
        _l("A process that calls itself never ends and eats the machine."),
        _l("Draw the repetition as a loop within one process."),
    ),
    # ---------------------------------------------------------------- gateways
    "condition-ignored": Rule(
        "gateway", ERROR,
        _l(
            "The engine ignores a condition on a flow that leaves a step; the flow would always be "
            "taken."
        ),
        _l("Draw an exclusive gateway before the flow, or delete the condition."),
    ),
    "missing-condition": Rule(
        "gateway", ERROR,
        _l("A flow out of a choice without a condition says nothing about when it is taken."),
        _l("Write a condition, or make it the gateway's default flow."),
    ),
    "bad-default": Rule(
        "gateway", ERROR,
        _l("The default flow must be one of the gateway's own."),
        _l("Choose one of the gateway's own flows as default."),
    ),
    "no-default": Rule(
        "gateway", WARNING,
        _l("If none of the conditions holds, the case stops with an error."),
        _l("Make the flow for everything else the default of the gateway."),
    ),
    "uncovered-choice": Rule(
        "gateway", WARNING,
        _l("With these values no way is open: the case stops with an error."),
        _l("Add a flow for it, or make one of the flows the default."),
    ),
    "impossible-value": Rule(
        "gateway", WARNING,
        _l("What waits for a value that no form offers never happens; mostly the value is misspelt."),
        _l("Correct the value, or offer it in the form."),
    ),
    "deadlock": Rule(
        "gateway", EITHER,
        _l(
            "A parallel gateway waits for every flow into it; where one never comes, the case stands "
            "still for ever."
        ),
        _l(
            "Join as it was split: ways of a choice by an exclusive gateway, parallel ones by a "
            "parallel."
        ),
    ),
    "not-synchronised": Rule(
        "gateway", WARNING,
        _l("Parallel ways that are not joined go on side by side: what follows is done once for each."),
        _l("Join the parallel ways with a parallel gateway before this element."),
    ),
    "loop-without-wait": Rule(
        "gateway", EITHER,
        _l(
            "A loop in which nobody works and nothing waits spins until the engine stops the step as "
            "endless."
        ),
        _l("Put a timer or a step for a person into the loop, or a way out of it."),
    ),
    "event-gateway-target": Rule(
        "gateway", ERROR,
        _l(
            "An event gateway waits for the first of several events; anything else after it is never "
            "begun rightly."
        ),
        _l("Put an intermediate catch event between the gateway and this step."),
    ),
    "several-timers": Rule(
        "gateway", ERROR,
        _l("Several timers at one event gateway share one clock: only the first listed would ever fire."),
        _l("Keep one timer at the gateway: the earliest decides."),
    ),
    # ---------------------------------------------------------------- engine
    "link-event": Rule(
        "engine", ERROR,
        _l("The engine does not know links: the path ends there without a word."),
        _l("Draw the flow all the way, or call another process."),
    ),
    "compensation": Rule(
        "engine", ERROR,
        _l("The engine does nothing for compensation: what should be undone stays done."),
        _l("Draw the undoing steps as a path of their own."),
    ),
    "signal-end": Rule(
        "engine", ERROR,
        _l("The engine treats a signal end event as a plain end: nobody hears the signal."),
        _l("Send the signal with an intermediate throw event before a plain end."),
    ),
    "cancel-event": Rule(
        "engine", ERROR,
        _l("Cancel events belong to transactions, which the engine does only by half."),
        _l("Use an error or terminate end event."),
    ),
    "event-subprocess": Rule(
        "engine", ERROR,
        _l("The engine ignores what an event sub-process interrupts, and starts it for other cases too."),
        _l("Use a boundary event on the steps, or on an embedded sub-process around them."),
    ),
    "ad-hoc": Rule(
        "engine", ERROR,
        _l("An ad-hoc sub-process fails when the case comes to it."),
        _l("Use an embedded sub-process, or exclusive and parallel gateways."),
    ),
    "complex-gateway": Rule(
        "engine", ERROR,
        _l("The engine has no complex gateways."),
        _l("Use an embedded sub-process, or exclusive and parallel gateways."),
    ),
    "transaction": Rule(
        "engine", ERROR,
        _l("The engine does transactions only by half."),
        _l("Use an embedded sub-process, or exclusive and parallel gateways."),
    ),
    "unsupported-element": Rule(
        "engine", ERROR,
        _l("The engine passes over elements it does not know, as if they were not drawn."),
        _l("Use a task, event or gateway of the basic set."),
    ),
    "misplaced-element": Rule(
        "engine", ERROR,
        _l("The engine does not see what stands inside a step or an event, or takes it for a part of it."),
        _l("Draw it in the process or in a sub-process, not inside another element."),
    ),
    "data-store": Rule(
        "engine", ERROR,
        _l("The engine has no data stores: reading one stops the case."),
        _l("Keep the value in process data, or call a connector."),
    ),
    "several-events": Rule(
        "engine", ERROR,
        _l("An event that waits for several things at once is not read rightly by the engine."),
        _l("Draw one event for each, after an event gateway or on the border of the step."),
    ),
    "uncaught-error": Rule(
        "engine", EITHER,
        _l("An error that nobody catches ends the case as if all had gone well."),
        _l("Put an error boundary event on the sub-process or the calling step, or use a plain end."),
    ),
}  # fmt: skip

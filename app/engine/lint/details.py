"""Rules about what is written into elements: names that the engine keeps, times, limits, translations."""

from __future__ import annotations

import re

from flask import has_app_context
from flask_babel import force_locale
from flask_babel import gettext as _

from app import clock
from app.engine import expressions, naming, timer_text
from app.engine.diagram import MOST_READ, Element, Process
from app.engine.expressions import ExpressionError
from app.engine.lint.context import ERROR, WARNING, FileContext, Findings, ProcessContext
from app.engine.xml import NS, SPIFF

# A step may do a thousand things; a process of more would not get from its start to its end.
MAX_ELEMENTS = MOST_READ
MAX_AT_ONCE = 200
CHINESE = re.compile("[\u4e00-\u9fff]")
MAX_NAMED = 5


def too_large(ctx: FileContext) -> Findings:
    """Nobody reads a drawing of a thousand shapes, and no step of the engine does so much."""
    for process in ctx.document.processes:
        if len(process.elements) > MAX_ELEMENTS or len(process.flows) > 2 * MAX_ELEMENTS:
            yield ctx.problem(
                process,
                "too-large",
                _("The process has more than %(most)s elements.", most=MAX_ELEMENTS),
                _("Cut it into several processes that call each other."),
            )


def names_are_free(ctx: ProcessContext) -> Findings:
    """A variable of a name that the engine keeps for itself breaks the instance when it is saved."""
    for element in ctx.process.elements.values():
        for name in sorted(_named_by(element)):
            why = expressions.name_problem(name)
            if why:
                yield ctx.problem(element, "bad-name", why, _("Choose another name for the variable."))


def not_too_many_at_once(ctx: ProcessContext) -> Findings:
    """A step repeated a thousand times makes a thousand work items, more than one step of the engine."""
    for element in ctx.process.elements.values():
        many = element.node.find("bpmn:multiInstanceLoopCharacteristics/bpmn:loopCardinality", NS)
        loop = element.node.find("bpmn:standardLoopCharacteristics", NS)
        texts = [
            many.text if many is not None else None,
            loop.get("loopMaximum") if loop is not None else None,
        ]
        for text in texts:
            number = _whole(text)
            if number is not None and not 0 < number <= MAX_AT_ONCE:
                yield ctx.problem(
                    element,
                    "too-many-laps",
                    _(
                        "The step is repeated %(n)s times; 1 to %(most)s are possible.",
                        n=number,
                        most=MAX_AT_ONCE,
                    ),
                    _("Enter a smaller number, or let a list say how often."),
                )


def timers_lie_ahead(ctx: ProcessContext) -> Findings:
    """A date that has passed fires at once, for every case."""
    now = ctx.now or clock.now()
    for element in ctx.process.elements.values():
        kind, text = element.timer or ("", "")
        try:
            if kind == "timeDate":
                at = timer_text.instant(text.strip("\"' "))
            elif kind == "timeCycle":
                cycle = timer_text.parse_cycle(text.strip("\"' "))
                if cycle.start is None:
                    continue
                at = cycle.start
            else:
                continue
        except (ExpressionError, ValueError, OverflowError):
            continue  # an expression, or said by another rule
        if at <= now:
            yield ctx.problem(
                element,
                "timer-in-past",
                _("The time %(at)s has passed: the timer fires as soon as a case comes here.", at=text),
                _("Enter a time to come, a duration, or a variable that holds the date."),
                level=WARNING,
            )


def errors_are_caught(ctx: ProcessContext) -> Findings:
    """An error that nobody catches ends the case as if all had gone well."""
    for element in ctx.process.elements.values():
        if element.type != "endEvent" or "error" not in element.event or "+" in element.event:
            continue
        alone = not any(ctx.process.id in other.called for _path, other in ctx.known.processes.values())
        if not _is_caught(ctx, element):
            yield ctx.problem(
                element,
                "uncaught-error",
                _("No boundary event catches this error; the process would end as if nothing had happened."),
                _("Put an error boundary event on the sub-process or the calling step, or use a plain end."),
                level=WARNING if alone and element.scope == ctx.process.id else ERROR,
            )


def names_are_translated(ctx: ProcessContext) -> Findings:
    """Who works in English sees Chinese names where no translation is known; each name has one only."""
    if not has_app_context():
        return
    places: list[Process | Element] = [ctx.process, *ctx.process.elements.values()]
    own = naming.english_names(ctx.process.node)
    elsewhere = {
        name: english
        for at, names in _named_in_english(ctx)
        if at != ctx.path
        for name, english in names.items()
    }
    with force_locale("en"):
        missing = [
            name
            for name in dict.fromkeys(place.name for place in places if CHINESE.search(place.name))
            if name not in own and name not in elsewhere and _(name) == name
        ]
        others = {name: elsewhere.get(name) or (_(name) if _(name) != name else own[name]) for name in own}
    if missing:
        yield ctx.problem(
            ctx.process,
            "missing-translation",
            _(
                "Without an English translation: %(names)s (%(n)s in all).",
                names=", ".join(missing[:MAX_NAMED]),
                n=len(missing),
            ),
            _("Write the English name at each of them."),
            level=WARNING,
        )
    at = {place.name: place for place in places}
    for name, english in own.items():
        if name not in at and ctx.process is not ctx.document.processes[0]:
            continue  # the name of a flow or a lane is said once
        if len(english) > naming.MAX_NAME:
            yield ctx.problem(
                ctx.process,
                "too-long",
                _(
                    "The English name of “%(name)s” is longer than %(n)s characters.",
                    name=name,
                    n=naming.MAX_NAME,
                ),
                _("Shorten it; details belong into the documentation."),
            )
        elif others[name] != english:
            yield ctx.problem(
                at.get(name, ctx.process),
                "two-translations",
                _(
                    "“%(name)s” is “%(other)s” on other screens; published, it is “%(english)s” on all.",
                    name=name,
                    other=others[name],
                    english=english,
                ),
                _("Use the English that is known, or another Chinese name."),
                level=WARNING,
            )


def _named_in_english(ctx: ProcessContext) -> list[tuple[str, dict[str, str]]]:
    """Return the English names of every file at hand: (path, names); read once a check."""
    if "english" not in ctx.known.memo:
        ctx.known.memo["english"] = [
            (path, naming.english_names(document.processes[0].node))
            for path, document in ctx.known.documents.items()
            if document.processes
        ]
    found: list[tuple[str, dict[str, str]]] = ctx.known.memo["english"]
    return found


RULES = (
    names_are_free,
    not_too_many_at_once,
    timers_lie_ahead,
    errors_are_caught,
    names_are_translated,
)


def _named_by(element: Element) -> set[str]:
    found: set[str] = {element.result or ""}
    for expression in element.expressions:
        if expression.is_script and not expressions.script_check(expression.text):
            found |= {
                target.split(".")[0].split("[")[0] for _r, target in expressions.script_names(expression.text)
            }
    for inner in ("variableName", "messageVariable"):
        found |= {(node.text or "").strip() for node in element.node.iter(f"{{{SPIFF}}}{inner}")}
    for item in element.node.iterfind("bpmn:multiInstanceLoopCharacteristics/*", NS):
        if item.get("id") and (item.tag.endswith("}inputDataItem") or item.tag.endswith("}outputDataItem")):
            found.add(item.get("name") or item.get("id") or "")
        elif item.tag.endswith("}loopDataOutputRef"):
            found.add((item.text or "").strip())
    return found - {""}


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    if not re.fullmatch(r"-?\d+", text):
        return None
    # Longer numbers than this are never meant; their exact value does not matter.
    return int(text) if len(text) < 19 else 10**18


def _is_caught(ctx: ProcessContext, end: Element) -> bool:
    if _catches(ctx.process, _holders(ctx.process, end.scope), end.event_name):
        return True
    for _path, process in ctx.known.processes.values():
        for element in process.elements.values():
            if element.called == ctx.process.id:
                hosts = {element.id, *_holders(process, element.scope)}
                if _catches(process, hosts, end.event_name):
                    return True
    return False


def _holders(process: Process, scope: str) -> set[str]:
    found = set()
    while scope in process.elements and scope not in found:
        found.add(scope)
        scope = process.elements[scope].scope
    return found


def _catches(process: Process, hosts: set[str], code: str | None) -> bool:
    return any(
        element.attached_to in hosts
        and "error" in element.event
        and (element.event_name is None or element.event_name == code)
        for element in process.elements.values()
    )

"""What is refused at the door, and how it is said. Each rule is one small function; none ever raises."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from lxml import etree

from app.engine import bundles, connectors, parser
from app.engine.bundles import Library
from app.engine.diagram import Element, Process
from app.engine.lint import choices, data, details, elements, layout, structure, texts, tokens
from app.engine.lint.context import ERROR, WARNING, FileContext, Findings, ProcessContext
from app.engine.lint.decision_tables import check_tables
from app.engine.lint.forms import check_form
from app.engine.lint.usage import check_usage
from app.engine.problems import Problem, errors_of
from app.engine.roles import ROLES, Role
from app.engine.xml import BPMN, BadFile, read_xml

PROCESS_RULES = (
    *structure.RULES,
    *elements.RULES,
    *texts.RULES,
    *details.RULES,
    *data.RULES,
    *choices.RULES,
    *tokens.RULES,
    *layout.RULES,
)
log = logging.getLogger(__name__)


def check(
    files: Mapping[str, bytes | str],
    *,
    roles: tuple[Role, ...] = ROLES,
    connector_names: Collection[str] | None = None,
    now: datetime | None = None,
) -> list[Problem]:
    """Return all that is wrong with these files, sorted by file and line; called files must be among them.

    Whatever the files hold, the answer is a list and never an exception.

    files: path → content of .bpmn, .dmn and .json; problems name the canonical path. Other files are ignored.
    roles: what lanes may be called. connector_names: those registered, unless given.
    now: which timers lie in the past, aware; the clock's unless given.
    """
    known = bundles.library(files)
    names = frozenset(connectors.connector_names() if connector_names is None else connector_names)
    problems = [*_unreadable(known), *_guarded("", _duplicates, known)]
    for path in known.files:
        problems.extend(_guarded(path, _check_file, known, path, roles, names, now))
    problems.extend(_guarded("", check_usage, known))
    problems.extend(_parse_failures(known, problems))
    return sorted(set(problems))


def _guarded(path: str, rule: Callable[..., Findings], *arguments: Any) -> list[Problem]:
    """Return what a rule finds; should it ever fail, that is a finding too, since a file gets an answer."""
    found: list[Problem] = []
    try:
        found.extend(rule(*arguments))
    except Exception as error:
        log.exception("The rule %s failed on %s", getattr(rule, "__name__", rule), path)
        why = f"{type(error).__name__}: {error}"[:300]
        found.append(
            Problem(
                path,
                0,
                "",
                "",
                "check-failed",
                ERROR,
                _("The check itself fails here: %(why)s", why=why),
                _("Simplify the file, or ask for help with this message."),
            )  # fmt: skip
        )
    return found


def _check_file(
    known: Library, path: str, roles: tuple[Role, ...], names: frozenset[str], now: datetime | None
) -> Findings:
    if bundles.kind(path) == "form":
        yield from check_form(path, known.files[path])
    elif path in known.documents:
        yield from _check_document(FileContext(known, path, known.documents[path], roles, names, now))
    elif bundles.kind(path) == "dmn":
        try:
            root = read_xml(known.files[path])
        except BadFile:
            return  # said by `_unreadable`
        yield from check_tables(path, root, known)


def _check_document(ctx: FileContext) -> Findings:
    if etree.QName(ctx.document.root).localname != "definitions" or not ctx.document.processes:
        yield ctx.problem(
            None,
            "no-process",
            _("The file holds no BPMN process."),
            _("Save it from a BPMN editor as BPMN 2.0 XML."),
            line=1,
        )
    large = list(details.too_large(ctx))
    if large:
        yield from large
        return
    yield from _duplicate_ids(ctx)
    executable = [process for process in ctx.document.processes if process.executable]
    for process in ctx.document.processes:
        if not process.executable and not executable:
            yield ctx.problem(
                process,
                "not-executable",
                _("The process is marked as not executable."),
                _('Set “Executable” (isExecutable="true").'),
            )
        if not process.id:
            yield ctx.problem(process, "no-id", _("The process has no id."), _("Give the process an id."))
    for process in executable:
        yield from _check_process(ctx, process)


def _check_process(ctx: FileContext, process: Process) -> Findings:
    within = ProcessContext(ctx.known, ctx.path, ctx.document, ctx.roles, ctx.connectors, ctx.now, process)
    for rule in PROCESS_RULES:
        yield from _guarded(ctx.path, rule, within)


def _unreadable(known: Library) -> Findings:
    for path, content in known.files.items():
        if bundles.kind(path) == "form" or path in known.documents:
            continue
        try:
            read_xml(content)
        except BadFile as error:
            remedy = _("Save it from a BPMN or DMN editor; do not edit the XML by hand.")
            yield Problem(path, error.line, "", "", "bad-xml", ERROR, error.message, remedy)


def _duplicate_ids(ctx: FileContext) -> Findings:
    nodes = [node for node in ctx.document.root.iter(f"{{{BPMN}}}*") if node.get("id")]
    counts = Counter(node.get("id") for node in nodes)
    for id in sorted(id for id, count in counts.items() if id and count > 1):
        last = [node for node in nodes if node.get("id") == id][-1]
        yield ctx.problem(
            Element(id, etree.QName(last).localname, last.get("name", ""), last.sourceline or 0, ""),
            "duplicate-id",
            _(
                "The id “%(id)s” is used %(n)s times; the engine would see only the last.",
                id=id,
                n=counts[id],
            ),
            _("Give each element an id of its own."),
        )


def _duplicates(known: Library) -> Findings:
    """Two files with one process or decision: which of them counts would be chance."""
    homes: dict[str, list[tuple[str, Process]]] = {}
    for path, document in known.documents.items():
        for process in document.processes:
            if process.executable:
                homes.setdefault(process.id, []).append((path, process))
    for id, places in homes.items():
        for path, process in places[1:]:
            yield Problem(
                path, process.line, id, process.name, "duplicate-process", ERROR,
                _("The process “%(id)s” is also in %(file)s.", id=id, file=places[0][0]),
                _("Give the process another id, or leave one of the files out."),
            )  # fmt: skip
    for path in known.files:
        if bundles.kind(path) != "dmn":
            continue
        for decision in bundles.decisions_in(known.files[path]):
            first = known.decisions.get(decision.id)
            if first != path:
                yield Problem(
                    path, 0, decision.id, decision.name, "duplicate-decision", ERROR,
                    _("The decision “%(id)s” is also in %(file)s.", id=decision.id, file=first),
                    _("Give the decision another id, or leave one of the files out."),
                )  # fmt: skip


def _parse_failures(known: Library, problems: list[Problem]) -> Findings:
    """The engine has the last word: what no rule foresaw is still a problem and not a traceback."""
    spoiled = {problem.file for problem in errors_of(problems)}
    for bundle in bundles.bundles(known):
        if not spoiled.isdisjoint(bundle.files):
            continue
        path, process = known.processes[bundle.root]
        try:
            parser.load_specs(parser.dump_specs(bundle.parse()))
        except Exception as error:  # noqa: BLE001 (the library raises whatever comes to hand)
            yield Problem(
                path, process.line, getattr(error, "id", "") or process.id, process.name,
                "engine", ERROR,
                _("The engine cannot read the process: %(why)s", why=str(error)[:300]),
                _("Simplify the element, or ask for help with this message."),
            )  # fmt: skip


__all__ = ["ERROR", "WARNING", "Problem", "check"]

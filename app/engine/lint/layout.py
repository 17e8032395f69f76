"""Rules about the picture: what is not drawn is not seen, what lies on something else is not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import gettext as _

from app.engine.diagram import SUBPROCESSES, Element
from app.engine.lint.context import WARNING, Findings, ProcessContext
from app.engine.xml import Node

DI = "http://www.omg.org/spec/BPMN/20100524/DI"
DC = "http://www.omg.org/spec/DD/20100524/DC"
MAX_NAMED = 5
# Shapes that touch, or overlap by a line's width, are still read.
TOUCH = 3.0


@dataclass(frozen=True)
class Box:
    """Where a shape lies, in pixels."""

    x: float
    y: float
    width: float
    height: float

    def covers(self, other: Box) -> bool:
        """Tell whether two boxes share more than their borders."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return across > TOUCH and down > TOUCH


def boxes(root: Node) -> dict[str, Box]:
    """Return element id → where it is drawn; shapes without usable bounds are left out."""
    found = {}
    for shape in root.iter(f"{{{DI}}}BPMNShape"):
        bounds = shape.find(f"{{{DC}}}Bounds")
        if bounds is None:
            continue
        try:
            found[shape.get("bpmnElement", "")] = Box(
                *(float(bounds.get(name, "")) for name in ("x", "y", "width", "height"))
            )
        except ValueError:
            continue
    return found


def everything_is_drawn(ctx: ProcessContext) -> Findings:
    """An element without a shape runs, but nobody sees it."""
    drawn = boxes(ctx.document.root)
    missing = [e.name or e.id for e in ctx.process.elements.values() if e.id not in drawn]
    edges = {edge.get("bpmnElement") for edge in ctx.document.root.iter(f"{{{DI}}}BPMNEdge")}
    missing += [flow.name or flow.id for flow in ctx.process.flows if flow.id not in edges]
    if missing:
        yield ctx.problem(
            ctx.process,
            "missing-diagram",
            _(
                "Without a shape in the drawing: %(names)s (%(n)s in all).",
                n=len(missing),
                names=", ".join(missing[:MAX_NAMED]),
            ),
            _("Let “bpmn adapt” or the page “Check a file” lay it out, or draw it in an editor."),
            level=WARNING,
        )


def shapes_lie_apart(ctx: ProcessContext) -> Findings:
    """Of two shapes on one place, people see one."""
    drawn = boxes(ctx.document.root)
    shown = [(drawn[e.id], e) for e in ctx.process.elements.values() if e.id in drawn]
    for one, other in _covering(shown):
        yield ctx.problem(
            other,
            "overlapping-shapes",
            _("Its shape lies over that of “%(name)s”.", name=one.name or one.id),
            _("Move the shapes apart."),
            level=WARNING,
        )


RULES = (everything_is_drawn, shapes_lie_apart)


def _covering(shown: list[tuple[Box, Element]]) -> Iterator[tuple[Element, Element]]:
    shown.sort(key=lambda pair: pair[0].x)
    told: set[str] = set()
    for number, (box, one) in enumerate(shown):
        for other_box, other in shown[number + 1 :]:
            if other_box.x > box.x + box.width:
                break
            if other.id not in told and box.covers(other_box) and not _may_cover(one, other):
                told.add(other.id)
                yield one, other


def _may_cover(one: Element, other: Element) -> bool:
    """A boundary event lies on its step, and what is inside a sub-process lies in it."""
    for first, second in ((one, other), (other, one)):
        if first.attached_to == second.id:
            return True
        holder = first.scope
        if second.type in SUBPROCESSES and (holder == second.id or _inside(first, second)):
            return True
    # A collapsed sub-process keeps its content on a plane of its own.
    return one.scope != other.scope


def _inside(element: Element, holder: Element) -> bool:
    current = element.node.getparent()
    while current is not None:
        if current is holder.node:
            return True
        current = current.getparent()
    return False

"""The drawing part of a BPMN file: shapes and lines added where the repairs or their absence ask for it."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from lxml import etree

from app.engine import diagram
from app.engine.adapt.layout import MARGIN, POOL_TITLE, Layout, Point, lay_out
from app.engine.adapt.model import Change
from app.engine.adapt.source import Source
from app.engine.diagram import Process
from app.engine.lint.layout import DC, DI, Box, boxes
from app.engine.xml import BPMN, Node, local

DD = "http://www.omg.org/spec/DD/20100524/DI"
SPACES = {"bpmndi": DI, "dc": DC, "di": DD}
GATEWAY = 50.0


class Picture:
    """The plane of a document; makes one where it has none."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.plane: Node | None = next(source.root.iter(f"{{{DI}}}BPMNPlane"), None)

    def put_between(
        self, step: Node, gateway: Node, flow: Node, moved: Iterable[Node], *, after: bool
    ) -> None:
        """Draw a gateway beside its step and lead the moved flows to it; nothing where nothing is drawn."""
        places = boxes(self.source.root)
        box = places.get(step.get("id", ""))
        if self.plane is None or box is None:
            return
        x = box.x + box.width + 10 if after else box.x - GATEWAY - 10
        place = Box(x, box.y + box.height / 2 - GATEWAY / 2, GATEWAY, GATEWAY)
        self.shape(gateway.get("id", ""), place, marker=local(gateway) == "exclusiveGateway")
        y = box.y + box.height / 2
        ends = [(box.x + box.width, y), (place.x, y)] if after else [(place.x + GATEWAY, y), (box.x, y)]
        self.edge(flow.get("id", ""), ends)
        lines = {edge.get("bpmnElement"): edge for edge in self.source.root.iter(f"{{{DI}}}BPMNEdge")}
        for one in moved:
            line = lines.get(one.get("id", ""))
            points = line.findall(f"{{{DD}}}waypoint") if line is not None else []
            if points:
                end = points[0] if after else points[-1]
                end.set("x", _number(place.x + (GATEWAY if after else 0)))
                end.set("y", _number(y))

    def begin(self, element: str) -> None:
        """Make a plane for an element."""
        diagram_ = self._new(DI, "BPMNDiagram", self.source.root)
        self.plane = self._new(DI, "BPMNPlane", diagram_)
        self.plane.set("bpmnElement", element)
        for node, name in ((diagram_, "diagram_1"), (self.plane, "plane_1")):
            node.set("id", name)

    def shape(
        self, id: str, box: Box, *, horizontal: bool = False, marker: bool = False, open_: bool = False
    ) -> None:
        """Draw a shape."""
        shape = self._new(DI, "BPMNShape", self.plane)
        shape.set("id", f"{id}_di")
        shape.set("bpmnElement", id)
        if horizontal:
            shape.set("isHorizontal", "true")
        if marker:
            shape.set("isMarkerVisible", "true")
        if open_:
            shape.set("isExpanded", "true")
        bounds = self._new(DC, "Bounds", shape)
        for name in ("x", "y", "width", "height"):
            bounds.set(name, _number(getattr(box, name)))

    def edge(self, id: str, points: Iterable[Point]) -> None:
        """Draw a line."""
        edge = self._new(DI, "BPMNEdge", self.plane)
        edge.set("id", f"{id}_di")
        edge.set("bpmnElement", id)
        for x, y in points:
            point = self._new(DD, "waypoint", edge)
            point.set("x", _number(x))
            point.set("y", _number(y))

    def _new(self, space: str, name: str, parent: Node) -> Node:
        known = set(self.source.root.nsmap.values()) | set(parent.nsmap.values())
        missing = {prefix: one for prefix, one in SPACES.items() if one not in known}
        made = etree.Element(f"{{{space}}}{name}", nsmap=missing or None)
        self.source.append(parent, made)
        return made


def drawing(source: Source) -> list[Change]:
    """What has no shape is drawn: all of it where nothing is drawn yet, else below what is."""
    document = diagram.read(source.root)
    drawn = boxes(source.root)
    processes = [process for process in document.processes if process.elements]
    missing = [e for process in processes for e in process.elements.values() if e.id not in drawn]
    if not missing:
        return _missing_lines(source, processes, drawn)
    if len(missing) < sum(len(process.elements) for process in processes):
        return _add(source, processes, drawn)
    for old in list(source.root.iter(f"{{{DI}}}BPMNDiagram")):
        old.getparent().remove(old)
    picture = Picture(source)
    pools = {one.get("processRef"): one for one in source.root.iter(f"{{{BPMN}}}participant")}
    holder = next(source.root.iter(f"{{{BPMN}}}collaboration"), None)
    in_pools = (
        holder is not None and bool(holder.get("id")) and any(process.id in pools for process in processes)
    )
    picture.begin(holder.get("id") if in_pools and holder is not None else processes[0].id)
    top = MARGIN
    for process in processes:
        top += _draw(picture, process, pools.get(process.id) if in_pools else None, top) + 2 * MARGIN
    for process in processes if in_pools else ():
        pools.pop(process.id, None)
    for pool in pools.values() if in_pools else ():
        picture.shape(pool.get("id", ""), Box(MARGIN, top, 600, 60), horizontal=True)
        top += 100
    return [Change("drawing", "", "", 0, _("Laid out: %(n)s shapes.", n=len(missing)))]


def _draw(picture: Picture, process: Process, pool: Node | None, top: float) -> float:
    lanes = [
        (lane.get("id", ""), {(ref.text or "").strip() for ref in lane.iterfind(f"{{{BPMN}}}flowNodeRef")})
        for lane in process.node.iter(f"{{{BPMN}}}lane")
        if lane.get("id") and lane.find(f"{{{BPMN}}}childLaneSet") is None
    ]
    made = lay_out(process, lanes)
    placed = Layout()
    left = MARGIN + (POOL_TITLE if pool is not None else 0)
    placed.take(made, left, top)
    if pool is not None:
        frame = Box(MARGIN, top, made.width + POOL_TITLE, made.height)
        picture.shape(pool.get("id", ""), frame, horizontal=True)
    for id, box in placed.boxes.items():
        element = process.elements.get(id)
        kind = element.type if element else "lane"
        picture.shape(
            id,
            box,
            horizontal=element is None,
            marker=kind == "exclusiveGateway",
            open_=kind in diagram.SUBPROCESSES,
        )
    for id, points in placed.edges.items():
        picture.edge(id, points)
    return made.height


def _add(source: Source, processes: list[Process], drawn: dict[str, Box]) -> list[Change]:
    """Put what is missing into a row below the drawing."""
    picture = Picture(source)
    if picture.plane is None:
        return []
    y = max((box.y + box.height for box in drawn.values()), default=0.0) + MARGIN
    x, count = MARGIN, 0
    for process in processes:
        for element in process.elements.values():
            if element.id in drawn:
                continue
            small = element.type in diagram.EVENTS
            width, height = (
                (36.0, 36.0) if small else (50.0, 50.0) if element.type in diagram.GATEWAYS else (110.0, 80.0)
            )
            drawn[element.id] = Box(x, y, width, height)
            picture.shape(element.id, drawn[element.id])
            x, count = x + width + MARGIN, count + 1
    found = [Change("drawing", "", "", 0, _("Laid out: %(n)s shapes.", n=count))]
    return [*found, *_missing_lines(source, processes, drawn)]


def _missing_lines(source: Source, processes: list[Process], drawn: dict[str, Box]) -> list[Change]:
    picture = Picture(source)
    lines = {edge.get("bpmnElement") for edge in source.root.iter(f"{{{DI}}}BPMNEdge")}
    count = 0
    for process in processes:
        for flow in process.flows:
            a, b = drawn.get(flow.source), drawn.get(flow.target)
            if flow.id in lines or not flow.id or a is None or b is None or picture.plane is None:
                continue
            picture.edge(flow.id, [(a.x + a.width, a.y + a.height / 2), (b.x, b.y + b.height / 2)])
            count += 1
    return [Change("drawing", "", "", 0, _("Lines drawn: %(n)s.", n=count))] if count else []


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.1f}"

"""A drawing for a process that has none: steps in layers from left to right, lanes one below the other.

The rank of a step is its longest way from a start, flows that lead back left out; its row is that of the step
before it where that is free. Sub-processes are laid out first, since their size decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.engine.diagram import EVENTS, GATEWAYS, SUBPROCESSES, Element, Flow, Process
from app.engine.lint.layout import Box

Point = tuple[float, float]

COLUMN_GAP, ROW_GAP = 60.0, 50.0
MARGIN, LANE_TITLE, POOL_TITLE = 40.0, 30.0, 30.0
EVENT, GATEWAY, STEP = (36.0, 36.0), (50.0, 50.0), (110.0, 80.0)


@dataclass
class Layout:
    """Where everything is drawn.

    boxes: element or lane id → place; edges: flow id → its points; width, height: of the whole.
    """

    boxes: dict[str, Box] = field(default_factory=dict)
    edges: dict[str, list[Point]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0

    def take(self, other: Layout, x: float, y: float) -> None:
        """Put another drawing into this one."""
        for id, box in other.boxes.items():
            self.boxes[id] = Box(box.x + x, box.y + y, box.width, box.height)
        for id, points in other.edges.items():
            self.edges[id] = [(px + x, py + y) for px, py in points]


def lay_out(process: Process, lanes: Iterable[tuple[str, set[str]]] = ()) -> Layout:
    """Return the drawing of a process; lanes: (id, ids of what lies in it), from top to bottom."""
    return _scope(process, process.id, list(lanes))


def _scope(process: Process, scope: str, lanes: list[tuple[str, set[str]]]) -> Layout:
    elements = {e.id: e for e in process.elements.values() if e.scope == scope}
    inner = {id: _scope(process, id, []) for id, e in elements.items() if e.type in SUBPROCESSES}
    sizes = {id: _size(element, inner.get(id)) for id, element in elements.items()}
    main = {
        id: e for id, e in elements.items() if not (e.attached_to in elements and e.type == "boundaryEvent")
    }
    host = {id: elements[id].attached_to or "" for id in elements.keys() - main.keys()}
    flows = [f for f in process.flows if f.source in elements and f.target in main]
    edges = [(host.get(f.source, f.source), f.target) for f in flows]
    ranks = _ranks(list(main), edges)
    bands = lanes or [("", set(main))]
    of_lane = {id: number for number, (_lane, held) in enumerate(bands) for id in held}
    rows = _rows(list(main), edges, ranks, {id: of_lane.get(id, 0) for id in main})
    found = Layout()
    left = MARGIN + (LANE_TITLE if lanes else 0)
    columns = _columns(ranks, sizes, left)
    right = max((columns[rank] + width for rank, width in _widths(ranks, sizes).items()), default=left)
    top = MARGIN if not lanes else 0.0
    for number, (lane, _held) in enumerate(bands):
        members = [id for id in main if of_lane.get(id, 0) == number]
        height = _place(found, members, ranks, rows, sizes, columns, top + (ROW_GAP / 2 if lanes else 0))
        height = max(height, 120.0) + (ROW_GAP if lanes else 0)
        if lane:
            found.boxes[lane] = Box(0, top, right + MARGIN, height)
        top += height
    _borders(found, elements, host, sizes)
    for id, drawing in inner.items():
        found.take(drawing, found.boxes[id].x, found.boxes[id].y)
    for flow in flows:
        found.edges[flow.id] = _route(found.boxes, flow, flow.source in host)
    lowest = max((y for points in found.edges.values() for _x, y in points), default=0.0)
    found.width = right + MARGIN
    found.height = max(top + (0 if lanes else MARGIN), lowest + 10)
    return found


def _size(element: Element, inner: Layout | None) -> Point:
    if inner is not None:
        return max(inner.width, 160.0), max(inner.height, 120.0)
    if element.type in EVENTS:
        return EVENT
    return GATEWAY if element.type in GATEWAYS else STEP


def _ranks(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Return each step's longest way from where nothing leads to, ways back left out."""
    following: dict[str, list[str]] = {id: [] for id in nodes}
    into = dict.fromkeys(nodes, 0)
    for source, target in edges:
        following[source].append(target)
        into[target] += 1
    back = _ways_back([*(id for id in nodes if not into[id]), *nodes], following)
    forward = [(a, b) for a, b in dict.fromkeys(edges) if (a, b) not in back]
    waits = dict.fromkeys(nodes, 0)
    for _source, target in forward:
        waits[target] += 1
    ranks = dict.fromkeys(nodes, 0)
    ready = [id for id in nodes if not waits[id]]
    while ready:
        current = ready.pop()
        for source, target in forward:
            if source == current:
                ranks[target] = max(ranks[target], ranks[current] + 1)
                waits[target] -= 1
                if not waits[target]:
                    ready.append(target)
    return ranks


def _ways_back(nodes: list[str], following: Mapping[str, list[str]]) -> set[tuple[str, str]]:
    state: dict[str, int] = {}
    back: set[tuple[str, str]] = set()
    for root in nodes:
        if root in state:
            continue
        state[root] = 1
        work = [(root, iter(following[root]))]
        while work:
            node, targets = work[-1]
            target = next(targets, None)
            if target is None:
                state[node] = 2
                work.pop()
            elif state.get(target) == 1:
                back.add((node, target))
            elif target not in state:
                state[target] = 1
                work.append((target, iter(following[target])))
    return back


def _rows(
    nodes: list[str], edges: list[tuple[str, str]], ranks: Mapping[str, int], lane: Mapping[str, int]
) -> dict[str, int]:
    """Return each step's row within its lane: that of the step before it, or the nearest that is free."""
    before: dict[str, list[str]] = {}
    for source, target in edges:
        if ranks[source] < ranks[target]:
            before.setdefault(target, []).append(source)
    rows: dict[str, int] = {}
    taken: set[tuple[int, int, int]] = set()
    for id in sorted(nodes, key=lambda one: ranks[one]):
        wanted = [rows[one] for one in before.get(id, ()) if one in rows and lane[one] == lane[id]]
        row = min(wanted, default=0)
        while (lane[id], ranks[id], row) in taken:
            row += 1
        taken.add((lane[id], ranks[id], row))
        rows[id] = row
    return rows


def _widths(ranks: Mapping[str, int], sizes: Mapping[str, Point]) -> dict[int, float]:
    widths: dict[int, float] = {}
    for id, rank in ranks.items():
        widths[rank] = max(widths.get(rank, 0.0), sizes[id][0])
    return widths


def _columns(ranks: Mapping[str, int], sizes: Mapping[str, Point], left: float) -> dict[int, float]:
    columns: dict[int, float] = {}
    for rank, width in sorted(_widths(ranks, sizes).items()):
        columns[rank] = left
        left += width + COLUMN_GAP
    return columns


def _place(
    found: Layout,
    members: list[str],
    ranks: Mapping[str, int],
    rows: Mapping[str, int],
    sizes: Mapping[str, Point],
    columns: Mapping[int, float],
    top: float,
) -> float:
    """Draw the steps of one lane, return how high it got."""
    heights: dict[int, float] = {}
    for id in members:
        heights[rows[id]] = max(heights.get(rows[id], STEP[1]), sizes[id][1])
    widths = _widths(ranks, sizes)
    y, tops = top, {}
    for row in sorted(heights):
        tops[row] = y
        y += heights[row] + ROW_GAP
    for id in members:
        width, height = sizes[id]
        x = columns[ranks[id]] + (widths[ranks[id]] - width) / 2
        found.boxes[id] = Box(x, tops[rows[id]] + (heights[rows[id]] - height) / 2, width, height)
    return y - top


def _borders(
    found: Layout, elements: Mapping[str, Element], host: Mapping[str, str], sizes: Mapping[str, Point]
) -> None:
    """Draw boundary events on the lower border of their steps."""
    counts: dict[str, int] = {}
    for id in elements:
        if id not in host:
            continue
        place = found.boxes[host[id]]
        number = counts[host[id]] = counts.get(host[id], 0) + 1
        x = place.x + place.width - 18 - number * 42
        found.boxes[id] = Box(max(x, place.x - 18), place.y + place.height - 18, *sizes[id])


def _route(boxes: Mapping[str, Box], flow: Flow, from_border: bool) -> list[Point]:
    a, b = boxes[flow.source], boxes[flow.target]
    ay, by = a.y + a.height / 2, b.y + b.height / 2
    if from_border:
        x, below = a.x + a.width / 2, a.y + a.height + 20
        if b.x < x:
            return [(x, a.y + a.height), (x, below), (b.x - 20, below), (b.x - 20, by), (b.x, by)]
        return [(x, a.y + a.height), (x, below), (b.x - 20, below), (b.x - 20, by), (b.x, by)]
    if b.x >= a.x + a.width:
        if abs(ay - by) < 1:
            return [(a.x + a.width, ay), (b.x, by)]
        bend = b.x - COLUMN_GAP / 2
        return [(a.x + a.width, ay), (bend, ay), (bend, by), (b.x, by)]
    # A way back goes below what it passes.
    below = max(a.y + a.height, b.y + b.height) + 22
    ax, bx = a.x + a.width / 2, b.x + b.width / 2
    return [(ax, a.y + a.height), (ax, below), (bx, below), (bx, b.y + b.height)]

"""Where the parts of a chart stand: plain numbers that the templates write into SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.reports.rules import Column

WIDTH, LEFT, TOP, GROUND = 820, 34, 20, 164
BAR = 72
SMALLEST_LABELLED = 15
LINE = 13


@dataclass(frozen=True)
class Part:
    """One coloured part of a column. label_y: where its number stands; inside: within the part."""

    kind: str
    count: int
    y: float
    height: float
    label_y: float
    inside: bool


@dataclass(frozen=True)
class Bar:
    """One column of the chart; x is its left edge."""

    x: float
    parts: list[Part]
    total_y: float

    @property
    def middle(self) -> float:
        """Where its caption is centred."""
        return self.x + BAR / 2


@dataclass(frozen=True)
class Chart:
    """The chart: lines as (value, y), and its columns."""

    lines: list[tuple[int, float]]
    bars: list[Bar]


def step_of(most: int) -> int:
    """Return the distance of the lines for at most four of them: 1, 2, 5, 10, 20, 50, …"""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if factor * size * 4 >= most:
                return factor * size
        size *= 10


def chart(columns: Sequence[Column]) -> Chart:
    """Lay out the columns of the forecast."""
    most = max((one.total for one in columns), default=0)
    step = step_of(most)
    top = step * max(-(-most // step), 2)
    scale = (GROUND - TOP) / top
    lines = [(value, GROUND - value * scale) for value in range(0, top + 1, step)]
    pitch = (WIDTH - LEFT) / max(len(columns), 1)
    bars = []
    for place, column in enumerate(columns):
        parts: list[Part] = []
        y, above = float(GROUND), float(GROUND + LINE)
        for kind, count in (("ontime", column.ontime), ("maybe", column.maybe), ("sure", column.sure)):
            if not count:
                continue
            height = count * scale
            y -= height
            inside = kind == "ontime" and height >= SMALLEST_LABELLED
            # Numbers beside thin parts must not lie on each other.
            label = y + height / 2 + 4
            if not inside:
                label = min(label, above - LINE)
                above = label
            parts.append(Part(kind, count, y + 1, max(height - 1, 1), label, inside))
        bars.append(Bar(LEFT + pitch * place + (pitch - BAR) / 2, parts, y))
    return Chart(lines, bars)


def heights(counts: Sequence[int], most_high: float) -> list[float]:
    """Scale counts to heights; what is not zero stays visible."""
    most = max(counts, default=0) or 1
    return [max(one / most * most_high, 1.5) if one else 0.0 for one in counts]

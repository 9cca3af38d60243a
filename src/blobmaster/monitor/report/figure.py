"""Draws a chart as an HTML figure: an inline SVG with axes, values on hover, and a table."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.charts import Chart
from blobmaster.monitor.read.curves import Curve, Point
from blobmaster.monitor.report.markup import attribute, text
from blobmaster.monitor.text import fmt

WIDTH: Final = 660
HEIGHT: Final = 290
"""Size of a drawing in a report."""
LEFT: Final = 64
RIGHT: Final = 14
TOP: Final = 10
BOTTOM: Final = 46
"""Margins around the plot for the axes, in the drawing's units."""
MOST_TABLE_ROWS: Final = 12
"""Rows of the table below a chart."""
DOTS_UP_TO: Final = 80
"""Points that are marked with dots; more would hide the line."""
DENSE_FROM: Final = 400
"""Points from which the line is thin; a thick one would fill the plot."""
LARGEST: Final = 1e300
"""Values beyond this are left out: the difference of two could overflow."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One curve of a figure with its interval, by iteration."""

    name: str
    points: tuple[Point, ...]
    low: tuple[Point, ...] = ()
    high: tuple[Point, ...] = ()
    """The interval's ends; empty if the run has no interval."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """The size of a drawing, and how much it may hold."""

    width: int = WIDTH
    height: int = HEIGHT
    hover_values: int = 60
    """Values that are shown on hover, at most."""


IN_REPORT: Final = Size()


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The ranges of a plot's axes, and the transformation to the drawing's coordinates."""

    x: tuple[float, float]
    y: tuple[float, float]
    size: Size

    @property
    def right(self) -> int:
        """The x coordinate of the plot's right end."""
        return self.size.width - RIGHT

    @property
    def bottom(self) -> int:
        """The y coordinate of the plot's lower end."""
        return self.size.height - BOTTOM

    def across(self, x: float) -> float:
        """Return the x coordinate of an iteration."""
        return LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * (self.right - LEFT)

    def down(self, y: float) -> float:
        """Return the y coordinate of a value."""
        return TOP + (self.y[1] - y) / (self.y[1] - self.y[0]) * (self.bottom - TOP)


def traces(chart: Chart, curves: Mapping[str, Curve]) -> tuple[Trace, ...]:
    """Return the chart's curves, each with its interval if there is one."""
    found = []
    for sign, curve in chart.curves:
        low, high = (_ordered(curves.get(f"{curve.name}_{end}")) for end in ("low", "high"))
        has_interval = bool(low and high)
        found.append(
            Trace(
                name=sign or ("total" if len(chart.curves) > 1 else chart.title),
                points=_ordered(curve),
                low=low if has_interval else (),
                high=high if has_interval else (),
            )
        )
    return tuple(trace for trace in found if trace.points)


def _ordered(curve: Curve | None) -> tuple[Point, ...]:
    points = () if curve is None else curve.points
    return tuple(sorted((x, y) for x, y in points if abs(x) < LARGEST and abs(y) < LARGEST))


def figure(
    title: str, unit: str, about: str, shown: Sequence[Trace], size: Size = IN_REPORT
) -> str:
    """Return the whole figure; `shown` has at least one trace."""
    first, last = shown[0].points[0], shown[0].points[-1]
    if any(trace.low for trace in shown):
        about = f"{about}; the band is the 95 % interval" if about else "with its 95 % interval"
    described = (
        f"{title} by iteration: {fmt.metric(first[1])} at iteration {_iteration(first[0])}, "
        f"{fmt.metric(last[1])} at iteration {_iteration(last[0])}"
    )
    drawing = plot(unit, shown, size=size)
    return (
        f"<figure><figcaption><h3>{text(title)}</h3><p>{text(about)}</p>{_legend(shown)}"
        f'</figcaption><div class="plot"><svg viewBox="0 0 {size.width} {size.height}" '
        f'role="img" aria-label="{attribute(described)}">{drawing}</svg></div>{_table(shown)}'
        "</figure>\n"
    )


def plot(
    unit: str, shown: Sequence[Trace], across: str = "iteration", size: Size = IN_REPORT
) -> str:
    """Return the content of a figure's SVG; `across` labels the x axis."""
    axes = fit(shown, size)
    return "".join(
        [
            *_grid(axes, unit, across),
            *(_band(trace, place, axes) for place, trace in enumerate(shown) if trace.low),
            *(_line(trace, place, axes) for place, trace in enumerate(shown)),
            *_readings(shown, axes, across),
        ]
    )


def fit(shown: Sequence[Trace], size: Size = IN_REPORT) -> Axes:
    """Return axes that include every point of the traces and of their intervals."""
    points = [point for trace in shown for point in (*trace.points, *trace.low, *trace.high)]
    across, down = [x for x, _ in points], [y for _, y in points]
    return Axes(x=_range(across, 0.0), y=_range(down, 0.06), size=size)


def _range(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 1.0
        return low - room, high + room
    room = (high - low) * margin
    return low - room, high + room


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers from `low` to `high`, in steps of 1, 2 or 5 × 10ⁿ."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10, 20) if (high - low) / (power * n) <= most - 1)
    first = math.ceil(low / step)
    return [(first + n) * step for n in range(most) if (first + n) * step <= high]


def _labels(values: Sequence[float]) -> list[str]:
    """Return tick labels with as many decimals as their step needs."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    largest = max(map(abs, values))
    if largest >= 1e7 or step < 1e-5:
        return [f"{value:.4g}" for value in values]
    decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
    return [f"{value:,.{decimals}f}" for value in values]


def _short(labels: Sequence[str]) -> list[str]:
    """Return thousands as `600k` where a label would run into the axis's title."""
    if max(map(len, labels), default=0) < len("100,000") or not all(
        label == "0" or label.endswith(",000") for label in labels
    ):
        return list(labels)
    return [label.removesuffix(",000") + "k" if label != "0" else label for label in labels]


def _grid(axes: Axes, unit: str, across: str) -> list[str]:
    bottom, right = axes.bottom, axes.right
    rows, columns = ticks(*axes.y, 7), ticks(*axes.x, axes.size.width // 66)
    columns = [x for x in columns if x == round(x)]
    lines = []
    labels = _labels(rows) if axes.size.width >= WIDTH else _short(_labels(rows))
    for y, label in zip(rows, labels, strict=True):
        at = f"{axes.down(y):.1f}"
        lines.append(f'<path class="grid" d="M{LEFT} {at}H{right}"/>')
        lines.append(f'<text class="end" x="{LEFT - 8}" y="{at}" dy="4">{text(label)}</text>')
    for x, label in zip(columns, _labels(columns) if columns else (), strict=True):
        at = f"{axes.across(x):.1f}"
        lines.append(f'<path class="tick" d="M{at} {bottom}v5"/>')
        lines.append(f'<text class="middle" x="{at}" y="{bottom + 19}">{text(label)}</text>')
    lines.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    middle = (LEFT + right) / 2
    lines.append(
        f'<text class="middle" x="{middle:.0f}" y="{axes.size.height - 8}">{text(across)}</text>'
    )
    turned = f'transform="rotate(-90 12 {(TOP + bottom) / 2:.0f})"'
    return [
        *lines,
        f'<text class="middle" x="12" y="{(TOP + bottom) / 2:.0f}" {turned}>{text(unit)}</text>',
    ]


def _line(trace: Trace, place: int, axes: Axes) -> str:
    looks = f"line c{place}" + (" dense" if len(trace.points) > DENSE_FROM else "")
    drawn = f'<path class="{looks}" d="{_path(trace.points, axes)}"/>'
    if len(trace.points) > DOTS_UP_TO:
        return drawn
    dots = "".join(
        f"M{axes.across(x):.1f} {axes.down(y):.1f}h0" for x, y in trace.points
    )  # a line of no length with round ends
    return f'{drawn}<path class="dots c{place}" d="{dots}"/>'


def _band(trace: Trace, place: int, axes: Axes) -> str:
    back = _path(trace.low[::-1], axes).replace("M", "L", 1)
    return f'<path class="band c{place}" d="{_path(trace.high, axes)}{back}Z"/>'


def _path(points: Sequence[Point], axes: Axes) -> str:
    places = [f"{axes.across(x):.1f} {axes.down(y):.1f}" for x, y in points]
    return f"M{places[0]}" + "".join(f"L{place}" for place in places[1:])


def _readings(shown: Sequence[Trace], axes: Axes, across: str) -> list[str]:
    """Return vertical strips over the plot that show the values at their place on hover."""
    picked = evenly_spaced([x for x, _ in shown[0].points], axes.size.hover_values)
    places = [axes.across(x) for x in picked]
    edges = [LEFT, *((a + b) / 2 for a, b in itertools.pairwise(places)), axes.right]
    strips = []
    for number, x in enumerate(picked):
        values = "; ".join(f"{trace.name} {reading(trace, x)}" for trace in shown)
        told = text(f"{across} {_iteration(x)}: {values}")
        left, width = edges[number], edges[number + 1] - edges[number]
        strips.append(
            f'<rect class="read" x="{left:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{axes.bottom - TOP}"><title>{told}</title></rect>'
        )
    return strips


def reading(trace: Trace, x: float) -> str:
    """Return the value nearest to an iteration, with its interval: `1412 (1390–1433)`."""
    value = fmt.metric(_nearest(trace.points, x))
    if not trace.low or not trace.high:
        return value
    low, high = _nearest(trace.low, x), _nearest(trace.high, x)
    return f"{value} ({fmt.metric(low)}–{fmt.metric(high)})"


def _nearest(points: Sequence[Point], x: float) -> float:
    after = bisect.bisect_left(points, (x, -math.inf))
    near = points[max(0, after - 1) : after + 1]
    return min(near, key=lambda point: abs(point[0] - x))[1]


def evenly_spaced(values: Sequence[float], most: int) -> list[float]:
    """Return at most `most` distinct values, evenly spaced, with the first and the last."""
    distinct = list(dict.fromkeys(values))
    if len(distinct) <= most:
        return distinct
    return [distinct[round(n * (len(distinct) - 1) / (most - 1))] for n in range(most)]


def _legend(shown: Sequence[Trace]) -> str:
    if len(shown) < 2:
        return ""
    entries = "".join(
        f'<li><svg class="key" viewBox="0 0 28 10" aria-hidden="true">'
        f'<path class="line c{place}" d="M1 5H27"/></svg>{text(trace.name)}</li>'
        for place, trace in enumerate(shown)
    )
    return f'<ul class="legend">{entries}</ul>'


def _table(shown: Sequence[Trace]) -> str:
    heads = "".join(f'<th scope="col">{text(trace.name)}</th>' for trace in shown)
    rows = "".join(
        f'<tr><th scope="row">{_iteration(x)}</th>'
        + "".join(f"<td>{text(reading(trace, x))}</td>" for trace in shown)
        + "</tr>"
        for x in evenly_spaced([x for x, _ in shown[0].points], MOST_TABLE_ROWS)
    )
    return (
        '<details><summary>numbers</summary><table><thead><tr><th scope="col">iteration</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _iteration(x: float) -> str:
    return fmt.metric(x) if abs(x) >= 1e15 else f"{x:,.0f}"

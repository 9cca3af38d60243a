"""Draws a chart as a figure of HTML: an inline SVG with axes, values to point at, and a table."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.read.curves import Curve, Point
from blobmaster.monitor.report.markup import attribute, text
from blobmaster.monitor.screen.chart import Chart
from blobmaster.monitor.text import words

WIDTH: Final = 660
HEIGHT: Final = 290
LEFT: Final = 64
RIGHT: Final = 14
TOP: Final = 10
BOTTOM: Final = 46
"""Room round the plot for the axes, in the drawing's own units."""
LONGEST_READ: Final = 60
"""Values of a chart that can be pointed at."""
LONGEST_TABLE: Final = 12
"""Rows of the table below it."""
DOTS_UP_TO: Final = 80
"""So many points are marked one by one; more would hide the line."""
DENSE_FROM: Final = 400
"""From so many points on the line is a hair: a broad one would be a block of colour."""
LARGEST: Final = 1e300
"""Beyond it a difference of two values may be no number any more."""


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One curve of a figure with its interval, by iteration."""

    name: str
    points: tuple[Point, ...]
    low: tuple[Point, ...] = ()
    high: tuple[Point, ...] = ()
    """The interval's ends; none where the run tells none."""


@dataclass(frozen=True, kw_only=True)
class Axes:
    """The ranges of a plot and its place in the drawing."""

    x: tuple[float, float]
    y: tuple[float, float]

    def across(self, x: float) -> float:
        """An iteration's place."""
        return LEFT + (x - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - LEFT - RIGHT)

    def down(self, y: float) -> float:
        """A value's place."""
        return TOP + (self.y[1] - y) / (self.y[1] - self.y[0]) * (HEIGHT - TOP - BOTTOM)


def traces(chart: Chart, curves: Mapping[str, Curve]) -> tuple[Trace, ...]:
    """The chart's curves, each with its interval where there is one."""
    found = []
    for sign, curve in chart.curves:
        low, high = curves.get(f"{curve.name}_low"), curves.get(f"{curve.name}_high")
        has_interval = low is not None and high is not None
        found.append(
            Trace(
                name=sign or ("total" if len(chart.curves) > 1 else chart.title),
                points=_ordered(curve),
                low=_ordered(low) if has_interval else (),
                high=_ordered(high) if has_interval else (),
            )
        )
    return tuple(trace for trace in found if trace.points)


def _ordered(curve: Curve | None) -> tuple[Point, ...]:
    points = () if curve is None else curve.points
    return tuple(sorted((x, y) for x, y in points if abs(x) < LARGEST and abs(y) < LARGEST))


def figure(title: str, unit: str, about: str, shown: Sequence[Trace]) -> str:
    """The whole figure; `shown` has at least one trace."""
    first, last = shown[0].points[0], shown[0].points[-1]
    if any(trace.low for trace in shown):
        about = f"{about}; the band is the 95 % interval" if about else "with its 95 % interval"
    described = (
        f"{title} by iteration: {words.metric(first[1])} at iteration {_iteration(first[0])}, "
        f"{words.metric(last[1])} at iteration {_iteration(last[0])}"
    )
    return (
        f"<figure><figcaption><h3>{text(title)}</h3><p>{text(about)}</p>{_legend(shown)}"
        f'</figcaption><div class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{attribute(described)}">{plot(unit, shown)}</svg></div>{_table(shown)}'
        "</figure>\n"
    )


def plot(unit: str, shown: Sequence[Trace], across: str = "iteration") -> str:
    """What stands inside a figure's SVG; `across` is what the x of its traces counts."""
    axes = fit(shown)
    return "".join(
        [
            *_grid(axes, unit, across),
            *(_band(trace, place, axes) for place, trace in enumerate(shown) if trace.low),
            *(_line(trace, place, axes) for place, trace in enumerate(shown)),
            *_readings(shown, axes, across),
        ]
    )


def fit(shown: Sequence[Trace]) -> Axes:
    """Axes that hold every point of the traces and of their intervals."""
    points = [point for trace in shown for point in (*trace.points, *trace.low, *trace.high)]
    return Axes(x=_range([x for x, _ in points], 0.0), y=_range([y for _, y in points], 0.06))


def _range(values: Sequence[float], margin: float) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 1.0
        return low - room, high + room
    room = (high - low) * margin
    return low - room, high + room


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` round numbers from `low` to `high`, in steps of 1, 2 or 5 times 10ⁿ."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10, 20) if (high - low) / (power * n) <= most - 1)
    first = math.ceil(low / step)
    return [(first + n) * step for n in range(most) if (first + n) * step <= high]


def _labels(values: Sequence[float]) -> list[str]:
    """Tick labels with as many decimals as their step needs, and no more."""
    step = values[1] - values[0] if len(values) > 1 else 1.0
    largest = max(map(abs, values))
    if largest >= 1e7 or step < 1e-5:
        return [f"{value:.4g}" for value in values]
    decimals = max(0, math.ceil(-math.log10(step) - 1e-9))
    return [f"{value:,.{decimals}f}" for value in values]


def _grid(axes: Axes, unit: str, across: str) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    rows, columns = ticks(*axes.y, 7), ticks(*axes.x, 10)
    columns = [x for x in columns if x == round(x)]
    lines = []
    for y, label in zip(rows, _labels(rows), strict=True):
        at = f"{axes.down(y):.1f}"
        lines.append(f'<path class="grid" d="M{LEFT} {at}H{right}"/>')
        lines.append(f'<text class="end" x="{LEFT - 8}" y="{at}" dy="4">{text(label)}</text>')
    for x, label in zip(columns, _labels(columns) if columns else (), strict=True):
        at = f"{axes.across(x):.1f}"
        lines.append(f'<path class="tick" d="M{at} {bottom}v5"/>')
        lines.append(f'<text class="middle" x="{at}" y="{bottom + 19}">{text(label)}</text>')
    lines.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    middle = (LEFT + right) / 2
    lines.append(f'<text class="middle" x="{middle:.0f}" y="{HEIGHT - 8}">{text(across)}</text>')
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
    """Strips over the plot that tell their values when they are pointed at."""
    picked = thinned([x for x, _ in shown[0].points], LONGEST_READ)
    places = [axes.across(x) for x in picked]
    edges = [LEFT, *((a + b) / 2 for a, b in itertools.pairwise(places)), WIDTH - RIGHT]
    strips = []
    for number, x in enumerate(picked):
        values = "; ".join(f"{trace.name} {reading(trace, x)}" for trace in shown)
        told = text(f"{across} {_iteration(x)}: {values}")
        left, width = edges[number], edges[number + 1] - edges[number]
        strips.append(
            f'<rect class="read" x="{left:.1f}" y="{TOP}" width="{width:.1f}" '
            f'height="{HEIGHT - TOP - BOTTOM}"><title>{told}</title></rect>'
        )
    return strips


def reading(trace: Trace, x: float) -> str:
    """The value nearest to an iteration, with its interval: `1412 (1390–1433)`."""
    value = words.metric(_nearest(trace.points, x))
    if not trace.low or not trace.high:
        return value
    low, high = _nearest(trace.low, x), _nearest(trace.high, x)
    return f"{value} ({words.metric(low)}–{words.metric(high)})"


def _nearest(points: Sequence[Point], x: float) -> float:
    after = bisect.bisect_left(points, (x, -math.inf))
    near = points[max(0, after - 1) : after + 1]
    return min(near, key=lambda point: abs(point[0] - x))[1]


def thinned(values: Sequence[float], most: int) -> list[float]:
    """At most so many of them, evenly, with the first and the last."""
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
        for x in thinned([x for x, _ in shown[0].points], LONGEST_TABLE)
    )
    return (
        '<details><summary>numbers</summary><table><thead><tr><th scope="col">iteration</th>'
        f"{heads}</tr></thead><tbody>{rows}</tbody></table></details>"
    )


def _iteration(x: float) -> str:
    return words.metric(x) if abs(x) >= 1e15 else f"{x:,.0f}"

"""The charts of the page: the report's figures, smaller and with fewer points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from blobmaster.monitor.charts import Chart, charts
from blobmaster.monitor.metrics import CHARTS
from blobmaster.monitor.read.curves import EXTREMES, Curve, Point
from blobmaster.monitor.report.figure import Size, Trace, figure, traces
from blobmaster.monitor.text import fmt

SIZE: Final = Size(width=420, height=240, hover_values=16)
"""A phone of 360 pixels shows such a drawing nearly at its size."""
MOST_POINTS: Final = 120
"""Points of a curve: more would not be seen at this size, and all charts are to take few bytes."""
MOST_CHARTS: Final = 12
_KINDS: Final = {kind.title: kind for kind in CHARTS}


def draw(curves: Mapping[str, Curve]) -> str:
    """Return all charts as HTML; empty without a history."""
    figures = [_figure(chart, curves) for chart in charts(curves)[:MOST_CHARTS]]
    drawn = "".join(figures)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _figure(chart: Chart, curves: Mapping[str, Curve]) -> str:
    shown = [_thinned(trace) for trace in traces(chart, curves)]
    if not shown:
        return ""
    kind = _KINDS.get(chart.title)
    heading, unit, note = (
        (fmt.clean(chart.title, 60), "", "")
        if kind is None
        else (kind.heading, kind.unit, kind.note)
    )
    return figure(heading, unit, note, shown, SIZE)


def _thinned(trace: Trace) -> Trace:
    return replace(trace, points=_thin(trace.points), low=_thin(trace.low), high=_thin(trace.high))


def _thin(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return at most `MOST_POINTS` points: of each group the lowest and the highest."""
    if len(points) <= MOST_POINTS:
        return points
    group = -(-2 * len(points) // MOST_POINTS)
    starts = range(0, len(points), group)
    return tuple(point for at in starts for point in EXTREMES.join(list(points[at : at + group])))

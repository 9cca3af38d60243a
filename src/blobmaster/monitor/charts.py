"""Groups a run's curves into charts, for the screen and the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from blobmaster.monitor.metrics import (
    CHARTS,
    METRICS,
    OWN,
    ChartKind,
    find,
    is_interval_end,
    label,
)
from blobmaster.monitor.read.curves import Curve

MOST_CURVES: Final = 3
"""Curves in one chart: as many as there are colours."""


class Chart(NamedTuple):
    """Curves that share an axis."""

    title: str
    curves: tuple[tuple[str, Curve], ...]
    """Legend and curve; the chart's main curve is the first."""
    band: tuple[Curve, Curve] | None = None
    """Lower and upper end of the first curve's interval."""


def charts(curves: Mapping[str, Curve]) -> tuple[Chart, ...]:
    """Return the charts to draw: those of the catalogue first, then one per unknown metric."""
    members = {kind.title: _members(kind, curves) for kind in CHARTS}
    drawn = {name for names in members.values() for name, _ in names}
    known = [_chart(title, names, curves) for title, names in members.items()]
    others = [
        _chart(label(name), [(name, "")], curves)
        for name in curves
        if name not in drawn and _has_own_chart(name) and not is_interval_end(name, curves)
    ]
    return tuple(chart for chart in (*known, *others) if chart is not None)


def _members(kind: ChartKind, curves: Mapping[str, Curve]) -> list[tuple[str, str]]:
    """Return name and legend of a chart's metrics: `points_vs_random` has the legend `random`."""
    if not kind.prefix:
        return [(metric.name, metric.legend) for metric in METRICS if metric.chart == kind.title]
    return [
        (name, label(name.partition("_vs_")[2]))
        for name in curves
        if name.startswith(kind.prefix) and not is_interval_end(name, curves)
    ]


def _has_own_chart(name: str) -> bool:
    metric = find(name)
    return metric is None or metric.chart == OWN


def _chart(title: str, names: list[tuple[str, str]], curves: Mapping[str, Curve]) -> Chart | None:
    """Make a chart of those metrics that have a curve; None if none has."""
    found = [(legend, curves[name]) for name, legend in names if name in curves]
    if not found:
        return None
    first = found[0][1].name
    low, high = curves.get(f"{first}_low"), curves.get(f"{first}_high")
    band = None if low is None or high is None else (low, high)
    return Chart(title, tuple(found[:MOST_CURVES]), band)

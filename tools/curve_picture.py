"""Draws the record of a learning curve as a self-contained SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from blobmaster.monitor.report.figure import HEIGHT, WIDTH, Trace, plot
from blobmaster.monitor.report.markup import text

COLUMNS = 2
HEAD = 54
"""Height above a plot for its title and legend, in units of the drawing."""
ACROSS = "training time, core-minutes"

STYLE = """
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: #5b6675; }
.title { font-size: 16px; font-weight: 600; fill: #1b2330; }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.grid { stroke: #dde2e9; } .axis, .tick { stroke: #5b6675; fill: none; }
.c0 { color: #1f63c4; } .c1 { color: #c2570c; stroke-dasharray: 7 4; }
.c2 { color: #7a3fb0; stroke-dasharray: 2 4; }
.line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.dots { fill: none; stroke: currentColor; stroke-width: 5; stroke-linecap: round;
  stroke-dasharray: none; }
.band { fill: currentColor; fill-opacity: .17; stroke: none; }
.read { fill: none; }
"""


class Panel(NamedTuple):
    """One plot and its curves."""

    title: str
    unit: str
    curves: tuple[tuple[str, str], ...]
    """Pairs of the record's column and the curve's name."""
    scale: float = 1.0


def _against(measure: str, *opponents: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"{measure}_vs_{opponent}", opponent) for opponent in opponents)


PANELS = (
    Panel(
        "Against three of",
        "points a round",
        _against("points", "random", "heuristic", "ismcts-100"),
    ),
    Panel("Bids made exactly", "%", _against("exact", "random", "heuristic", "ismcts-100"), 100.0),
    Panel("Ahead of", "points a round", _against("lead", "heuristic", "ismcts-100")),
    Panel("One-card round", "NashConv, points a round", (("one_card_nash_conv", "of its bids"),)),
    Panel(
        "Calibration error of P(exact)",
        "%",
        (
            ("calibration_error", "when it bids"),
            ("calibration_error_at_first_card", "at its first card"),
            ("calibration_error_by_chance", "by chance"),
        ),
        100.0,
    ),
    Panel("Elo", "1000 is untrained", (("elo", "Elo"),)),
)


def picture(rows: Sequence[Mapping[str, str]]) -> str:
    """Draw the SVG; rows with search are left out."""
    plain = [row for row in rows if not row["search"]]
    drawn = [(panel, found) for panel in PANELS if (found := _traces(panel, plain))]
    lines = -(-len(drawn) // COLUMNS)
    size = (COLUMNS * WIDTH, lines * (HEIGHT + HEAD))
    panels = "".join(_panel(number, *each) for number, each in enumerate(drawn))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]} {size[1]}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#ffffff"/>{panels}</svg>\n'
    )


def _traces(panel: Panel, rows: Sequence[Mapping[str, str]]) -> list[Trace]:
    def points(column: str) -> tuple[tuple[float, float], ...]:
        return tuple(
            (float(row["core_minutes"]), panel.scale * float(row[column]))
            for row in rows
            if row.get(column)
        )

    traces = [
        Trace(name=name, points=points(c), low=points(f"{c}_low"), high=points(f"{c}_high"))
        for c, name in panel.curves
    ]
    return [trace for trace in traces if trace.points]


def _panel(number: int, panel: Panel, traces: Sequence[Trace]) -> str:
    x, y = number % COLUMNS * WIDTH, number // COLUMNS * (HEIGHT + HEAD)
    legend = "".join(
        f'<path class="line c{place}" d="M{64 + 150 * place} 40h28"/>'
        f'<text x="{98 + 150 * place}" y="44">{text(trace.name)}</text>'
        for place, trace in enumerate(traces)
    )
    return (
        f'<g transform="translate({x} {y})"><text class="title" x="64" y="22">'
        f'{text(panel.title)}</text>{legend}<g transform="translate(0 {HEAD})">'
        f"{plot(panel.unit, traces, ACROSS)}</g></g>\n"
    )

"""Curves as characters: braille dots, or stars where a terminal has only ASCII."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blobmaster.monitor.read.curves import Curve
from blobmaster.monitor.screen.drawing import Glyphs, Line, Role, Span
from blobmaster.monitor.text import words

Points = Sequence[tuple[float, float]]

_BRAILLE: Final = 0x2800
DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of a braille cell's dot by row and column."""
ROLES: Final[tuple[Role, ...]] = ("accent", "second", "third")
"""Of a chart's first, second and third curve."""
_BAND: Final = -1
_DULL: Final = frozenset(
    {
        *("elapsed_hours", "eta_hours", "eta_days", "learning_rate", "pi_target_tau"),
        *("training_units_generated", "elo_change"),
        *("training_seconds", "training_core_seconds", "self_play_network"),
    }
)
"""Numbers whose course tells nothing about the run."""
SHORTEST: Final = 3
NARROWEST: Final = 16


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Curves that share an axis; the first is the one the chart is about."""

    title: str
    curves: tuple[tuple[str, Curve], ...]
    """Each with its short sign in the legend."""
    band: tuple[Curve, Curve] | None = None
    """Lower and upper end of the first curve's interval."""


def charts(curves: Mapping[str, Curve]) -> tuple[Chart, ...]:
    """The charts worth drawing, the most telling first; unknown metrics come after the known."""
    groups = [
        ("Elo", [("elo", "")]),
        ("loss", [("loss", ""), ("policy_loss", "π"), ("value_loss", "v")]),
        ("games won", _measured("wins", curves)),
        ("points", _measured("points", curves)),
        ("rounds/min", [("rounds_per_minute", "")]),
        ("exact bids", _measured("exact", curves)),
        (
            "one-card NashConv",
            [("one_card_nash_conv", ""), ("one_card_nash_conv_drawn", "drawn")],
        ),
        (
            "calibration error",
            [
                ("calibration_error", "bid"),
                ("calibration_error_at_first_card", "card"),
                ("calibration_error_by_chance", "chance"),
            ],
        ),
    ]
    known = [_chart(title, named, curves) for title, named in groups]
    used = _DULL.union(name for _, named in groups for name, _ in named)
    others = [
        _chart(words.label(name), [(name, "")], curves)
        for name in curves
        if name not in used and not _is_end(name, curves)
    ]
    return tuple(chart for chart in (*known, *others) if chart is not None)


def _chart(title: str, named: list[tuple[str, str]], curves: Mapping[str, Curve]) -> Chart | None:
    """A chart of those of the curves that there are, the first one with its interval."""
    found = [(sign, curves[name]) for name, sign in named if name in curves]
    if not found:
        return None
    first = found[0][1].name
    low, high = curves.get(f"{first}_low"), curves.get(f"{first}_high")
    band = None if low is None or high is None else (low, high)
    return Chart(title=title, curves=tuple(found[: len(ROLES)]), band=band)


def _measured(measure: str, curves: Mapping[str, Curve]) -> list[tuple[str, str]]:
    """A yardstick's curves, each with whom it was taken against: `points_vs_random`, `random`."""
    return [
        (name, words.label(name.partition("_vs_")[2]))
        for name in curves
        if name.startswith(measure) and not _is_end(name, curves)
    ]


def _is_end(name: str, curves: Mapping[str, Curve]) -> bool:
    """Whether a curve is only the lower or upper end of another one's interval."""
    base = name.removesuffix("_low").removesuffix("_high")
    return base != name and base in curves


def draw(chart: Chart, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """The chart in `width` x `height` columns and lines: axis labels at the left, curves beside."""
    if width < NARROWEST or height < 1:
        return []
    if height < SHORTEST:
        return [legend(chart)]
    drawn = [curve.points for _, curve in chart.curves]
    band = () if chart.band is None else tuple(curve.points for curve in chart.band)
    low, high = _range([y for points in (*drawn, *band) for _, y in points])
    top, bottom = words.metric(high, 3), words.metric(low, 3)
    margin = max(len(top), len(bottom))
    start = min(points[0][0] for points in drawn)
    end = max(points[-1][0] for points in drawn)
    grid = _Grid(width - margin - 1, height, (start, end), (low, high), braille=glyphs.braille)
    for points in band:
        grid.add(points, _BAND)
    for index, points in reversed(list(enumerate(drawn))):
        grid.add(points, index)
    labels = [top, *[""] * (height - 2), bottom]
    return [
        (Span(f"{label:>{margin}} ", "dim"), *spans)
        for label, spans in zip(labels, grid.lines(), strict=True)
    ]


def legend(chart: Chart) -> Line:
    """The newest values, each in its curve's role: `1.2345  π 0.81  v 0.42`."""
    spans: list[Span] = []
    for index, (sign, curve) in enumerate(chart.curves):
        gap = "  " if spans else ""
        text = f"{gap}{sign} {words.metric(curve.last)}" if sign else words.metric(curve.last)
        spans.append(Span(text, ROLES[index % len(ROLES)]))
    return tuple(spans)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The span of the values, never empty and never overflowing."""
    low, high = max(min(values), -1e300), min(max(values), 1e300)
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-9):
        room = abs(high) * 0.05 or 1.0
        return low - room, high + room
    return low, high


class _Grid:
    """Dots on a canvas of cells; a cell belongs to the curve that drew in it last."""

    def __init__(
        self,
        width: int,
        height: int,
        x_range: tuple[float, float],
        y_range: tuple[float, float],
        *,
        braille: bool,
    ) -> None:
        self._across, self._down = (2, 4) if braille else (1, 1)
        self._cells = [[0] * width for _ in range(height)]
        self._owners = [[0] * width for _ in range(height)]
        self._columns, self._rows = width * self._across, height * self._down
        self._x_range, self._y_range = x_range, y_range
        self._braille = braille

    def add(self, points: Points, owner: int) -> None:
        """Draw a curve: dots for its points, joined column by column."""
        before: tuple[int, int] | None = None
        for column, y in self._columns_of(points):
            there = (column, self._rows - 1 - _place(y, self._y_range, self._rows))
            if owner == _BAND or before is None:
                self._dot(*there, owner)
            else:
                self._join(before, there, owner)
            before = there

    def _columns_of(self, points: Points) -> Iterator[tuple[int, float]]:
        """Columns of dots from left to right, each with the mean of its points."""
        placed = ((_place(x, self._x_range, self._columns), y) for x, y in points)
        for column, group in itertools.groupby(placed, key=lambda point: point[0]):
            values = [y for _, y in group]
            yield column, sum(y / len(values) for y in values)

    def _join(self, start: tuple[int, int], end: tuple[int, int], owner: int) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            column = start[0] + round((end[0] - start[0]) * step / steps)
            row = start[1] + round((end[1] - start[1]) * step / steps)
            self._dot(column, row, owner)

    def _dot(self, column: int, row: int, owner: int) -> None:
        line, cell = row // self._down, column // self._across
        bit = DOTS[row % self._down][column % self._across] if self._braille else 1
        self._cells[line][cell] |= bit
        self._owners[line][cell] = owner

    def lines(self) -> list[Line]:
        """Every line as spans of one role each."""
        return [
            _spans(cells, owners, braille=self._braille)
            for cells, owners in zip(self._cells, self._owners, strict=True)
        ]


def _place(value: float, span: tuple[float, float], count: int) -> int:
    low, high = span
    share = 0.5 if high <= low else (min(max(value, low), high) - low) / (high - low)
    return min(count - 1, int(share * count))


def _spans(cells: Sequence[int], owners: Sequence[int], *, braille: bool) -> Line:
    spans: list[Span] = []
    for bits, owner in zip(cells, owners, strict=True):
        role: Role = "dim" if owner == _BAND else ROLES[owner % len(ROLES)]
        if braille:
            letter = chr(_BRAILLE + bits) if bits else " "
        else:
            letter = ("." if owner == _BAND else "*+o"[owner % 3]) if bits else " "
        if spans and (spans[-1].role == role or not bits):
            spans[-1] = Span(spans[-1].text + letter, spans[-1].role)
        else:
            spans.append(Span(letter, role))
    return tuple(spans)

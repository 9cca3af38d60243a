"""Draws charts as characters: braille dots, or stars where a terminal has only ASCII."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from blobmaster.monitor.charts import Chart
from blobmaster.monitor.screen.drawing import Glyphs, Line, Role, Span
from blobmaster.monitor.text import fmt

Points = Sequence[tuple[float, float]]

_BRAILLE: Final = 0x2800
DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of a braille cell's dot by row and column (Unicode block U+2800)."""
ROLES: Final[tuple[Role, ...]] = ("accent", "second", "third")
"""Roles of a chart's first, second and third curve."""
_BAND: Final = -1
SHORTEST: Final = 3
NARROWEST: Final = 16
LEAST_PLOT: Final = 4
"""Columns beside the axis labels; where a long label leaves fewer, the newest values are shown."""


def draw(chart: Chart, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Draw a chart in `width` columns and `height` lines, with axis labels at the left."""
    if width < NARROWEST or height < 1:
        return []
    if height < SHORTEST:
        return [legend(chart)]
    drawn = [curve.points for _, curve in chart.curves]
    band = () if chart.band is None else tuple(curve.points for curve in chart.band)
    low, high = _range([y for points in (*drawn, *band) for _, y in points])
    top, bottom = fmt.metric(high, 3), fmt.metric(low, 3)
    margin = max(len(top), len(bottom))
    if width - margin - 1 < LEAST_PLOT:
        return [legend(chart)]
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
    """Return the newest values, each in its curve's role: `1.2345  π 0.81  v 0.42`."""
    spans: list[Span] = []
    for index, (sign, curve) in enumerate(chart.curves):
        gap = "  " if spans else ""
        text = f"{gap}{sign} {fmt.metric(curve.last)}" if sign else fmt.metric(curve.last)
        spans.append(Span(text, ROLES[index % len(ROLES)]))
    return tuple(spans)


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the range of the values; it is never empty and its length never overflows."""
    low, high = max(min(values), -1e300), min(max(values), 1e300)
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-9):
        room = abs(high) * 0.05 or 1.0
        return low - room, high + room
    return low, high


class _Grid:
    """A canvas of cells with dots; a cell has the colour of the curve that drew in it last."""

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
        """Draw a curve as dots, joined from column to column."""
        before: tuple[int, int] | None = None
        for column, y in self._columns_of(points):
            there = (column, self._rows - 1 - _place(y, self._y_range, self._rows))
            if owner == _BAND or before is None:
                self._dot(*there, owner)
            else:
                self._join(before, there, owner)
            before = there

    def _columns_of(self, points: Points) -> Iterator[tuple[int, float]]:
        """Yield the columns of dots from left to right, each with the mean of its points."""
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
        """Return each line as spans of one role each."""
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

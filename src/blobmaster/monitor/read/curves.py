"""A run's history as curves of bounded size, read incrementally."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blobmaster.run.files.history import START, HistoryCursor, HistoryRow, read_rows

POINTS: Final = 512
"""Points kept per curve; twice as many are halved by joining neighbours. A braille chart has two
dots per column, so no screen shows more."""
Point = tuple[float, float]
"""Iteration and value."""
MOST_CURVES: Final = 64
"""Curves kept, the first ones: a foreign run may log hundreds. A Blob run has up to 50."""
PART_BYTES: Final = 1 << 18
"""Bytes per read. Decoding 4 MiB of rows at once left the process 14 MiB larger for good."""
PARTS: Final = 16
"""Reads per refresh: a long history takes several refreshes, each of them short."""
RECENT_BYTES: Final = 1 << 18
"""Bytes read where no charts are shown: some hundred rows, enough for the ETA and the ratings."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One metric over the run: `points` are (iteration, value), oldest first, finite."""

    name: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True, kw_only=True)
class Downsampling:
    """A way to halve the number of a curve's points."""

    group: int
    """Number of neighbouring points that are joined."""
    join: Callable[[list[Point]], list[Point]]
    """Returns half as many points, in order, for a full group, and no more for a partial one."""


def _mean(points: list[Point]) -> list[Point]:
    count = len(points)
    return [(sum(x for x, _ in points) / count, sum(y / count for _, y in points))]


def _lowest_and_highest(points: list[Point]) -> list[Point]:
    def value(point: Point) -> float:
        return point[1]

    return sorted({min(points, key=value), max(points, key=value)})


MEANS: Final = Downsampling(group=2, join=_mean)
"""Pairs become their mean: for small charts, as it removes noise."""
EXTREMES: Final = Downsampling(group=4, join=_lowest_and_highest)
"""Groups keep their lowest and highest point: for large charts, as it keeps peaks."""


class _Series:
    """A growing curve; each `stride` rows are joined into one group of points."""

    def __init__(self, downsampling: Downsampling) -> None:
        self._downsampling = downsampling
        self._points: list[Point] = []
        self._stride = 1
        self._open: list[Point] = []

    def add(self, iteration: float, value: float) -> None:
        self._open.append((iteration, value))
        if len(self._open) < self._stride:
            return
        group, join = self._downsampling.group, self._downsampling.join
        self._points.extend(join(self._open))
        self._open = []
        if len(self._points) >= 2 * POINTS:
            starts = range(0, len(self._points), group)
            self._points = [p for at in starts for p in join(self._points[at : at + group])]
            self._stride = max(group, 2 * self._stride)

    def curve(self, name: str) -> Curve:
        unfinished = self._downsampling.join(self._open) if self._open else []
        return Curve(name=name, points=(*self._points, *unfinished))


class History:
    """The curves of one history file; `refresh` reads a bounded part of the new rows."""

    def __init__(self, path: Path, downsampling: Downsampling = MEANS) -> None:
        self._path = path
        self._downsampling = downsampling
        self._cursor = START
        self._series: dict[str, _Series] = {}
        self._curves: dict[str, Curve] = {}
        self.is_behind = False
        """True if there is more to read without waiting."""

    def skip_to_recent(self) -> None:
        """Skip all but the newest rows.

        Raises:
            OSError: the file's size cannot be read.
        """
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return
        self._cursor = HistoryCursor(found.st_ino, max(0, found.st_size - RECENT_BYTES))

    def refresh(self) -> None:
        """Read rows added since the last refresh.

        Raises:
            OSError: the file cannot be read.
        """
        moved = False
        for _ in range(PARTS):
            moved |= self._read_part()
            if not self.is_behind:
                break
        if moved:
            self._curves = {name: series.curve(name) for name, series in self._series.items()}

    def _read_part(self) -> bool:
        """Read one part; returns True if a curve has changed."""
        part = read_rows(self._path, self._cursor, PART_BYTES)
        self._cursor, self.is_behind = part.cursor, part.more
        if part.restarted:
            self._series = {}
        for row in part.rows:
            self._add(row)
        return part.restarted or bool(part.rows)

    @property
    def curves(self) -> Mapping[str, Curve]:
        """Every numeric metric's curve by name; the same object until a curve changes."""
        return self._curves

    def _add(self, row: HistoryRow) -> None:
        self._point("elapsed_hours", row.iteration, row.elapsed_hours)
        for name, value in numbers(row.metrics):
            self._point(name, row.iteration, value)

    def _point(self, name: str, iteration: int, value: float) -> None:
        series = self._series.get(name)
        if series is None:
            if len(self._series) >= MOST_CURVES:
                return
            series = self._series[name] = _Series(self._downsampling)
        series.add(float(iteration), value)


def numbers(metrics: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield finite numbers by name; those of nested objects have dotted names."""
    for name, value in metrics.items():
        if isinstance(value, dict) and not prefix:
            yield from numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            number = finite(value)
            if number is not None:
                yield prefix + name, number


def finite(value: float) -> float | None:
    """Return the value as a float, None if it is not finite."""
    try:
        number = float(value)
    except OverflowError:  # JSON has integers of any size
        return None
    return number if math.isfinite(number) else None

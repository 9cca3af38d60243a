"""Brings a tracker to the state of a history: adds what is missing, takes back what was dropped."""

from __future__ import annotations

from collections.abc import Sequence

from blobmaster.monitor.track.tracker import Export, Row


class Replay:
    """An export of one run, brought up to date again and again."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._held = list(export.held())

    def update(self, rows: Sequence[Row]) -> int:
        """Make the tracker hold these rows and no others; returns how many were added."""
        expected = [self._export.as_held(row) for row in rows]
        same = _common(self._held, expected)
        begun = self._held[same:]
        if len(begun) == 1 and same < len(rows) and _is_part(begun[0], expected[same]):
            missing = [_rest(rows[same], self._export, begun[0]), *rows[same + 1 :]]
        else:
            if begun:
                same = self._export.keep_first(same)
            missing = list(rows[same:])
        self._held = expected[:same]
        if missing:
            self._export.add(missing)
        self._held = expected
        return len(missing)

    def close(self) -> None:
        """Finish the export."""
        self._export.close()


def _common(held: Sequence[Row], expected: Sequence[Row]) -> int:
    """Return the number of rows with which both begin."""
    for number, (one, other) in enumerate(zip(held, expected, strict=False)):
        if one != other:
            return number
    return min(len(held), len(expected))


def _is_part(begun: Row, whole: Row) -> bool:
    return begun.iteration == whole.iteration and begun.values.items() <= whole.values.items()


def _rest(row: Row, export: Export, begun: Row) -> Row:
    """Return the values of a row that the tracker does not hold yet."""
    left = {
        name: value
        for name, value in row.values.items()
        if not export.as_held(Row(row.iteration, {name: value})).values.items()
        <= begun.values.items()
    }
    return Row(row.iteration, left, row.at)

"""The rows of a run, read from its history as it grows, is rewound or begins anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from blobmaster.monitor.read.curves import numbers
from blobmaster.monitor.read.run_reader import list_checkpoints
from blobmaster.monitor.text import fmt
from blobmaster.monitor.track.tracker import Row, Setting
from blobmaster.run.checkpoints.store import CheckpointEntry
from blobmaster.run.errors import CheckpointError
from blobmaster.run.files.history import START, HistoryRow, read_rows
from blobmaster.run.files.layout import CheckpointName, RunLayout

MOST_LISTED: Final = 100
"""Values of a list, such as one per number of cards, that become metrics of their own."""


class History:
    """The newest run's rows in a history file."""

    def __init__(self, layout: RunLayout) -> None:
        self._layout = layout
        self._cursor = START
        self._rows: list[Row] = []
        self.run_id = ""
        """The run that the rows belong to; empty before the first one."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows, each iteration once, in order."""
        return tuple(self._rows)

    def refresh(self) -> None:
        """Read what has changed.

        Raises:
            OSError: the file cannot be read.
        """
        while True:
            chunk = read_rows(self._layout.history, self._cursor)
            self._cursor = chunk.cursor
            if chunk.restarted:
                self._rows, self.run_id = [], ""
            for row in chunk.rows:
                self._add(row)
            if not chunk.more:
                return

    def _add(self, row: HistoryRow) -> None:
        if row.run_id != self.run_id:
            self._rows, self.run_id = [], row.run_id
        # A loop that resumes without rewriting its history repeats iterations: newer rows count.
        while self._rows and self._rows[-1].iteration >= row.iteration:
            self._rows.pop()
        values = {"elapsed_hours": row.elapsed_hours, **dict(_values(row.metrics))}
        self._rows.append(Row(row.iteration, values, _seconds(row.timestamp)))


def _values(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield every finite number by name; those of a list are numbered from 1."""
    lists = {
        f"{name}.{number}": value
        for name, listed in metrics.items()
        if isinstance(listed, list)
        for number, value in enumerate(listed[:MOST_LISTED], 1)
    }
    yield from numbers(metrics)
    yield from numbers(lists)


def _seconds(timestamp: str) -> float:
    try:
        return datetime.fromisoformat(timestamp).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def settings_of(layout: RunLayout) -> dict[str, Setting]:
    """Return a run's settings as its newest readable checkpoint has them; empty without one."""
    for file in list_checkpoints(layout):
        name = CheckpointName.parse(file.name)
        path = (layout.permanent if file.permanent else layout.cache) / file.name
        if name is None:
            continue
        try:
            meta = CheckpointEntry(name, path, file.permanent).meta()
        except CheckpointError:  # the next newest one has the same settings
            continue
        identity: dict[str, Setting] = {
            "project": meta.identity.project,
            "parameters": meta.identity.parameters,
            "architecture": meta.identity.architecture,
        }
        return identity | dict(_flat(meta.config))
    return {}


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Setting]]:
    for name, value in config.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, str | int | float | bool):
            yield fmt.clean(prefix + name), value
        elif value is not None:
            yield fmt.clean(prefix + name), fmt.clean(str(value))

"""The interface of a tracker: what holds rows of a run, and is asked what it holds already.

A tracker keeps no note of how far an export has come. It is asked for the rows that it holds, and
those are compared with the history: so a kill at any instant neither repeats a row nor loses one,
and a resume that dropped rows is found, also if it happened while nobody exported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

Setting = str | int | float | bool


@dataclass(frozen=True)
class Row:
    """An iteration of a run."""

    iteration: int
    """1-based; the step in every tracker."""
    values: Mapping[str, float]
    """Every number of the iteration, by the name of its field in history.jsonl."""
    at: float = field(default=0.0, compare=False)
    """Epoch seconds at which it was committed."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """The description of a run that a tracker gets at its start."""

    name: str
    """The run's id, which no other run has."""
    project: str
    settings: Mapping[str, Setting]
    """By table and name, such as `learning.batch`; empty if no checkpoint tells them."""


class Export(Protocol):
    """One run in a tracker's store; for use by one thread of one process."""

    def held(self) -> Sequence[Row]:
        """Return the rows that the store holds, oldest first."""

    def as_held(self, row: Row) -> Row:
        """Return a row as the store gives it back, such as in float32 or with other names."""

    def keep_first(self, count: int) -> int:
        """Take back all rows but the first `count`, which a resume dropped.

        A store that cannot take back single rows gives up more; returns how many are left.
        """

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows after those that are held; they are safe when it returns.

        A row may continue the last one that is held, of which a kill let only a part arrive.
        """

    def close(self) -> None:
        """Finish; nothing is lost if it is never called."""


class Tracker(NamedTuple):
    """A kind of tracker."""

    name: str
    """On the command line, and the extra of the package that installs it."""
    package: str
    """The package that must be importable."""
    open: Callable[[Path, TrackedRun], Export]
    """Opens the store of a run below a folder."""
    to_look: str
    """The command that shows the folder, with `{folder}` in it."""

"""Finds the runs below folders, and looks at all of them in turn."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.source import Extent, Source
from blobmaster.monitor.view import View, view
from blobmaster.run.layout import RunLayout

DEPTH: Final = 4
"""Levels below a folder at which a run is looked for: `runs/elo/models/checkpoints`."""
MOST_RUNS: Final = 200
MOST_FOLDERS: Final = 2000
"""Folders searched at one look; whoever names `/` gets an answer all the same."""


def find_runs(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The run directories at or below these folders, by name; a folder without any is one to be.

    A run's own folders are not searched: its archive is its past. Links are not followed.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        below = sorted(_runs_below(folder), key=_by_name) or [folder]
        for run in below[:MOST_RUNS]:
            found.setdefault(run.absolute(), run)
    return tuple(found.values())[:MOST_RUNS]


def run_options(options: MonitorOptions, run: Path) -> MonitorOptions:
    """The same settings for one of the runs."""
    return replace(options, status_file=RunLayout(run).status)


class OneRun:
    """The run of the options' status file, looked at as `Runs` are."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent, silence: float | None = None
    ) -> None:
        """`extent` and `silence` as for a `Source`."""
        self._path = options.status_file
        self._source = Source(options, extent=extent, silence=silence)

    @property
    def is_behind(self) -> bool:
        """Whether there is more to read than one look takes."""
        return self._source.is_behind

    @property
    def in_doubt(self) -> bool:
        """Whether its process has gone and may yet have written a last word."""
        return self._source.in_doubt

    def look(self) -> tuple[View, ...]:
        """Its view."""
        return (view(self._source.look(), self._path),)


class Runs:
    """The runs below the options' folders; those that come and go are noticed at every look."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent, silence: float | None = None
    ) -> None:
        """`extent` and `silence` as for a `Source`."""
        self._options = options
        self._extent: Extent = extent
        self._silence = silence
        self._sources: dict[Path, Source] = {}
        self.is_behind = False
        """Never: a run's history is not read for the list."""

    @property
    def in_doubt(self) -> bool:
        """Whether some run's process has gone and may yet have written a last word."""
        return any(source.in_doubt for source in self._sources.values())

    def look(self) -> tuple[View, ...]:
        """One view a run, in the order of their names."""
        runs = find_runs(self._options.folders)
        self._sources = {run: self._sources.get(run) or self._source(run) for run in runs}
        return tuple(
            view(source.look(), RunLayout(run).status) for run, source in self._sources.items()
        )

    def _source(self, run: Path) -> Source:
        return Source(run_options(self._options, run), extent=self._extent, silence=self._silence)


def _runs_below(folder: Path) -> Iterator[Path]:
    level, searched = [folder], 0
    for _ in range(DEPTH + 1):
        deeper: list[Path] = []
        for here in level:
            if os.path.lexists(RunLayout(here).status):
                yield here
            elif searched < MOST_FOLDERS:
                searched += 1
                deeper.extend(_folders_in(here))
        level = deeper


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                folder / entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        # One that may not be read, or went away meanwhile, holds no run that could be shown.
        return []


def _by_name(path: Path) -> list[tuple[int, str]]:
    """As people count: `run-2` before `run-10`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]+)", str(path))
    ]

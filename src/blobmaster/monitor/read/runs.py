"""Finds the runs below folders and reads all of them; one that hangs does not delay the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.liveness import silence_limit
from blobmaster.monitor.read.run_reader import Extent, RunReader
from blobmaster.monitor.read.timed_reads import TimedReads, TimedResult
from blobmaster.monitor.view import SILENT, View, out_of_contact, view
from blobmaster.run.files.layout import RunLayout

DEPTH: Final = 4
"""Levels below a folder that are searched: `runs/elo/models/checkpoints` is found."""
MOST_RUNS: Final = 200
MOST_FOLDERS: Final = 2000
"""Folders searched at a time, so that even `/` gives a quick result."""


def find_runs(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the run directories at or below these folders, sorted by name.

    A folder without runs is returned itself: a run may start there. Folders inside a run are not
    searched, as its archive holds earlier runs. Links are not followed.
    """
    return _merged(_runs_of(folder) for folder in folders)


class MultiRunReader:
    """Reads the runs below the options' folders; each read finds those that come and go."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent, silence: float | None = None
    ) -> None:
        """`extent` and `silence` are as for `RunReader`."""
        self._options = options
        self._extent: Extent = extent
        self._silence = silence
        self._limit = silence_limit(options.refresh_interval) if silence is None else silence
        self._readers: dict[Path, RunReader] = {}
        self._folders = TimedReads[Path, list[Path]]()
        self._views = TimedReads[Path, View]()
        self.is_behind = False
        """Always False: the list needs no history."""

    @property
    def in_doubt(self) -> bool:
        """True if a run's process has gone and may have written a last status."""
        return any(reader.in_doubt for reader in self._readers.values())

    def read(self) -> tuple[View, ...]:
        """Return a view per run, sorted by name; a run that hangs keeps its last view."""
        runs = self._find()
        self._readers = {run: self._readers.get(run) or self._make_reader(run) for run in runs}
        reads = {run: partial(_read, reader, run) for run, reader in self._readers.items()}
        return tuple(self._shown(run, found) for run, found in self._views.read(reads).items())

    def _find(self) -> tuple[Path, ...]:
        """Find runs like `find_runs`; a folder that hangs keeps its last runs."""
        folders = self._options.folders
        found = self._folders.read({folder: partial(_runs_of, folder) for folder in folders})
        return _merged([folder] if runs is None else runs.found for folder, runs in found.items())

    def _shown(self, run: Path, result: TimedResult[View] | None) -> View:
        if result is None:
            source = str(RunLayout(run).status)
            return View(state="unreadable", why=SILENT, problem=SILENT, source=source)
        if result.silent_s is None:
            return result.found
        last = replace(result.found, problem=SILENT, frame_age_s=result.silent_s)
        return out_of_contact(last) if result.silent_s > self._limit else last

    def _make_reader(self, run: Path) -> RunReader:
        return RunReader(self._options.for_run(run), extent=self._extent, silence=self._silence)


def _read(reader: RunReader, run: Path) -> View:
    return view(reader.read(), RunLayout(run).status)


def _runs_of(folder: Path) -> list[Path]:
    return (sorted(_runs_below(folder), key=_by_name) or [folder])[:MOST_RUNS]


def _merged(folders: Iterable[Iterable[Path]]) -> tuple[Path, ...]:
    found: dict[Path, Path] = {}
    for runs in folders:
        for run in runs:
            found.setdefault(run.absolute(), run)
    return tuple(found.values())[:MOST_RUNS]


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
        # Unreadable, or deleted in the meantime: there is no run to show.
        return []


def _by_name(path: Path) -> list[tuple[int, str]]:
    """Return a sort key with natural order: `run-2` before `run-10`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]+)", str(path))
    ]

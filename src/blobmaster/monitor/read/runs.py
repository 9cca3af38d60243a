"""Finds the runs below folders, and looks at all of them; one that hangs holds up no other."""

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
from blobmaster.monitor.read.patience import Answer, PatientLooks
from blobmaster.monitor.read.source import Extent, Source
from blobmaster.monitor.view import SILENT, View, out_of_contact, view
from blobmaster.run.files.layout import RunLayout

DEPTH: Final = 4
"""Levels below a folder at which a run is looked for: `runs/elo/models/checkpoints`."""
MOST_RUNS: Final = 200
MOST_FOLDERS: Final = 2000
"""Folders searched at one look; whoever names `/` gets an answer all the same."""


def find_runs(folders: Iterable[Path]) -> tuple[Path, ...]:
    """The run directories at or below these folders, by name; a folder without any is one to be.

    A run's own folders are not searched: its archive is its past. Links are not followed.
    """
    return _merged(_runs_of(folder) for folder in folders)


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
        self._limit = silence_limit(options.refresh_interval) if silence is None else silence
        self._sources: dict[Path, Source] = {}
        self._folders = PatientLooks[Path, list[Path]]()
        self._looks = PatientLooks[Path, View]()
        self.is_behind = False
        """Never: a run's history is not read for the list."""

    @property
    def in_doubt(self) -> bool:
        """Whether some run's process has gone and may yet have written a last word."""
        return any(source.in_doubt for source in self._sources.values())

    def look(self) -> tuple[View, ...]:
        """One view a run, in the order of their names; of one that hangs, what it was before."""
        runs = self._find()
        self._sources = {run: self._sources.get(run) or self._source(run) for run in runs}
        looks = {run: partial(_look, source, run) for run, source in self._sources.items()}
        return tuple(self._shown(run, found) for run, found in self._looks.look(looks).items())

    def _find(self) -> tuple[Path, ...]:
        """Like `find_runs`; a folder that hangs holds what it held."""
        folders = self._options.folders
        found = self._folders.look({folder: partial(_runs_of, folder) for folder in folders})
        return _merged([folder] if runs is None else runs.found for folder, runs in found.items())

    def _shown(self, run: Path, answer: Answer[View] | None) -> View:
        if answer is None:
            source = str(RunLayout(run).status)
            return View(state="unreadable", why=SILENT, problem=SILENT, source=source)
        if answer.silent_s is None:
            return answer.found
        last = replace(answer.found, problem=SILENT, frame_age_s=answer.silent_s)
        return out_of_contact(last) if answer.silent_s > self._limit else last

    def _source(self, run: Path) -> Source:
        return Source(run_options(self._options, run), extent=self._extent, silence=self._silence)


def _look(source: Source, run: Path) -> View:
    return view(source.look(), RunLayout(run).status)


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
        # One that may not be read, or went away meanwhile, holds no run that could be shown.
        return []


def _by_name(path: Path) -> list[tuple[int, str]]:
    """As people count: `run-2` before `run-10`."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part)
        for part in re.split(r"([0-9]+)", str(path))
    ]

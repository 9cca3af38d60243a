"""Selects the run or runs that a command is about, and the reader for them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol, TypeVar

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.run_reader import Extent, RunReader
from blobmaster.monitor.view import View, view

CONFIRM_S: Final = 25.0
"""Longest wait for a second write, where only the file says that a run lives. Without a cache the
trainer's 2 s would do, but sshfs shows an old copy for 20."""
_CONFIRM_STEP_S: Final = 0.25

Found = TypeVar("Found", covariant=True)


class Reader(Protocol[Found]):
    """Something that can be read again and again."""

    @property
    def is_behind(self) -> bool:
        """True if there is more to read than one call takes."""

    @property
    def in_doubt(self) -> bool:
        """True if the next read should be soon."""

    def read(self) -> Found:
        """Read once; it may block for as long as the file system does."""


class SingleRunReader:
    """Reads the run of the options' status file, with the interface of `MultiRunReader`."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent, silence: float | None = None
    ) -> None:
        """`extent` and `silence` are as for `RunReader`."""
        self._path = options.status_file
        self._reader = RunReader(options, extent=extent, silence=silence)

    @property
    def is_behind(self) -> bool:
        """True if there is more to read than one call takes."""
        return self._reader.is_behind

    @property
    def in_doubt(self) -> bool:
        """True if the process has gone and may have written a last status."""
        return self._reader.in_doubt

    def read(self) -> tuple[View, ...]:
        """Return the run's view."""
        return (view(self._reader.read(), self._path),)


def resolve_folder(options: MonitorOptions) -> MonitorOptions:
    """Turn a single folder that is itself a run, or has none yet, into that run's status file."""
    if len(options.folders) == 1:
        # Imported here and below: a page of one run does not need the search for runs.
        from blobmaster.monitor.read.runs import find_runs

        if find_runs(options.folders) == options.folders:
            return replace(options.for_run(options.folders[0]), folders=())
    return options


def folder_problem(options: MonitorOptions) -> str | None:
    """Return in a line why no run can be here; None if one is, or may begin.

    A folder that is not there is no problem: it is waited for, as a monitor may be started before
    the run, and what is shown names the path.
    """
    for folder in options.folders or (options.layout.root,):
        if os.path.exists(folder) and not os.path.isdir(folder):  # noqa: PTH110, PTH112 (no raise)
            return f"{folder} is no folder; name folders of runs"
    return None


def missing_folders(options: MonitorOptions) -> list[Path]:
    """Return the folders that are waited for."""
    folders = options.folders or (options.layout.root,)
    return [folder for folder in folders if not os.path.isdir(folder)]  # noqa: PTH112 (no raise)


def make_reader(options: MonitorOptions, silence: float | None = None) -> Reader[tuple[View, ...]]:
    """Return the reader for the run, or for all runs below the folders.

    `silence` is as for `RunReader`.
    """
    if options.folders:
        from blobmaster.monitor.read.runs import MultiRunReader

        return MultiRunReader(options, extent="recent", silence=silence)
    return SingleRunReader(options, extent="recent", silence=silence)


def confirmed_views(options: MonitorOptions) -> Sequence[View]:
    """Read the views once, or, for a remote run, until its status was seen to change."""
    reader = make_reader(options, CONFIRM_S)
    views = reader.read()
    deadline = time.monotonic() + CONFIRM_S + 1
    while not all(run.sure for run in views) and time.monotonic() < deadline:
        time.sleep(_CONFIRM_STEP_S)
        views = reader.read()
    return views

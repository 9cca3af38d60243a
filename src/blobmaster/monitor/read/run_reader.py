"""Reads a run directory: all of the monitor's reads of a run are made here, and no writes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.curves import History
from blobmaster.monitor.read.liveness import (
    Observation,
    Process,
    find_process,
    judge,
    observe,
    silence_limit,
)
from blobmaster.monitor.read.tail import LogTail
from blobmaster.monitor.view import CheckpointFile, Reading
from blobmaster.run.errors import StatusError, StatusMissingError
from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.status.schema import ENDED, Status, read_status

Extent = Literal["status", "recent", "all"]
"""The part of a run directory that is read."""


class RunReader:
    """Reads one run directory repeatedly; `read` may block for as long as the file system does."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent = "all", silence: float | None = None
    ) -> None:
        """Prepare to read the options' run.

        Args:
            options: the run and the interval between readings.
            extent: `all`; `recent` skips the history's older rows, which only charts need; `status`
                reads nothing but the status.
            silence: longest acceptable time between writes of the status in seconds; by default
                `silence_limit` of the interval.
        """
        self._silence = silence_limit(options.refresh_interval) if silence is None else silence
        self._options = options
        self._layout = options.layout
        self._history = History(self._layout.history)
        self._log = LogTail(self._layout.log)
        self._extent = extent
        self._status: Status | None = None
        self._status_at = 0.0
        self._observation: Observation | None = None
        self._first_read = True
        self._skipped = False
        self.in_doubt = False
        """True if the next reading decides, so that it should come soon: the process has gone and
        may have written a last status, or cannot be seen."""
        self.is_behind = False
        """True if there is more to read than one call takes: read again at once."""

    def read(self) -> Reading:
        """Read everything once; what cannot be read keeps its last value."""
        problem, missing = self._read_status()
        process = None if self._status is None else find_process(self._status)
        if self._extent == "all" and self._first_read:
            self.is_behind = True  # show the status at once; a long history takes longer to read
        elif self._extent != "status":
            self._read_history_and_log()
            self.is_behind = self._history.is_behind
        self._first_read = False
        now = time.monotonic()
        verdict = None
        if self._status is not None and process is not None:
            self._observation = observe(self._observation, self._status, process, now, time.time())
            verdict = judge(self._status, self._observation, self._silence)
            gone = process is Process.GONE and verdict.state not in (*ENDED, "dead")
            self.in_doubt = gone or (process is Process.UNSEEN and not verdict.sure)
        return Reading(
            status=self._status,
            status_at=self._status_at,
            problem=problem,
            missing=missing,
            now=now,
            observation=self._observation,
            verdict=verdict,
            curves=self._history.curves,
            checkpoints=() if self._extent == "status" else list_checkpoints(self._layout),
            log=self._log.lines,
            writable=os.access(self._options.control.parent, os.W_OK),
        )

    def _read_status(self) -> tuple[str | None, bool]:
        """Read the status; returns the problem, if any, and True if there is no file."""
        try:
            self._status = read_status(self._options.status_file)
        except StatusMissingError as error:
            return str(error), True
        except StatusError as error:
            return str(error), False
        except OSError as error:
            return f"cannot read {self._options.status_file}: {error.strerror}", False
        self._status_at = time.monotonic()
        return None, False

    def _read_history_and_log(self) -> None:
        try:
            if self._extent == "recent" and not self._skipped:
                self._history.skip_to_recent()
                self._skipped = True
            self._history.refresh()
            self._log.refresh()
        except OSError:
            # These are extras: the status is shown without them, so they keep their last content.
            return


def list_checkpoints(layout: RunLayout) -> tuple[CheckpointFile, ...]:
    """List the checkpoint files, newest iteration first; other files are ignored."""
    folders, now = ((layout.permanent, True), (layout.cache, False)), time.time()
    found = [
        file for folder, permanent in folders for file in _checkpoints_in(folder, permanent, now)
    ]
    return tuple(sorted(found, key=lambda file: (-file.iteration, file.name)))


def _checkpoints_in(folder: Path, permanent: bool, now: float) -> list[CheckpointFile]:
    try:
        with os.scandir(folder) as entries:
            listed = [(CheckpointName.parse(entry.name), entry) for entry in entries]
    except OSError:  # the folder does not exist yet
        return []
    found = []
    for name, entry in listed:
        if name is None:
            continue
        try:
            # A link counts, as for the trainer, also one whose file is gone.
            if not (entry.is_file() or entry.is_symlink()):
                continue
            file = entry.stat(follow_symlinks=entry.is_file())
        except OSError:  # it was pruned in the meantime
            continue
        found.append(
            CheckpointFile(
                name=entry.name,
                iteration=name.iteration + 1,
                elo=name.elo,
                bytes=file.st_size,
                permanent=permanent,
                age_s=max(0.0, now - file.st_mtime),
            )
        )
    return found

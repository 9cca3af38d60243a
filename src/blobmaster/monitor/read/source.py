"""Looks at a run directory: every read that the monitor does, and nothing that it writes."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from blobmaster.monitor.options import MonitorOptions
from blobmaster.monitor.read.curves import History
from blobmaster.monitor.read.liveness import (
    Process,
    Sighting,
    judge,
    look_for_process,
    silence_limit,
    watch,
)
from blobmaster.monitor.read.tail import LogTail
from blobmaster.monitor.view import CheckpointFile, Reading
from blobmaster.run.errors import StatusError, StatusMissingError
from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.status.schema import ENDED, Status, read_status

Extent = Literal["status", "recent", "all"]
"""How much of a run directory is looked at."""


class Source:
    """One run directory under watch; `look` may block for as long as its file system does."""

    def __init__(
        self, options: MonitorOptions, *, extent: Extent = "all", silence: float | None = None
    ) -> None:
        """`extent`: `recent` leaves out the history's older rows, which only charts need; `status`
        reads nothing beside the status.

        `silence`: seconds without a rewrite that are too many; by default what fits the interval.
        """
        self._silence = silence_limit(options.refresh_interval) if silence is None else silence
        self._options = options
        self._layout = options.layout
        self._history = History(self._layout.history)
        self._log = LogTail(self._layout.log)
        self._extent = extent
        self._status: Status | None = None
        self._status_at = 0.0
        self._sighting: Sighting | None = None
        self._first_look = True
        self._skipped = False
        self.in_doubt = False
        """Whether the process has gone and may yet have written a last word: look again soon."""
        self.is_behind = False
        """Whether there is more to read than one look takes: look again at once."""

    def look(self) -> Reading:
        """Read everything once; what cannot be read now is what it was before."""
        problem, missing = self._look_at_status()
        process = None if self._status is None else look_for_process(self._status)
        if self._extent == "all" and self._first_look:
            self.is_behind = True  # the first look is to be quick: a long history comes after it
        elif self._extent != "status":
            self._look_at_the_rest()
            self.is_behind = self._history.is_behind
        self._first_look = False
        now = time.monotonic()
        verdict = None
        if self._status is not None and process is not None:
            self._sighting = watch(self._sighting, self._status, process, now, time.time())
            verdict = judge(self._status, self._sighting, self._silence)
            self.in_doubt = process is Process.GONE and verdict.state not in (*ENDED, "dead")
        return Reading(
            status=self._status,
            status_at=self._status_at,
            problem=problem,
            missing=missing,
            now=now,
            sighting=self._sighting,
            verdict=verdict,
            curves=self._history.curves,
            checkpoints=() if self._extent == "status" else list_checkpoints(self._layout),
            log=self._log.lines,
            writable=os.access(self._options.control.parent, os.W_OK),
        )

    def _look_at_status(self) -> tuple[str | None, bool]:
        """Why the status cannot be read now, if so, and whether that is for want of a file."""
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

    def _look_at_the_rest(self) -> None:
        try:
            if self._extent == "recent" and not self._skipped:
                self._history.skip_to_recent()
                self._skipped = True
            self._history.refresh()
            self._log.refresh()
        except OSError:
            # Beside the status these are extras: an unreadable one keeps its last good state.
            return


def list_checkpoints(layout: RunLayout) -> tuple[CheckpointFile, ...]:
    """The checkpoints by their names, newest iteration first; other files are left out."""
    folders, now = ((layout.permanent, True), (layout.cache, False)), time.time()
    found = [
        file for folder, permanent in folders for file in _checkpoints_in(folder, permanent, now)
    ]
    return tuple(sorted(found, key=lambda file: (-file.iteration, file.name)))


def _checkpoints_in(folder: Path, permanent: bool, now: float) -> list[CheckpointFile]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = CheckpointName.parse(entry.name)
                if name is not None and entry.is_file(follow_symlinks=False):
                    file = entry.stat(follow_symlinks=False)
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
    except OSError:
        # A folder that is not there yet holds none; a file pruned meanwhile is gone.
        return found
    return found

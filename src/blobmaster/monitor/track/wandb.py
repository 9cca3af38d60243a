"""Weights & Biases, offline: `wandb sync` uploads the folder that is written here.

An offline run cannot be continued, so each start of an export writes a new folder and then deletes
the ones that it replaces, and a rewind does the same: the run is written anew, under the same id.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blobmaster.monitor.track.tracker import Row, TrackedRun


class WandbExport:
    """One run as an offline run of wandb."""

    def __init__(self, target: Path, run: TrackedRun) -> None:
        """Begin a folder for the run; earlier ones are deleted once it has all rows."""
        self._target, self._described = target, run
        self._run: Any = None
        self._replaced: list[Path] = []

    def held(self) -> Sequence[Row]:
        """Return no row: a new folder holds none."""
        return ()

    def as_held(self, row: Row) -> Row:
        """Return the row."""
        return row

    def keep_first(self, count: int) -> int:
        """Give up this folder."""
        del count
        self.close()
        return 0

    def add(self, rows: Sequence[Row]) -> None:
        """Log a step per row."""
        if self._run is None:
            self._begin()
        for row in rows:
            self._run.log(dict(row.values), step=row.iteration, commit=True)
        for folder in self._replaced:
            shutil.rmtree(folder, ignore_errors=True)
        self._replaced = []

    def close(self) -> None:
        """Finish the folder."""
        if self._run is not None:
            self._run.finish()
            self._run = None

    def _begin(self) -> None:
        import wandb

        own = self._described
        # Digits, not a star: the name of one run may be the end of another's.
        time = f"{8 * '[0-9]'}_{6 * '[0-9]'}"
        self._replaced = [*self._target.glob(f"wandb/offline-run-{time}-{own.name}")]
        settings = wandb.Settings(
            mode="offline", silent=True, console="off", disable_git=True, save_code=False,
            x_disable_stats=True, x_disable_meta=True,
        )  # fmt: skip
        self._run = wandb.init(
            dir=str(self._target), project=own.project, id=own.name, name=own.name,
            config=dict(own.settings), settings=settings, reinit="create_new",
        )  # fmt: skip
        self._replaced = [path for path in self._replaced if path != Path(self._run.dir).parent]

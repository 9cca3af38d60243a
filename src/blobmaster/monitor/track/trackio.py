"""Trackio: a local SQLite database, with every batch of rows as one transaction.

A rewind deletes the run and writes it anew: Trackio deletes runs, but no single steps.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from blobmaster.monitor.track.tracker import Row, TrackedRun

_OWN: Final = ("timestamp", "step")
"""Names in a row that Trackio gives back and that are no metrics."""


class TrackioExport:
    """One run in Trackio's database."""

    def __init__(self, target: Path, run: TrackedRun) -> None:
        """Choose the database below the folder, unless TRACKIO_DIR names another one."""
        os.environ.setdefault("TRACKIO_DIR", str(target.absolute()))
        from trackio.sqlite_storage import SQLiteStorage

        self._storage = SQLiteStorage
        self._run = run

    def held(self) -> Sequence[Row]:
        """Return the rows of the database."""
        logs = self._storage.get_logs(self._run.project, self._run.name, run_id=self._run.name)
        rows = [
            Row(log["step"], {name: log[name] for name in log if name not in _OWN}) for log in logs
        ]
        return sorted(rows, key=lambda row: row.iteration)

    def as_held(self, row: Row) -> Row:
        """Return the row without what has the name of one of Trackio's own columns."""
        return Row(row.iteration, {k: v for k, v in row.values.items() if k not in _OWN})

    def keep_first(self, count: int) -> int:
        """Delete the run."""
        del count
        self._storage.delete_run(self._run.project, self._run.name, run_id=self._run.name)
        return 0

    def add(self, rows: Sequence[Row]) -> None:
        """Insert the rows in one transaction."""
        self._storage.bulk_log(
            project=self._run.project,
            run=self._run.name,
            run_id=self._run.name,
            metrics_list=[dict(self.as_held(row).values) for row in rows],
            steps=[row.iteration for row in rows],
            timestamps=[datetime.fromtimestamp(row.at, UTC).isoformat() for row in rows],
            config=dict(self._run.settings),
            log_ids=[f"{self._run.name}/{row.iteration}" for row in rows],
        )

    def close(self) -> None:
        """Do nothing: every transaction is complete."""

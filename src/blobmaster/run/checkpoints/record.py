"""The session's record of a run: its identity, its progress, and iterations not yet committed."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from blobmaster.run.checkpoints.store import CheckpointMeta, RunIdentity
from blobmaster.run.files.history import HistoryRow
from blobmaster.run.status.run_progress import RunProgress


class RunRecord:
    """Collects completed iterations for the next commit.

    Only the loop's thread uses it, and the saver's while the loop waits for it."""

    def __init__(
        self, identity: RunIdentity, progress: RunProgress, clock: Callable[[], float]
    ) -> None:
        """`clock` is the one that `progress` is read with."""
        self.identity = identity
        self.progress = progress
        self._clock = clock
        self._rows: list[HistoryRow] = []

    def complete(self, iteration: int, metrics: dict[str, Any]) -> None:
        """Add a completed iteration (0-based); `metrics` are plain JSON."""
        now = self._clock()
        self.progress.complete(iteration, now)
        row = HistoryRow(
            iteration=iteration + 1,
            run_id=self.identity.run_id,
            timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"),
            elapsed_hours=self.progress.elapsed_seconds(now) / 3600,
            metrics=metrics,
        )
        self._rows.append(row)

    def make_meta(
        self,
        iteration: int,
        elo: float | None,
        config: Mapping[str, Any] | None,
        extra: Mapping[str, Any] | None,
    ) -> CheckpointMeta:
        """Make a commit's metadata with every history row that the file may lack.

        They are forgotten only when `rows_written` is called: a commit that was abandoned while it
        waited for the history leaves its rows to the next one.
        """
        return CheckpointMeta(
            identity=self.identity,
            iteration=iteration,
            elo=elo,
            elapsed_seconds=self.progress.elapsed_seconds(self._clock()),
            saved_at=time.time(),
            config=dict(config or {}),
            extra=dict(extra or {}),
            rows=list(self._rows),
        )

    def rows_written(self, rows: Sequence[HistoryRow]) -> None:
        """Forget rows that are in the history file; the thread that commits calls it.

        The loop makes the next metadata only after that commit has ended.
        """
        written = {row.iteration for row in rows}
        self._rows = [row for row in self._rows if row.iteration not in written]

"""What a session carries into its commits: who the run is, and what happened since the last one."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from blobmaster.run.checkpoints.store import CheckpointMeta, RunIdentity
from blobmaster.run.files.history import HistoryRow
from blobmaster.run.status.course import Course


class Ledger:
    """Kept from the beginning of a run's session to its end, by the loop's thread."""

    def __init__(self, identity: RunIdentity, course: Course) -> None:
        self.identity = identity
        self.course = course
        self._rows: list[HistoryRow] = []

    def complete(self, iteration: int, metrics: dict[str, Any]) -> None:
        """Note that an iteration (0-based) is done; `metrics` are plain JSON."""
        now = time.monotonic()
        self.course.complete(iteration, now)
        row = HistoryRow(
            iteration=iteration + 1,
            run_id=self.identity.run_id,
            timestamp=datetime.now(UTC).isoformat(timespec="milliseconds"),
            elapsed_hours=self.course.elapsed_seconds(now) / 3600,
            metrics=metrics,
        )
        self._rows.append(row)

    def close(
        self,
        iteration: int,
        elo: float | None,
        config: Mapping[str, Any] | None,
        extra: Mapping[str, Any] | None,
    ) -> CheckpointMeta:
        """What a commit says of itself; it takes along what was noted since the one before."""
        rows, self._rows = self._rows, []
        return CheckpointMeta(
            identity=self.identity,
            iteration=iteration,
            elo=elo,
            elapsed_seconds=self.course.elapsed_seconds(time.monotonic()),
            saved_at=time.time(),
            config=dict(config or {}),
            extra=dict(extra or {}),
            rows=rows,
        )

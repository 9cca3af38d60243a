"""A status writer that stands alone: it keeps a documented `status.json` for any training loop.

`blobmaster train` itself writes its status through `blobmaster.run`, which also sends heartbeats.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from blobmaster.run.files import atomic
from blobmaster.run.files.layout import DEFAULT_DIRECTORY, STATUS_NAME
from blobmaster.run.files.plain_json import encode_json
from blobmaster.training.metrics import NUMBERS, UNKNOWN, look_up, status_fields, whole_number

log = logging.getLogger(__name__)

UNITS = ("rounds", "games")
_METRICS = (*NUMBERS, "mcts_config")


class StatusWriter:
    """Writes the documented fields to a status file, atomically, after each iteration.

    Training never fails on its account: a count, metric or setting that is missing or malformed is
    null or `unknown`, and a failed write leaves the old file. Both are logged.
    """

    def __init__(self, status_file: str | Path = DEFAULT_DIRECTORY / STATUS_NAME) -> None:
        """Start the clock of the elapsed time; the file is written by `update`."""
        self.status_file = Path(status_file)
        self._began = time.monotonic()
        self._first: int | None = None
        self._lock = threading.Lock()

    def update(
        self,
        iteration: int,
        total_iterations: int,
        metrics: Mapping[str, Any] | None,
        config: object = None,
    ) -> dict[str, Any]:
        """Write and return the fields of a finished iteration.

        Args:
            iteration: 0-based; the file has it 1-based.
            total_iterations: of the whole run.
            metrics: `current_elo`, `elo_change`, `learning_rate`, `avg_total_loss`,
                `avg_policy_loss`, `avg_value_loss`, `training_units_generated`, `unit_type` and
                `pi_target_tau`; any of them may be missing.
            config: a mapping or an object with `training_on`, and with a callable
                `get_mcts_params(iteration)` or `num_determinizations` and
                `simulations_per_determinization`; None or without them, the search is `unknown`.
        """
        if not isinstance(metrics, Mapping):
            log.warning("status: the metrics are no mapping: %r", metrics)
            metrics = {}
        index = whole_number("iteration", iteration)
        total = whole_number("total_iterations", total_iterations)
        with self._lock:
            fields = self._fields(index, total, metrics, config)
            try:
                atomic.make_folder(self.status_file.parent)
                # Not synced: after a power loss an old status serves as well, and a sync can take
                # longer than the 10 ms that an update may cost.
                atomic.replace(self.status_file, encode_json(fields) + b"\n", atomic.Sync.NOTHING)
            except OSError as error:
                log.warning("status: cannot write %s: %s", self.status_file, error.strerror)
        return fields

    def _fields(
        self, index: int | None, total: int | None, metrics: Mapping[str, Any], config: object
    ) -> dict[str, Any]:
        now = time.time()
        elapsed_s = time.monotonic() - self._began
        found = status_fields(index, total, metrics, config)
        trains_on = look_up(config, "training_on")
        progress = left_s = None
        if index is not None and total is not None:
            progress = min(max((index + 1) / total, 0.0), 1.0) if total > 0 else None
            left_s = self._seconds_left(index, total, elapsed_s)
        return {
            "timestamp": now,
            "timestamp_iso": datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
            "iteration": None if index is None else index + 1,
            "total_iterations": total,
            "progress": progress,
            "elapsed_hours": elapsed_s / 3600,
            "eta_hours": None if left_s is None else left_s / 3600,
            "eta_days": None if left_s is None else left_s / 86400,
            "phase": trains_on if trains_on in UNITS else UNKNOWN,
            "unit_type": found["unit_type"] or "rounds",
            **{name: found[name] for name in _METRICS},
        }

    def _seconds_left(self, index: int, total: int, elapsed_s: float) -> float | None:
        """Return the time left at the mean pace since this writer was made."""
        if self._first is None:
            self._first = index
        done = index - self._first + 1
        return elapsed_s / done * max(total - index - 1, 0) if done > 0 else None

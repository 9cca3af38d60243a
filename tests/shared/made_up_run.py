"""A run directory with real files and made-up numbers, for tests of reports and watchers."""

from __future__ import annotations

import math
import time
from typing import Any

from monitor_terminal import BLOB_METRICS, make_status, put

from blobmaster.run.checkpoints.retention import is_permanent
from blobmaster.run.checkpoints.store import CheckpointMeta, CheckpointStore, RunIdentity
from blobmaster.run.files.history import HistoryRow, encode_row
from blobmaster.run.files.layout import RunLayout

IDENTITY = RunIdentity(
    run_id="20251113-a1b2c3", project="Blobmaster", architecture=1, parameters=4_900_000, seed=7
)
CONFIG: dict[str, Any] = {
    "run": {"iterations": 500, "seed": 7, "save_every": 1},
    "network": {"width": 1024, "blocks": 2},
    "learning": {"learning_rate": 0.001, "batch": 1024},
    "rounds": {"players": {"4": 0.15, "5": 0.7, "6": 0.15}},
}


def history_row(iteration: int, **metrics: Any) -> bytes:
    """Encode a row of history.jsonl; every fifth iteration has a rating."""
    fade = math.exp(-iteration / 45)
    found = {
        "loss": 1.2 + 1.6 * fade,
        "policy_loss": 0.79 + 1.1 * fade,
        "value_loss": 0.41 + 0.5 * fade,
        "rounds_per_minute": 3660.0 + iteration % 7,
    }
    if iteration % 5 == 0:
        for name, value, half in (
            ("elo", 1530 - 530 * fade, 22.0),
            ("points_vs_random", 8.7 - 3.6 * fade, 0.2),
            ("points_vs_heuristic", 6.0 - 2.9 * fade, 0.2),
        ):
            found |= {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
    row = HistoryRow(
        iteration=iteration,
        run_id=IDENTITY.run_id,
        timestamp="2025-11-15T12:04:11Z",
        elapsed_hours=iteration * 0.33,
        metrics=found | metrics,
    )
    return encode_row(row)


def save_checkpoint(layout: RunLayout, iteration: int, config: dict[str, Any] = CONFIG) -> None:
    """Write an intact checkpoint of an iteration (1-based) without content."""
    permanent = is_permanent(iteration - 1)
    meta = CheckpointMeta(
        identity=IDENTITY,
        iteration=iteration - 1,
        elo=1400.0 + iteration if permanent else None,
        elapsed_seconds=1200.0 * iteration,
        saved_at=time.time() - 1200 * (150 - iteration),
        config=config,
        extra={},
    )
    store = CheckpointStore(layout)
    store.save(
        store.path_of(meta, permanent=permanent),
        meta,
        lambda file: file.write(b"PK\x05\x06" + bytes(18)) and None,
    )


def write_run(layout: RunLayout, iterations: int = 150, **status: Any) -> None:
    """Write history, checkpoints and status of a run that has finished these iterations."""
    layout.root.mkdir(exist_ok=True)
    rows = (history_row(number) for number in range(1, iterations + 1))
    layout.history.write_bytes(b"".join(rows))
    for number in (iterations - 10, iterations - 5, *range(iterations - 3, iterations + 1)):
        save_checkpoint(layout, number)
    baselines = {"points_vs_random": 8.52, "exact_vs_random": 0.61}
    put(layout, make_status(**{"metrics": BLOB_METRICS | baselines, **status}))

"""A made-up run in its 151st iteration, for snapshots that show every part of the screen."""

from __future__ import annotations

import math
import os
import random
import time

from monitor_terminal import BLOB_METRICS, make_status, put

from blobmaster.run.files.history import HistoryRow, encode_row
from blobmaster.run.files.layout import CheckpointName, RunLayout
from blobmaster.run.status.schema import Disk, LastCheckpoint, Machine

ITERATIONS = 150
CHECKPOINT_BYTES = 96_400_000
SAVED_AGO_S = 394.0
BASELINES = {
    **{"points_vs_heuristic": 5.84, "gain_vs_heuristic": 2.71, "exact_vs_heuristic": 0.47},
    **{"points_vs_random": 8.52, "gain_vs_random": 3.38, "exact_vs_random": 0.61},
}


def write_sample(layout: RunLayout) -> None:
    """Write the files of a run in its 151st iteration."""
    chance = random.Random(7)
    layout.history.write_bytes(b"".join(_row(n, chance) for n in range(1, ITERATIONS + 1)))
    layout.permanent.mkdir()
    layout.cache.mkdir()
    for iteration in range(5, ITERATIONS + 1):
        if iteration % 5 == 0 or iteration > ITERATIONS - 5:
            _checkpoint(layout, iteration)
    layout.log.write_text("".join(_log_lines()))
    now = time.time()
    newest = _name(ITERATIONS)
    status = make_status(
        last_checkpoint=LastCheckpoint(
            name=newest,
            path=f"permanent/{newest}",
            iteration=ITERATIONS,
            bytes=CHECKPOINT_BYTES,
            saved_at=now - SAVED_AGO_S,
            permanent=True,
        ),
        disk=Disk(free_bytes=212 * 10**9, total_bytes=10**12, low=False, hours_left=None),
        machine=Machine(
            cpu_percent=96.0,
            cores=16,
            load1=15.6,
            memory_used_bytes=11_200_000_000,
            memory_total_bytes=67_400_000_000,
            rss_bytes=2_310_000_000,
            workers=16,
            gpu=None,
        ),
        metrics=BLOB_METRICS | {"elo": 1486.0, "elo_low": 1464.0, "elo_high": 1508.0} | BASELINES,
    )
    put(layout, status)


def _row(iteration: int, chance: random.Random) -> bytes:
    fade, noise = math.exp(-iteration / 45), chance.gauss
    policy, value = 0.79 + 1.1 * fade + noise(0, 0.008), 0.41 + 0.5 * fade + noise(0, 0.005)
    metrics = {
        "loss": policy + value,
        "policy_loss": policy,
        "value_loss": value,
        "rounds_per_minute": (3900 if iteration < 50 else 3660) + noise(0, 12),
    }
    if iteration % 5 == 0:
        elo = 1000 + 530 * (1 - math.exp(-iteration / 60)) + noise(0, 7)
        metrics |= {"elo": elo, "elo_low": elo - 22, "elo_high": elo + 22}
        metrics |= {
            "points_vs_random": 5.1 + 3.6 * (1 - fade) + noise(0, 0.05),
            "points_vs_heuristic": 3.1 + 2.9 * (1 - fade) + noise(0, 0.05),
        }
    row = HistoryRow(
        iteration=iteration,
        run_id="20251113-a1b2c3",
        timestamp="2025-11-15T12:04:11Z",
        elapsed_hours=iteration * 0.33,
        metrics=metrics,
    )
    return encode_row(row)


def _name(iteration: int) -> str:
    elo = round(1000 + 530 * (1 - math.exp(-iteration / 60))) if iteration % 5 == 0 else None
    return CheckpointName(
        start_date="20251113",
        project="Blobmaster",
        architecture=1,
        millions="4.9",
        iteration=iteration - 1,
        elo=elo,
    ).format()


def _checkpoint(layout: RunLayout, iteration: int) -> None:
    folder = layout.cache if iteration % 5 else layout.permanent
    with (folder / _name(iteration)).open("wb") as file:
        file.truncate(CHECKPOINT_BYTES)  # a hole, not a hundred megabytes
    saved = time.time() - SAVED_AGO_S - (ITERATIONS - iteration) * 1188
    os.utime(folder / _name(iteration), (saved, saved))


def _log_lines() -> list[str]:
    return [
        f"2025-11-15 {10 + n // 60:02d}:{n % 60:02d}:07 INFO iteration {145 + n // 20} committed, "
        f"loss {1.262 - n / 4000:.3f}\n"
        for n in range(0, 120, 20)
    ]

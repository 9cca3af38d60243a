"""kill -9 at random moments, many times: the run is bit-identical to an uninterrupted one."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from trainer import (
    PATIENCE_S,
    TINY,
    ForkServer,
    Trainer,
    digest_of,
    history_of,
    kill,
    newest,
    run,
    status_of,
    write_config,
)

from blobmaster.run.files.layout import RunLayout

# Saves that take some milliseconds, in iterations that take some hundred.
CONFIG = TINY.replace("width = 16", "width = 320").replace("rounds = 24", "rounds = 40")
CLOCKS = {
    "timestamp",
    "elapsed_hours",
    "rounds_per_minute",
    "training_seconds",
    "training_core_seconds",
}
SAVE = "save"
WINDOW_S = 0.6
"""A trainer lives so long at most after its first status: two or three iterations."""
MORE = 20
"""Iterations that the run is extended by when it ends before the last kill."""


def history_without_clocks(root: Path) -> list[dict[str, Any]]:
    """The history but for what tells the time or the run's name."""
    return [
        {name: value for name, value in row.items() if name not in CLOCKS | {"run_id"}}
        for row in history_of(root)
    ]


def half_written(root: Path) -> list[Path]:
    """Checkpoints that are being written, or were when their trainer died."""
    layout = RunLayout(root)
    return [
        path
        for folder in (layout.permanent, layout.cache)
        if folder.exists()
        for path in folder.iterdir()
        if path.name.endswith(".tmp")
    ]


def kill_somewhere(trainer: Trainer, root: Path, aim: str, draws: random.Random) -> str | None:
    """Kill the trainer at a random instant; where it was hit, or None if it had ended."""
    deadline = time.monotonic() + PATIENCE_S
    while trainer.poll() is None and status_of(root).get("pid") != trainer.pid:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    until = time.monotonic() + draws.uniform(0, WINDOW_S)
    while trainer.poll() is None and time.monotonic() < until:
        if aim == SAVE and half_written(root):
            time.sleep(draws.uniform(0, 0.003))
            break
        time.sleep(0.0005)
    if trainer.poll() is not None:
        return None
    kill(trainer)
    if half_written(root):
        return SAVE
    step = status_of(root).get("step")
    return "starting" if step is None else str(step["name"])


def train_through_kills(
    fork_server: ForkServer, root: Path, config: Path, kills: int, seed: int
) -> tuple[Counter[str], int]:
    """Train on and on, killed again and again, every fifth time at least inside a save.

    Returns where the kills landed, and how many iterations the run made.
    """
    draws = random.Random(seed)
    landed: Counter[str] = Counter()
    iterations = MORE
    first = ("train", "--config", config, "--checkpoint-dir", root, "--iterations")
    resumed = ("train", "--resume", "--checkpoint-dir", root, "--iterations")
    for number in itertools.count():
        has_begun = bool(list(root.glob("*/*.pth")))
        trainer = fork_server.start(*(resumed if has_begun else first), iterations)
        if landed.total() >= kills and landed[SAVE] >= kills // 5:
            output, _ = trainer.communicate()
            assert trainer.returncode == 0, output
            return landed, iterations
        where = kill_somewhere(trainer, root, SAVE if number % 2 else "", draws)
        if where is None:
            output, _ = trainer.communicate()
            assert trainer.returncode == 0, output
            iterations += MORE
        else:
            landed[where] += 1
    raise AssertionError("unreachable")


def assert_ends_as_if_undisturbed(tmp_path: Path, kills: int, seed: int) -> Counter[str]:
    """Train with kills and without, and compare all that the two runs leave."""
    config = write_config(tmp_path, CONFIG)
    disturbed, calm = tmp_path / "disturbed", tmp_path / "calm"
    with ForkServer(tmp_path) as fork_server:
        landed, iterations = train_through_kills(fork_server, disturbed, config, kills, seed)
    done = run("train", "--config", config, "--checkpoint-dir", calm, "--iterations", iterations)
    assert done.returncode == 0, done.stderr
    assert digest_of(newest(disturbed)) == digest_of(newest(calm))
    assert history_without_clocks(disturbed) == history_without_clocks(calm)
    layouts = RunLayout(disturbed), RunLayout(calm)
    kept, expected = (
        [sorted(path.name for path in folder.iterdir()) for folder in (of.permanent, of.cache)]
        for of in layouts
    )
    assert kept == expected
    assert not half_written(disturbed)
    return landed


def test_twenty_five_kills_leave_the_undisturbed_runs_bits(tmp_path: Path) -> None:
    landed = assert_ends_as_if_undisturbed(tmp_path, kills=25, seed=1)
    assert landed.total() >= 25
    assert landed[SAVE] >= 5, landed
    assert len(landed) >= 3, landed


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_kills_leave_the_undisturbed_runs_bits(tmp_path: Path, seed: int) -> None:
    landed = assert_ends_as_if_undisturbed(tmp_path, kills=100, seed=100 + seed)
    print(f"kills landed: {dict(landed)}")
    assert landed.total() >= 100

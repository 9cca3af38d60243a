"""kill -9 at random moments, many times: the run is bit-identical to an uninterrupted one."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trainer import (
    PATIENCE_S,
    TINY,
    Process,
    digest_of,
    history_of,
    kill,
    newest,
    run,
    start,
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
START, STEP, SAVE = "starting", "step", "save"
AIMS = (START, SAVE, STEP, SAVE)
"""The aims of the kills, in turn."""
WINDOW_S = 0.6
"""Seconds within which a trainer is killed that does not save: two or three iterations."""
MORE = 20
"""Iterations that the run is extended by when it ends before the last kill."""


def history_without_clocks(root: Path) -> list[dict[str, Any]]:
    """Return the history without clocks and the run's name."""
    return [
        {name: value for name, value in row.items() if name not in CLOCKS | {"run_id"}}
        for row in history_of(root)
    ]


def half_written(root: Path) -> list[Path]:
    """Return the temporary files of checkpoints that are or were being written."""
    layout = RunLayout(root)
    return [
        path
        for folder in (layout.permanent, layout.cache)
        if folder.exists()
        for path in folder.iterdir()
        if path.name.endswith(".tmp")
    ]


def kill_somewhere(trainer: Process, root: Path, aim: str, draws: random.Random) -> str | None:
    """Kill the trainer at a random moment; return the step that was hit, None if it had ended.

    Args:
        trainer: just started.
        root: its run directory.
        aim: `SAVE` waits for a save, however long a slow machine takes to come to it; `STEP` draws
            the moment from the first step on; `START` from the first status on.
        draws: random numbers.
    """

    def wait_while(waits: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while trainer.poll() is None and waits():
            assert time.monotonic() < deadline
            time.sleep(0.0005)

    wait_while(lambda: status_of(root).get("pid") != trainer.pid)
    if aim != START:  # by the first step, the files of the save that was hit last are removed
        wait_while(lambda: status_of(root).get("step") is None)
    if aim == SAVE:
        wait_while(lambda: not half_written(root))
        time.sleep(draws.uniform(0, 0.003))
    else:
        until = time.monotonic() + draws.uniform(0, WINDOW_S)
        wait_while(lambda: time.monotonic() < until)
    if trainer.poll() is not None:
        return None
    kill(trainer)
    step = status_of(root).get("step")
    if step is None:
        return START
    return SAVE if half_written(root) else str(step["name"])


def train_through_kills(
    root: Path, config: Path, kills: int, seed: int
) -> tuple[Counter[str], int]:
    """Train through many kills, at least every fifth of them during a save.

    Returns where the kills hits, and how many iterations the run made.
    """
    draws = random.Random(seed)
    hits: Counter[str] = Counter()
    iterations = MORE
    first = ("train", "--config", config, "--checkpoint-dir", root, "--iterations")
    resumed = ("train", "--resume", "--checkpoint-dir", root, "--iterations")
    for number in itertools.count():
        has_begun = bool(list(root.glob("*/*.pth")))
        trainer = start(*(resumed if has_begun else first), iterations)
        if hits.total() >= kills and hits[SAVE] >= kills // 5:
            output, _ = trainer.communicate()
            assert trainer.returncode == 0, output
            return hits, iterations
        where = kill_somewhere(trainer, root, AIMS[number % len(AIMS)], draws)
        if where is None:
            output, _ = trainer.communicate()
            assert trainer.returncode == 0, output
            iterations += MORE
        else:
            hits[where] += 1
    raise AssertionError("unreachable")


def assert_equals_uninterrupted_run(tmp_path: Path, kills: int, seed: int) -> Counter[str]:
    """Train with kills and without, and compare all files of the two runs."""
    config = write_config(tmp_path, CONFIG)
    interrupted, uninterrupted = tmp_path / "interrupted", tmp_path / "uninterrupted"
    hits, iterations = train_through_kills(interrupted, config, kills, seed)
    done = run(
        "train", "--config", config, "--checkpoint-dir", uninterrupted, "--iterations", iterations
    )
    assert done.returncode == 0, done.stderr
    assert digest_of(newest(interrupted)) == digest_of(newest(uninterrupted))
    assert history_without_clocks(interrupted) == history_without_clocks(uninterrupted)
    layouts = RunLayout(interrupted), RunLayout(uninterrupted)
    kept, expected = (
        [sorted(path.name for path in folder.iterdir()) for folder in (of.permanent, of.cache)]
        for of in layouts
    )
    assert kept == expected
    assert not half_written(interrupted)
    return hits


def test_twenty_five_kills_leave_the_bits_of_an_uninterrupted_run(tmp_path: Path) -> None:
    hits = assert_equals_uninterrupted_run(tmp_path, kills=25, seed=1)
    assert hits.total() >= 25
    assert hits[SAVE] >= 5, hits
    assert len(hits) >= 3, hits


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_thousand_kills_leave_the_bits_of_an_uninterrupted_run(tmp_path: Path, seed: int) -> None:
    hits = assert_equals_uninterrupted_run(tmp_path, kills=100, seed=100 + seed)
    print(f"kills hits: {dict(hits)}")
    assert hits.total() >= 100

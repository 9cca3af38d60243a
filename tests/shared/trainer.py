"""Starts real trainers with settings so small that an iteration takes a fraction of a second."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked
import torch
from forked import Process

from blobmaster.run.checkpoints.store import CheckpointStore
from blobmaster.run.files.layout import RunLayout

PATIENCE_S = 600.0
"""Timeout of all waits: far more than needed, so that no test depends on speed."""

TINY = """
[run]
seed = 7
[rounds]
players = {4 = 1.0}
most_cards = {4 = {3 = 1.0}}
[search]
worlds = 2
simulations = 6
[network]
width = 16
blocks = 1
[inference]
number_format = "fp32"
[self_play]
rounds = 24
rounds_per_block = 8
lanes = 8
opponent_styles = 0.5
[learning]
batch = 32
replay_ratio = 1.0
threads = 1
[rating]
deals = 10
doubling_deals = 10
deals_per_block = 5
cards = 3
bootstrap = 20
earlier = 1
"""

LONG = TINY.replace("rounds = 24", "rounds = 160")
"""`TINY` with iterations of twenty blocks, to pause a trainer inside one."""
ENDLESS = 100_000
"""Iterations of a run that does not end during a test."""


def write_config(folder: Path, text: str = TINY) -> Path:
    """Write the settings file into the folder."""
    path = folder / "settings.toml"
    path.write_text(text)
    return path


def command(*arguments: object) -> list[str]:
    """Return the command line of `blobmaster`."""
    return [sys.executable, "-m", "blobmaster", *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `blobmaster` to its end."""
    return forked.run(command(*arguments)[1:], cwd=cwd, timeout=PATIENCE_S)


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check for exit status 2 and one line on stderr that contains all the words."""
    assert done.returncode == 2, done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, repr(done.stderr)
    for word in words:
        assert word in lines[0]


def start(*arguments: object) -> Process:
    """Start `blobmaster` in the background, in its own process group as under a shell."""
    return forked.start(command(*arguments)[1:])


@dataclass(frozen=True)
class PausePoint:
    """Where a trainer pauses: the `nth` time in a step, after so many units of work."""

    step: str
    units: int
    nth: int = 1


def start_paused(
    place: PausePoint, release: Path, *arguments: object, anew: bool = False
) -> Process:
    """Start a trainer that pauses at a point until the file `release` exists or it must stop.

    Args:
        place: the point.
        release: the file.
        arguments: of `blobmaster`.
        anew: the trainer has yet to load torch and the kernels.
    """
    return forked.start(paused_command(place, release, *arguments)[1:], anew=anew)


def paused_command(place: PausePoint, release: Path, *arguments: object) -> list[str]:
    """Return the command line of `start_paused`."""
    script = Path(__file__).with_name("paused_trainer.py")
    where = [place.step, str(place.nth), str(place.units), str(release)]
    return [sys.executable, str(script), *where, *map(str, arguments)]


def wait_until(condition: Callable[[], Any], trainer: Process | None = None) -> Any:
    """Poll until the condition holds, and return what it returned."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        if trainer is not None and trainer.poll() is not None:
            raise AssertionError(f"the trainer ended: {trainer.communicate()[0]}")
        time.sleep(0.01)
    raise AssertionError("the condition did not become true in time")


def status_of(root: Path) -> dict[str, Any]:
    """Return the content of status.json; empty if there is none yet."""
    try:
        return json.loads(RunLayout(root).status.read_text())
    except FileNotFoundError:
        return {}


def blocks_in_flight(root: Path, iteration: int) -> list[Path]:
    """List the finished blocks of an iteration (0-based) that are not committed yet."""
    return sorted(RunLayout(root).inflight_of(iteration).glob("block-*.bin"))


def kill(trainer: Process) -> None:
    """Kill a trainer with SIGKILL, as the kernel does when memory runs out."""
    os.kill(trainer.pid, signal.SIGKILL)
    trainer.communicate()


def history_of(root: Path) -> list[dict[str, Any]]:
    """Return the rows of history.jsonl."""
    return [json.loads(line) for line in RunLayout(root).history.read_text().splitlines()]


def newest(root: Path) -> Path:
    """Return the path of the newest intact checkpoint."""
    entry, skipped = CheckpointStore(RunLayout(root)).newest_valid()
    assert entry is not None, skipped
    return entry.path


def digest_of(path: Path) -> str:
    """Hash all that training produced: weights, optimizer, replay buffer, ratings, losses."""
    state = torch.load(path, weights_only=True)
    digest = hashlib.sha256()
    for name, value in _leaves({key: state[key] for key in ("learner", "window", "ratings")}):
        digest.update(name.encode())
        digest.update(value.numpy().tobytes() if torch.is_tensor(value) else repr(value).encode())
    for name in ("avg_total_loss", "avg_policy_loss", "avg_value_loss"):
        digest.update(repr(state["metrics"][name]).encode())
    digest.update(repr(sorted(state["rating"].items())).encode())
    return digest.hexdigest()


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key in value:
            yield from _leaves(value[key], f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{name}.{number}")
    else:
        yield name, value

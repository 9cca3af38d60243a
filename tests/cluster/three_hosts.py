"""A trainer on a host of a cluster of network namespaces, and the digest that it must reach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from namespaces import Host
from trainer import LONG, blocks_in_flight, digest_of, newest, run, wait_until, write_config

SLOW = LONG.replace("simulations = 6", "simulations = 600").replace(
    "[self_play]", '[self_play]\ndecide_by = "search"'
)
"""Iterations of twenty blocks that take about a second."""
ACTOR = "ray::BlockActor"
PLAYING = "ray::BlockActor.play"
PATIENCE_S = 600.0


def digest_on_threads(folder: Path, iterations: int) -> str:
    """Train on threads, and return the digest of the last checkpoint."""
    config = write_config(folder, SLOW)
    done = run(
        *("train", "--config", config, "--iterations", iterations),
        *("--checkpoint-dir", folder / "run"),
    )
    assert done.returncode == 0, done.stderr
    return digest_of(newest(folder / "run"))


class Training:
    """A trainer on a host of a cluster."""

    process: subprocess.Popen[str]

    def __init__(self, folder: Path, host: Host, address: str, iterations: int) -> None:
        folder.mkdir()
        self.root = folder / "run"
        config = write_config(folder, SLOW)
        self._start(host, address, "--config", config, "--iterations", iterations)

    def resume(self, host: Host, address: str) -> None:
        """Resume the run, perhaps elsewhere."""
        self._start(host, address, "--resume")

    def _start(self, host: Host, address: str, *arguments: object) -> None:
        self.process = host.start(
            *(sys.executable, "-m", "blobmaster", "train", *arguments),
            *("--checkpoint-dir", self.root, "--backend", "ray", "--ray-address", address),
        )

    def reach(self, iteration: int, blocks: int) -> None:
        """Wait until so many blocks of an iteration (0-based) are finished."""
        wait_until(
            lambda: (
                len(blocks_in_flight(self.root, iteration)) >= blocks
                or blocks_in_flight(self.root, iteration + 1)
            ),
            self.process,
        )

    def finish(self) -> tuple[str, str]:
        """Wait for the end; return the output and the digest of the last checkpoint."""
        text, _ = self.process.communicate(timeout=PATIENCE_S)
        assert self.process.returncode == 0, text
        return text, digest_of(newest(self.root))

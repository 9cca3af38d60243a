"""Shared by all parts of the benchmark: settings, timing, a folder, and rounds to work on."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from blobmaster.config.config import Config
from blobmaster.config.network import NetworkSettings
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.game.records import join
from blobmaster.inference.evaluator import use_one_thread
from blobmaster.model.network import BlobNetwork, new_network, parameter_count
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.pool import LocalPool
from blobmaster.training.replay_buffer import ReplayWindow

Figures = dict[str, Any]

REPEATS = 3
MIX = RoundMix(players={4: 1.0}, most_cards={4: {5: 1.0}}, longest_only=True)
SEARCH = SearchSettings(worlds=3, simulations=30)
DEFAULT_SHAPE = NetworkSettings()


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextlib.contextmanager
def folder_here() -> Iterator[Path]:
    """Make a temporary folder in the working folder: on the disk that a run would use.

    Raises:
        ValueError: the working folder cannot be written.
    """
    try:
        made = tempfile.TemporaryDirectory(dir=Path.cwd())
    except OSError as error:
        raise ValueError(
            f"cannot write in {Path.cwd()}: {error.strerror}; measure in a folder that takes files"
        ) from None
    with made as name:
        yield Path(name)


def size_of(network: BlobNetwork) -> str:
    """Return the network's size in words."""
    return f"{parameter_count(network) / 1e6:.1f}M parameters"


def filled_window(decisions: int) -> ReplayWindow:
    """Return a replay window with `decisions` decisions of the default mix.

    It repeats the same 512 rounds, because playing enough different ones would take minutes.
    """
    config = Config()
    network = new_network(NetworkSettings(width=16, blocks=1), 0).eval()
    pool = LocalPool(1, prepare=use_one_thread)
    engine = SelfPlayEngine(pool, config.rounds, config.self_play, 0, torch.device("cpu"))
    played = engine.play(
        0,
        network,
        SearchSettings(worlds=1, simulations=8),
        512,
        range(engine.block_count(512)),
        should_stop=lambda: False,
        on_rounds=lambda _: None,
    )
    rounds = join(block for _, block in played)
    window = ReplayWindow(decisions)
    window.add(join([rounds] * (decisions // rounds.decision_count + 1)))
    return window

"""Compilation of the numba kernels before the first step that is timed."""

from __future__ import annotations

import logging
import time

import numpy as np

from blobmaster.config.search import SearchSettings
from blobmaster.model.network import BlobNetwork
from blobmaster.run.session import RunSession
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.training.replay_buffer import ReplayWindow, new_batch

log = logging.getLogger(__name__)


def warm_up(engine: SelfPlayEngine, network: BlobNetwork, session: RunSession) -> None:
    """Compile all kernels of self-play and learning, or load them from the cache.

    A round is played and a batch drawn from it. Otherwise the half minute of compilation would
    count as self-play, and make its speed and the time left wrong for the first iterations. The
    round is thrown away. Every block makes its own random streams, so no result depends on it.
    """
    session.step("compiling kernels")
    log.info("loading the kernels; the first time, compiling them takes half a minute")
    began = time.monotonic()
    played = engine.play(
        0,
        network,
        SearchSettings(worlds=1, simulations=2),
        1,
        [0],
        should_stop=session.should_stop.is_set,
        on_rounds=_ignore,
    )
    window = ReplayWindow(capacity=1000)
    for _, rounds in played:
        window.add(rounds)
        window.draw(np.random.default_rng(0), 1.0, new_batch(1, of_games=network.sees_games))
    log.info("the kernels are ready after %.1f s", time.monotonic() - began)


def _ignore(rounds: int) -> None:
    del rounds

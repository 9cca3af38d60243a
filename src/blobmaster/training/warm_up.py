"""Compilation of the numba kernels before the first step that is timed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from blobmaster.config.search import SearchSettings
from blobmaster.inference.stepping import never
from blobmaster.model.network import BlobNetwork
from blobmaster.run.session import RunSession
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.training.replay_buffer import compile_read, new_batch

log = logging.getLogger(__name__)


def warm_up(engine: SelfPlayEngine, network: BlobNetwork, session: RunSession) -> None:
    """Compile all kernels of self-play and learning, or load them from the cache.

    Otherwise the seconds of compilation would count as self-play, and make its speed and the time
    left wrong for the first iterations.
    """
    session.step("compiling kernels")
    log.info("loading the kernels; the first time, compiling them takes some ten seconds")
    began = time.monotonic()
    # Self-play last: a second process may be compiling its kernels (`compile_ahead`).
    compile_read(new_batch(1, of_games=network.sees_games))
    play_one_round(engine, network, session.should_stop.is_set)
    log.info("the kernels are ready after %.1f s", time.monotonic() - began)


def play_one_round(
    engine: SelfPlayEngine, network: BlobNetwork, should_stop: Callable[[], bool] = never
) -> None:
    """Play a round and throw it away.

    Every block makes its own random streams, so no result depends on it.
    """
    search = SearchSettings(worlds=1, simulations=2)
    for _ in engine.play(0, network, search, 1, [0], should_stop=should_stop, on_rounds=_ignore):
        pass


def _ignore(rounds: int) -> None:
    del rounds

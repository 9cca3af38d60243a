"""The self-play step of an iteration: plays the blocks that no earlier process has finished."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple

import torch

from blobmaster.checkpoint.network import load_trained
from blobmaster.config.config import Config
from blobmaster.game.records import Rounds, join
from blobmaster.model.network import BlobNetwork
from blobmaster.run.session import RunSession
from blobmaster.selfplay.engine import SelfPlayEngine
from blobmaster.selfplay.memory import block_bytes, gpu_bytes
from blobmaster.selfplay.pool import Pool
from blobmaster.training.block_key import block_key

log = logging.getLogger(__name__)


class Played(NamedTuple):
    """The rounds of an iteration, and the speed of self-play."""

    rounds: Rounds
    per_minute: float | None
    """Rounds per minute in this process; None if an earlier one played all of them."""


def new_engine(config: Config, pool: Pool, device: torch.device) -> SelfPlayEngine:
    """Return the engine that plays the blocks of a run on the workers of `pool`.

    Raises:
        CheckpointError: the checkpoint to exploit cannot be read.
        ValueError: the number format is still `auto`.
    """
    number_format = config.inference.number_format
    if number_format == "auto":
        raise ValueError("the number format is still `auto`: pass the settings through `autotuned`")
    exploited = config.self_play.exploited
    frozen = load_trained(Path(exploited), torch.device("cpu")).network if exploited else None
    return SelfPlayEngine(
        pool,
        config.rounds,
        config.self_play,
        config.run.seed,
        device,
        number_format,
        whole_games=config.plays_games,
        frozen=frozen,
    )


class SelfPlay:
    """Plays the rounds of an iteration and keeps finished blocks until they are committed."""

    def __init__(
        self, config: Config, session: RunSession, engine: SelfPlayEngine, device: torch.device
    ) -> None:
        """Args:
        config: the settings.
        session: keeps the finished blocks.
        engine: cuts an iteration into blocks and plays them.
        device: where the networks run.
        """
        self._config = config
        self._session = session
        self._engine = engine
        self._device = device

    def play(self, iteration: int, network: BlobNetwork) -> Played | None:
        """Play an iteration (0-based); return None if the run is to stop first.

        Finished blocks are written to `inflight/` one by one, so that a killed run plays only its
        unfinished blocks again. The rounds are joined in the order of the blocks, whatever the
        order in which they were finished: their order must not depend on the number of workers.
        """
        began = self._session.clock()
        config, session = self._config, self._session
        units = config.units(iteration)
        total = self._engine.round_count(iteration, units)
        key = block_key(self._engine.weights(network), config, iteration, self._device)
        blocks = {
            block: Rounds.from_bytes(content)
            for block, content in session.inflight.get_all(iteration, key).items()
        }
        done = sum(len(rounds) for rounds in blocks.values())
        session.step("self-play", total=total, unit="rounds", done=done)
        if blocks:
            log.info("iteration %d: %d blocks were played before", iteration + 1, len(blocks))
        # Blocks that are missing need not be the last ones: workers finish out of order.
        missing = [n for n in range(self._engine.block_count(units)) if n not in blocks]
        for block, rounds in self._engine.play(
            iteration,
            network,
            config.curriculum.search(iteration, config.search),
            units,
            missing,
            should_stop=session.should_stop.is_set,
            on_rounds=session.advance,
        ):
            # On disk before the next one is awaited: from here on a kill does not lose the block.
            session.inflight.put(iteration, block, rounds.to_bytes(), key)
            blocks[block] = rounds
        if session.should_stop.is_set():
            return None
        minutes = (session.clock() - began) / 60
        played_now = total - done
        return Played(
            join(blocks[block] for block in sorted(blocks)),
            played_now / minutes if played_now else None,
        )


def log_memory(config: Config, blocks: int, device: torch.device) -> None:
    """Log the memory that self-play takes at most, with the largest search of the curriculum.

    Args:
        config: the settings.
        blocks: the number of blocks in play at once.
        device: the device of the networks.
    """
    search = config.curriculum.search(config.run.iterations - 1, config.search)
    games = config.plays_games
    per_block = block_bytes(
        config.rounds, config.self_play, search, config.network, whole_games=games
    )
    log.info(
        "the %s in play take up to %.0f MB: %d blocks of %.1f MB (self_play.lanes)",
        config.training_on,
        blocks * per_block / 1e6,
        blocks,
        per_block / 1e6,
    )
    if device.type == "cuda":
        of_card = gpu_bytes(config.rounds, config.self_play, search, whole_games=games)
        log.info(
            "and up to %.1f GB of GPU memory, in addition to driver, networks and learner: %.0f MB "
            "per block (run.workers, run.blocks_per_worker, self_play.lanes)",
            blocks * of_card / 1e9,
            of_card / 1e6,
        )

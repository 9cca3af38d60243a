"""Play the self-play rounds or games of an iteration: blocks on a pool of workers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from blobmaster.config.inference import NumberFormat
from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.schedule import round_count
from blobmaster.inference.cuda_graphs import cuda_graphs_for
from blobmaster.inference.evaluator import Evaluator, NetworkEvaluator
from blobmaster.inference.precision import convert, reconvert
from blobmaster.kernels.rng import generator
from blobmaster.model.layers import Parts
from blobmaster.model.network import BlobNetwork
from blobmaster.selfplay import by_lookahead as lookahead
from blobmaster.selfplay.by_search import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal, deal_games, game_sizes
from blobmaster.selfplay.frozen_opponents import FrozenOpponents
from blobmaster.selfplay.pool import Pool
from blobmaster.selfplay.successors import max_children


class PlaysBlocks(Protocol):
    """Plays blocks of self-play: on threads (`SelfPlayEngine`), or on other machines.

    A block follows from the arguments alone, so whoever plays it returns the same bytes.
    """

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        units: int,
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """Play blocks of an iteration, and yield each with its number when it is finished.

        Args:
            iteration: part of the blocks' random streams.
            network: evaluates the positions; its current weights are used.
            search: settings of each decision's search, if the settings play by search.
            units: rounds or games of the whole iteration.
            blocks: numbers of the blocks to play.
            should_stop: called often, from any thread. Blocks that it cut short are not yielded:
                the caller plays them again later.
            on_rounds: called from any thread with the number of rounds just finished.
        """
        ...


@dataclass(frozen=True)
class EngineSettings:
    """All that an engine's blocks follow from beside the arguments of `play`, as plain data."""

    mix: RoundMix
    """The sizes of rounds or games to play."""
    settings: SelfPlaySettings
    seed: int
    """The run's random seed."""
    number_format: NumberFormat
    whole_games: bool
    """True if the units of play are games, not rounds."""
    frozen: BlobNetwork | None
    """Holds the seats of network opponents; None for the network that learns."""

    def engine(self, pool: Pool, device: torch.device) -> SelfPlayEngine:
        """Return an engine that plays on the workers of `pool`."""
        return SelfPlayEngine(
            pool,
            self.mix,
            self.settings,
            self.seed,
            device,
            self.number_format,
            whole_games=self.whole_games,
            frozen=self.frozen,
        )


class SelfPlayEngine:
    """Plays blocks: each a pure function of (weights, settings, seed, iteration, block number)."""

    def __init__(
        self,
        pool: Pool,
        mix: RoundMix,
        settings: SelfPlaySettings,
        seed: int,
        device: torch.device,
        number_format: NumberFormat = "fp32",
        make_evaluator: Callable[..., NetworkEvaluator] = NetworkEvaluator,
        *,
        whole_games: bool = False,
        frozen: BlobNetwork | None = None,
    ) -> None:
        """Args:
        pool: workers that play blocks.
        mix: the sizes of rounds or games to play.
        settings: how to play them.
        seed: the run's random seed.
        device: where networks run.
        number_format: number format of the forward passes.
        make_evaluator: makes evaluators; each serves many blocks, one after another.
        whole_games: True if the units of play are games, not rounds.
        frozen: holds the seats of network opponents; None for the network that learns.
        """
        self._whole_games = whole_games
        self._block_size = settings.games_per_block if whole_games else settings.rounds_per_block
        self._pool = pool
        self._mix = mix
        self._settings = settings
        self._seed = seed
        self._device = device
        self._number_format = number_format
        self._make_evaluator = make_evaluator
        self._frozen_network = frozen
        self._frozen = None if frozen is None else convert(frozen.to(device), number_format)
        self._parts: Parts | None = None
        self._evaluators: dict[int, list[Evaluator]] = {}

    def block_count(self, units: int) -> int:
        """Return the number of blocks of so many rounds or games; the last may be smaller."""
        return -(-units // self._block_size)

    def units_in(self, block: int, units: int) -> int:
        """Return the number of rounds or games in a block."""
        return min(self._block_size, units - block * self._block_size)

    def round_count(self, iteration: int, units: int) -> int:
        """Return the number of rounds in an iteration of so many rounds or games."""
        if not self._whole_games:
            return units
        rounds = 0
        for block in range(self.block_count(units)):
            # A fresh generator whose first draws are the sizes, as in `_deals`.
            draws = self._draws(iteration, block)
            for players, most in game_sizes(self._mix, self.units_in(block, units), draws).tolist():
                rounds += round_count(players, most)
        return rounds

    def weights(self, network: BlobNetwork) -> dict[str, torch.Tensor]:
        """Return all weights that the blocks played with `network` follow from."""
        weights = dict(network.state_dict())
        if self._frozen_network is not None:
            frozen = self._frozen_network.state_dict()
            weights |= {f"frozen.{name}": tensor for name, tensor in frozen.items()}
        return weights

    def play(
        self,
        iteration: int,
        network: BlobNetwork,
        search: SearchSettings,
        units: int,
        blocks: Iterable[int],
        *,
        should_stop: Callable[[], bool],
        on_rounds: Callable[[int], None],
    ) -> Iterator[tuple[int, Rounds]]:
        """See `PlaysBlocks`; `should_stop` and `on_rounds` are called from worker threads."""
        self._take_weights(network)
        by_lookahead = self._settings.decide_by == "lookahead"

        def play_one(block: int) -> Rounds | None:
            deals = self._deals(iteration, block, self.units_in(block, units))
            lanes = min(self._settings.lanes, deals.games)
            rows = max_children(deals, lanes) if by_lookahead else lanes * search.trees
            with self._evaluator(rows) as evaluator:
                if by_lookahead:
                    return lookahead.play_block(
                        evaluator,
                        deals,
                        self._settings,
                        should_stop=should_stop,
                        on_rounds=on_rounds,
                    )
                return play_block(
                    evaluator,
                    deals,
                    search,
                    self._settings,
                    should_stop=should_stop,
                    on_rounds=on_rounds,
                )

        for block, played in self._pool.map(play_one, blocks):
            if played is not None:
                yield block, played

    def _take_weights(self, network: BlobNetwork) -> None:
        """Convert the current weights of the network for the evaluators."""
        parts = reconvert(self._parts, network, self._number_format)
        if parts != self._parts:  # not converted in place: the evaluators hold the old ones
            self._evaluators.clear()
        self._parts = parts
        if self._device.type == "cuda":
            # Workers use CUDA streams of their own, which do not wait for the copy of the weights.
            torch.cuda.synchronize(self._device)

    @contextlib.contextmanager
    def _evaluator(self, rows: int) -> Iterator[Evaluator]:
        """Lend an evaluator with room for exactly `rows` rows.

        A larger one would do, but capacity decides the padded batch sizes, and these the last bits.
        """
        assert self._parts is not None
        evaluator: Evaluator
        # No lock: `setdefault`, `pop` and `append` are atomic. An evaluator whose block raised an
        # error is not put back, as its buffers may be half written.
        spare = self._evaluators.setdefault(rows, [])
        try:
            evaluator = spare.pop()
        except IndexError:
            evaluator = self._new_evaluator(self._parts, rows)
            if self._frozen is not None:
                frozen = self._new_evaluator(self._frozen, rows)
                evaluator = FrozenOpponents(evaluator, frozen, rows)
        yield evaluator
        spare.append(evaluator)

    def _new_evaluator(self, parts: Parts, rows: int) -> Evaluator:
        return self._make_evaluator(
            parts, rows, self._device, backend=cuda_graphs_for(self._device)
        )

    def _draws(self, iteration: int, block: int) -> np.random.Generator:
        # A stream per block: blocks may be played in any order, by any number of workers, and once
        # more after an interruption, and are the same.
        return generator(self._seed, "self-play", iteration, block)

    def _deals(self, iteration: int, block: int, units: int) -> Deals:
        draws = self._draws(iteration, block)
        make = deal_games if self._whole_games else deal
        return assign_players(make(self._mix, units, draws), self._settings, draws)

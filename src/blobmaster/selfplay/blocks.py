"""The blocks of self-play: their sizes, their deals, and the job that plays those of an iteration.

A block is a pure function of (weights, settings, seed, iteration, block number).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from blobmaster.config.rounds import RoundMix
from blobmaster.config.search import SearchSettings
from blobmaster.config.self_play import SelfPlaySettings
from blobmaster.game.records import Rounds
from blobmaster.game.schedule import round_count
from blobmaster.kernels.rng import generator
from blobmaster.selfplay import by_lookahead as lookahead
from blobmaster.selfplay.by_search import play_block
from blobmaster.selfplay.deals import Deals, assign_players, deal, deal_games, game_sizes
from blobmaster.selfplay.lent_evaluators import LentEvaluators
from blobmaster.selfplay.successors import max_children


@dataclass(frozen=True)
class BlockPlan:
    """Cuts the units of an iteration, rounds or games, into blocks, and deals these."""

    mix: RoundMix
    """The sizes of rounds or games."""
    settings: SelfPlaySettings
    seed: int
    """The run's random seed."""
    whole_games: bool
    """True if the units are games."""

    @property
    def block_size(self) -> int:
        """Units of a whole block."""
        settings = self.settings
        return settings.games_per_block if self.whole_games else settings.rounds_per_block

    def block_count(self, units: int) -> int:
        """Return the number of blocks of so many units; the last may be smaller."""
        return -(-units // self.block_size)

    def units_in(self, block: int, units: int) -> int:
        """Return the number of units in a block."""
        return min(self.block_size, units - block * self.block_size)

    def round_count(self, iteration: int, units: int) -> int:
        """Return the number of rounds in an iteration of so many units."""
        if not self.whole_games:
            return units
        rounds = 0
        for block in range(self.block_count(units)):
            # A fresh generator whose first draws are the sizes, as in `deals`.
            draws = self._draws(iteration, block)
            for players, most in game_sizes(self.mix, self.units_in(block, units), draws).tolist():
                rounds += round_count(players, most)
        return rounds

    def deals(self, iteration: int, block: int, units: int) -> Deals:
        """Deal a block of an iteration of so many units."""
        draws = self._draws(iteration, block)
        make = deal_games if self.whole_games else deal
        dealt = make(self.mix, self.units_in(block, units), draws)
        return assign_players(dealt, self.settings, draws)

    def _draws(self, iteration: int, block: int) -> np.random.Generator:
        # A stream per block: blocks may be played in any order, by any number of workers, and once
        # more after an interruption, and are the same.
        return generator(self.seed, "self-play", iteration, block)


@dataclass(frozen=True)
class SelfPlayJob:
    """Plays the blocks of an iteration: a `Job`."""

    plan: BlockPlan
    evaluators: LentEvaluators
    iteration: int
    search: SearchSettings
    """The search of each decision, if the settings play by search."""
    units: int
    """Rounds or games of the whole iteration."""

    def play(
        self, block: int, *, should_stop: Callable[[], bool], on_units: Callable[[int], None]
    ) -> Rounds | None:
        """See `Job`."""
        deals = self.plan.deals(self.iteration, block, self.units)
        settings = self.plan.settings
        lanes = min(settings.lanes, deals.games)
        if settings.decide_by == "lookahead":
            with self.evaluators.lend(max_children(deals, lanes)) as evaluator:
                return lookahead.play_block(
                    evaluator, deals, settings, should_stop=should_stop, on_rounds=on_units
                )
        with self.evaluators.lend(lanes * self.search.trees) as evaluator:
            return play_block(
                evaluator,
                deals,
                self.search,
                settings,
                should_stop=should_stop,
                on_rounds=on_units,
            )
